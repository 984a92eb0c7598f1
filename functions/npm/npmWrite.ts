import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { deleteDistTag, putDistTag } from './distTags.ts'
import { publishPackage } from './publish.ts'

/** What npm writes: versions and tags. Base: `/projects/:id/packages/npm`. */
export const npmWrite = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'PUT /projects/{id}/packages/npm/{package_name}': publishPackage(db, store),
    'PUT /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': putDistTag(db),
    'DELETE /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': deleteDistTag(db),
  })

export const handler = npmWrite(database, objectStore)
