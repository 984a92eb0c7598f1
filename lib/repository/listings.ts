import { lazily } from '../domain/lazily.ts'
import {
  type Compare,
  compareBy,
  compareText,
  type Family,
  familyOf,
  matchesName,
  type PackageFilter,
  type PackageOrder,
  type Slot,
  type Sort,
  selectedFamilies,
  selectedSlots,
  selects,
  slotName,
  slotOf,
  slotsOfFamily,
} from '../domain/listing.ts'
import { mergeSources, type Source } from '../domain/merge.ts'
import { PACKAGE_TYPES, PACKAGE_VERSION_LIMIT, type PackageEntry, type PackageType } from '../domain/package.ts'
import type { Paged, Position } from '../domain/pagination.ts'
import { entryFromItem } from './items.ts'
import {
  INDEXES,
  namePrefix,
  namesPartition,
  type Shelf,
  shelfPartition,
  tallyPartition,
  tallyPrefix,
  versionPrefix,
} from './keys.ts'
import { type MilestoneIndex, type NameLane, seekInIndex, seekInNames } from './milestones.ts'
import { type ProjectsInside, wayByProjectPath } from './projectPaths.ts'
import { beyond, fromEdge, indexFor, inOrder, residue, restOf, settledBy, withinName } from './ranges.ts'
import { countedShelves, type Start, seekSeat } from './segments.ts'
import { isSortable } from './shelves.ts'
import { isFew, nearBy, SIFTED_AT_FIRST, sifted, waySifting } from './sifting.ts'
import type { Item, Range, Table } from './table.ts'
import {
  CONSISTENT,
  FAR,
  farFrom,
  type Listed,
  type NameRow,
  type PackageQuery,
  pageOf,
  ROWS_OF_A_QUERY,
  type Stretch,
  turned,
  type Way,
  WORTH_COUNTING,
} from './ways.ts'

/** What a listing needs of the table. */
export type ListingTable = Pick<Table, 'query' | 'queryAll' | 'getAll'>

/** A family of a shelf's packages of one name, of all types or one; `among` so many, which filters do not tell apart. */
type Part = NameLane & { family: Family; name: string; type: PackageType | undefined; among: number }

/**
 * The listing engine: every list is an ordered merge of the shelves that the caller may see.
 *
 * | Filter                   | Rows come from                                  | Total comes from      |
 * |--------------------------|-------------------------------------------------|-----------------------|
 * | none, type, status       | the shelves in the wanted order                 | tallies               |
 * | the same, where rare     | `waySifting`                                    | tallies               |
 * | `name`, where much fits  | the shelves in the wanted order, past the rest  | counts of those names |
 * | `name`, where little does | one stretch of `by_name` for each such name     | counts of those names |
 * | `version`                | the stretch of `by_version`, whole              | the rows themselves   |
 *
 * A page that goes on from a row begins there. One that is known by its number alone is found from the nearer end of
 * the list: by counts of segments where ids make the order, by milestones where names or versions do, else row by row.
 */
