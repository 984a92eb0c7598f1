import { database } from '../lib/deps.ts'
import { canInProject } from '../lib/domain/permissions.ts'
import { endpoint } from '../lib/endpoint.ts'
import { externalUrl } from '../lib/http/links.ts'
import { presentGroupPackage } from '../lib/http/present.ts'
import { parseGroupPackagesQuery } from '../lib/http/query.ts'
import { loadGroup } from '../lib/middleware/loadGroup.ts'
import { paginate } from '../lib/middleware/paginate.ts'
import type { Database } from '../lib/repository/database.ts'

/**
 * `GET /groups/:id/packages`: the packages of a group's projects that the caller may read, filtered, ordered and paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 404 for a group that is not there
 * or not to be seen.
 */
export const listGroupPackages = (db: () => Database) =>
  endpoint('listGroupPackages', db, { deployTokens: true })
    .use(paginate({ exclude_subgroups: 'false', order_by: 'created_at', sort: 'asc' }))
    .use(
      loadGroup(db, 'read_group', {
        begin: (event, groupId, isAnonymous) =>
          db().groupListings.begin(groupId, parseGroupPackagesQuery(event), isAnonymous),
        ahead: (_event, group, { caller, revision, begun }) => begun.read(group, caller, revision),
      }),
    )
    .handler(async (event, { ahead: packages, caller }) => {
      const site = { url: externalUrl(event) }
      const rows = packages.rows.map(({ entry, project }) =>
        presentGroupPackage(entry, project, site, canInProject(caller, 'destroy_package', project)),
      )
      return { ...packages, rows }
    })

export const handler = listGroupPackages(database)
