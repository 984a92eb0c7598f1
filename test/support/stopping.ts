import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

/** A process that ends between two transactions, or with one under way. */
export class Stopped extends Error {}

/** Lets `count` transactions through and breaks off at the next, before or after it is carried out. */
export const stopAfter = ({ client }: { client: DynamoDBDocumentClient }, count: number, isCarriedOut: boolean) => {
  let left = count
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'TransactWriteItemsCommand' || left-- > 0) return next(args)
      if (left < -1) throw new Stopped()
      if (isCarriedOut) await next(args)
      throw new Stopped()
    },
    { step: 'initialize', name: 'stop' },
  )
  return () => client.middlewareStack.remove('stop')
}

/** Whether the change was stopped; any other failure is thrown. */
export const isStoppedIn = (change: () => Promise<unknown>): Promise<boolean> =>
  change().then(
    () => false,
    (error: unknown) => {
      if (!(error instanceof Stopped)) throw error
      return true
    },
  )
