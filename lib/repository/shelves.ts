import { familyOf, slotName, slotOf } from '../domain/listing.ts'
import { PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT, type Package } from '../domain/package.ts'
import {
  type Group,
  type Located,
  type Place,
  type Project,
  parentId,
  placeInside,
  visibilities,
} from '../domain/project.ts'
import { hashedRow, isUnchanged, placedRow, rowOf } from './items.ts'
import {
  type Key,
  namesKey,
  type Shelf,
  segmentOf,
  shelfPartition,
  shelfSortKeys,
  TALLY_SHARDS,
  tallyKey,
  tallyPartition,
  uncountedName,
} from './keys.ts'
import type { Item, Table, Write } from './table.ts'

/** The group shelves of a place, one of each group around it. */
const groupShelvesAt = (place: Place): Shelf[] =>
  place.ancestorIds.map(
    (id): Shelf => ({
      kind: 'group',
      id,
      depth: id === parentId(place) ? 'direct' : 'nested',
      visibility: place.visibility,
    }),
  )

/** The shelves of a project's packages, by what becomes of a package on them. */
export type Standing = {
  own: Shelf
  /** Of groups that count the project. */
  counting: Shelf[]
  /**
   * Of groups that count it again when it has arrived, or the group that moves with it: what changes stands there whole.
   * All its rows are written there: where they stood before, its place inside the group is another.
   */
  awaiting: Shelf[]
  /** The awaiting ones where it did not stand before: names, which tell no place, are written there alone. */
  gained: Shelf[]
  /** Of groups that the project is in no more: what changes leaves them. */
  left: Shelf[]
}

const without = (shelves: readonly Shelf[], others: readonly Shelf[]) => {
  const partitions = new Set(others.map(shelfPartition))
  return shelves.filter((shelf) => !partitions.has(shelfPartition(shelf)))
}

/** The place that a project in transit left, by itself or with a group; how many groups around it wait for its arrival. */
const departureOf = ({ thing: project, ancestors }: Located<Project>): { before: Place; awaiting: number } => {
  if (project.transit) return { before: project.transit.left, awaiting: ancestors.length }
  const moving = ancestors.findIndex(({ transit }) => transit !== null)
  const left = ancestors[moving]?.transit?.left
  if (!left) return { before: project, awaiting: 0 }
  const inside = project.ancestorIds.slice(moving)
  return { before: { ...project, ancestorIds: [...left.ancestorIds, ...inside] }, awaiting: moving }
}

export const standingOf = (located: Located<Project>): Standing => {
  const around = groupShelvesAt(located.thing)
  const { before, awaiting: count } = departureOf(located)
  const awaiting = around.slice(0, count)
  return {
    own: { kind: 'project', id: located.thing.id },
    counting: around.slice(count),
    awaiting,
    gained: without(awaiting, groupShelvesAt(before)),
    left: without(groupShelvesAt(before), around),
  }
}

/** The shelves of a project where it is and where it was: by each, what it counts there moves on departure and arrival. */
export const groupShelvesBetween = ({ transit, ...project }: Project) => ({
  left: transit ? groupShelvesAt(transit.left) : [],
  now: groupShelvesAt(project),
})

/** A group's shelves of these visibilities: what is directly in it, and what is nested deeper. */
export const groupShelves = (id: number, shown: readonly (typeof visibilities)[number][], excludeSubgroups: boolean) =>
  (excludeSubgroups ? (['direct'] as const) : (['direct', 'nested'] as const)).flatMap((depth) =>
    shown.map((visibility): Shelf => ({ kind: 'group', id, depth, visibility })),
  )

export const everyGroupShelf = (id: number) => groupShelves(id, visibilities, false)

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
 * Reads what `shelfWrites` needs besides the changes: nothing, but for a project in transit, by itself or with a group.
 * The counts of its names are not on the awaiting shelves yet, or may not be, so they cannot be added to and are written
 * whole.
 */
export const readOwnNames = async (
  table: Table,
  located: Located<Project>,
  changes: readonly Change[],
): Promise<OwnNames> => {
  const { own, awaiting } = standingOf(located)
  if (awaiting.length === 0) return new Map()
  const names = new Map(changes.map((change) => [nameAndType(change), change.after]))
  return new Map(
    await Promise.all([...names].map(async ([key, after]) => [key, await table.get(namesKey(own, after))] as const)),
  )
}

/**
 * Moves packages on every shelf of their project from what they were to what they become, and the counts with them.
 * Holds as long as the placements of the project and of the groups that count it are those that the shelves were
 * computed from; else the writes say `'again'`.
 */
