/**
 * Counts by segment: how many packages of each slot a shelf has in each range of ids. They find the row at a distance
 * without reading what is before it, in lists by id.
 *
 * A segment is a range of `SEGMENT_IDS` ids. Nodes of level 0 count the packages of `FANOUT` segments, nodes of the level
 * above those of as many nodes, up to one that counts them all. Whoever publishes changes no node: it notes the segment
 * as uncounted in the tally that it writes anyway. Uncounted segments are read instead of looked up, so that what is
 * found is exact at any time; `counting.ts` counts them anew.
 */
import { type Family, familyOf, type Slot, slotName, slotOf } from '../domain/listing.ts'
import type { PackageEntry } from '../domain/package.ts'
import {
  entryFromItem,
  type SegmentNode,
  type SegmentsHead,
  segmentNodeFromItem,
  segmentsHeadFromItem,
} from './items.ts'
import {
  familyPrefix,
  idInRow,
  type Key,
  SEGMENT_IDS,
  type Shelf,
  SORTED_BY,
  segmentNodeKey,
  segmentOf,
  segmentsKey,
  shelfPartition,
  TRANSITS,
  tallyPrefix,
  UNCOUNTED,
} from './keys.ts'
import { marksOf, revisionOf } from './marks.ts'
import type { Consistency, Item, Range, Table } from './table.ts'

/** A node of that many numbers a slot is read as one unit. */
export const FANOUT = 128

/** A shelf with no more rows than this is read whole, and needs no counts: that is two units, as nodes and a page are. */
const SMALL = 40

/** More uncounted segments than this are not read one by one: what has to be passed over is. */
const MOST_UNCOUNTED = 64

/** By segment, how many changes a tally has that are not counted. */
export const uncountedIn = (tally: Item): Map<number, number> =>
  new Map(
    Object.entries(tally).flatMap(([name, changes]) =>
      name.startsWith(UNCOUNTED) ? [[Number(name.slice(UNCOUNTED.length)), Number(changes)] as const] : [],
    ),
  )

/** By slot, how many packages each of a node's parts has. */
export type Counts = Record<string, number[]>

const sumOver = (counts: Counts, slots: readonly string[], part: number) =>
  slots.reduce((sum, slot) => sum + (counts[slot]?.[part] ?? 0), 0)

export const addTo = (counts: Counts, slot: string, part: number, count: number) => {
  const parts = counts[slot] ?? []
  while (parts.length <= part) parts.push(0)
  parts[part] = (parts[part] ?? 0) + count
  counts[slot] = parts
}

/** The lowest level whose first node counts a segment. */
export const levelOf = (segment: number) => {
  let level = 0
  for (let span = FANOUT; span <= segment; span *= FANOUT) level++
  return level
}

export const span = (level: number) => FANOUT ** level

/** Segments in a row, so that one query reads them. */
const runsOf = (segments: Iterable<number>): [number, number][] => {
  const runs: [number, number][] = []
  for (const segment of [...segments].sort((one, other) => one - other)) {
    const last = runs.at(-1)
    if (last && last[1] + 1 === segment) last[1] = segment
    else runs.push([segment, segment])
  }
  return runs
}

const rangeOf = (shelf: Shelf, family: Family, [first, last]: readonly [number, number]): Range => ({
  pk: shelfPartition(shelf),
  between: [
    `${familyPrefix(family)}${idInRow(first * SEGMENT_IDS)}`,
    `${familyPrefix(family)}${idInRow(last * SEGMENT_IDS + SEGMENT_IDS - 1)}`,
  ],
})

/** What the tallies of a shelf tell of how it is counted. */
export const readHead = (shelf: Shelf, tallies: readonly Item[]) => {
  const own = tallies.filter(({ sk }) => String(sk).startsWith(tallyPrefix(shelf)))
  const item = own.find(({ sk }) => sk === segmentsKey(shelf).sk)
  const transits = tallies.find(({ sk }) => sk === TRANSITS)
  const head = item && segmentsHeadFromItem(item)
  const isStill = marksOf(transits).length === 0
  const size = own.reduce((sum, tally) => sum + sizeOf(tally), 0)
  return {
    head,
    // What departed or arrived since took rows along that no note tells of.
    isValid: head !== undefined && head.transits === revisionOf(transits),
    isSmall: isStill && size <= SMALL,
    isOutgrown: head !== undefined && size > head.renewAt,
    isStill,
    transits,
    uncounted: new Set(own.flatMap((tally) => [...uncountedIn(tally).keys()])),
    shards: own.filter((tally) => tally !== item),
  }
}

