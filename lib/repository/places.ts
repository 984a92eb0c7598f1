import { type Group, type Located, locateAmong } from '../domain/project.ts'
import { groupFromItem } from './items.ts'
import { groupKey } from './keys.ts'
import type { Table } from './table.ts'

/** A deleted group stays until what was in it is removed, but nobody finds it, nor anything inside. */
export const isThere = ({ deletedAt }: { deletedAt: string | null }) => deletedAt === null

/** More moves than this around one thing during one request do not happen. */
const ATTEMPTS = 8

/**
 * Where things are. What they note of it may be behind while a group around them moves; the groups themselves say what
 * is right. Where nothing moves this is one read of the groups around.
 */
export const openPlaces = (table: Pick<Table, 'getAll'>) => {
  const listGroupsById = async (ids: readonly number[]): Promise<Group[]> =>
    (await table.getAll([...new Set(ids)].map(groupKey))).map(groupFromItem).filter(isThere)

  /**
   * Things where they are now, less those that went with a group around them.
   * @param known groups by their ids that were read already, undefined where one is gone
   */
  const locateAll = async <Thing extends { ancestorIds: number[]; fullPath: string }>(
    things: readonly Thing[],
    known = new Map<number, Group | undefined>(),
  ): Promise<Located<Thing>[]> => {
    const read = async (ids: readonly number[]) => {
      for (const id of ids) known.set(id, undefined)
      for (const group of await listGroupsById(ids)) known.set(group.id, group)
    }
    await read(things.flatMap(({ ancestorIds }) => ancestorIds).filter((id) => !known.has(id)))
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const groups = [...known.values()].flatMap((group) => group ?? [])
      const located = things.map((thing) => locateAmong(thing, groups))
      const missing = located.flatMap(({ thing }) => thing.ancestorIds).filter((id) => !known.has(id))
      if (missing.length > 0) {
        await read(missing)
        continue
      }
      const isGone = ({ ancestorIds }: Thing) => ancestorIds.some((id) => known.get(id) === undefined)
      const isTorn = located.some(({ thing, ancestors }) => !ancestors && !isGone(thing))
      if (!isTorn) return located.flatMap(({ thing, ancestors }) => (ancestors ? [{ thing, ancestors }] : []))
      // Groups that were read before and after moves do not fit together.
      await read([...known.keys()])
    }
    return []
  }

  return {
    listGroupsById,
    locateAll,

    /** One thing; undefined when it went with a group around it. */
    async locate<Thing extends { ancestorIds: number[]; fullPath: string }>(
      thing: Thing,
      known?: Map<number, Group | undefined>,
    ): Promise<Located<Thing> | undefined> {
      return (await locateAll([thing], known))[0]
    },
  }
}

export type Places = ReturnType<typeof openPlaces>