export const shelfWrites = (located: Located<Project>, changes: readonly Change[], ownNames: OwnNames): Write[] => {
  const { thing: project, ancestors } = located
  const { own, counting, awaiting, left } = standingOf(located)
  const shard = Math.floor(Math.random() * TALLY_SHARDS)
  const counts = sumOf(changes.flatMap((change) => [countsOf(change), uncounted(change)]))
  const names = [...Map.groupBy(changes, nameAndType)].map(([key, named]) => ({ named, row: ownNames.get(key) }))
  return [
    ...[own, ...counting, ...awaiting].flatMap((shelf) =>
      changes.flatMap((change) => entryWrites(shelf, project, change)),
    ),
    ...left.flatMap((shelf) => changes.flatMap((change) => leaveWrites(shelf, change))),
    placedWrite(project, tallyKey(own, shard), counts),
    ...counting.map((shelf) =>
      placedWrite(ancestors.find(({ id }) => id === shelf.id) as Group, tallyKey(shelf, shard), counts),
    ),
    ...names.flatMap(({ named, row }) =>
      awaiting.length > 0
        ? [...copiedNames(own, awaiting, named, row), ...addedNames(counting, named)]
        : addedNames([own, ...counting], named),
    ),
  ]
}

/**
 * A row on a group's shelf tells where its project is, so that the list need not read each project on a page. One on its
 * own shelf stays there when the project moves, and tells whether it was written in the place that a list knows of.
 */
export const placeOn = (shelf: Shelf, project: Project): Item =>
  shelf.kind === 'project' ? hashedRow(project) : placedRow(placeInside(shelf.id, project))

const entryWrites = (shelf: Shelf, project: Project, { before, after }: Change): Write[] => {
  const pk = shelfPartition(shelf)
  const sk = rowKey(after)
  const left = before && rowKey(before)
  return [
    { put: { ...rowOf(after), ...placeOn(shelf, project), pk, sk } },
    ...(left === undefined || left === sk ? [] : [{ delete: { pk, sk: left } }]),
  ]
}

/** What changes leaves the old shelves at once: whoever moves the rest would not find it by its new key. */
const leaveWrites = (shelf: Shelf, { before }: Change): Write[] =>
  before ? [{ delete: { pk: shelfPartition(shelf), sk: rowKey(before) } }] : []

const rowKey = (record: Package) => shelfSortKeys(familyOf(slotOf(record)), record).sk

/** By how much each slot's counter changes. */
export type Counts = ReadonlyMap<string, number>

const countsOf = ({ before, after }: Change): Counts =>
  sumOf([new Map([[slotName(slotOf(after)), 1]]), ...(before ? [new Map([[slotName(slotOf(before)), -1]])] : [])])

/** Whether a list is longer or shorter for it, by any filter. */
export const isCounted = (change: Change) => countsOf(change).size > 0

/** What is counted otherwise than before stands in a segment that is to be counted anew. */
const uncounted = (change: Change): Counts =>
  isCounted(change) ? new Map([[uncountedName(segmentOf(change.after.id)), 1]]) : new Map()

export const sumOf = (all: readonly Counts[]): Counts => {
  const sum = new Map<string, number>()
  for (const [slot, count] of all.flatMap((counts) => [...counts])) sum.set(slot, (sum.get(slot) ?? 0) + count)
  return new Map([...sum].filter(([, count]) => count !== 0))
}

/** The counters of tallies: everything numeric that is named like a slot. */
export const countsIn = (items: readonly Item[]): Counts =>
  sumOf(
    items.map(
      (item) =>
        new Map(
          Object.entries(item).flatMap(([name, count]) =>
            /^\w+:/.test(name) && typeof count === 'number' ? [[name, count] as const] : [],
          ),
        ),
    ),
  )

/** How many packages a project has of each slot, wherever its place counts them. */
export const readOwnCounts = async (table: Pick<Table, 'queryAll'>, projectId: number): Promise<Counts> =>
  countsIn(await table.queryAll({ pk: tallyPartition({ kind: 'project', id: projectId }) }))

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
 * Tallies also hold the placement of their project or group, one copy a shard: a condition on the thing itself would
 * make all its publishers meet on one item. A group that never moved has none, as its tallies come with what they count.
 */
const placedWrite = ({ placement }: Pick<Project, 'placement'>, tally: Key, counts: Counts): Write => {
  const held = placement === 0 ? 'attribute_not_exists(placement)' : 'placement = :placement'
  const values = placement === 0 ? {} : { ':placement': placement }
  if (counts.size === 0) return { check: tally, if: held, values, otherwise: 'again' }
  const { values: added, ...update } = addition(counts)
  return { update: tally, ...update, if: held, values: { ...added, ...values }, otherwise: 'again' }
}

/** Own rows also carry a revision, by which whoever copies one knows whether it changed meanwhile. */
const REVISION = 'r'

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
      ...(row ? isUnchanged(row) : { if: 'attribute_not_exists(pk)' }),
      otherwise: 'again',
    },
    ...around.map((shelf): Write => ({ put: { ...namesKey(shelf, first.after), ...next } })),
  ]
}
