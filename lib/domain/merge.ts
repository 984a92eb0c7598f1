/**
 * A sorted stretch of rows that arrives page by page. `fetch` answers the next rows, at most about `count`, and
 * whether there are more; it may answer none and still have more (a filter dropped them).
 * @property most at most so many of its rows are passed over, where that is known
 */
export type Source<Row> = { fetch: (count: number) => Promise<{ rows: Row[]; more: boolean }>; most?: number }

type Compare<Row> = (one: Row, other: Row) => number

/**
 * The rows of sorted sources in one order. Each round asks all sources that ran dry at once.
 * @param ask how many rows a source is asked for, and before the second round whether to go on at all
 */
export async function* inOneOrder<Row>(
  sources: readonly Source<Row>[],
  compare: Compare<Row>,
  ask: { count: (source: Source<Row>, round: number) => number; goesOn?: () => Promise<boolean> },
): AsyncGenerator<Row, void, undefined> {
  const streams = sources.map((source) => ({ source, rows: [] as Row[], next: 0, more: true }))
  for (let round = 0; ; round++) {
    if (round === 1 && ask.goesOn && !(await ask.goesOn())) return
    const dry = streams.filter(({ rows, next, more }) => next === rows.length && more)
    await Promise.all(
      dry.map(async (stream) => {
        const page = await stream.source.fetch(ask.count(stream.source, round))
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
  const share = sources.length > MANY_SOURCES ? Math.ceil((2 * take) / sources.length) + 1 : Infinity
  const merged: Row[] = []
  if (take <= 0) return merged
  let seen = 0
  const rows = inOneOrder(sources, compare, {
    count: ({ most = skip }, round) => Math.min(skip + take - seen, most + take, round === 0 ? share : Infinity),
    goesOn: async () => !(await isOver()),
  })
  for await (const row of rows) {
    if (seen++ >= skip) merged.push(row)
    if (seen === skip + take) break
  }
  return merged
}

/** A page of one shelf or a few comes in one round; a search through many names takes a small share of each. */
const MANY_SOURCES = 12
