/**
 * Milestones: keys of an index, with counts of the packages between each and the next. They find the row at a distance
 * without reading what is before it, in lists by name and by version, as segments do in lists by id.
 *
 * What is from one milestone to the next is a part. Milestones stay as they were chosen for a generation, about as many as
 * a part has rows, so that what a page costs grows with the square root of the shelf. Whoever publishes counts nothing
 * here either: it notes the segment of the package as uncounted. For each segment that was counted, a digest says in which
 * parts; what is counted anew is compared with it, and a reader takes the rows of uncounted segments in its place.
 */
import { type Family, families, familyOf, type Slot, slotName } from '../domain/listing.ts'
import { digestFromItem, milestonesFromItem, type SegmentsHead, segmentNodeFromItem } from './items.ts'
import {
  digestKey,
  endOf,
  familyPrefix,
  type IndexName,
  type Key,
  milestoneCountsKey,
  milestonesKey,
  type Shelf,
  shelfPartition,
} from './keys.ts'
import {
  addTo,
  type CountedShelf,
  type Counts,
  type CountTable,
  isFarBehind,
  readRows,
  type SegmentRow,
  type Start,
} from './segments.ts'
import type { Item } from './table.ts'

export const MILESTONE_INDEXES = ['by_name', 'by_version'] as const satisfies readonly IndexName[]
export type MilestoneIndex = (typeof MILESTONE_INDEXES)[number]

/** Fewer rows than this in a part would cost more to find than to read. */
const SMALLEST_PART = 64
/**
 * All milestones of an index are one item, which DynamoDB ends at 400 KB. At equal distances they have no more bytes than
 * this, and beginnings and ends of names at most twice as many.
 */
const SPACED_BYTES = 120_000

/** A milestone stands behind a row's key and before all others, so that it is none itself. */
const behind = (key: string) => `${key} `

/**
 * Milestones for a shelf with these keys: at equal distances. Each family begins with one. A name, or version, of many rows
 * begins and ends with one, so that it has parts for itself.
 */
const chooseMilestones = (keys: readonly string[]): string[] => {
  const bytes = keys.reduce((sum, key) => sum + key.length, 0)
  const distance = Math.max(SMALLEST_PART, Math.ceil(Math.sqrt(keys.length)), Math.ceil(bytes / SPACED_BYTES))
  const chosen = families.map(familyPrefix)
  let since = 0
  for (const [stem, same] of Map.groupBy(keys.toSorted(), stemOf)) {
    const isLarge = same.length >= distance
    if (isLarge) {
      chosen.push(stem)
      since = 0
    }
    for (const key of same) {
      if (++since < distance) continue
      chosen.push(behind(key))
      since = 0
    }
    if (isLarge) {
      chosen.push(endOf(stem))
      since = 0
    }
  }
  return chosen.sort()
}

/** A key without its id. */
const stemOf = (key: string) => key.slice(0, key.lastIndexOf(' ') + 1)

/** The number of the part in which a key is: how many milestones are before it. */
const partOf = (milestones: readonly string[], key: string): number => {
  let [from, to] = [0, milestones.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((milestones[middle] as string) < key) from = middle + 1
    else to = middle
  }
  return from
}

/** The milestones of an index, and by slot how many rows each part has. */
type Divided = { milestones: readonly string[]; counts: Counts }
type Divisions = Partial<Record<MilestoneIndex, Divided>>

/** Where a row is counted: its slot, and its part by each index. */
type Place = { slot: string; parts: number[] }

const placesOf = (rows: readonly SegmentRow[], divisions: Divisions): Place[] =>
  rows.map(({ slot, keys }) => ({
    slot,
    parts: MILESTONE_INDEXES.map((index) => partOf(divisions[index]?.milestones ?? [], keys[index])),
  }))

const addPlaces = (divisions: Divisions, places: readonly Place[], sign: 1 | -1): void => {
  for (const { slot, parts } of places) {
    for (const [n, index] of MILESTONE_INDEXES.entries()) {
      const divided = divisions[index]
      if (divided) addTo(divided.counts, slot, parts[n] ?? 0, sign)
    }
  }
}

