import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

/** A process that ends between two writes. */
export class Stopped extends Error {}

/** Whether a command of the database writes. What is stopped before a read leaves what it leaves before the next write. */
export const isWrite = ({ commandName = '' }: { commandName?: string }) =>
  /^(TransactWriteItems|UpdateItem)Command$/.test(commandName)

/** Lets `count` writes through and breaks off before the next: as a process that ends after the last of them leaves it. */
export const stopAfter = ({ client }: { client: DynamoDBDocumentClient }, count: number) => {
  let left = count
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (isWrite(context) && left-- <= 0) throw new Stopped()
      return next(args)
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
