export const median = (times: readonly number[]): number => {
  const sorted = [...times].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** How long each of these takes, one after the other and in turns, so that what slows one slows all. */
export const inTurns = async <Name extends string>(
  rounds: number,
  works: Record<Name, (round: number) => Promise<unknown>>,
): Promise<Record<Name, number>> => {
  const times = new Map<Name, number[]>()
  const names = Object.keys(works) as Name[]
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const start = performance.now()
      await works[name](round)
      times.set(name, [...(times.get(name) ?? []), performance.now() - start])
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<Name, number>
}

export const milliseconds = (time: number) => (time < 10 ? time.toFixed(2) : time.toFixed(0))
