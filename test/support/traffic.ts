import { setImmediate } from 'node:timers/promises'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

/** What a piece of work asked of DynamoDB: how many calls, and how many of them one after another. */
export type Traffic = { calls: number; rounds: number; commands: string[] }

/**
 * Watches a client while `work` runs. Calls that go out together are a round, and end together: so as many rounds are
 * counted as there are calls one after another, however long each takes.
 */
export const watchTraffic = async (client: DynamoDBDocumentClient, work: () => Promise<unknown>): Promise<Traffic> => {
  const traffic: Traffic = { calls: 0, rounds: 0, commands: [] }
  let open: Promise<unknown>[] | undefined
  let before: Promise<unknown> = Promise.resolve()

  /** The calls that go out with the next one: all that come before the work has nothing to do but wait. */
  const startRound = () => {
    const calls: Promise<unknown>[] = []
    traffic.rounds++
    open = calls
    before = before
      .then(() => setImmediate())
      .then(() => {
        open = undefined
        return Promise.allSettled(calls)
      })
    return calls
  }

  client.middlewareStack.add(
    (next, context) => async (args) => {
      const calls = open ?? startRound()
      traffic.calls++
      traffic.commands.push(`${traffic.rounds} ${context.commandName}`)
      const outcome = next(args)
      calls.push(outcome.catch(() => {}))
      await before
      return outcome
    },
    { step: 'initialize', name: 'watchTraffic' },
  )
  try {
    await work()
  } finally {
    client.middlewareStack.remove('watchTraffic')
  }
  return traffic
}