export const openListing = (table: ListingTable) => {
  /**
   * One stretch of a shelf as a source of rows.
   * @param most of its rows are passed over; where a filter drops others, that does not bound what is to be read
   */
  const source = (range: Range, most?: number): Source<PackageEntry> => {
    let after: Item | undefined
    return {
      ...(most === undefined || range.filter ? {} : { most }),
      async fetch(limit) {
        const { items, next } = await table.query(range, limit, after)
        after = next
        return { rows: items.map(entryFromItem), more: next !== undefined }
      },
    }
  }

  const knownSource = (rows: PackageEntry[]): Source<PackageEntry> => ({
    fetch: async () => ({ rows, more: false }),
  })

  const readAll = async (ranges: readonly Range[]): Promise<PackageEntry[]> =>
    (await Promise.all(ranges.map(table.queryAll))).flat().map(entryFromItem)

  /** The tallies of shelves, by partition: shelves of one group share a query. */
  const readTallies = async (shelves: readonly Shelf[]): Promise<Tallies> => {
    const partitions = [...new Set(shelves.map(tallyPartition))]
    return new Map(await Promise.all(partitions.map(async (pk) => [pk, await table.queryAll({ pk })] as const)))
  }

  /** A row for each name of a shelf that the filter matches, with the count of its packages. */
  const matchingNames = async (shelf: Shelf, filter: PackageFilter): Promise<NameRow[]> => {
    const matches = matchesName(filter.name ?? '')
    const slots = selectedSlots(filter)
    const items = await table.queryAll({ pk: namesPartition(shelf) })
    const byName = Map.groupBy(items, ({ sk }) => String(sk).split(' ')[0] ?? '')
    return [...byName]
      .filter(([name]) => matches(name))
      .flatMap(([name, all]) => all.flatMap((item) => nameRows({ shelf, name, item, all }, slots)))
  }

  const wayByTally = (
    shelves: readonly Shelf[],
    { filter, order, sort }: Listed,
    tallies: () => Promise<Tallies>,
  ): Way => {
    const slots = selectedSlots(filter)
    const total = async () => countIn(await tallies(), shelves, slots)
    const runs = (isBackwards: boolean) => turned(sort, isBackwards)

    const price = indexFor(filter, order) ? 1 : CONSISTENT

    // Most packages have the status that is asked for, where one is, and not the type.
    const atFirst = restOf(filter, order).includes('type') ? SIFTED_AT_FIRST : 1

    /** Of how many rows of a stretch one is wanted; undefined where none is. */
    const rowsForOne = async (shelf: Shelf, family: Family): Promise<number | undefined> => {
      const known = await tallies()
      const [wanted = 0, all = 0] = [filter, settledBy(filter, order)].map((one) =>
        countIn(
          known,
          [shelf],
          selectedSlots(one).filter((slot) => familyOf(slot) === family),
        ),
      )
      return wanted === 0 ? undefined : Math.max(1, all / wanted)
    }

    /** In the order of ids: the types before the wanted one are passed over whole, segments find the rest. */
    const seekById = async (stretch: Stretch): Promise<Stretch | undefined> => {
      const known = await tallies()
      const isDescending = runs(stretch.isBackwards) === 'desc'
      let skip = stretch.skip
      const types = order === 'type' ? typesOf(slots, isDescending) : [undefined]
      for (const type of types) {
        const wanted = slots.filter((slot) => type === undefined || slot.type === type)
        const there = shelves.filter((shelf) => countIn(known, [shelf], wanted) > 0)
        const here = countIn(known, there, wanted)
        if (type !== undefined && skip >= here) {
          skip -= here
          continue
        }
        const counted = countedShelves(there, talliesOf(known))
        const seat = counted && (await seekSeat(table, counted, { slots: wanted, isDescending, skip }))
        if (!seat) return undefined
        const { id, skip: rest, startOf } = seat
        return { ...stretch, from: { value: type ?? null, id }, skip: rest, startOf }
      }
      return undefined
    }

    /** In the order of names or versions: milestones of the index. */
    const seekByKey = async (index: MilestoneIndex, stretch: Stretch): Promise<Stretch | undefined> => {
      const known = await tallies()
      const there = shelves.filter((shelf) => countIn(known, [shelf], slots) > 0)
      const counted = countedShelves(there, talliesOf(known))
      const asked = { index, slots, isDescending: runs(stretch.isBackwards) === 'desc', skip: stretch.skip }
      const found = counted && (await seekInIndex(table, counted, asked))
      return found && { ...stretch, ...found }
    }
    const seeks: Partial<Record<PackageOrder, Way['seek']>> = {
      created_at: seekById,
      type: seekById,
      name: (stretch) => seekByKey(INDEXES.name, stretch),
      version: (stretch) => seekByKey(INDEXES.version, stretch),
    }

    return {
      total,
      read(stretch, isOver) {
        const direction = runs(stretch.isBackwards)
        const compare = compareBy(order, direction)
        const sources = shelves.flatMap((shelf) =>
          selectedFamilies(filter).flatMap((family) => {
            const { edge, most, rows: known } = stretch.startOf?.(shelf, family) ?? {}
            if (known) {
              const wanted = known.filter((row) => {
                const slot = slotOf(row)
                return familyOf(slot) === family && selects(filter, slot)
              })
              const rest = { ...stretch, skip: 0, take: wanted.length }
              return [knownSource(sliced(wanted.sort(compare), rest, order, compare))]
            }
            const range = inOrder(shelf, family, filter, order, direction)
            const ranges = edge === undefined ? beyond(range, family, order, stretch.from) : [fromEdge(range, edge)]
            return ranges.map((one) => {
              const rows = source(one, most)
              return one.filter ? sifted(rows, atFirst, () => rowsForOne(shelf, family)) : rows
            })
          }),
        )
        return mergeSources(sources, compare, stretch, isOver)
      },
      ...(seeks[order] ? { seek: seeks[order] } : {}),
      farFrom: farFrom(shelves.length * selectedFamilies(filter).length, price),
      // From the oldest, so that new packages, which are not counted yet, are passed over on no way.
      ...(seeks[order] === seekById ? { seeksBackwards: sort === 'desc' } : {}),
      positionOf: positionBy(order),
    }
  }

  const wayByName = async (
    shelves: readonly Shelf[],
    { filter, order, sort }: Listed,
    tallies: () => Promise<Tallies>,
    known?: readonly NameRow[],
  ): Promise<Way> => {
    const matching = known ?? (await Promise.all(shelves.map((shelf) => matchingNames(shelf, filter)))).flat()
    const found = matching.reduce((sum, { count }) => sum + count, 0)
    // One stretch holds a name with all its types, by id. An order by type wants each type of it apart.
    const apart = order === 'type' ? ({ name, type }: NameRow) => `${name} ${type}` : ({ name }: NameRow) => name
    const names = [...Map.groupBy(matching, apart).values()]
      .map((rows) => ({
        name: rows[0]?.name ?? '',
        type: order === 'type' ? rows[0]?.type : filter.type,
        count: rows.reduce((sum, { count }) => sum + count, 0),
        shelves: [...new Set(rows.map(({ shelf }) => shelf))],
        rows,
      }))
      .sort((one, other) => compareText(one.name, other.name))

    const slotsOf = (type: PackageType | undefined) => {
      const slots = selectedSlots(type === undefined ? filter : { ...filter, type })
      return [...Map.groupBy(slots, familyOf)]
    }
    const slotsByType = new Map([...new Set(names.map(({ type }) => type))].map((type) => [type, slotsOf(type)]))

    /** The parts of some names that have packages. */
    const partsOf = (some: typeof names): Part[] =>
      some
        .flatMap(({ name, type, shelves: there, rows }) =>
          there.flatMap((shelf) => {
            const here = rows.filter((row) => row.shelf === shelf)
            return (slotsByType.get(type) ?? []).map(([family, slots]) => {
              const count = here.reduce((sum, row) => sum + countOf(row.item, ofType(slots, row.type)), 0)
              const among = (here[0]?.all ?? []).reduce((sum, item) => sum + countOf(item, slotsOfFamily(family)), 0)
              const rank = rankOf[order]?.(name, type) ?? ''
              return { shelf, family, name, type, slots, count, among, stem: namePrefix(family, name), rank }
            })
          }),
        )
        .filter(({ count }) => count > 0)

    /** Where to begin in names of many versions; in the others, all that is passed over is the name at the most. */
    const seekAmong = async (lanes: readonly NameLane[], isDescending: boolean, skip: number) => {
      const walked = { skip, starts: lanes.map(({ count }): Start => ({ edge: undefined, most: count })) }
      const there = [...new Set(lanes.filter(({ count }) => count >= FAR).map(({ shelf }) => shelf))]
      if (there.length === 0) return walked
      const counted = countedShelves(there, talliesOf(await tallies()))
      const asked = { slots: selectedSlots(filter), isDescending, skip }
      return (counted && (await seekInNames(table, counted, lanes, asked))) ?? walked
    }

    /**
     * Reads the rows as they stand in the order of the list, past those of other names.
     * @param apart how many rows the other way costs as much as: to ask for each name by itself
     * @returns undefined where that way costs less, or turned out to
     */
    const readAlong = async (stretch: Stretch, direction: Sort, apart: number): Promise<PackageEntry[] | undefined> => {
      if (order === 'name' || apart < WORTH_COUNTING) return undefined
      const ranges = shelves.flatMap((shelf) =>
        selectedFamilies(filter).flatMap((family) =>
          beyond(inOrder(shelf, family, filter, order, direction), family, order, stretch.from),
        ),
      )
      const among = countIn(await tallies(), shelves, selectedSlots(settledBy(filter, order)))
      const share = Math.max(1, among / found)
      const price = indexFor(filter, order) ? 1 : CONSISTENT
      const expected = ranges.length * Math.ceil((stretch.skip + stretch.take) * share)
      if (expected * price >= apart) return undefined

      let left = Math.min(expected * PATIENCE, apart / price)
      const matches = matchesName(filter.name ?? '')
      const sources = ranges.map((range): Source<PackageEntry> => {
        const { fetch } = source(range)
        let each = share
        return {
          async fetch(count) {
            const limit = Math.ceil(count * each)
            left -= limit
            if (left < 0) return { rows: [], more: false }
            each *= 2
            const { rows, more } = await fetch(limit)
            return { rows: rows.filter(({ name }) => matches(name)), more }
          },
        }
      })
      const rows = await mergeSources(sources, compareBy(order, direction), stretch)
      return left < 0 ? undefined : rows
    }

    return {
      total: async () => found,
      async read(stretch) {
        const direction = turned(sort, stretch.isBackwards)
        const compare = compareBy(order, direction)
        const inDirection = direction === 'asc' ? names : names.toReversed()
        const wanted =
          order === 'name'
            ? namesWithin(notBefore(inDirection, stretch, direction), stretch)
            : { names: inDirection, skipped: 0 }
        const parts = partsOf(wanted.names)
        const rangeOf = ({ shelf, family, stem, type }: Part): Range => ({
          pk: shelfPartition(shelf),
          index: INDEXES.name,
          prefix: stem,
          descending: direction === 'desc',
          ...residue(family, type === undefined ? filter : { ...filter, type }, ['type', 'status']),
        })
        const queries = parts.length * ROWS_OF_A_QUERY
        const apart = order === 'version' ? Math.max(queries, found) : queries + stretch.skip
        const along = await readAlong(stretch, direction, apart)
        if (along) return along
        if (order === 'version') {
          const rows = await readAll(parts.map(rangeOf))
          return sliced(rows.sort(compare), stretch, order, compare)
        }
        const skip = stretch.skip - wanted.skipped
        const begun = skip < FAR ? undefined : await seekAmong(parts, direction === 'desc', skip)
        const sources = parts.flatMap((part, place) => {
          const { edge, most } = begun?.starts[place] ?? {}
          const range = rangeOf(part)
          const ranges = edge === undefined ? withinName(range, part, order, stretch.from) : [fromEdge(range, edge)]
          return ranges.map((one) => {
            const rows = { ...source(one, most), ...(most === undefined ? {} : { weight: most }) }
            return one.filter ? sifted(rows, part.among / part.count) : rows
          })
        })
        return mergeSources(sources, compare, { skip: begun?.skip ?? skip, take: stretch.take })
      },
      positionOf: positionBy(order),
    }
  }

  /** The rows of one version are few, or they are all read: nothing counts them. */
  const readVersion = async (shelves: readonly Shelf[], filter: PackageFilter): Promise<PackageEntry[]> => {
    // What no version can be is no key to ask for either.
    if (!isSortable(filter.version ?? '', PACKAGE_VERSION_LIMIT)) return []
    const ranges = shelves.flatMap((shelf) =>
      selectedFamilies(filter).map(
        (family): Range => ({
          pk: shelfPartition(shelf),
          index: INDEXES.version,
          prefix: versionPrefix(family, filter.version ?? ''),
          ...residue(family, filter, ['type', 'status']),
        }),
      ),
    )
    const matches = matchesName(filter.name ?? '')
    return (await readAll(ranges)).filter(({ name }) => matches(name))
  }

  const wayByVersion = (shelves: readonly Shelf[], { filter, order, sort }: Listed): Way => {
    const rows = readVersion(shelves, filter)
    rows.catch(() => {})
    return {
      total: async () => (await rows).length,
      async read(stretch) {
        const compare = compareBy(order, turned(sort, stretch.isBackwards))
        return sliced((await rows).toSorted(compare), stretch, order, compare)
      },
      positionOf: positionBy(order),
    }
  }

  /** @param known the names that the filter matches, where they were read before */
  const wayThrough = async (shelves: readonly Shelf[], query: Listed, known?: readonly NameRow[]): Promise<Way> => {
    const { filter, order } = query
    if (filter.version !== undefined) return wayByVersion(shelves, query)
    const tallies = lazily(() => readTallies(shelves))
    if (filter.name !== undefined) return wayByName(shelves, query, tallies, known)
    if (restOf(filter, order).length === 0) return wayByTally(shelves, query, tallies)
    const sifting = waySifting(shelves, query, {
      along: (some) => wayByTally(some, query, tallies),
      byName: (some) => wayByName(some, query, tallies),
      count: async (shelf, one) => countIn(await tallies(), [shelf], selectedSlots(one)),
    })
    return known ? nearBy(await wayByName(shelves, query, tallies, known), sifting) : sifting
  }

  return {
    /** The names, in their order, of what a filter shows of a shelf: a read of them all, however many versions they have. */
    async listNames(shelf: Shelf, filter: PackageFilter): Promise<string[]> {
      return [...new Set((await matchingNames(shelf, filter)).map(({ name }) => name))]
    },

    async listPackages(shelves: readonly Shelf[], query: PackageQuery): Promise<Paged<PackageEntry>> {
      return pageOf(await wayThrough(shelves, query), query.page)
    },

    /** The same by `project_path`. */
    async listPackagesByProjectPath(
      shelves: readonly Shelf[],
      projects: ProjectsInside,
      query: PackageQuery,
    ): Promise<Paged<PackageEntry>> {
      const isFewOfAll = async () => {
        const tallies = await readTallies(shelves)
        const { type: _type, status: _status, ...all } = query.filter
        const [wanted = 0, shown = 0] = [query.filter, all].map((one) => countIn(tallies, shelves, selectedSlots(one)))
        return isFew(wanted, shown)
      }
      const way = await wayByProjectPath(
        table,
        { wayThrough, readVersion, matchingNames, isFew: isFewOfAll },
        shelves,
        projects,
        query,
      )
      return pageOf(way, query.page)
    },
  }
}

