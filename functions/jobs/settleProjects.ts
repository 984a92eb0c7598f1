import type { Context, ScheduledEvent } from 'aws-lambda'
import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'

/** What is left of the function's time when it stops: enough to note down how far it has come. */
const RESERVE_MS = 10_000
/** The most that one move gets of it. */
const SHARE_MS = 20_000

/**
 * Every minute: brings the rows of projects and groups that changed their visibility or place to where they belong.
 * Lists are right without it; it makes them cheap again. It may stop anywhere, run twice and run beside itself.
 */
export const settleProjects =
  (db: () => Database) =>
  async (_event: ScheduledEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> => {
    const isOver = () => context.getRemainingTimeInMillis() < RESERVE_MS
    const kinds = [
      { kind: 'project', transit: db().transit },
      { kind: 'group', transit: db().groupTransit },
    ]
    const waiting = await Promise.all(
      kinds.map(async ({ kind, transit }) => (await transit.listInTransit()).map((id) => ({ kind, transit, id }))),
    )
    for (const { kind, transit, id } of waiting.flat()) {
      if (isOver()) return
      const line = { job: 'settleProjects', [`${kind}_id`]: id }
      // One that takes long, or cannot arrive now, must not keep the others on their way.
      const end = Date.now() + SHARE_MS
      try {
        const hasArrived = await transit.settle(id, () => isOver() || Date.now() > end)
        console.info(JSON.stringify({ level: 'info', ...line, has_arrived: hasArrived }))
      } catch (error) {
        console.error(JSON.stringify({ level: 'error', ...line, error: String(error) }))
      }
    }
  }

export const handler = settleProjects(database)
