/** Ways through a list, and a page of one. */
import type { Family, PackageFilter, PackageOrder, Sort } from '../domain/listing.ts'
import type { PackageEntry, PackageType } from '../domain/package.ts'
import { offsetOf, type Page, type Paged, type Position } from '../domain/pagination.ts'
import type { Shelf } from './keys.ts'
import type { Start } from './segments.ts'
import type { Item } from './table.ts'

/** What is asked of a list of packages. */
export type PackageQuery = { filter: PackageFilter; order: PackageOrder; sort: Sort; page: Page }

/** What is listed, whichever page of it. */
export type Listed = Omit<PackageQuery, 'page'>

/**
 * Rows of a list from one of its ends: `from` leaves out those up to a position, then `skip` are passed over.
 * @property startOf where to begin among the rows of a shelf's family, where something told that
 */
export type Stretch = {
  isBackwards: boolean
  from?: Position
  skip: number
  take: number
  startOf?: (shelf: Shelf, family: Family) => Start
}

/**
 * A way through a list: how many rows it has, and any stretch of them.
 * @property farFrom from this offset on a page is looked for instead of walked to, `FAR` where nothing is said
 * @property seeksBackwards whether it is looked for from the end of the list; from the nearer end where nothing is said
 */
export type Way = {
  total: () => Promise<number>
  read: (stretch: Stretch, isOver?: () => Promise<boolean>) => Promise<PackageEntry[]>
  /** A position further on, and what is still to be passed over from there: shorter than walking there. */
  seek?: (stretch: Stretch) => Promise<Stretch | undefined>
  farFrom?: number
  seeksBackwards?: boolean
  positionOf: (entry: PackageEntry) => Position
}

/**
 * How many packages of one name and type a project has on a shelf; `item` counts them by slot, `all` those of the name
 * on the shelf, whatever is asked for.
 */
export type NameRow = {
  shelf: Shelf
  name: string
  type: PackageType
  projectId: number
  count: number
  item: Item
  all: readonly Item[]
}

/** The order in which rows come from one of a list's ends. */
export const turned = (sort: Sort, isBackwards: boolean): Sort => ((sort === 'asc') === isBackwards ? 'desc' : 'asc')

/** So far down a page is looked for, at the latest; what there is in all is asked first. */
export const FAR = 64
export const isFarDown = ({ farFrom = FAR }: Pick<Way, 'farFrom'>, { skip }: Pick<Stretch, 'skip'>) => skip >= farFrom

/** The least that a query costs is half a read unit, for which an index gives about so many rows, the table half. */
export const ROWS_OF_A_QUERY = 24
export const CONSISTENT = 2
/** A walk to a page may cost twelve units more than the first one does. */
const MOST_WALKED = 24 * ROWS_OF_A_QUERY
/** From where on walks cost more than that, where each of so many sources is read up to there. */
export const farFrom = (sources: number, price: number) =>
  Math.max(1, Math.min(FAR, Math.floor(MOST_WALKED / (sources * price))))
/** What costs no more than this is done without counting first, which is a round trip. */
export const WORTH_COUNTING = 8 * ROWS_OF_A_QUERY

/** Rows of a stretch, which is looked for if it is far down and the way knows how, else walked to. */
export const reach = async (way: Way, stretch: Stretch): Promise<PackageEntry[]> =>
  way.read(isFarDown(way, stretch) ? ((await way.seek?.(stretch)) ?? stretch) : stretch)

/** The stretch that a page reads first. One row more than the page tells whether the list goes on. */
export const firstStretch = (page: Page): Stretch => {
  const { start, size } = page
  const forwards = { isBackwards: false, skip: 0, take: size + 1 }
  const backwards = { isBackwards: true, skip: 0, take: size }
  if (start === 'last') return backwards
  if (start) return 'after' in start ? { ...forwards, from: start.after } : { ...backwards, from: start.before }
  return { ...forwards, skip: page.isKeyset ? 0 : offsetOf(page) }
}

/** A page of a way, wherever it begins. */
export const pageOf = async (way: Way, page: Page): Promise<Paged<PackageEntry>> => {
  const { start, ...numbered } = page
  const { size } = page
  const paged = (rows: PackageEntry[], total: number, hasMore: boolean): Paged<PackageEntry> => {
    const [first, last] = [rows[0], rows.at(-1)]
    if (!first || !last) return { rows, total, page }
    return { rows, total, page, ends: { first: way.positionOf(first), last: way.positionOf(last), hasMore } }
  }

  let stretch = firstStretch(page)
  if (stretch.isBackwards) {
    const [reversed, total] = await Promise.all([way.read(stretch), way.total()])
    const rows = reversed.toReversed()
    if (start !== 'last') return paged(rows, total, true)
    stretch = firstStretch(numbered)
    const isLast = stretch.skip < total && total <= stretch.skip + size
    if (isLast) return paged(rows.slice(stretch.skip - total), total, false)
  }
  const { from, skip } = stretch
  if (from || !isFarDown(way, stretch)) {
    const isOver = from ? undefined : async () => (await way.total()) <= skip
    const [rows, total] = await Promise.all([way.read(stretch, isOver), way.total()])
    return paged(rows.slice(0, size), total, rows.length > size)
  }

  const total = await way.total()
  if (total <= skip) return paged([], total, false)
  const take = Math.min(size, total - skip)
  const rest = total - skip - take
  const near = { isBackwards: rest < skip, skip: Math.min(rest, skip), take }
  const isBackwards = way.seeksBackwards ?? near.isBackwards
  const found = isFarDown(way, near)
    ? await way.seek?.({ isBackwards, skip: isBackwards ? rest : skip, take })
    : undefined
  const rows = await way.read(found ?? near)
  return paged((found ?? near).isBackwards ? rows.toReversed() : rows, total, rest > 0)
}