/** By partition. */
type Tallies = ReadonlyMap<string, readonly Item[]>

const talliesOf = (tallies: Tallies) => (shelf: Shelf) => tallies.get(tallyPartition(shelf)) ?? []

const countIn = (tallies: Tallies, shelves: readonly Shelf[], slots: readonly Slot[]): number =>
  shelves
    .flatMap((shelf) => talliesOf(tallies)(shelf).filter(({ sk }) => String(sk).startsWith(tallyPrefix(shelf))))
    .reduce((sum, item) => sum + countOf(item, slots), 0)

/** An item of a directory of names, where it has packages of these slots. */
const nameRows = (of: Pick<NameRow, 'shelf' | 'name' | 'item' | 'all'>, slots: readonly Slot[]): NameRow[] => {
  const [, type, projectId] = String(of.item.sk).split(' ')
  const count = countOf(of.item, ofType(slots, type as PackageType))
  return count === 0 ? [] : [{ ...of, type: type as PackageType, projectId: Number(projectId), count }]
}

const ofType = (slots: readonly Slot[], type: PackageType) => slots.filter((slot) => slot.type === type)

const typesOf = (slots: readonly Slot[], isDescending: boolean): PackageType[] =>
  [...new Set(slots.map(({ type }) => type))].sort(
    (one, other) => (PACKAGE_TYPES[one] - PACKAGE_TYPES[other]) * (isDescending ? -1 : 1),
  )

