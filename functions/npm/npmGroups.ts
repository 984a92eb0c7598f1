import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { auditInGroup, auditInInstance } from './audit.ts'
import { AUDITS, BULK, choose, DIST_TAGS, PING, WHOAMI } from './choose.ts'
import { getGroupPackument, getInstancePackument, listGroupDistTags, listInstanceDistTags } from './groupPackages.ts'
import { refuseOthers } from './refuseOthers.ts'
import { pingGroup, pingInstance, whoami } from './session.ts'

/** What npm reads from many projects at once. Bases: `/groups/:id/-/packages/npm` and `/packages/npm`. */
export const npmGroups = (db: () => Database, store: () => ObjectStore) =>
  routeTable({
    'GET /groups/{id}/-/packages/npm/{package_name}': getGroupPackument(db, store),
    'GET /groups/{id}/-/packages/npm/{package_name}/{rest+}': getGroupPackument(db, store),
    'GET /groups/{id}/-/packages/npm/-/{rest+}': choose(
      [
        [DIST_TAGS, listGroupDistTags(db)],
        [PING, pingGroup(db)],
        [WHOAMI, whoami(db)],
      ],
      refuseOthers(db),
    ),
    'POST /groups/{id}/-/packages/npm/-/{rest+}': choose(
      [
        [BULK, auditInGroup(db, 'bulk')],
        [AUDITS, auditInGroup(db, 'audits')],
      ],
      refuseOthers(db),
    ),
    'GET /packages/npm/{package_name}': getInstancePackument(db, store),
    'GET /packages/npm/{package_name}/{rest+}': getInstancePackument(db, store),
    'GET /packages/npm/-/{rest+}': choose(
      [
        [DIST_TAGS, listInstanceDistTags(db)],
        [PING, pingInstance(db)],
        [WHOAMI, whoami(db)],
      ],
      refuseOthers(db),
    ),
    'POST /packages/npm/-/{rest+}': choose(
      [
        [BULK, auditInInstance(db, 'bulk')],
        [AUDITS, auditInInstance(db, 'audits')],
      ],
      refuseOthers(db),
    ),
  })

export const handler = npmGroups(database, objectStore)
