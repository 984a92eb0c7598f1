import type { Context, ScheduledEvent } from 'aws-lambda'
import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { Due } from '../../lib/repository/items.ts'
import type { Source } from '../../lib/repository/keys.ts'

/** What is left of the function's time when it stops. */
const RESERVE_MS = 10_000

/** A project or group with the groups around it: whatever has a shelf that changes with it. */
const shelvesAround = async (db: Database, { kind, id }: Due): Promise<Source[]> => {
  const found = kind === 'project' ? await db.groups.findProject({ id }) : (await db.groups.listGroupsById([id]))[0]
  const located = found && (await db.groups.locate(found))
  if (!located) return []
  return [{ kind, id }, ...located.ancestors.map((group) => ({ kind: 'group', id: group.id }) as const)]
}

/**
 * Every minute: counts packages by segment where they changed, so that a page at any depth is found without reading what
 * is before it, and lets the contents of groups tell of projects that were emptied. Lists are right without it; it keeps
 * them cheap. It may stop anywhere, run twice and run beside itself.
 */
export const countPackages =
  (db: () => Database, now: () => string = () => new Date().toISOString()) =>
  async (_event: ScheduledEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> => {
    const counted = new Map<string, Promise<boolean>>()
    const countOnce = (source: Source) => {
      const name = `${source.kind} ${source.id}`
      const counting = counted.get(name) ?? db().counting.count(source)
      counted.set(name, counting)
      return counting
    }
    for (const due of await db().counting.listDue()) {
      if (context.getRemainingTimeInMillis() < RESERVE_MS) return
      const line = { job: 'countPackages', [`${due.kind}_id`]: due.id }
      try {
        const outcomes: boolean[] = []
        for (const source of await shelvesAround(db(), due)) outcomes.push(await countOnce(source))
        if (due.kind === 'project') outcomes.push(await db().publications.recount(due.id))
        if (!outcomes.includes(false)) await db().counting.forget(due, now())
      } catch (error) {
        // One that cannot be counted now must not keep the others waiting.
        console.error(JSON.stringify({ level: 'error', ...line, error: String(error) }))
      }
    }
  }

export const handler = countPackages(database)
