import { notFound, PackagesError } from '../../lib/domain/errors.ts'
import type { Project } from '../../lib/domain/project.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { hashesOf, sha512Of } from '../../lib/files/hashes.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { noContent, text } from '../../lib/http/answers.ts'
import { pathParams, readBody } from '../../lib/http/params.ts'
import { type MavenPath, parseMavenPath, parseSidecar, sidecarOf } from '../../lib/maven/paths.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { addFile } from './addFile.ts'
import { settleOnTheWay } from './settleMetadata.ts'

/**
 * `PUT …/maven/*path/:file_name`: adds a file to a version, which it makes when it is the first; metadata of an artifact
 * as a whole joins its versionless package. The hash of a file, which clients send after it, is compared and not stored.
 *
 * 200; 204 for a hash but MD5; 400 for a path, for a duplicate where the group refuses those, and when the package is
 * full; 401 anonymous; 403 below Developer and for a package that a rule protects; 404, also for a hash without its file; 409 for a hash that differs; 413 above the limit of a body.
 */
export const uploadFile = (db: () => Database, store: () => ObjectStore) =>
  endpoint('uploadMavenFile', db, { deployTokens: true, asksForBasic: true })
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, context) => {
      const { project, caller } = context
      const path = parseMavenPath(pathParams(event).path ?? '')
      const bytes = readBody(event)
      if (sidecarOf(path.fileName).hash) return compareHash(db(), project, path, bytes)

      const { name, version } = path
      const artifact = { projectId: project.id, type: 'maven', name } as const
      const writer = writerIn(caller, project)
      // Spares the upload of what a rule protects; whether it lands is decided by the write below.
      const [id] = await Promise.all([db().packages.nextFileId(), db().packages.assertMayPublish(writer, artifact)])
      const stored = { id, size: bytes.length, ...hashesOf(bytes), sha512: sha512Of(bytes) }
      await store().put({ projectId: project.id, fileId: id }, bytes, () => addFile(db(), path, stored, { writer }))
      if (version === null) await settleOnTheWay(context, db(), store(), artifact)

      return text(200, '')
    })

/**
 * Two builds of one snapshot that are deployed at once send files of the same name, and each the hash of its own: any
 * file of that name may be meant. A hash that was not computed of any, as it needs all bytes, cannot be compared.
 */
const compareHash = async (db: Database, { id }: Project, path: MavenPath, body: Buffer) => {
  const { fileName, hash = 'sha1' } = sidecarOf(path.fileName)
  const found = await db.files.findByName({ ...path, projectId: id, type: 'maven' }, fileName)
  if (!found) throw notFound('maven_file')

  const expected = parseSidecar(body)
  if (found.file[hash] !== expected) {
    const hashes = (await db.files.listNamed(found.package.id, fileName)).map((file) => file[hash])
    if (hashes.every((known) => known === undefined)) throw notFound('maven_file')
    if (!hashes.includes(expected)) throw new PackagesError({ code: 'hash_differs', hash, fileName })
  }
  return hash === 'md5' ? text(200, '') : noContent()
}
