/**
 * A sorted stretch of rows that arrives page by page. `fetch` answers the next rows, at most about `count`, and
 * whether there are more; it may answer none and still have more (a filter dropped them).
 */
export type Source<Row> = { fetch: (count: number) => Promise<{ rows: Row[]; more: boolean }> }

/**
 * Takes rows `skip` to `skip + take` of the ordered merge of sorted sources. Each round asks all sources that ran
 * dry at once, so a page costs as many rounds as its largest share needs.
 * @param isOver is asked before a second round: says that rows past the end are wanted
 */
export const mergeSources = async <Row>(
  sources: readonly Source<Row>[],
  compare: (one: Row, other: Row) => number,
  { skip, take }: { skip: number; take: number },
  isOver: () => Promise<boolean>,
): Promise<Row[]> => {
  const streams = sources.map((source) => ({ source, rows: [] as Row[], next: 0, more: true }))
  const share = Math.min(
    skip + take,
    sources.length > MANY_SOURCES ? Math.ceil((2 * take) / sources.length) + 1 : Infinity,
  )
  const merged: Row[] = []
  let seen = 0

  for (let round = 0; seen < skip + take; round++) {
    if (round === 1 && (await isOver())) return []
    const dry = streams.filter(({ rows, next, more }) => next === rows.length && more)
    await Promise.all(
      dry.map(async (stream) => {
        const page = await stream.source.fetch(round === 0 ? share : skip + take - seen)
        Object.assign(stream, { rows: page.rows, next: 0, more: page.more })
      }),
    )
    if (streams.some(({ rows, next, more }) => next === rows.length && more)) continue

    for (; seen < skip + take; seen++) {
      if (streams.some(({ rows, next, more }) => next === rows.length && more)) break
      const first = streams
        .filter(({ rows, next }) => next < rows.length)
        .reduce<(typeof streams)[number] | undefined>(
          (best, stream) =>
            best && compare(best.rows[best.next] as Row, stream.rows[stream.next] as Row) <= 0 ? best : stream,
          undefined,
        )
      if (!first) return merged
      if (seen >= skip) merged.push(first.rows[first.next] as Row)
      first.next++
    }
  }
  return merged
}

/** A page of one shelf or a few comes in one round; a search through many names takes a small share of each. */
const MANY_SOURCES = 12
