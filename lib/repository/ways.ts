/** Ways through a list, and a page of one. */
import type { Family, PackageFilter, PackageOrder, Sort } from '../domain/listing.ts'
import type { PackageEntry } from '../domain/package.ts'
import { offsetOf, type Page, type Paged, type Position } from '../domain/pagination.ts'
import type { Shelf } from './keys.ts'
import type { Start } from './milestones.ts'

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

/** A way through a list: how many rows it has, and any stretch of them. */
export type Way = {
  total: () => Promise<number>
  read: (stretch: Stretch, isOver?: () => Promise<boolean>) => Promise<PackageEntry[]>
  /** A position further on, and what is still to be passed over from there: shorter than walking there. */
  seek?: (stretch: Stretch) => Promise<Stretch | undefined>
  positionOf: (entry: PackageEntry) => Position
}

/** The order in which rows come from one of a list's ends. */
export const turned = (sort: Sort, isBackwards: boolean): Sort => ((sort === 'asc') === isBackwards ? 'desc' : 'asc')

/** From this offset on a page is looked for instead of walked to; what there is in all is asked first. */
export const FAR = 64

/** A page of a way, wherever it begins. One row more than the page is read: it tells whether the list goes on. */
export const pageOf = async (way: Way, page: Page): Promise<Paged<PackageEntry>> => {
  const { start, size } = page
  const paged = (rows: PackageEntry[], total: number, hasMore: boolean): Paged<PackageEntry> => {
    const [first, last] = [rows[0], rows.at(-1)]
    if (!first || !last) return { rows, total, page }
    return { rows, total, page, ends: { first: way.positionOf(first), last: way.positionOf(last), hasMore } }
  }
  const forwards = async (stretch: Partial<Stretch>, isOver?: () => Promise<boolean>) => {
    const wanted = { isBackwards: false, skip: 0, ...stretch, take: size + 1 }
    const [rows, total] = await Promise.all([way.read(wanted, isOver), way.total()])
    return paged(rows.slice(0, size), total, rows.length > size)
  }
  const backwards = async (stretch: Partial<Stretch>, hasMore: boolean) => {
    const wanted = { isBackwards: true, skip: 0, take: size, ...stretch }
    const [rows, total] = await Promise.all([way.read(wanted), way.total()])
    return paged(rows.toReversed(), total, hasMore)
  }

  if (start && typeof start === 'object') {
    return 'after' in start ? forwards({ from: start.after }) : backwards({ from: start.before }, true)
  }
  const skip = page.isKeyset ? 0 : offsetOf(page)
  if (start === 'last') {
    const whole = await backwards({}, false)
    const isLast = skip < whole.total && whole.total <= skip + size
    if (isLast) return paged(whole.rows.slice(skip - whole.total), whole.total, false)
  }
  if (skip < FAR) return forwards({ skip }, async () => (await way.total()) <= skip)

  const total = await way.total()
  if (total <= skip) return paged([], total, false)
  const take = Math.min(size, total - skip)
  const rest = total - skip - take
  const near = { isBackwards: rest < skip, skip: Math.min(rest, skip), take }
  const found = near.skip < FAR ? near : ((await way.seek?.(near)) ?? near)
  const rows = await way.read(found)
  return paged(near.isBackwards ? rows.toReversed() : rows, total, rest > 0)
}
