import { database } from '../lib/deps.ts'
import { canInProject } from '../lib/domain/permissions.ts'
import { endpoint } from '../lib/endpoint.ts'
import { externalUrl } from '../lib/http/links.ts'
import { presentPackage } from '../lib/http/present.ts'
import { parseProjectPackagesQuery } from '../lib/http/query.ts'
import { loadProject } from '../lib/middleware/loadProject.ts'
import { paginate } from '../lib/middleware/paginate.ts'
import type { Database } from '../lib/repository/database.ts'

/**
 * `GET /projects/:id/packages`: the packages of a project, filtered, ordered and paged.
 *
 * 200 with the page; 400 for a parameter; 401 for a bad token; 403 for a Guest of a private project; 404 for a project
 * that is not there or not to be seen.
 */
export const listProjectPackages = (db: () => Database) =>
  endpoint('listProjectPackages', db, { deployTokens: true })
    .use(paginate({ order_by: 'created_at', sort: 'asc' }))
    .use(
      loadProject(db, 'read_package', {
        ahead: async (event, { id }) =>
          db().listings.listPackages([{ kind: 'project', id }], parseProjectPackagesQuery(event)),
      }),
    )
    .handler(async (event, { ahead: packages, project, caller }) => {
      const mayDelete = canInProject(caller, 'destroy_package', project)
      const site = { url: externalUrl(event) }

      return { ...packages, rows: packages.rows.map((entry) => presentPackage(entry, project, site, mayDelete)) }
    })

export const handler = listProjectPackages(database)