const DIGITS = 36

/** A segment's digest, such as `2:d=4.a,4.b;1:d=1.2`: by slot, the parts of each of its rows. */
const digestText = (places: readonly Place[]): string =>
  [...Map.groupBy(places, ({ slot }) => slot)]
    .map(([slot, some]) => `${slot}=${some.map(({ parts }) => parts.map((part) => part.toString(DIGITS)).join('.'))}`)
    .join(';')

const placesIn = (text: string): Place[] =>
  text.split(';').flatMap((ofSlot) => {
    const [slot = '', rows] = ofSlot.split('=')
    return (rows?.split(',') ?? []).map((row) => ({
      slot,
      parts: row.split('.').map((part) => Number.parseInt(part, DIGITS)),
    }))
  })

/** Digests of so many segments are one item. */
const SEGMENTS_PER_DIGEST = 16
const digestNumber = (segment: number) => Math.floor(segment / SEGMENTS_PER_DIGEST)

/** A part with so many times the rows of others is one to divide. */
const UNEVEN = 16

const isUneven = ({ milestones, counts }: Divided): boolean => {
  const sizes = milestones.map((_, place) =>
    Object.values(counts).reduce((sum, ofSlot) => sum + (ofSlot[place + 1] ?? 0), 0),
  )
  const average = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  return Math.max(...sizes) > UNEVEN * Math.max(SMALLEST_PART, average)
}

type Stored = Key & Item

const countItems = (shelf: Shelf, generation: string, divisions: Divisions): Stored[] =>
  MILESTONE_INDEXES.flatMap((index) => {
    const divided = divisions[index]
    return divided ? [{ ...milestoneCountsKey(shelf, generation, index), counts: divided.counts }] : []
  })

/** What a new generation stores of milestones, for a shelf of these rows. */
export const milestoneItems = (
  shelf: Shelf,
  generation: string,
  rows: readonly (SegmentRow & { segment: number })[],
): Stored[] => {
  const divisions: Divisions = {}
  for (const index of MILESTONE_INDEXES) {
    divisions[index] = { milestones: chooseMilestones(rows.map(({ keys }) => keys[index])), counts: {} }
  }
  const digests = new Map<number, Record<string, string>>()
  for (const [segment, some] of Map.groupBy(rows, ({ segment }) => segment)) {
    const places = placesOf(some, divisions)
    addPlaces(divisions, places, 1)
    const number = digestNumber(segment)
    digests.set(number, { ...digests.get(number), [segment]: digestText(places) })
  }
  return [
    ...MILESTONE_INDEXES.map((index) => ({
      ...milestonesKey(shelf, generation, index),
      keys: divisions[index]?.milestones,
    })),
    ...countItems(shelf, generation, divisions),
    ...[...digests].map(([number, segments]) => ({ ...digestKey(shelf, generation, number), segments })),
  ]
}

/**
 * The milestones of a shelf by some indexes, and the digests of some segments.
 * @returns undefined when they were counted anew since the head was read
 */
