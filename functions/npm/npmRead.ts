import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { auditInProject } from './audit.ts'
import { AUDITS, BULK, choose, SEARCH } from './choose.ts'
import { listDistTags } from './distTags.ts'
import { getPackument, getTarballOrPackument } from './packages.ts'
import { refuseOthers } from './refuseOthers.ts'
import { searchProject } from './search.ts'
import { ping, whoami } from './session.ts'

/** What npm reads: packuments, tarballs, tags, and what it is told about all else that it asks a registry. Base: `/projects/:id/packages/npm`. */
export const npmRead = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'GET /projects/{id}/packages/npm/{package_name}': getPackument(db, store),
    'GET /projects/{id}/packages/npm/{package_name}/{rest+}': getTarballOrPackument(db, store),
    'GET /projects/{id}/packages/npm/-/package/{package_name}/dist-tags': listDistTags(db),
    'GET /projects/{id}/packages/npm/-/package/{package_name}/{rest+}': listDistTags(db),
    'GET /projects/{id}/packages/npm/-/ping': ping(db),
    'GET /projects/{id}/packages/npm/-/whoami': whoami(db),
    'GET /projects/{id}/packages/npm/-/{rest+}': choose([[SEARCH, searchProject(db)]], refuseOthers(db)),
    'PUT /projects/{id}/packages/npm/-/{rest+}': refuseOthers(db),
    'DELETE /projects/{id}/packages/npm/-/{rest+}': refuseOthers(db),
    'POST /projects/{id}/packages/npm/-/{rest+}': choose(
      [
        [BULK, auditInProject(db, 'bulk')],
        [AUDITS, auditInProject(db, 'audits')],
      ],
      refuseOthers(db),
    ),
    'POST /projects/{id}/packages/npm/-/package/{package_name}/{rest+}': refuseOthers(db),
  })

export const handler = npmRead(database, objectStore)
