import { isDeployToken } from '../../lib/domain/token.ts'
import { json } from '../../lib/http/answers.ts'
import { identify } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'

/** `GET …/npm/-/ping`: the registry is there for the caller. 200 with an empty object; 401; 404. */
export const ping = (db: () => Database) =>
  npmEndpoint('npmPing', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async () => json(200, {}))

/** The same of a group. 200; 401; 404. */
export const pingGroup = (db: () => Database) =>
  npmEndpoint('npmPingOfGroup', db)
    .use(loadGroup(db, 'read_group', { asksForLogin: true }))
    .handler(async () => json(200, {}))

/** The same of the instance, for everybody. 200; 401 for a bad token. */
export const pingInstance = (db: () => Database) =>
  npmEndpoint('npmPingOfInstance', db)
    .use(identify(db))
    .handler(async () => json(200, {}))

/** `GET …/npm/-/whoami`: the name of the caller, or that of the deploy token. 200; 401 for an anonymous one. */
export const whoami = (db: () => Database) =>
  npmEndpoint('npmWhoami', db)
    .use(requireLogin())
    .use(identify(db))
    .handler(async (_event, { authentication, caller }) => {
      const token = await authentication
      const username = token && isDeployToken(token) ? token.username : caller.user?.username
      return json(200, { username })
    })
