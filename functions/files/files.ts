import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { deletePackageFile } from './deletePackageFile.ts'
import { listPipelines } from './listPipelines.ts'

/** What is below a package and needs the database alone. */
export const files = (db: () => Database) =>
  routeTable({
    'DELETE /projects/{id}/packages/{package_id}/package_files/{package_file_id}': deletePackageFile(db),
    'GET /projects/{id}/packages/{package_id}/pipelines': listPipelines(db),
  })

export const handler = files(database)
