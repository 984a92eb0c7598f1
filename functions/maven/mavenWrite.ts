import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { uploadFile } from './upload.ts'

/** What Maven uploads, to a project only. */
export const mavenWrite = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'PUT /projects/{id}/packages/maven/{path+}': uploadFile(db, store),
  })

export const handler = mavenWrite(database, objectStore)
