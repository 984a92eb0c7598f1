import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { requireUser } from '../../lib/middleware/identify.ts'
import type { Database } from '../../lib/repository/database.ts'

/** The GitLab whose API this is: clients switch features by it. */
const VERSION = { version: '18.6.0', revision: 'packages-api', enterprise: false }

/**
 * `GET /version`: which GitLab's API is spoken here.
 *
 * 200; 401 for anonymous callers and a bad token.
 */
export const getVersion = (db: () => Database) =>
  endpoint('getVersion', db)
    .use(requireUser(db))
    .handler(async () => json(200, VERSION))
