/**
 * Starts work whose outcome is awaited later, perhaps never: a failure waits for whoever awaits it and does not end the
 * process meanwhile. What the work throws before its first `await` is such a failure too.
 */
export const startEarly = <Outcome>(work: () => Promise<Outcome>): Promise<Outcome> => {
  const outcome = (async () => work())()
  outcome.catch(() => {})
  return outcome
}