export const readMilestones = async (
  table: Pick<CountTable, 'getAll'>,
  shelf: Shelf,
  { generation, revision }: SegmentsHead,
  indexes: readonly MilestoneIndex[],
  segments: Iterable<number>,
) => {
  const digestKeys = [...new Set([...segments].map(digestNumber))].map((n) => digestKey(shelf, generation, n))
  const items = await table.getAll([
    ...indexes.map((index) => milestonesKey(shelf, generation, index)),
    ...indexes.map((index) => milestoneCountsKey(shelf, generation, index)),
    ...digestKeys,
  ])
  if (items.some((item) => Number(item.revision) > revision)) return undefined
  const bySk = new Map(items.map((item) => [String(item.sk), item]))
  const divisions: Divisions = {}
  for (const index of indexes) {
    const milestones = bySk.get(milestonesKey(shelf, generation, index).sk)
    const counts = bySk.get(milestoneCountsKey(shelf, generation, index).sk)
    if (!milestones || !counts) return undefined
    divisions[index] = {
      milestones: milestonesFromItem(milestones),
      counts: segmentNodeFromItem(counts).counts,
    }
  }
  const digests = new Map(
    digestKeys.map((key) => {
      const item = bySk.get(key.sk)
      return [key.sk, { ...key, segments: item ? digestFromItem(item).segments : {} }]
    }),
  )

  return {
    divisions,

    /** Counts these rows of a segment in place of those that were counted. */
    recount(segment: number, rows: readonly SegmentRow[]): void {
      const digest = digests.get(digestKey(shelf, generation, digestNumber(segment)).sk)
      if (!digest) throw new Error(`the digest of segment ${segment} of ${shelfPartition(shelf)} was not read`)
      const places = placesOf(rows, divisions)
      addPlaces(divisions, placesIn(digest.segments[segment] ?? ''), -1)
      addPlaces(divisions, places, 1)
      digest.segments = { ...digest.segments, [segment]: digestText(places) }
    },

    /** Whether rows have gathered in one part, so that milestones had better be chosen anew. */
    isUneven: () => Object.values(divisions).some(isUneven),

    /** What is to be stored after segments were counted. */
    items: (): Stored[] => [...countItems(shelf, generation, divisions), ...digests.values()],
  }
}

/** A part in the direction of a list: where it begins, and its rows. */
type Step = { edge: string | undefined; count: number }

/** Sorted rows in steps. `at` tells where an edge is in the order of the list. */
type Lane = { steps: readonly Step[]; at: (edge: string) => string }

/** Where to begin in each lane, so that few rows are left to be passed over. */
const startsIn = (lanes: readonly Lane[], { isDescending, skip }: { isDescending: boolean; skip: number }) => {
  const edges = lanes
    .flatMap(({ steps, at }, lane) =>
      steps.slice(1).map(({ edge = '' }, place) => ({ lane, place: place + 1, at: at(edge) })),
    )
    .sort((one, other) => (one.at < other.at ? -1 : Number(one.at > other.at)) * (isDescending ? -1 : 1))
  const places = lanes.map(() => 0)
  const countOf = (lane: number, place: number) => lanes[lane]?.steps[place]?.count ?? 0
  // What is surely before the edges reached so far, and what may be.
  let before = 0
  let atMost = lanes.reduce((sum, _, lane) => sum + countOf(lane, 0), 0)
  let next = 0
  const goOn = ({ lane, place }: (typeof edges)[number]) => {
    places[lane] = place
    before += countOf(lane, place - 1)
    atMost += countOf(lane, place)
    next++
  }
  for (let edge = edges[next]; edge && atMost + countOf(edge.lane, edge.place) <= skip; edge = edges[next]) goOn(edge)
  const begun = [...places]
  const passed = before
  for (let edge = edges[next]; edge && before <= skip; edge = edges[next]) goOn(edge)

  const starts = lanes.map(({ steps }, lane): Start => {
    const [start = 0, end = 0] = [begun[lane], places[lane]]
    const most = steps.slice(start, end + 1).reduce((sum, { count }) => sum + count, 0)
    return { edge: steps[start]?.edge, most }
  })
  return { skip: skip - passed, starts }
}

/**
 * Finds for each family of these shelves where to begin in the order of an index.
 * @param shelves those that have such packages
 * @returns undefined when the milestones do not tell
 */
