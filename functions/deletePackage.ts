import { database } from '../lib/deps.ts'
import { writerIn } from '../lib/domain/protection.ts'
import { endpoint } from '../lib/endpoint.ts'
import { noContent } from '../lib/http/answers.ts'
import { unmodifiedSince } from '../lib/http/params.ts'
import { findPackage, loadPackage } from '../lib/middleware/loadPackage.ts'
import { loadProject } from '../lib/middleware/loadProject.ts'
import type { Database } from '../lib/repository/database.ts'

/**
 * `DELETE /projects/:id/packages/:package_id`: marks a package for removal. Its name and version are free at once.
 *
 * 204; 401 for a bad token; 403 below Maintainer and for a package that a rule protects; 404 for what is not there or not to be seen, and for a package that
 * is hidden, in processing or deleted already; 412 when it changed after `If-Unmodified-Since`.
 */
export const deletePackage = (db: () => Database) =>
  endpoint('deletePackage', db)
    .use(loadProject(db, 'destroy_package', { ahead: (event) => findPackage(db(), event) }))
    .use(loadPackage())
    .handler(async (event, { package: found, project, caller }) => {
      const now = new Date().toISOString()
      await db().packages.delete(writerIn(caller, project), found.id, now, unmodifiedSince(event), found)

      return noContent()
    })

export const handler = deletePackage(database)
