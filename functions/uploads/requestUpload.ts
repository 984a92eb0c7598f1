import { DIRECT_UPLOAD_LIMIT_BYTES, directTypes, limitTo } from '../../lib/domain/directUpload.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import { apiUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, type Reader } from '../../lib/http/params.ts'
import { presentDirectUpload } from '../../lib/http/present.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { formats, readOptions } from './formats.ts'

const readWanted = (read: Reader) => {
  const size = read.required('size', read.integer('size')) ?? 0
  const sha256 = (read.required('sha256', read.text('sha256')) ?? '').toLowerCase()
  if (size < 0) read.refuse('size does not have a valid value')
  if (sha256 !== '' && !/^[0-9a-f]{64}$/.test(sha256)) read.refuse('sha256 is invalid: it has 64 hexadecimal digits')
  return {
    type: read.required('package_type', read.oneOf('package_type', directTypes)),
    path: read.required('path', read.text('path')),
    options: readOptions(read),
    size,
    sha256,
  }
}

/**
 * `POST /projects/:id/packages/direct_uploads`: says which file is to come, and is told where to send it: past this
 * service, straight to the object store, which takes what is larger than a body may be. `path` is what follows
 * `packages/<package_type>/` in the format's own route.
 *
 * 201; 400 for a parameter, and for a path that the format's own route refuses; 401 anonymous; 403 below Developer and
 * for a package that a rule protects; 404; 413 above the limit of direct uploads.
 */
export const requestUpload = (db: () => Database, store: () => ObjectStore) =>
  endpoint('requestDirectUpload', db, { deployTokens: true })
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const wanted = parseParams(await allParams(event), readWanted)
      limitTo(DIRECT_UPLOAD_LIMIT_BYTES, 'a direct upload', wanted.size)
      const { type } = wanted
      const name = formats[type].nameOf(wanted)
      // Spares the upload of what a rule protects; whether it lands is decided when it is confirmed.
      const [fileId] = await Promise.all([
        db().packages.nextFileId(),
        db().packages.assertMayPublish(writerIn(caller, project), { type, name }),
      ])
      const createdAt = new Date().toISOString()
      const upload = await db().directUploads.create({ ...wanted, projectId: project.id, fileId, createdAt })
      const signed = await store().presignPut({ projectId: project.id, fileId }, upload)
      const confirm = apiUrl(event, `/projects/${project.id}/packages/direct_uploads/${upload.id}/confirm`)
      return json(201, presentDirectUpload(upload, signed, confirm))
    })