/** How many packages a tally counts in all its slots. */
const sizeOf = (tally: Item) =>
  Object.entries(tally).reduce((sum, [name, count]) => sum + (/^\w+:/.test(name) ? Number(count) : 0), 0)

/**
 * Where to begin among the rows of a shelf's family.
 * @property edge undefined for all of them
 * @property most so many are passed over at the most
 * @property rows all that the shelf has of the family, perhaps among others, where they are known: none is to be read
 */
export type Start = { edge: string | undefined; most: number; rows?: readonly PackageEntry[] }

/** The id behind which rows begin, and how many of them are still before the wanted one. */
export type Seat = { id: number; skip: number; startOf: (shelf: Shelf, family: Family) => Start }

export type CountTable = Pick<Table, 'queryAll' | 'getAll'>

/** A shelf with what tells how it is counted; a small one has no head. */
export type CountedShelf = {
  shelf: Shelf
  head: SegmentsHead | undefined
  uncounted: ReadonlySet<number>
  tallies: readonly Item[]
}

/**
 * Shelves of which is known how they are counted.
 * @param talliesOf the tallies in the partition of a shelf
 * @returns undefined when one is not
 */
export const countedShelves = (
  shelves: readonly Shelf[],
  talliesOf: (shelf: Shelf) => readonly Item[],
): CountedShelf[] | undefined => {
  const found = shelves.map((shelf) => ({ shelf, ...readHead(shelf, talliesOf(shelf)) }))
  if (found.some(({ isValid, isSmall }) => !isValid && !isSmall)) return undefined
  return found.map(({ shelf, head, isSmall, uncounted, shards }) => ({
    shelf,
    head: isSmall ? undefined : head,
    uncounted,
    tallies: shards,
  }))
}

/** Whether too much changed since they were counted. A small shelf is read whole, whatever of it is counted. */
export const isFarBehind = (shelves: readonly CountedShelf[]): boolean =>
  shelves.reduce((sum, { head, uncounted }) => sum + (head ? uncounted.size : 0), 0) > MOST_UNCOUNTED

type Reading = {
  shelf: Shelf
  /** A small shelf has none. */
  head: SegmentsHead | undefined
  /** The segments that are neither counted nor read. */
  uncounted: ReadonlySet<number>
  /** Those of a small shelf. */
  rows: readonly PackageEntry[] | undefined
  /** How many more packages a segment has than its node says. */
  more: Map<number, number>
  nodes: Map<string, SegmentNode>
}

/**
 * Finds the row before which, in the order of ids, `skip` others of these slots stand on these shelves. Uncounted segments
 * behind it, as those of new packages are where ids go up, are not read.
 * @returns undefined when the segments do not tell
 */