export const seekInIndex = async (
  table: CountTable,
  shelves: readonly CountedShelf[],
  asked: { index: MilestoneIndex; slots: readonly Slot[]; isDescending: boolean; skip: number },
): Promise<{ skip: number; startOf: (shelf: Shelf, family: Family) => Start } | undefined> => {
  if (isFarBehind(shelves)) return undefined
  const { index, slots, isDescending } = asked
  const byFamily = Map.groupBy(slots, familyOf)
  const found = await Promise.all(shelves.map((shelf) => divisionOf(table, shelf, index, slots)))

  const lanes: (Lane & { shelf: Shelf; family: Family })[] = []
  for (const [place, { shelf }] of shelves.entries()) {
    const divided = found[place]
    if (!divided) return undefined
    for (const [family, ofFamily] of byFamily) {
      const prefix = familyPrefix(family)
      // Rows without a version stand behind all others.
      const rank = index === 'by_version' && family.endsWith('-versionless') ? 1 : 0
      lanes.push({
        shelf,
        family,
        steps: stepsOf(divided, prefix, ofFamily, isDescending) ?? [],
        at: (edge) => `${rank}${edge.slice(prefix.length)}`,
      })
    }
  }
  const { skip, starts } = startsIn(lanes, asked)
  return {
    skip,
    startOf(shelf, family) {
      const lane = lanes.findIndex((one) => one.shelf === shelf && one.family === family)
      return starts[lane] ?? { edge: undefined, most: 0 }
    },
  }
}

/** The rows of a name on a shelf, all of its types or one. `rank` is where they stand before the id decides. */
export type NameLane = { shelf: Shelf; stem: string; slots: readonly Slot[]; count: number; rank: string }

/**
 * The same for names, in the order of ids among those of one rank. Names of few rows have one part.
 * @param shelves those of the names
 */
export const seekInNames = async (
  table: CountTable,
  shelves: readonly CountedShelf[],
  names: readonly NameLane[],
  asked: { slots: readonly Slot[]; isDescending: boolean; skip: number },
): Promise<{ skip: number; starts: Start[] } | undefined> => {
  if (isFarBehind(shelves)) return undefined
  const found = await Promise.all(shelves.map((shelf) => divisionOf(table, shelf, 'by_name', asked.slots)))
  if (found.includes(undefined)) return undefined
  const divisions = new Map(shelves.map(({ shelf }, place) => [shelf, found[place]]))
  const lanes = names.map(({ shelf, stem, slots, count, rank }): Lane => {
    const divided = divisions.get(shelf)
    const steps = divided && stepsOf(divided, stem, slots, asked.isDescending)
    return { steps: steps ?? [{ edge: undefined, count }], at: (edge) => `${rank}${edge.slice(stem.length)}` }
  })
  return startsIn(lanes, asked)
}

/** The parts of a shelf as they are now. A small shelf has no milestones: its tallies count each family as one part. */
const divisionOf = async (
  table: CountTable,
  { shelf, head, uncounted, tallies }: CountedShelf,
  index: MilestoneIndex,
  slots: readonly Slot[],
): Promise<Divided | undefined> => {
  if (!head) {
    const milestones = chooseMilestones([])
    const counts: Counts = {}
    for (const slot of slots) {
      const name = slotName(slot)
      const count = tallies.reduce((sum, tally) => sum + Number(tally[name] ?? 0), 0)
      addTo(counts, name, partOf(milestones, behind(familyPrefix(familyOf(slot)))), count)
    }
    return { milestones, counts }
  }
  const [stored, rows] = await Promise.all([
    readMilestones(table, shelf, head, [index], uncounted),
    readRows(table, shelf, [...new Set(slots.map(familyOf))], uncounted),
  ])
  for (const segment of stored ? uncounted : []) stored?.recount(segment, rows.get(segment) ?? [])
  return stored?.divisions[index]
}

/** The parts of all keys that begin so, in the direction of a list; undefined when no milestone begins them. */
const stepsOf = (
  { milestones, counts }: Divided,
  stem: string,
  slots: readonly Slot[],
  isDescending: boolean,
): Step[] | undefined => {
  const names = slots.map(slotName)
  const first = partOf(milestones, stem)
  if (milestones[first] !== stem) return undefined
  const steps: Step[] = []
  for (let place = first; place < milestones.length && (milestones[place] as string) < endOf(stem); place++) {
    const count = names.reduce((sum, name) => sum + (counts[name]?.[place + 1] ?? 0), 0)
    steps.push({ edge: place === first ? undefined : milestones[place], count })
  }
  // From the end, a part begins where the next one did.
  return isDescending ? steps.map(({ count }, place) => ({ count, edge: steps[place + 1]?.edge })).toReversed() : steps
}
