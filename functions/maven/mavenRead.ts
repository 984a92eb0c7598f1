import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { downloadFromAnywhere, downloadFromGroup, downloadFromProject } from './download.ts'

/** What Maven downloads: from a project, from any project of a group, from the project that is named like the package. */
export const mavenRead = (db: () => Database, store: () => ObjectStore) => {
  const [project, group, anywhere] = [
    downloadFromProject(db, store),
    downloadFromGroup(db, store),
    downloadFromAnywhere(db, store),
  ]
  return routeTable({
    'GET /projects/{id}/packages/maven/{path+}': project,
    'HEAD /projects/{id}/packages/maven/{path+}': project,
    'GET /groups/{id}/-/packages/maven/{path+}': group,
    'HEAD /groups/{id}/-/packages/maven/{path+}': group,
    'GET /packages/maven/{path+}': anywhere,
    'HEAD /packages/maven/{path+}': anywhere,
  })
}

export const handler = mavenRead(database, objectStore)
