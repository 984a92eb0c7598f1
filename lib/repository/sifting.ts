/**
 * Lists by a type or status that no stretch of the order holds alone: what is wanted stands among other rows, which a
 * filter drops.
 */
import { lazily } from '../domain/lazily.ts'
import { compareBy, type PackageFilter } from '../domain/listing.ts'
import type { Source } from '../domain/merge.ts'
import type { Shelf } from './keys.ts'
import { settledBy } from './ranges.ts'
import { isFarDown, type Listed, ROWS_OF_A_QUERY, turned, type Way, WORTH_COUNTING } from './ways.ts'

/** A type that a stretch does not settle is expected to be that of every other row. */
export const SIFTED_AT_FIRST = 2

/** Where a stretch had nothing that is wanted, so many times as much is read of it next. */
const GROWTH = 4

/** Below one in this many, packages are few. */
const RARE = 8
export const isFew = (wanted: number, all: number): boolean => wanted * RARE < all

/** Of other statuses than the default one there are few as a rule, so that it is counted before anything is read. */
export const isCountedFirst = ({ status }: PackageFilter): boolean => status !== undefined && status !== 'default'

/**
 * A source of rows that stand among others.
 * @param atFirst of how many rows one is probably wanted
 * @param rowsForOne of how many one is, which counts from the second time on; undefined where none is
 */
export const sifted = <Row>(
  rows: Source<Row>,
  atFirst: number,
  rowsForOne: () => Promise<number | undefined> = async () => atFirst,
): Source<Row> => {
  let before: { limit: number; isEmpty: boolean } | undefined
  return {
    ...rows,
    async fetch(count) {
      const forOne = before ? await rowsForOne() : atFirst
      if (forOne === undefined) return { rows: [], more: false }
      // Those that are wanted may all stand at the other end.
      const least = before?.isEmpty ? GROWTH * before.limit : ROWS_OF_A_QUERY
      const limit = Math.max(least, Math.ceil(count * forOne))
      const page = await rows.fetch(limit)
      before = { limit, isEmpty: page.rows.length === 0 }
      return page
    },
  }
}

/** What of the listing engine these lists are made of. */
type Engine = {
  along: (shelves: readonly Shelf[]) => Way
  byName: (shelves: readonly Shelf[]) => Promise<Way>
  /** How many packages of a shelf a filter shows. */
  count: (shelf: Shelf, filter: PackageFilter) => Promise<number>
}

/**
 * | Page                            | Rows come from                                                               |
 * |---------------------------------|------------------------------------------------------------------------------|
 * | the first ones, and those by link | the shelves in the wanted order; where it costs less, of a shelf, its names |
 * | far down by its number          | the shelves in the wanted order; where few of all are wanted, their names    |
 *
 * The first rows are read while it is counted.
 */
export const waySifting = (shelves: readonly Shelf[], { filter, order, sort }: Listed, engine: Engine): Way => {
  const along = engine.along(shelves)
  const byName = lazily(() => engine.byName(shelves))
  const among = settledBy(filter, order)
  const counted = lazily(() =>
    Promise.all(
      shelves.map(async (shelf) => {
        const [wanted, all] = await Promise.all([filter, among].map((one) => engine.count(shelf, one)))
        return { shelf, wanted: wanted ?? 0, all: all ?? 0 }
      }),
    ),
  )
  const isFewOfAll = async () => {
    const counts = await counted()
    const [wanted, all] = (['wanted', 'all'] as const).map((of) => counts.reduce((sum, one) => sum + one[of], 0))
    return isFew(wanted ?? 0, all ?? 0)
  }

  /** What leads to so many rows by the names of those shelves where that costs less; undefined where it does on none. */
  const wayByBoth = async (rows: number): Promise<Way | undefined> => {
    const rare = (await counted())
      .filter(({ wanted, all }) => {
        const past = Math.min(all, (rows * all) / Math.max(1, wanted))
        return wanted > 0 && isFew(wanted, all) && past > Math.max(WORTH_COUNTING, wanted * ROWS_OF_A_QUERY)
      })
      .map(({ shelf }) => shelf)
    if (rare.length === 0) return undefined
    const ways = [engine.along(shelves.filter((shelf) => !rare.includes(shelf))), await engine.byName(rare)]
    return {
      ...along,
      async read({ skip, take, ...rest }) {
        const found = await Promise.all(ways.map((way) => way.read({ ...rest, skip: 0, take: skip + take })))
        return found
          .flat()
          .sort(compareBy(order, turned(sort, rest.isBackwards)))
          .slice(skip, skip + take)
      },
    }
  }

  return {
    ...along,
    async read(stretch, isOver) {
      if (stretch.startOf) return along.read(stretch, isOver)
      if (isFarDown(along, stretch)) return ((await isFewOfAll()) ? await byName() : along).read(stretch, isOver)
      const rows = stretch.skip + stretch.take
      const other = isCountedFirst(filter) ? await wayByBoth(rows) : undefined
      if (other) return other.read(stretch)

      const others: Way[] = []
      const found = await along.read(stretch, async () => {
        const better = await wayByBoth(rows)
        if (better) others.push(better)
        return better !== undefined || (isOver?.() ?? false)
      })
      return others[0] ? others[0].read(stretch) : found
    },
    seek: async (stretch) => ((await isFewOfAll()) ? undefined : along.seek?.(stretch)),
  }
}

/** Near pages by one way, those far down by another. */
export const nearBy = (near: Way, far: Way): Way => ({
  ...far,
  read: (stretch, isOver) => (stretch.startOf || isFarDown(far, stretch) ? far : near).read(stretch, isOver),
})
