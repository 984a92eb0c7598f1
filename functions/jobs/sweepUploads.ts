import type { Context, ScheduledEvent } from 'aws-lambda'
import { database, objectStore } from '../../lib/deps.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'

/** What is left of the function's time when it stops. */
const RESERVE_MS = 10_000

/**
 * Every hour: removes direct uploads that nobody confirmed in time, with what was sent. It may stop anywhere, run twice
 * and meet an object that is gone or was never sent.
 */
export const sweepUploads =
  (db: () => Database, store: () => ObjectStore, now: () => string = () => new Date().toISOString()) =>
  async (_event: ScheduledEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> => {
    for (const upload of await db().directUploads.listDue(now())) {
      if (context.getRemainingTimeInMillis() < RESERVE_MS) return
      if (await db().directUploads.expire(upload)) await store().remove(upload)
      await db().directUploads.forget(upload)
    }
  }

export const handler = sweepUploads(database, objectStore)
