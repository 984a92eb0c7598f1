import {
  type Family,
  matchesName,
  type PackageFilter,
  type PackageOrder,
  type Slot,
  type Sort,
  selectedFamilies,
  selectedSlots,
  slotName,
} from '../domain/listing.ts'
import { mergeSources, type Source } from '../domain/merge.ts'
import {
  isDisplayable,
  PACKAGE_TYPES,
  PACKAGE_VERSION_LIMIT,
  type PackageEntry,
  type PackageType,
} from '../domain/package.ts'
import { offsetOf, type Page, type Paged, sliceOf } from '../domain/pagination.ts'
import type { Content } from './items.ts'
import { entryFromItem } from './items.ts'
import {
  familyPrefix,
  INDEXES,
  type IndexName,
  namePrefix,
  namesPartition,
  type Shelf,
  shelfPartition,
  tallyPartition,
  tallyPrefix,
  typePrefix,
  versionPrefix,
} from './keys.ts'
import { isSortable } from './shelves.ts'
import type { Item, Range, Table } from './table.ts'

/** What is asked of a list of packages. */
export type PackageQuery = { filter: PackageFilter; order: PackageOrder; sort: Sort; page: Page }

/** What a listing needs of the table. */
export type ListingTable = Pick<Table, 'query' | 'queryAll'>

/** How many packages of one name and type a project has on a shelf. */
type NameRow = { shelf: Shelf; name: string; type: PackageType; projectId: number; count: number }

type Compare = (one: PackageEntry, other: PackageEntry) => number

/**
 * The listing engine: every list is an ordered merge of the shelves that the caller may see.
 *
 * | Filter                  | Rows come from                                  | Total comes from      |
 * |-------------------------|-------------------------------------------------|-----------------------|
 * | none, type, status      | the shelves in the wanted order                 | tallies               |
 * | the same, where rare    | as for `name`, all names matching               | counts of those names |
 * | `name`                  | one stretch of `by_name` for each matching name | counts of those names |
 * | `version`               | the stretch of `by_version`, whole              | the rows themselves   |
 */
