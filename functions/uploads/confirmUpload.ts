import type { Digest, DirectUpload } from '../../lib/domain/directUpload.ts'
import { notFound, validationFailed } from '../../lib/domain/errors.ts'
import type { Project } from '../../lib/domain/project.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import { pathParams } from '../../lib/http/params.ts'
import { presentPackageFile } from '../../lib/http/present.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { formats } from './formats.ts'

/**
 * `POST /projects/:id/packages/direct_uploads/:upload_id/confirm`: makes a file that was sent part of its package, as the
 * format's own route would have. What was sent is read and compared first. Asked for again it answers the same.
 *
 * 201 with the file; 400 when nothing was sent, or something else than was said; 401 anonymous; 403 below Developer, and
 * where the format's own route refuses; 404 for an upload that is not there, or no more.
 */
export const confirmUpload = (db: () => Database, store: () => ObjectStore) =>
  endpoint('confirmDirectUpload', db, { deployTokens: true })
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, context) => {
      const { project, caller } = context
      const find = () => findUpload(db(), project, pathParams(event).upload_id ?? '')
      const upload = await find()
      if (upload.state === 'waiting') {
        const digest = await readSent(store(), upload)
        await formats[upload.type]
          .add({ context, db: db(), store: store(), writer: writerIn(caller, project) }, upload, digest)
          .catch(async (error: unknown) => {
            // Somebody else confirmed it meanwhile, and both hear the same.
            if ((await find()).state !== 'confirmed') throw error
          })
      }
      const { packageId, fileId } = await find()
      const file = await db().files.find(packageId ?? 0, fileId)
      if (!file) throw notFound('package_file')
      return json(201, presentPackageFile(file))
    })

const findUpload = async (db: Database, project: Project, id: string): Promise<DirectUpload> => {
  const upload = await db.directUploads.find(id)
  if (upload?.projectId !== project.id || upload.state === 'expired') throw notFound('direct_upload')
  return upload
}

const refuse = (why: string) => validationFailed(`400 Bad request - ${why}`)

/** Something else than was said goes again, so that the right thing may be sent. @throws `validation_failed` */
const readSent = async (store: ObjectStore, { projectId, fileId, size, sha256 }: DirectUpload): Promise<Digest> => {
  const digest = await store.digest({ projectId, fileId })
  if (!digest) throw refuse('no file has been sent to the URL of this upload')
  if (digest.size === size && digest.sha256 === sha256) return digest

  await store.remove({ projectId, fileId })
  if (digest.size !== size) throw refuse(`the file that was sent has ${digest.size} bytes, and not ${size}`)
  throw refuse(`the file that was sent has the SHA-256 ${digest.sha256}, and not ${sha256}`)
}
