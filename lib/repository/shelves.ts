import { familyOf, slotName, slotOf } from '../domain/listing.ts'
import { PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT, type Package } from '../domain/package.ts'
import { type Project, parentId, type visibilities } from '../domain/project.ts'
import { entryOf } from './items.ts'
import { namesKey, type Shelf, shelfPartition, shelfSortKeys, TALLY_SHARDS, tallyKey } from './keys.ts'
import type { Write } from './table.ts'

/** The shelves that show a project's packages: its own, and one of each group around it. */
export const shelvesOf = (project: Pick<Project, 'id' | 'visibility' | 'ancestorIds'>): Shelf[] => [
  { kind: 'project', id: project.id },
  ...project.ancestorIds.map(
    (id): Shelf => ({
      kind: 'group',
      id,
      depth: id === parentId(project) ? 'direct' : 'nested',
      visibility: project.visibility,
    }),
  ),
]

/** A group's shelves of these visibilities: what is directly in it, and what is nested deeper. */
export const groupShelves = (id: number, shown: readonly (typeof visibilities)[number][], excludeSubgroups: boolean) =>
  (excludeSubgroups ? (['direct'] as const) : (['direct', 'nested'] as const)).flatMap((depth) =>
    shown.map((visibility): Shelf => ({ kind: 'group', id, depth, visibility })),
  )

/** Names and versions become parts of sort keys, which a blank or a control character would break. */
export const assertSortable = ({ name, version }: { name: string; version: string | null }) => {
  const isSortable = (text: string, limit: number) => text.length <= limit && /^[\x21-\x7e]+$/.test(text)
  if (!isSortable(name, PACKAGE_NAME_LIMIT) || (version !== null && !isSortable(version, PACKAGE_VERSION_LIMIT))) {
    throw new RangeError(`not a package name or version that can be stored: ${JSON.stringify({ name, version })}`)
  }
}

/** A package before and after; without `before` it arrives. */
export type Change = { before?: Package; after: Package }

/**
 * Moves packages on every shelf of their project from what they were to what they become, and the counts with them.
 * Holds as long as the project's placement is the one the shelves were computed from; else the writes say `'again'`.
 */
export const shelfWrites = (project: Project, changes: readonly Change[]): Write[] => {
  const shard = Math.floor(Math.random() * TALLY_SHARDS)
  const counts = sumOf(changes.map(countsOf))
  const names = Map.groupBy(changes, ({ after }) => `${after.name} ${after.type}`)
  return shelvesOf(project).flatMap((shelf) => [
    ...changes.flatMap((change) => entryWrites(shelf, change)),
    ...tallyWrites(project, shelf, shard, counts),
    ...[...names.values()].flatMap((named) => nameWrites(shelf, named)),
  ])
}

const entryWrites = (shelf: Shelf, { before, after }: Change): Write[] => {
  const pk = shelfPartition(shelf)
  const sortKeys = shelfSortKeys(familyOf(slotOf(after)), after)
  const left = before && shelfSortKeys(familyOf(slotOf(before)), before).sk
  return [
    { put: { pk, ...sortKeys, ...entryOf(after) } },
    ...(left === undefined || left === sortKeys.sk ? [] : [{ delete: { pk, sk: left } }]),
  ]
}

/** By how much each slot's counter changes. */
type Counts = ReadonlyMap<string, number>

const countsOf = ({ before, after }: Change): Counts =>
  sumOf([new Map([[slotName(slotOf(after)), 1]]), ...(before ? [new Map([[slotName(slotOf(before)), -1]])] : [])])

const sumOf = (all: readonly Counts[]): Counts => {
  const sum = new Map<string, number>()
  for (const [slot, count] of all.flatMap((counts) => [...counts])) sum.set(slot, (sum.get(slot) ?? 0) + count)
  return new Map([...sum].filter(([, count]) => count !== 0))
}

const addition = (counts: Counts) => {
  const slots = [...counts]
  return {
    expression: `ADD ${slots.map((_, place) => `#slot${place} :count${place}`).join(', ')}`,
    names: Object.fromEntries(slots.map(([slot], place) => [`#slot${place}`, slot])),
    values: Object.fromEntries(slots.map(([, count], place) => [`:count${place}`, count])),
  }
}

/**
 * A project's tally also holds its placement, one copy a shard: a condition on the project itself would make all its
 * publishers meet on one item.
 */
const tallyWrites = (project: Project, shelf: Shelf, shard: number, counts: Counts): Write[] => {
  const tally = tallyKey(shelf, shard)
  if (shelf.kind === 'group') return counts.size === 0 ? [] : [{ update: tally, ...addition(counts) }]

  const placed = { if: 'placement = :placement', otherwise: 'again' } as const
  const values = { ':placement': project.placement }
  if (counts.size === 0) return [{ check: tally, ...placed, values }]
  const { values: added, ...update } = addition(counts)
  return [{ update: tally, ...update, ...placed, values: { ...added, ...values } }]
}

const nameWrites = (shelf: Shelf, [first, ...more]: readonly Change[]): Write[] => {
  if (!first) return []
  const counts = sumOf([first, ...more].map(countsOf))
  return counts.size === 0 ? [] : [{ update: namesKey(shelf, first.after), ...addition(counts) }]
}
