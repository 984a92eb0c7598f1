import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { describeFile, downloadFile } from './download.ts'

/** Downloads of generic packages. Base: `/projects/:id/packages/generic`. */
export const genericRead = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'GET /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': downloadFile(db, store),
    'HEAD /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': describeFile(db),
  })

export const handler = genericRead(database, objectStore)
