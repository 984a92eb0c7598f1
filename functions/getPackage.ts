import { database } from '../lib/deps.ts'
import { isDisplayable } from '../lib/domain/package.ts'
import { canInProject } from '../lib/domain/permissions.ts'
import { endpoint } from '../lib/endpoint.ts'
import { json } from '../lib/http/answers.ts'
import { externalUrl } from '../lib/http/links.ts'
import { presentPackage, presentPackageVersion } from '../lib/http/present.ts'
import { findPackage, loadPackage } from '../lib/middleware/loadPackage.ts'
import { loadProject } from '../lib/middleware/loadProject.ts'
import type { Database } from '../lib/repository/database.ts'

/**
 * `GET /projects/:id/packages/:package_id`: one package, with the other versions of its name.
 *
 * 200; 400 for an id that is no integer; 401 for a bad token; 403 for a Guest of a private project; 404 for what is
 * not there or not to be seen, and for a package that is hidden, in processing, deleted or in error.
 */
export const getPackage = (db: () => Database) =>
  endpoint('getPackage', db, { deployTokens: true })
    .use(loadProject(db, 'read_package', { ahead: (event) => findPackage(db(), event) }))
    .use(loadPackage({ opens: true }))
    .handler(async (event, { package: found, project, caller }) => {
      const mayDelete = canInProject(caller, 'destroy_package', project)
      const versions = await db().packages.listVersions(found)

      return json(200, {
        ...presentPackage(found, project, { url: externalUrl(event) }, mayDelete),
        versions: versions
          .filter(({ id, status }) => id !== found.id && isDisplayable(status))
          .map(presentPackageVersion),
      })
    })

export const handler = getPackage(database)
