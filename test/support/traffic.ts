import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

/** What a piece of work asked of DynamoDB: how many calls, and how many of them one after another. */
export type Traffic = { calls: number; rounds: number; commands: string[] }

/** Watches a client while `work` runs. A call that starts after another has ended is a round later than that one. */
export const watchTraffic = async (client: DynamoDBDocumentClient, work: () => Promise<unknown>): Promise<Traffic> => {
  const traffic: Traffic = { calls: 0, rounds: 0, commands: [] }
  let ended = 0
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const round = ended + 1
      traffic.calls++
      traffic.rounds = Math.max(traffic.rounds, round)
      traffic.commands.push(`${round} ${context.commandName}`)
      try {
        return await next(args)
      } finally {
        ended = Math.max(ended, round)
      }
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
