import { notFound } from '../../lib/domain/errors.ts'
import { answerDownload } from '../../lib/download.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { findPackage, loadPackage } from '../../lib/middleware/loadPackage.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { fileIds } from './fileIds.ts'

/**
 * `GET /projects/:id/packages/:package_id/package_files/:package_file_id/download`: one file, by a redirect to the
 * object store.
 *
 * 302; 400 for an id that is no integer; 401 for a bad token; 403 for a Guest of a private project; 404 for what is not
 * there or not to be seen, and for a package that is hidden, in processing or deleted.
 */
export const downloadPackageFile = (db: () => Database, store: () => ObjectStore) =>
  endpoint('downloadPackageFile', db, { deployTokens: true })
    .use(
      loadProject(db, 'read_package', {
        ahead: async (event) => {
          const { packageId, fileId } = fileIds(event)
          const [{ found }, file] = await Promise.all([findPackage(db(), event), db().files.find(packageId, fileId)])
          return { found, file }
        },
      }),
    )
    .use(loadPackage())
    .handler(async (_event, context) => {
      const { ahead, project } = context
      if (!ahead.file) throw notFound('package_file')

      return answerDownload(context, db(), store(), project, ahead.file)
    })
