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
 * @param ask how many rows a source is asked for, after so many before, and before the second round whether to go on at
 * all
 */
export async function* inOneOrder<Row>(
  sources: readonly Source<Row>[],
  compare: Compare<Row>,
  ask: { count: (source: Source<Row>, before: number) => number; goesOn?: () => Promise<boolean> },
): AsyncGenerator<Row, void, undefined> {
  const streams = sources.map((source) => ({ source, rows: [] as Row[], next: 0, more: true, asked: 0 }))
  for (let round = 0; ; round++) {
    if (round === 1 && ask.goesOn && !(await ask.goesOn())) return
    const dry = streams.filter(({ rows, next, more }) => next === rows.length && more)
    await Promise.all(
      dry.map(async (stream) => {
        const count = ask.count(stream.source, stream.asked)
        stream.asked += count
        const page = await stream.source.fetch(count)
        Object.assign(stream, { rows: page.rows, next: 0, more: page.more })
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
  const shareOf = isWeighed && sources.length > MANY_SOURCES ? sharesOf(sources) : () => Infinity
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
  })
  for await (const row of rows) {
    if (seen++ >= skip) merged.push(row)
    if (seen === skip + take) break
  }
  return merged
}

/**
 * A search through many names takes a share of each. A page of shelves comes in one round however many they are: nobody
 * knows which of them has its rows, perhaps one after another.
 */
const MANY_SOURCES = 12

/** How many of the first rows of all sources are likely in one of them: as large a part as its rows are of all rows. */
const sharesOf = <Row>(sources: readonly Source<Row>[]): ((source: Source<Row>, rows: number) => number) => {
  const all = sources.reduce((sum, { weight = 0 }) => sum + weight, 0)
  return ({ weight = 0 }, rows) => {
    const expected = (rows * weight) / Math.max(1, all)
    // Of rows in no order, all but one source in forty hold fewer than that.
    return Math.ceil(expected + 2 * Math.sqrt(expected)) + 1
  }
}