export const seekSeat = async (
  table: CountTable,
  shelves: readonly CountedShelf[],
  { slots, isDescending, skip }: { slots: readonly Slot[]; isDescending: boolean; skip: number },
): Promise<Seat | undefined> => {
  const names = slots.map(slotName)
  const families = [...new Set(slots.map(familyOf))]
  const isWanted = (entry: PackageEntry) => names.includes(slotName(slotOf(entry)))
  const readings: Reading[] = shelves.map(({ shelf, head, uncounted }) => ({
    shelf,
    head,
    uncounted: head ? uncounted : new Set(),
    rows: undefined,
    more: new Map(),
    nodes: new Map(),
  }))
  const readEntries = async (shelf: Shelf, segments: Iterable<number> | 'all') =>
    (await readItems(table, shelf, families, segments)).map(entryFromItem)

  const readSmall = async (reading: Reading) => {
    if (reading.head) return
    reading.rows = await readEntries(reading.shelf, 'all')
    for (const { id } of reading.rows.filter(isWanted)) addMore(reading, segmentOf(id), 1)
  }
  /** @returns whether what is not counted could be read instead */
  const readUncounted = async (): Promise<boolean> => {
    if (isFarBehind(shelves)) return false
    const behind = readings.flatMap((reading) => [...reading.uncounted].map((segment) => ({ reading, segment })))
    const [isRead] = await Promise.all([
      readNodes(
        table,
        behind.map(({ reading, segment }) => ({ reading, level: 0, number: Math.floor(segment / FANOUT) })),
      ),
      ...readings.map(async (reading) => {
        const rows = await readEntries(reading.shelf, reading.uncounted)
        for (const { id } of rows.filter(isWanted)) addMore(reading, segmentOf(id), 1)
      }),
    ])
    for (const { reading, segment } of behind) addMore(reading, segment, -countedIn(reading, names, 0, segment))
    for (const reading of readings) reading.uncounted = new Set()
    return isRead
  }

  const tops = readings.flatMap((reading) =>
    reading.head ? [{ reading, level: reading.head.level, number: 0, revision: reading.head.revision }] : [],
  )
  const [isRead] = await Promise.all([readNodes(table, tops), ...readings.map(readSmall)])
  if (!isRead) return undefined

  const segments = readings.flatMap(({ more, uncounted }) => [...more.keys(), ...uncounted])
  const top = Math.max(0, ...tops.map(({ level }) => level), ...segments.map(levelOf))
  const begin = { level: top, number: 0, passed: 0 }
  let { level, number, passed } = begin
  while (level >= 0) {
    const found = partWith(readings, names, { level, number, isDescending, skip: skip - passed })
    if (found === 'uncounted') {
      if (!(await readUncounted())) return undefined
      ;({ level, number, passed } = begin)
      continue
    }
    if (!found) return undefined
    passed += found.before
    number = found.number
    level--
    // What a node says to be empty needs no look into it.
    const below = readings
      .filter(({ head }) => level >= 0 && head && head.level > level)
      .filter((reading) => countedIn(reading, names, level + 1, number) > 0)
      .map((reading) => {
        const revision = nodeOf(reading, level + 1, Math.floor(number / FANOUT))?.revisions[number % FANOUT] ?? 0
        return { reading, level, number, revision }
      })
    if (!(await readNodes(table, below))) return undefined
  }
  return {
    id: isDescending ? (number + 1) * SEGMENT_IDS : number * SEGMENT_IDS - 1,
    skip: skip - passed,
    startOf(shelf, family) {
      const reading = readings.find((one) => one.shelf === shelf)
      const start = { edge: undefined, most: reading ? countIn(reading, names, 0, number) : 0 }
      return reading?.rows && families.includes(family) ? { ...start, rows: reading.rows } : start
    },
  }
}

/**
 * The part of a node in which the wanted row is, in the order of the list, and how many rows are in those before it.
 * @returns 'uncounted' when that depends on segments that were not read, undefined when it is in none of them
 */
const partWith = (
  readings: readonly Reading[],
  slots: readonly string[],
  { level, number, isDescending, skip }: { level: number; number: number; isDescending: boolean; skip: number },
): { number: number; before: number } | 'uncounted' | undefined => {
  const unread = new Set(
    readings.flatMap(({ uncounted }) => [...uncounted].map((one) => Math.floor(one / span(level)))),
  )
  const parts = Array.from({ length: FANOUT }, (_, part) => number * FANOUT + part)
  let before = 0
  for (const part of isDescending ? parts.toReversed() : parts) {
    const here = readings.reduce((sum, reading) => sum + countIn(reading, slots, level, part), 0)
    // Where it is by what was counted, it is or behind that: what is read from there on decides.
    if (before + here > skip) return { number: part, before }
    if (unread.has(part)) return 'uncounted'
    before += here
  }
  return undefined
}

const addMore = ({ more }: Reading, segment: number, count: number) =>
  more.set(segment, (more.get(segment) ?? 0) + count)

export const nodeName = (level: number, number: number) => `${level} ${number}`

const nodeOf = ({ nodes }: Reading, level: number, number: number) => nodes.get(nodeName(level, number))

