import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { type Endpoint, routeTable } from '../../lib/routes.ts'
import { deprecatePackage, isDeprecation } from './deprecate.ts'
import { deleteDistTag, putDistTag } from './distTags.ts'
import { publishPackage } from './publish.ts'
import { removePackage, removeVersions } from './unpublish.ts'

/** npm publishes and deprecates at one route. */
const putPackage =
  (deprecate: Endpoint, publish: Endpoint): Endpoint =>
  (event, context, options) =>
    (isDeprecation(event) ? deprecate : publish)(event, context, options)

/** What npm writes: versions and tags. Base: `/projects/:id/packages/npm`. */
export const npmWrite = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'PUT /projects/{id}/packages/npm/{package_name}': putPackage(deprecatePackage(db), publishPackage(db, store)),
    'PUT /projects/{id}/packages/npm/{package_name}/{rest+}': removeVersions(db),
    'DELETE /projects/{id}/packages/npm/{package_name}/{rest+}': removePackage(db),
    'PUT /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': putDistTag(db),
    'DELETE /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': deleteDistTag(db),
  })

export const handler = npmWrite(database, objectStore)
