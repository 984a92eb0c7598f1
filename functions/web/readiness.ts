import { database, objectStore } from '../../lib/deps.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import type { Database } from '../../lib/repository/database.ts'

/** `GET /-/readiness`: 200 once database and object store answer, 503 with what does not until then. */
export const readiness = (db: () => Database, store: () => ObjectStore) =>
  endpoint('readiness', db).handler(async () => {
    const [table, bucket] = await Promise.allSettled([db().ping(), store().ping()])
    const checks = { database_check: [{ status: word(table) }], object_store_check: [{ status: word(bucket) }] }
    const isReady = table.status === 'fulfilled' && bucket.status === 'fulfilled'

    return json(isReady ? 200 : 503, { status: isReady ? 'ok' : 'failed', ...checks })
  })

const word = ({ status }: PromiseSettledResult<unknown>) => (status === 'fulfilled' ? 'ok' : 'failed')

export const handler = readiness(database, objectStore)
