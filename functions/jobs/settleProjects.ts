import type { Context, ScheduledEvent } from 'aws-lambda'
import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'

/** What is left of the function's time when it stops: enough to note down how far it has come. */
const RESERVE_MS = 10_000

/**
 * Every minute: brings the rows of projects and groups that changed their visibility or place to where they belong.
 * Lists are right without it; it makes them cheap again. It may stop anywhere, run twice and run beside itself.
 */
export const settleProjects =
  (db: () => Database) =>
  async (_event: ScheduledEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> => {
    const isOver = () => context.getRemainingTimeInMillis() < RESERVE_MS
    const [projects, groups] = [db().transit, db().groupTransit]
    const waiting = await Promise.all([projects, groups].map((transit) => transit.listInTransit()))
    const moves = [projects, groups].flatMap((transit, kind) => (waiting[kind] ?? []).map((id) => ({ transit, id })))
    for (const { transit, id } of moves) {
      if (isOver()) return
      const line = { job: 'settleProjects', [transit === groups ? 'group_id' : 'project_id']: id }
      try {
        const hasArrived = await transit.settle(id, isOver)
        console.info(JSON.stringify({ level: 'info', ...line, has_arrived: hasArrived }))
      } catch (error) {
        // One that cannot arrive now must not keep the others on their way.
        console.error(JSON.stringify({ level: 'error', ...line, error: String(error) }))
      }
    }
  }

export const handler = settleProjects(database)
