import { randomUUID } from 'node:crypto'
import { ignoreOvertaken, overtaken } from '../domain/overtaken.ts'
import type { Hold } from '../domain/project.ts'
import { groupKey, type Key, projectKey, type Source, TALLY_SHARDS, tallyKey } from './keys.ts'
import { everyGroupShelf } from './shelves.ts'
import type { Table, Write } from './table.ts'

/** Publishers wait for a hold this long; then whoever set it is taken for dead and they go on. */
export const HOLD_MS = 3_000

/** Under a hold nothing is prepared anew: what a write did not expect is for the next try to see. */
export const decidedOnce = (write: Write): Write =>
  write.otherwise === 'again' ? { ...write, otherwise: overtaken } : write

/** What must hold of an item at the moment of a write. */
export type Held = { if: string; names?: Record<string, string>; values?: Record<string, unknown> }

/** A project or group as a hold sees it. */
type Holdable = { id: number; placement: number; held: Hold | null }

const keyOf = ({ kind, id }: Source): Key => (kind === 'group' ? groupKey(id) : projectKey(id))

const tallyKeysOf = ({ kind, id }: Source): Key[] => {
  const shelves = kind === 'group' ? everyGroupShelf(id) : [{ kind: 'project', id } as const]
  return shelves.flatMap((shelf) => Array.from({ length: TALLY_SHARDS }, (_, shard) => tallyKey(shelf, shard)))
}

/**
 * Makes all who publish into a project or group wait, so that its tallies stand still: what they write depends on the
 * placement on these, which is raised before it is raised on the thing itself.
 */
export const openHolds = (table: Table, kind: Source['kind'], holdMs: number) => {
  const hold = async ({ id, placement }: Holdable): Promise<string> => {
    const by = randomUUID()
    await table.transact(() => [
      {
        update: keyOf({ kind, id }),
        expression: 'SET held = :held',
        if: 'placement = :placement AND held = :none',
        values: { ':held': { by, at: new Date().toISOString() }, ':placement': placement, ':none': null },
        otherwise: overtaken,
      },
      ...tallyKeysOf({ kind, id }).map(
        (tally): Write => ({
          update: tally,
          expression: 'SET placement = :next',
          values: { ':next': placement + 1 },
        }),
      ),
    ])
    return by
  }

  /** Ends a hold of which nothing came: with the next placement all tallies and the thing agree again. */
  const giveUp = async ({ id, placement }: Holdable, by: string): Promise<void> => {
    await table
      .transact(() => [
        {
          update: keyOf({ kind, id }),
          expression: 'SET placement = :next, held = :none',
          if: 'held.#by = :by',
          names: { '#by': 'by' },
          values: { ':next': placement + 1, ':none': null, ':by': by },
          otherwise: overtaken,
        },
      ])
      .catch(ignoreOvertaken)
  }

  return {
    /** Takes the place of a holder that is taken for dead. */
    async release(thing: Holdable): Promise<void> {
      const { held } = thing
      if (held && Date.now() - Date.parse(held.at) >= holdMs) await giveUp(thing, held.by)
    },

    /** Runs what needs the tallies to stand still. */
    async holding<Outcome>(thing: Holdable, work: (by: string) => Promise<Outcome>): Promise<Outcome> {
      const by = await hold(thing)
      try {
        return await work(by)
      } catch (error) {
        await giveUp(thing, by)
        throw error
      }
    },

    /**
     * Ends a hold together with what was done under it, and writes these fields alone: others may change meanwhile.
     * @param held what must hold besides, such as what the other writes of the transaction were prepared with
     */
    endWrite<Thing extends Holdable>(
      next: Thing,
      by: string,
      fields: readonly (keyof Thing & string)[],
      ...held: readonly Held[]
    ): Write {
      const values: Record<string, unknown> = { ...next, placement: next.placement + 1, held: null }
      const written = ['placement', 'held', ...fields]
      return {
        update: keyOf({ kind, id: next.id }),
        expression: `SET ${written.map((field) => `#${field} = :${field}`).join(', ')}`,
        if: ['held.#by = :by', ...held.map((one) => one.if)].join(' AND '),
        names: Object.assign(
          { '#by': 'by', ...Object.fromEntries(written.map((field) => [`#${field}`, field])) },
          ...held.map(({ names }) => names),
        ),
        values: Object.assign(
          { ':by': by, ...Object.fromEntries(written.map((field) => [`:${field}`, values[field]])) },
          ...held.map((one) => one.values),
        ),
        otherwise: overtaken,
      }
    },
  }
}