export const openListing = (table: ListingTable) => {
  /** One stretch of a shelf as a source of rows. */
  const source = (range: Range): Source<PackageEntry> => {
    let after: Item | undefined
    return {
      async fetch(count) {
        const { items, next } = await table.query(range, count, after)
        after = next
        return { rows: items.map(entryFromItem), more: next !== undefined }
      },
    }
  }

  const readAll = async (ranges: readonly Range[]): Promise<PackageEntry[]> =>
    (await Promise.all(ranges.map(table.queryAll))).flat().map(entryFromItem)

  /** How many packages of the filter's slots stand on these shelves. Shelves of one group share a query. */
  const countByTally = async (shelves: readonly Shelf[], filter: PackageFilter): Promise<number> => {
    const partitions = Map.groupBy(shelves, tallyPartition)
    const counts = await Promise.all(
      [...partitions].map(async ([pk, together]) => {
        const prefixes = together.map(tallyPrefix)
        const items = await table.queryAll({ pk })
        return items
          .filter((item) => prefixes.some((prefix) => String(item.sk).startsWith(prefix)))
          .reduce((sum, item) => sum + countOf(item, selectedSlots(filter)), 0)
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** A row for each name of a shelf that the filter matches, with the count of its packages. */
  const matchingNames = async (shelf: Shelf, filter: PackageFilter): Promise<NameRow[]> => {
    const matches = matchesName(filter.name ?? '')
    const slots = selectedSlots(filter)
    const items = await table.queryAll({ pk: namesPartition(shelf) })
    return items.flatMap((item) => {
      const [name = '', type, projectId] = String(item.sk).split(' ')
      if (!matches(name)) return []
      const count = countOf(
        item,
        slots.filter((slot) => slot.type === type),
      )
      return count === 0 ? [] : [{ shelf, name, type: type as PackageType, projectId: Number(projectId), count }]
    })
  }

  const listByTally = async (shelves: readonly Shelf[], { filter, order, sort, page }: PackageQuery) => {
    const counting = countByTally(shelves, filter)
    if (offsetOf(page) >= FAR && (await counting) <= offsetOf(page)) return { rows: [], total: await counting, page }

    const ranges = shelves.flatMap((shelf) =>
      selectedFamilies(filter).map((family) => inOrder(shelf, family, filter, order, sort)),
    )
    const isOver = async () => (await counting) <= offsetOf(page)
    const [rows, total] = await Promise.all([
      mergeSources(ranges.map(source), compareBy(order, sort), { skip: offsetOf(page), take: page.size }, isOver),
      counting,
    ])
    return { rows, total, page }
  }

  const listByName = async (shelves: readonly Shelf[], { filter, order, sort, page }: PackageQuery) => {
    const matching = (await Promise.all(shelves.map((shelf) => matchingNames(shelf, filter)))).flat()
    const total = matching.reduce((sum, { count }) => sum + count, 0)
    // One stretch holds a name with all its types, by id. An order by type wants each type of it apart.
    const apart = order === 'type' ? ({ name, type }: NameRow) => `${name} ${type}` : ({ name }: NameRow) => name
    const names = [...Map.groupBy(matching, apart).values()]
      .map((rows) => ({
        name: rows[0]?.name ?? '',
        type: order === 'type' ? rows[0]?.type : filter.type,
        count: rows.reduce((sum, { count }) => sum + count, 0),
        shelves: [...new Set(rows.map(({ shelf }) => shelf))],
      }))
      .sort((one, other) => compareText(one.name, other.name) * (sort === 'asc' ? 1 : -1))

    const window = { skip: offsetOf(page), take: page.size }
    const wanted = order === 'name' ? namesWithin(names, window) : { names, skipped: 0 }
    const ranges = wanted.names.flatMap(({ name, type, shelves: found }) =>
      found.flatMap((shelf) =>
        selectedFamilies(filter).map(
          (family): Range => ({
            pk: shelfPartition(shelf),
            index: INDEXES.name,
            prefix: namePrefix(family, name),
            descending: sort === 'desc',
            ...residue({ ...filter, ...(type === undefined ? {} : { type }) }, ['type', 'status']),
          }),
        ),
      ),
    )
    if (total <= window.skip) return { rows: [], total, page }
    if (order === 'version')
      return { rows: sliceOf((await readAll(ranges)).sort(compareBy(order, sort)), page), total, page }

    const rest = { skip: window.skip - wanted.skipped, take: window.take }
    const sources = ranges.map(source)
    return { rows: await mergeSources(sources, compareBy(order, sort), rest, async () => false), total, page }
  }

  const listByVersion = async (shelves: readonly Shelf[], { filter, page }: PackageQuery, compare: Compare) => {
    // What no version can be is no key to ask for either.
    if (!isSortable(filter.version ?? '', PACKAGE_VERSION_LIMIT)) return { rows: [], total: 0, page }
    const ranges = shelves.flatMap((shelf) =>
      selectedFamilies(filter).map(
        (family): Range => ({
          pk: shelfPartition(shelf),
          index: INDEXES.version,
          prefix: versionPrefix(family, filter.version ?? ''),
          ...residue(filter, ['type', 'status']),
        }),
      ),
    )
    const matches = matchesName(filter.name ?? '')
    const rows = (await readAll(ranges)).filter(({ name }) => matches(name)).sort(compare)
    return { rows: sliceOf(rows, page), total: rows.length, page }
  }

  /**
   * A stretch that holds more than the filter wants is read in vain where that is rare; then the names, which count
   * their packages, lead to it. Counting first costs a round trip, which no list without such a rest pays.
   */
  const isRare = async (shelves: readonly Shelf[], filter: PackageFilter): Promise<boolean> => {
    const { type: _type, status: _status, ...all } = filter
    const [wanted, stretch] = await Promise.all([countByTally(shelves, filter), countByTally(shelves, all)])
    return wanted * RARE < stretch
  }

  const listPackages = async (shelves: readonly Shelf[], query: PackageQuery): Promise<Paged<PackageEntry>> => {
    const { filter, order } = query
    if (filter.version !== undefined) return listByVersion(shelves, query, compareBy(order, query.sort))
    if (filter.name !== undefined) return listByName(shelves, query)
    const rest = restOf(filter, order)
    const byName = rest.length > 0 && (await isRare(shelves, filter))
    return byName ? listByName(shelves, query) : listByTally(shelves, query)
  }

  return {
    listPackages,

    /**
     * `order_by=project_path`: by the project's own path segment; equal ones by id, the highest first in both
     * directions. Costs a read of the names of the shelves, which say how many packages each project has; rows come
     * from the shelves of the few projects that reach into the page.
     */
    async listPackagesByProjectPath(
      shelves: readonly Shelf[],
      projects: readonly Pick<Content, 'id' | 'path'>[],
      query: PackageQuery,
    ): Promise<Paged<PackageEntry>> {
      const { filter, sort, page } = query
      const direction = sort === 'asc' ? 1 : -1
      if (filter.version !== undefined) {
        const pathOf = new Map(projects.map(({ id, path }) => [id, path.toLowerCase()]))
        const path = ({ projectId }: PackageEntry) => pathOf.get(projectId) ?? ''
        const compare: Compare = (one, other) => direction * compareText(path(one), path(other)) || other.id - one.id
        return listByVersion(shelves, query, compare)
      }
      const matching = (await Promise.all(shelves.map((shelf) => matchingNames(shelf, filter)))).flat()
      const counts = new Map<number, number>()
      for (const { projectId, count } of matching) counts.set(projectId, (counts.get(projectId) ?? 0) + count)

      const paths = [...Map.groupBy(projects, ({ path }) => path.toLowerCase())]
        .map(([path, same]) => ({ path, ids: same.map(({ id }) => id).filter((id) => counts.has(id)) }))
        .sort((one, other) => direction * compareText(one.path, other.path))
      const rows: PackageEntry[] = []
      let skip = offsetOf(page)
      for (const { ids } of paths) {
        const here = ids.reduce((sum, id) => sum + (counts.get(id) ?? 0), 0)
        if (skip < here && rows.length < page.size) {
          const size = skip + page.size - rows.length
          const shelvesHere = ids.map((id): Shelf => ({ kind: 'project', id }))
          const newest = { filter, order: 'created_at', sort: 'desc', page: { number: 1, size, asked: size } } as const
          const found = await listPackages(shelvesHere, newest)
          rows.push(...found.rows.slice(skip))
        }
        skip = Math.max(0, skip - here)
      }
      return { rows, total: [...counts.values()].reduce((sum, count) => sum + count, 0), page }
    },
  }
}

const countOf = (item: Item, slots: readonly Slot[]) =>
  slots.reduce((sum, slot) => sum + Number(item[slotName(slot)] ?? 0), 0)

/** The names that reach into the window, and how many packages stand before the first of them. */
const namesWithin = <Name extends { count: number }>(
  names: readonly Name[],
  { skip, take }: { skip: number; take: number },
) => {
  let before = 0
  let skipped = 0
  const within = names.filter(({ count }) => {
    const [start, end] = [before, before + count]
    before = end
    if (end <= skip) skipped = end
    return start < skip + take && end > skip
  })
  return { names: within, skipped }
}

/** From this offset on it is asked first whether there is anything. */
const FAR = 1_000

/** Below one in this many, packages are rare: following their names costs less than reading past the others. */
const RARE = 8

/** What of a filter the stretch that `inOrder` chooses does not settle: `by_type` narrows to one type by itself. */
const restOf = ({ type, status }: PackageFilter, order: PackageOrder) => {
  const isNarrowed = type === undefined || order === 'created_at' || order === 'type' || type === 'terraform_module'
  const isAlone = status === undefined || !isDisplayable(status)
  return [...(isNarrowed ? [] : (['type'] as const)), ...(isAlone ? [] : (['status'] as const))]
}

/** The stretch of a shelf that holds a family in the wanted order, narrowed to one type where the index can. */
const inOrder = (shelf: Shelf, family: Family, filter: PackageFilter, order: PackageOrder, sort: Sort): Range => {
  const common = { pk: shelfPartition(shelf), descending: sort === 'desc', ...residue(filter, restOf(filter, order)) }
  if (filter.type !== undefined && (order === 'created_at' || order === 'type')) {
    return { ...common, index: INDEXES.type, prefix: typePrefix(family, filter.type) }
  }
  const index: { index?: IndexName } =
    order === 'created_at' || order === 'project_path' ? {} : { index: INDEXES[order] }
  return { ...common, ...index, prefix: familyPrefix(family) }
}

/** The condition for what a stretch does not settle by itself. A status that a family has alone needs none. */
const residue = (filter: PackageFilter, of: readonly ('type' | 'status')[]): Pick<Range, 'filter'> => {
  const wanted: [string, string][] = []
  if (of.includes('type') && filter.type !== undefined) wanted.push(['type', filter.type])
  if (of.includes('status') && filter.status !== undefined && isDisplayable(filter.status)) {
    wanted.push(['status', filter.status])
  }
  if (wanted.length === 0) return {}
  return {
    filter: {
      expression: wanted.map(([name]) => `#${name} = :${name}`).join(' AND '),
      names: Object.fromEntries(wanted.map(([name]) => [`#${name}`, name])),
      values: Object.fromEntries(wanted.map(([name, value]) => [`:${name}`, value])),
    },
  }
}

/** Text as DynamoDB orders it; the names and versions of packages are ASCII. */
const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

/** As PostgreSQL orders a column with nulls: after all versions going up, before them going down. */
const compareVersions = (one: string | null, other: string | null) => {
  if (one === null || other === null) return Number(one === null) - Number(other === null)
  return compareText(one, other)
}

const ascending: Record<PackageOrder, Compare> = {
  created_at: () => 0,
  project_path: () => 0,
  name: (one, other) => compareText(one.name, other.name),
  version: (one, other) => compareVersions(one.version, other.version),
  type: (one, other) => PACKAGE_TYPES[one.type] - PACKAGE_TYPES[other.type],
}

/** The id breaks every tie, in the direction of the sort, so that no page repeats or loses a row. */
const compareBy = (order: PackageOrder, sort: Sort): Compare => {
  const direction = sort === 'asc' ? 1 : -1
  return (one, other) => direction * (ascending[order](one, other) || one.id - other.id)
}
