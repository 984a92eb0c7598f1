import { PackagesError } from '../domain/errors.ts'
import { type Table, TRANSACTION_LIMIT, type Write } from './table.ts'

/** Leaves time to answer within API Gateway's 29 seconds. */
const WORK_FOR_MS = 20_000
/** More than one transaction takes, wherever the project is. */
const MOST_AT_ONCE = 32

/**
 * Changes many things, as many in one transaction as fit. Each step is all or nothing, and what it writes holds by its
 * own conditions: whoever stops between two steps has done the first ones, and whoever repeats goes on.
 * @param writesFor what changes these things; prepared anew for each try
 * @throws `unfinished` when the time is over before all are done
 */
export const inSteps = async <Thing>(
  table: Table,
  things: readonly Thing[],
  writesFor: (some: Thing[]) => Promise<Write[]>,
): Promise<void> => {
  const end = Date.now() + WORK_FOR_MS
  let size = MOST_AT_ONCE
  for (let done = 0; done < things.length; done += size) {
    if (Date.now() > end) throw new PackagesError({ code: 'unfinished', done, of: things.length })
    await table.transact(async () => {
      let writes = await writesFor(things.slice(done, done + size))
      while (writes.length > TRANSACTION_LIMIT && size > 1) {
        size = Math.ceil(size / 2)
        writes = await writesFor(things.slice(done, done + size))
      }
      return writes
    })
  }
}
