import { database } from '../lib/deps.ts'
import { endpoint } from '../lib/endpoint.ts'
import { parseId } from '../lib/http/ids.ts'
import { pathParams } from '../lib/http/params.ts'
import { presentPackageFile } from '../lib/http/present.ts'
import { parseFilesQuery } from '../lib/http/query.ts'
import { findPackage, loadPackage } from '../lib/middleware/loadPackage.ts'
import { loadProject } from '../lib/middleware/loadProject.ts'
import { paginate } from '../lib/middleware/paginate.ts'
import type { Database } from '../lib/repository/database.ts'

/**
 * `GET /projects/:id/packages/:package_id/package_files`: the files of a package, ordered and paged.
 *
 * 200; 400 for a parameter; 401 for a bad token; 403 for a Guest of a private project; 404 for what is not there or not
 * to be seen, and for a package that is hidden, in processing or deleted.
 */
export const listFiles = (db: () => Database) =>
  endpoint('listFiles', db, { deployTokens: true })
    .use(paginate({ order_by: 'id', sort: 'asc' }))
    .use(
      loadProject(db, 'read_package', {
        ahead: async (event) => {
          const query = parseFilesQuery(event)
          const id = parseId('package_id', pathParams(event).package_id)
          const [{ found }, files] = await Promise.all([findPackage(db(), event), db().files.list(id, query)])
          return { found, files }
        },
      }),
    )
    .use(loadPackage())
    .handler(async (_event, { ahead: { files }, package: { fileCount } }) => ({
      ...files,
      total: fileCount,
      rows: files.rows.map(presentPackageFile),
    }))

export const handler = listFiles(database)