const positionBy =
  (order: PackageOrder) =>
  ({ id, name, version, type }: PackageEntry): Position => {
    const values: Record<PackageOrder, string | null> = { created_at: null, project_path: null, name, version, type }
    return { value: values[order], id }
  }

/** A row that stands where the position is. */
const rowAt = (order: PackageOrder, { value, id }: Position) => ({
  id,
  name: order === 'name' ? (value ?? '') : '',
  version: order === 'version' ? value : null,
  type: (order === 'type' ? value : 'npm') as PackageType,
})

/** What of sorted rows the stretch wants. */
const sliced = (
  rows: readonly PackageEntry[],
  { from, skip, take }: Stretch,
  order: PackageOrder,
  compare: Compare,
) => {
  const rest = from ? rows.filter((row) => compare(row, rowAt(order, from)) > 0) : rows
  return rest.slice(skip, skip + take)
}

/** What stands before the ids where rows of several names are in an order. */
const rankOf: Partial<Record<PackageOrder, (name: string, type: PackageType | undefined) => string>> = {
  name: (name) => `${name} `,
  type: (_, type) => (type ? String(PACKAGE_TYPES[type]).padStart(2, '0') : ''),
}

const countOf = (item: Item, slots: readonly Slot[]) =>
  slots.reduce((sum, slot) => sum + Number(item[slotName(slot)] ?? 0), 0)

const notBefore = <Name extends { name: string }>(names: readonly Name[], { from }: Stretch, direction: Sort) =>
  from === undefined
    ? names
    : names.filter(({ name }) => compareText(name, from.value ?? '') * (direction === 'asc' ? 1 : -1) >= 0)

/** The names that reach into a stretch, and how many packages stand before the first of them. */
const namesWithin = <Name extends { name: string; count: number }>(
  names: readonly Name[],
  { from, skip, take }: Stretch,
) => {
  // Of the name where the stretch begins, nobody knows how much is left.
  const place = from ? names.findIndex(({ name }) => name === from.value) : -1
  const begun = names.slice(0, place + 1).slice(-1)
  let before = 0
  let skipped = 0
  const within = names.slice(place + 1).filter(({ count }) => {
    const [start, end] = [before, before + count]
    before = end
    if (end <= skip) skipped = end
    return start < skip + take && end > skip
  })
  return { names: [...begun, ...within], skipped }
}

/** Rows that match may all stand at the other end: with so many times what was expected, reading along ends. */
const PATIENCE = 4