/** How many packages one part of a level has by its node; none by one that is not there. */
const countedIn = (reading: Reading, slots: readonly string[], level: number, part: number): number =>
  sumOver(nodeOf(reading, level, Math.floor(part / FANOUT))?.counts ?? {}, slots, part % FANOUT)

/** How many packages one part of a level has: above the top node there is only that, with all it counts. */
const countIn = (reading: Reading, slots: readonly string[], level: number, part: number): number => {
  const { head, more } = reading
  const size = span(level)
  let count = 0
  for (const [segment, extra] of more) if (Math.floor(segment / size) === part) count += extra
  if (!head) return count
  if (level <= head.level) return count + countedIn(reading, slots, level, part)
  if (part > 0) return count
  const all = nodeOf(reading, head.level, 0)?.counts ?? {}
  return count + slots.reduce((sum, slot) => sum + (all[slot] ?? []).reduce((one, other) => one + other, 0), 0)
}

/** A node to read. `revision` is that which it must have, where something told. */
type WantedNode = { reading: Reading; level: number; number: number; revision?: number }

/**
 * The head notes the revision of the top, and each node of those below it. So what was told beforehand is read at half
 * the price: an older state gives itself away, and is read once more.
 * @returns whether all of them are as the tallies told
 */
const readNodes = async (table: CountTable, wanted: readonly WantedNode[]): Promise<boolean> => {
  const missing = new Map<string, WantedNode & { head: SegmentsHead; key: Key }>()
  for (const node of wanted) {
    const { shelf, head, nodes } = node.reading
    if (!head || nodes.has(nodeName(node.level, node.number))) continue
    const key = segmentNodeKey(shelf, head.generation, node.level, node.number)
    const name = `${key.pk} ${key.sk}`
    if (!missing.has(name)) missing.set(name, { ...node, head, key })
  }
  /** @returns whether all that was there was of a revision that fits */
  const read = async (
    consistency: Consistency,
    fits: (revision: number, at: WantedNode & { head: SegmentsHead }) => boolean,
  ) => {
    const keys = [...missing.values()].map(({ key }) => key)
    let isFit = true
    for (const item of await table.getAll(keys, consistency)) {
      const name = `${item.pk} ${item.sk}`
      const at = missing.get(name)
      const node = segmentNodeFromItem(item)
      if (at && fits(node.revision, at)) {
        at.reading.nodes.set(nodeName(at.level, at.number), node)
        missing.delete(name)
      } else isFit = false
    }
    return isFit
  }
  const isTold = [...missing.values()].every(({ revision }) => revision !== undefined)
  if (isTold) await read('eventual', (revision, at) => revision === at.revision)
  const isFit = await read('strong', (revision, { head }) => revision <= head.revision)
  // What was told and is not there went with its generation: nothing is known of what it counted.
  return isFit && [...missing.values()].every(({ revision }) => revision === undefined)
}

/** A row as counts see it, with its keys in the indexes that milestones divide. */
export type SegmentRow = { slot: string; keys: { by_name: string; by_version: string } }

export const segmentRow = (item: Item): SegmentRow & { segment: number } => {
  const entry = entryFromItem(item)
  const keys = { by_name: String(item[SORTED_BY.by_name]), by_version: String(item[SORTED_BY.by_version]) }
  return { segment: segmentOf(entry.id), slot: slotName(slotOf(entry)), keys }
}

const readItems = async (
  table: Pick<Table, 'queryAll'>,
  shelf: Shelf,
  families: readonly Family[],
  segments: Iterable<number> | 'all',
): Promise<Item[]> => {
  const ranges = families.flatMap((family): Range[] =>
    segments === 'all'
      ? [{ pk: shelfPartition(shelf), prefix: familyPrefix(family) }]
      : runsOf(segments).map((run) => rangeOf(shelf, family, run)),
  )
  return (await Promise.all(ranges.map(table.queryAll))).flat()
}

/** By segment, the rows that are there now. */
export const readRows = async (
  table: Pick<Table, 'queryAll'>,
  shelf: Shelf,
  families: readonly Family[],
  segments: Iterable<number>,
): Promise<Map<number, SegmentRow[]>> => {
  const items = await readItems(table, shelf, families, segments)
  return Map.groupBy(items.map(segmentRow), ({ segment }) => segment)
}
