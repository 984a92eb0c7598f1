import { writerIn } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { noContent } from '../../lib/http/answers.ts'
import { unmodifiedSince } from '../../lib/http/params.ts'
import { findPackage, loadPackage } from '../../lib/middleware/loadPackage.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { fileIds } from './fileIds.ts'

/**
 * `DELETE /projects/:id/packages/:package_id/package_files/:package_file_id`: removes one file. The package stays, also
 * without files.
 *
 * 204; 400 for an id that is no integer; 401 for a bad token; 403 below Maintainer and for a package that a rule protects; 404 for what is not there or not to
 * be seen; 412 when the file is younger than `If-Unmodified-Since`.
 */
export const deletePackageFile = (db: () => Database) =>
  endpoint('deletePackageFile', db)
    .use(
      loadProject(db, 'destroy_package', {
        ahead: async (event) => ({ ...fileIds(event), ...(await findPackage(db(), event)) }),
      }),
    )
    .use(loadPackage())
    .handler(async (event, { ahead: { packageId, fileId }, project, caller }) => {
      const writer = writerIn(caller, project)
      await db().files.delete(writer, packageId, fileId, new Date().toISOString(), unmodifiedSince(event))

      return noContent()
    })
