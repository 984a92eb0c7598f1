import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { uploadFile } from './upload.ts'

/** Uploads of generic packages. Base: `/projects/:id/packages/generic`. */
export const genericWrite = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'PUT /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': uploadFile(db, store),
  })

export const handler = genericWrite(database, objectStore)
