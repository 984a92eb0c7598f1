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
  familyPrefix,
  type IndexName,
  type Key,
  milestoneCountsKey,
  milestonesKey,
  type Shelf,
  shelfPartition,
} from './keys.ts'
import { addTo, type CountedShelf, type Counts, type CountTable, readRows, type SegmentRow } from './segments.ts'
import type { Item } from './table.ts'

export const MILESTONE_INDEXES = ['by_name', 'by_version'] as const satisfies readonly IndexName[]
export type MilestoneIndex = (typeof MILESTONE_INDEXES)[number]

/** Fewer rows than this in a part would cost more to find than to read. */
const SMALLEST_PART = 64
/** All milestones of an index are one item, which DynamoDB ends at 400 KB. */
const MILESTONES_LIMIT_BYTES = 250_000

/** A milestone stands behind a row's key and before all others, so that it is none itself. */
const behind = (key: string) => `${key} `

/** Milestones for a shelf with these keys: each family begins with one, and then they stand at equal distances. */
const chooseMilestones = (keys: readonly string[]): string[] => {
  const bytes = keys.reduce((sum, key) => sum + key.length, 0)
  const distance = Math.max(SMALLEST_PART, Math.ceil(Math.sqrt(keys.length)), Math.ceil(bytes / MILESTONES_LIMIT_BYTES))
  const chosen = keys.toSorted().filter((_, place) => (place + 1) % distance === 0)
  return [...families.map(familyPrefix), ...chosen.map(behind)].sort()
}

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

/** A segment's digest, such as `npm:default=4.a,4.b;maven:default=1.2`: by slot, the parts of each of its rows. */
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

/** Where the rows of a shelf's family begin, and how many of them are passed over at the most. */
export type Start = { edge: string | undefined; most: number }

/**
 * Finds for each family of these shelves where to begin, so that few rows are left to be passed over.
 * @param shelves those that have such packages
 * @returns undefined when the milestones do not tell
 */
export const seekEdges = async (
  table: CountTable,
  shelves: readonly CountedShelf[],
  asked: { index: MilestoneIndex; slots: readonly Slot[]; isDescending: boolean; skip: number },
): Promise<{ skip: number; startOf: (shelf: Shelf, family: Family) => Start } | undefined> => {
  const { index, slots, isDescending, skip } = asked
  const byFamily = Map.groupBy(slots, familyOf)
  const found = await Promise.all(shelves.map((shelf) => divisionOf(table, shelf, index, slots)))

  const sources: { shelf: Shelf; family: Family; steps: Step[] }[] = []
  for (const [place, { shelf }] of shelves.entries()) {
    const divided = found[place]
    if (!divided) return undefined
    for (const [family, ofFamily] of byFamily) {
      const upwards = stepsOf(divided, family, ofFamily.map(slotName))
      sources.push({ shelf, family, steps: isDescending ? downwards(upwards) : upwards })
    }
  }

  const edges = sources
    .flatMap(({ family, steps }, source) =>
      steps
        .slice(1)
        .map(({ edge = '' }, place) => ({ source, place: place + 1, at: placeInOrder(index, family, edge) })),
    )
    .sort((one, other) => (one.at < other.at ? -1 : Number(one.at > other.at)) * (isDescending ? -1 : 1))
  const places = sources.map(() => 0)
  const countOf = (source: number, place: number) => sources[source]?.steps[place]?.count ?? 0
  // What is surely before the edges reached so far, and what may be.
  let before = 0
  let atMost = sources.reduce((sum, _, source) => sum + countOf(source, 0), 0)
  let next = 0
  const goOn = ({ source, place }: (typeof edges)[number]) => {
    places[source] = place
    before += countOf(source, place - 1)
    atMost += countOf(source, place)
    next++
  }
  for (let edge = edges[next]; edge && atMost + countOf(edge.source, edge.place) <= skip; edge = edges[next]) goOn(edge)
  const starts = [...places]
  const passed = before
  for (let edge = edges[next]; edge && before <= skip; edge = edges[next]) goOn(edge)

  return {
    skip: skip - passed,
    startOf(shelf, family) {
      const source = sources.findIndex((one) => one.shelf === shelf && one.family === family)
      const { steps } = sources[source] ?? { steps: [] }
      const [start = 0, end = 0] = [starts[source], places[source]]
      const most = steps.slice(start, end + 1).reduce((sum, { count }) => sum + count, 0)
      return { edge: steps[start]?.edge, most }
    },
  }
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

/** The parts of a family, upwards. The first begins with the family. */
const stepsOf = ({ milestones, counts }: Divided, family: Family, slots: readonly string[]): Step[] =>
  milestones.flatMap((edge, place) => {
    if (!edge.startsWith(familyPrefix(family))) return []
    const count = slots.reduce((sum, slot) => sum + (counts[slot]?.[place + 1] ?? 0), 0)
    return [{ edge: edge === familyPrefix(family) ? undefined : edge, count }]
  })

/** The same from the end: a part begins where the next one did. */
const downwards = (steps: readonly Step[]): Step[] =>
  steps.map(({ count }, place) => ({ count, edge: steps[place + 1]?.edge })).toReversed()

/** Texts in the order of a list: rows without a version stand behind all others. */
const placeInOrder = (index: MilestoneIndex, family: Family, edge: string) =>
  `${index === 'by_version' && family.endsWith('-versionless') ? 1 : 0}${edge.slice(familyPrefix(family).length)}`
