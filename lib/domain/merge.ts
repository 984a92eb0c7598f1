/**
 * A sorted stretch of rows that arrives page by page. `fetch` answers the next rows, at most about `count`, and
 * whether there are more; it may answer none and still have more (a filter dropped them).
 * @property weight how large a part of all rows is likely to be its, where that is known
 * @property most at most so many of its rows are passed over, where that is known
 */
export type Source<Row> = {
  fetch: (count: number) => Promise<{ rows: Row[]; more: boolean }>
  weight?: number
  most?: number
}

type Compare<Row> = (one: Row, other: Row) => number

/**
 * The rows of sorted sources in one order. Each round asks all sources that ran dry at once.
 * @param ask how many rows a source is asked for, after so many before; before the second round whether to go on at all,
 * and whether that asks the other sources as well
 */
export async function* inOneOrder<Row>(
  sources: readonly Source<Row>[],
  compare: Compare<Row>,
  ask: {
    count: (source: Source<Row>, before: number) => number
    goesOn?: () => Promise<boolean>
    isJoint?: boolean
  },
): AsyncGenerator<Row, void, undefined> {
  const streams = sources.map((source) => ({ source, rows: [] as Row[], next: 0, more: true, asked: 0 }))
  for (let round = 0; ; round++) {
    if (round === 1 && ask.goesOn && !(await ask.goesOn())) return
    const isForAll = round === 1 && ask.isJoint
    const dry = streams.filter(({ rows, next, more }) => more && (isForAll || next === rows.length))
    await Promise.all(
      dry.map(async (stream) => {
        const left = stream.rows.slice(stream.next)
        const count = ask.count(stream.source, stream.asked)
        stream.asked += count
        const page = await stream.source.fetch(count)
        Object.assign(stream, { rows: [...left, ...page.rows], next: 0, more: page.more })
      }),
    )
    while (!streams.some(({ rows, next, more }) => next === rows.length && more)) {
      let first: (typeof streams)[number] | undefined
      for (const stream of streams) {
        if (stream.next === stream.rows.length) continue
        if (!first || compare(stream.rows[stream.next] as Row, first.rows[first.next] as Row) < 0) first = stream
      }
      if (!first) return
      yield first.rows[first.next++] as Row
    }
  }
}

/**
 * Takes rows `skip` to `skip + take` of the ordered merge of sorted sources. A page costs as many rounds as its largest
 * share needs.
 * @param isOver is asked before a second round: says that rows past the end are wanted
 */
export const mergeSources = async <Row>(
  sources: readonly Source<Row>[],
  compare: Compare<Row>,
  { skip, take }: { skip: number; take: number },
  isOver: () => Promise<boolean> = async () => false,
): Promise<Row[]> => {
  const isWeighed = sources.every(({ weight }) => weight !== undefined)
  const areMany = sources.length > (isWeighed ? MANY_WEIGHED : MANY)
  const shareOf = areMany ? sharesOf(sources, isWeighed) : () => Infinity
  const merged: Row[] = []
  if (take <= 0) return merged
  let seen = 0
  const rows = inOneOrder(sources, compare, {
    count(source, before) {
      const rest = skip + take - seen
      const { most } = source
      if (before > 0 && most === undefined) return rest
      // Who holds more than his share may hold all of a page; on the way there each round asks for half as much again.
      const more = before === 0 ? 0 : Math.max(take, Math.ceil(before / 2))
      return Math.min(rest, (most ?? skip) + take, Math.max(shareOf(source, rest), more))
    },
    goesOn: async () => !(await isOver()),
    // Nobody knows which of them have the next rows: perhaps one after another.
    isJoint: areMany && !isWeighed && skip === 0,
  })
  for await (const row of rows) {
    if (seen++ >= skip) merged.push(row)
    if (seen === skip + take) break
  }
  return merged
}

/** A page of few shelves comes in one round; a search through many names takes a share of each, as what each has is known. */
const MANY = 40
const MANY_WEIGHED = 12
/** Fewer rows cost no less: so many are about one read unit. */
const LEAST_SHARE = 21

/**
 * How many of the first rows of all sources are likely in one of them: as large a part as its rows are of all rows, where
 * that is known.
 */
const sharesOf = <Row>(
  sources: readonly Source<Row>[],
  isWeighed: boolean,
): ((source: Source<Row>, rows: number) => number) => {
  const weightOf = ({ weight = 0 }: Source<Row>) => (isWeighed ? weight : 1)
  const all = sources.reduce((sum, source) => sum + weightOf(source), 0)
  return (source, rows) => {
    const expected = (rows * weightOf(source)) / Math.max(1, all)
    // Of rows in no order, all but one source in forty hold fewer than that.
    const share = Math.ceil(expected + 2 * Math.sqrt(expected)) + 1
    return isWeighed ? share : Math.max(LEAST_SHARE, share)
  }
}
