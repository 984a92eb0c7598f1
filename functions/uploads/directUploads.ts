import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { confirmUpload } from './confirmUpload.ts'
import { requestUpload } from './requestUpload.ts'

/** Files that go straight to the object store. Base: `/projects/:id/packages/direct_uploads`. */
export const directUploads = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'POST /projects/{id}/packages/direct_uploads': requestUpload(db, store),
    'POST /projects/{id}/packages/direct_uploads/{upload_id}/confirm': confirmUpload(db, store),
  })

export const handler = directUploads(database, objectStore)
