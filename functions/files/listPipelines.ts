import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { parsePipelinesQuery } from '../../lib/http/query.ts'
import { findPackage, loadPackage } from '../../lib/middleware/loadPackage.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'

/**
 * `GET /projects/:id/packages/:package_id/pipelines`: what built a package. Nothing here builds, so it is an empty page;
 * one by cursor, without totals and without `Link`.
 *
 * 200; 400 for a parameter; 401 for a bad token; 403 for a Guest of a private project; 404 as for the package itself.
 */
export const listPipelines = (db: () => Database) =>
  endpoint('listPipelines', db)
    .use(
      loadProject(db, 'read_package', {
        ahead: async (event) => {
          parsePipelinesQuery(event)
          return findPackage(db(), event)
        },
      }),
    )
    .use(loadPackage({ opens: true, unopened: 'pipelines' }))
    .handler(async () => json(200, []))
