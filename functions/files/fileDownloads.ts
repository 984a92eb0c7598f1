import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { downloadPackageFile } from './downloadPackageFile.ts'

/** Downloads of files by their id, which need the object store too. */
export const fileDownloads = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'GET /projects/{id}/packages/{package_id}/package_files/{package_file_id}/download': downloadPackageFile(db, store),
  })

export const handler = fileDownloads(database, objectStore)
