import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { listDistTags } from './distTags.ts'
import { getPackument, getTarballOrPackument } from './packages.ts'
import { ping, whoami } from './session.ts'

/** What npm reads: packuments, tarballs, tags. Base: `/projects/:id/packages/npm`. */
export const npmRead = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'GET /projects/{id}/packages/npm/{package_name}': getPackument(db),
    'GET /projects/{id}/packages/npm/{package_name}/{rest+}': getTarballOrPackument(db, store),
    'GET /projects/{id}/packages/npm/-/package/{package_name}/dist-tags': listDistTags(db),
    'GET /projects/{id}/packages/npm/-/package/{package_name}/{rest+}': listDistTags(db),
    'GET /projects/{id}/packages/npm/-/ping': ping(db),
    'GET /projects/{id}/packages/npm/-/whoami': whoami(db),
  })

export const handler = npmRead(database, objectStore)
