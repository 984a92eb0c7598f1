import { directoriesOf } from '../../lib/domain/package.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { hashesOf } from '../../lib/files/hashes.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { parseGenericPath } from '../../lib/generic/names.ts'
import { json } from '../../lib/http/answers.ts'
import { apiUrl } from '../../lib/http/links.ts'
import { parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentPackageFileRecord } from '../../lib/http/present.ts'
import { readUpload } from '../../lib/http/upload.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { addFile } from './addFile.ts'

const readOptions = (read: Reader) => ({
  status: read.oneOf('status', ['default', 'hidden']),
  select: read.oneOf('select', ['package_file']),
})

/**
 * `PUT …/generic/:package_name/:package_version/:file_name`: adds a file to a version, which it makes when it is the
 * first. The body is the file, or a multipart form with the field `file`.
 *
 * 201; 200 with the record for `select=package_file`; 400 for a name or a parameter, for a
 * duplicate where the group refuses those, and when the package is full; 401 anonymous; 403 below Developer and for a
 * package that a rule protects; 404; 413 above the limit of a body.
 */
export const uploadFile = (db: () => Database, store: () => ObjectStore) =>
  endpoint('uploadGenericFile', db, { deployTokens: true, asksForBasic: true })
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const path = parseGenericPath(pathParams(event))
      const { bytes, params } = await readUpload(event)
      const { status, select } = parseParams(params, readOptions)

      const writer = writerIn(caller, project)
      // Spares the upload of what a rule protects; whether it lands is decided by the write below.
      const [id] = await Promise.all([
        db().packages.nextFileId(),
        db().packages.assertMayPublish(writer, { type: 'generic', name: path.name }),
      ])
      const file = await store().put({ projectId: project.id, fileId: id }, bytes, () =>
        addFile(db(), path, { id, size: bytes.length, ...hashesOf(bytes) }, { writer, status }),
      )

      if (select === undefined) return json(201, { message: '201 Created' })
      const place = [path.name, path.version, ...directoriesOf(path.fileName)].map(encodeURIComponent).join('/')
      return json(
        200,
        presentPackageFileRecord(file, apiUrl(event, `/projects/${project.id}/packages/generic/${place}`)),
      )
    })
