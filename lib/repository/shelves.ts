import { familyOf, slotName, slotOf } from '../domain/listing.ts'
import { PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT, type Package } from '../domain/package.ts'
import { type Place, type Project, parentId, type visibilities } from '../domain/project.ts'
import { entryOf } from './items.ts'
import { type Key, namesKey, type Shelf, shelfPartition, shelfSortKeys, TALLY_SHARDS, tallyKey } from './keys.ts'
import type { Item, Table, Write } from './table.ts'

/** The group shelves of a place, one of each group around it. */
export const groupShelvesAt = (place: Place): Shelf[] =>
  place.ancestorIds.map(
    (id): Shelf => ({
      kind: 'group',
      id,
      depth: id === parentId(place) ? 'direct' : 'nested',
      visibility: place.visibility,
    }),
  )

/** The shelves that show a project's packages: its own, and one of each group around it. */
export const shelvesOf = (project: Place & Pick<Project, 'id'>): Shelf[] => [
  { kind: 'project', id: project.id },
  ...groupShelvesAt(project),
]

/** Shelves of the place that a project in transit has left, but for those that its new place has too. */
export const shelvesLeft = ({ transit, ...project }: Project): Shelf[] => {
  if (!transit) return []
  const kept = new Set(groupShelvesAt(project).map(shelfPartition))
  return groupShelvesAt(transit.left).filter((shelf) => !kept.has(shelfPartition(shelf)))
}

/** A group's shelves of these visibilities: what is directly in it, and what is nested deeper. */
export const groupShelves = (id: number, shown: readonly (typeof visibilities)[number][], excludeSubgroups: boolean) =>
  (excludeSubgroups ? (['direct'] as const) : (['direct', 'nested'] as const)).flatMap((depth) =>
    shown.map((visibility): Shelf => ({ kind: 'group', id, depth, visibility })),
  )

/** Names and versions become parts of sort keys, which a blank or a control character would break. */
export const isSortable = (text: string, limit: number) => text.length <= limit && /^[\x21-\x7e]+$/.test(text)

export const assertSortable = ({ name, version }: { name: string; version: string | null }) => {
  if (!isSortable(name, PACKAGE_NAME_LIMIT) || (version !== null && !isSortable(version, PACKAGE_VERSION_LIMIT))) {
    throw new RangeError(`not a package name or version that can be stored: ${JSON.stringify({ name, version })}`)
  }
}

/** A package before and after; without `before` it arrives. */
export type Change = { before?: Package; after: Package }

/** How many of a name there are on a project's own shelf, by slot, as the row stands now. */
export type OwnNames = ReadonlyMap<string, Item | undefined>
const nameAndType = ({ after }: Change) => `${after.name} ${after.type}`

/**
 * Reads what `shelfWrites` needs besides the changes: nothing, but for a project in transit. The counts of its names
 * are not on the groups' shelves yet, or may not be, so they cannot be added to and are written whole.
 */
export const readOwnNames = async (table: Table, project: Project, changes: readonly Change[]): Promise<OwnNames> => {
  if (!project.transit) return new Map()
  const own: Shelf = { kind: 'project', id: project.id }
  const names = new Map(changes.map((change) => [nameAndType(change), change.after]))
  return new Map(
    await Promise.all([...names].map(async ([key, after]) => [key, await table.get(namesKey(own, after))] as const)),
  )
}

/**
 * Moves packages on every shelf of their project from what they were to what they become, and the counts with them.
 * Holds as long as the project's placement is the one the shelves were computed from; else the writes say `'again'`.
 * While the project is in transit its groups do not count it, and the shelves it left only lose what changes.
 */
