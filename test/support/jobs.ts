import type { ScheduledEvent } from 'aws-lambda'
import { countPackages } from '../../functions/jobs/countPackages.ts'
import type { Database } from '../../lib/repository/database.ts'

/** What the scheduled job does in a minute that is long enough. */
export const countAll = (db: Database) =>
  countPackages(() => db)({} as ScheduledEvent, { getRemainingTimeInMillis: () => 60_000 })

/** Brings home what is on its way, as far as `isOver` lets it come. */
export const settleAll = async ({ groupTransit, transit }: Database, isOver?: () => boolean): Promise<void> => {
  for (const id of await groupTransit.listInTransit()) await groupTransit.settle(id, isOver)
  for (const id of await transit.listInTransit()) await transit.settle(id, isOver)
}