export const shelfWrites = (project: Project, changes: readonly Change[], ownNames: OwnNames): Write[] => {
  const shard = Math.floor(Math.random() * TALLY_SHARDS)
  const counts = sumOf(changes.map(countsOf))
  const [own, ...around] = shelvesOf(project) as [Shelf, ...Shelf[]]
  const names = [...Map.groupBy(changes, nameAndType)].map(([key, named]) => ({ named, row: ownNames.get(key) }))
  return [
    ...[own, ...around].flatMap((shelf) => changes.flatMap((change) => entryWrites(shelf, change))),
    ...shelvesLeft(project).flatMap((shelf) => changes.flatMap((change) => leaveWrites(shelf, change))),
    placedWrite(project, tallyKey(own, shard), counts),
    ...(project.transit ? [] : around.flatMap((shelf) => addWrites(tallyKey(shelf, shard), counts))),
    ...names.flatMap(({ named, row }) =>
      project.transit ? copiedNames(own, around, named, row) : addedNames([own, ...around], named),
    ),
  ]
}

const entryWrites = (shelf: Shelf, { before, after }: Change): Write[] => {
  const pk = shelfPartition(shelf)
  const sortKeys = shelfSortKeys(familyOf(slotOf(after)), after)
  const left = before && shelfSortKeys(familyOf(slotOf(before)), before).sk
  return [
    { put: { pk, ...sortKeys, ...entryOf(after), revision: after.revision } },
    ...(left === undefined || left === sortKeys.sk ? [] : [{ delete: { pk, sk: left } }]),
  ]
}

/** What changes leaves the old shelves at once: whoever moves the rest would not find it by its new key. */
const leaveWrites = (shelf: Shelf, { before }: Change): Write[] =>
  before ? [{ delete: { pk: shelfPartition(shelf), sk: shelfSortKeys(familyOf(slotOf(before)), before).sk } }] : []

/** By how much each slot's counter changes. */
export type Counts = ReadonlyMap<string, number>

const countsOf = ({ before, after }: Change): Counts =>
  sumOf([new Map([[slotName(slotOf(after)), 1]]), ...(before ? [new Map([[slotName(slotOf(before)), -1]])] : [])])

export const sumOf = (all: readonly Counts[]): Counts => {
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

/** Adds to a tally, or does nothing when there is nothing to add. */
export const addWrites = (key: Key, counts: Counts): Write[] =>
  counts.size === 0 ? [] : [{ update: key, ...addition(counts) }]

/**
 * A project's tally also holds its placement, one copy a shard: a condition on the project itself would make all its
 * publishers meet on one item.
 */
const placedWrite = (project: Project, tally: Key, counts: Counts): Write => {
  const placed = { if: 'placement = :placement', otherwise: 'again' } as const
  const values = { ':placement': project.placement }
  if (counts.size === 0) return { check: tally, ...placed, values }
  const { values: added, ...update } = addition(counts)
  return { update: tally, ...update, ...placed, values: { ...added, ...values } }
}

/** Own rows also carry a revision, by which whoever copies one knows whether it changed meanwhile. */
const REVISION = 'revision'

const addedNames = (shelves: readonly Shelf[], named: readonly Change[]): Write[] => {
  const counts = sumOf(named.map(countsOf))
  const [first] = named
  if (!first || counts.size === 0) return []
  return shelves.flatMap((shelf) =>
    addWrites(
      namesKey(shelf, first.after),
      shelf.kind === 'project' ? sumOf([counts, new Map([[REVISION, 1]])]) : counts,
    ),
  )
}

/** The same for a project in transit: the own row by its revision, and whole copies of it around. */
const copiedNames = (
  own: Shelf,
  around: readonly Shelf[],
  named: readonly Change[],
  row: Item | undefined,
): Write[] => {
  const counts = sumOf(named.map(countsOf))
  const [first] = named
  if (!first || counts.size === 0) return []
  const { pk: _pk, sk: _sk, ...before } = row ?? {}
  const next: Record<string, number> = { ...(before as Record<string, number>) }
  for (const [slot, count] of [...counts, [REVISION, 1] as const]) next[slot] = (next[slot] ?? 0) + count
  return [
    {
      put: { ...namesKey(own, first.after), ...next },
      if: row ? 'revision = :revision' : 'attribute_not_exists(pk)',
      ...(row ? { values: { ':revision': row.revision } } : {}),
      otherwise: 'again',
    },
    ...around.map((shelf): Write => ({ put: { ...namesKey(shelf, first.after), ...next } })),
  ]
}
