import { setTimeout as sleep } from 'node:timers/promises'
import { ConditionalCheckFailedException, DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactGetCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { PackagesError } from '../domain/errors.ts'
import { counterKey, type IndexName, type Key, SORTED_BY } from './keys.ts'

export type Item = Record<string, unknown>
type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

/** One write of a transaction. `otherwise` is what its failed condition means; `'again'` is: prepare it anew. */
export type Write = (
  | ({ put: Item & Key } & Condition)
  | ({ update: Key; expression: string } & Condition)
  | ({ delete: Key } & Condition)
  | ({ check: Key; if: string } & Condition)
) & { otherwise?: (() => Error) | 'again' }

type Condition = { if?: string; names?: Record<string, string>; values?: Item }

/** A stretch of one partition, read in key order. */
export type Range = {
  pk: string
  index?: IndexName
  prefix?: string
  between?: readonly [string, string]
  descending?: boolean
  filter?: { expression: string; names?: Record<string, string>; values?: Item }
}

/** What one query read of a range, and the key to go on from if there may be more. */
export type Page = { items: Item[]; next?: Item }

/**
 * DynamoDB's limit on the actions of one transaction. Only a write to a project in transit between two places in the
 * very deepest groups can need more; it is possible again when the project has arrived.
 */
export const TRANSACTION_LIMIT = 100
/** More rows than a query answers, which ends at 1 MB, and fewer than DynamoDB can count. */
const ROWS_PER_QUERY = 10_000
/** DynamoDB's limit on the keys of one BatchGetItem. */
const BATCH_GET_LIMIT = 100

/** Long enough for hundreds of writers who want one item, short enough for API Gateway's 29 seconds. */
const RETRY_FOR_MS = 24_000
const READ_FOR_MS = 5_000
const FIRST_PAUSE_MS = 8
const LONGEST_PAUSE_MS = 400

export type Table = ReturnType<typeof openTable>

export const createClient = (endpoint: string | undefined) => {
  const client = new DynamoDBClient(endpoint === undefined ? {} : { endpoint })
  // It would copy all that is sent and read for a log that nobody keeps: a fifth of the time that a call takes here.
  client.middlewareStack.remove('loggerMiddleware')
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
}

/**
 * How a read is consistent: eventually, it costs half and may answer an older state, or none of an item that is new
 * (DynamoDB developer guide, Read consistency).
 */
export type Consistency = 'strong' | 'eventual'

/** The table as the rest of this room uses it: reads are consistent unless an index answers them, or they say otherwise. */
export const openTable = (client: DynamoDBDocumentClient, tableName: string) => {
  const get = async (key: Key): Promise<Item | undefined> => {
    const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))
    return Item
  }

  /** The items that exist, in any order. */
  const getAll = async (keys: readonly Key[], consistency: Consistency = 'strong'): Promise<Item[]> => {
    return (await Promise.all(chunks(keys, BATCH_GET_LIMIT).map((some) => getBatch(some, consistency)))).flat()
  }

  /** The items that exist, all as they stood at one moment; 100 keys at the most. */
  const getTogether = async (keys: readonly Key[]): Promise<Item[]> => {
    const items = keys.map((key) => ({ Get: { TableName: tableName, Key: key } }))
    const deadline = Date.now() + READ_FOR_MS
    for (let ceiling = FIRST_PAUSE_MS; ; ceiling = Math.min(LONGEST_PAUSE_MS, ceiling * 2)) {
      try {
        const { Responses } = await client.send(new TransactGetCommand({ TransactItems: items }))
        return (Responses ?? []).flatMap(({ Item }) => (Item ? [Item] : []))
      } catch (error) {
        // A write that is under way on one of the items cancels the read.
        if (outcomeOf(error, []) !== 'again') throw error
        if (Date.now() > deadline) throw new PackagesError({ code: 'busy' }, { cause: error })
      }
      await sleep(Math.random() * ceiling)
    }
  }

  const getBatch = async (keys: Key[], consistency: Consistency): Promise<Item[]> => {
    const ConsistentRead = consistency === 'strong'
    const items: Item[] = []
    let pause = FIRST_PAUSE_MS
    for (let wanted = keys; wanted.length > 0; ) {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetCommand({ RequestItems: { [tableName]: { Keys: wanted, ConsistentRead } } }),
      )
      items.push(...(Responses?.[tableName] ?? []))
      wanted = (UnprocessedKeys?.[tableName]?.Keys ?? []) as Key[]
      if (wanted.length > 0) await sleep(Math.random() * pause)
      pause *= 2
    }
    return items
  }

  /** One query: at most `limit` items read, before any filter. */
  const query = async (range: Range, limit?: number, after?: Item): Promise<Page> => {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tableName,
        ...rangeInput(range),
        ...(limit === undefined ? {} : { Limit: Math.min(limit, ROWS_PER_QUERY) }),
        ...(after === undefined ? {} : { ExclusiveStartKey: after }),
      }),
    )
    return LastEvaluatedKey ? { items: Items, next: LastEvaluatedKey } : { items: Items }
  }

  /** The whole range of which a page was read. */
  const queryOn = async (range: Range, { items, next }: Page): Promise<Item[]> => {
    const all = [...items]
    for (let after = next; after; ) {
      const page = await query(range, undefined, after)
      all.push(...page.items)
      after = page.next
    }
    return all
  }

  /** The whole range; for ranges that something else bounds. */
  const queryAll = async (range: Range): Promise<Item[]> => queryOn(range, await query(range))

  /** The next number of a counter, from 1. A number that is not used is lost: ids have gaps, never doubles. */
  const nextId = async (kind: string): Promise<number> => {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: tableName,
        Key: counterKey(kind),
        UpdateExpression: 'ADD last_id :one',
        ExpressionAttributeValues: { ':one': 1 },
        ReturnValues: 'UPDATED_NEW',
      }),
    )
    return Number(Attributes?.last_id)
  }

  /**
   * Writes all or nothing. `prepare` runs once for each try and reads what the writes depend on; a collision with
   * another writer, or a condition that says `'again'`, leads to another try after a random pause. It is told the writes
   * of the last try whose conditions did not hold: what only others depend on need not be read again.
   * @throws the `otherwise` of the first failed condition; `busy` when the item stayed contended all the time
   */
  const transact = async (prepare: (failed: readonly Write[]) => Promise<Write[]> | Write[]): Promise<void> => {
    const deadline = Date.now() + RETRY_FOR_MS
    let failed: readonly Write[] = []
    for (let ceiling = FIRST_PAUSE_MS; ; ceiling = Math.min(LONGEST_PAUSE_MS, ceiling * 2)) {
      const began = Date.now()
      const writes = await prepare(failed)
      if (writes.length === 0) return
      if (writes.length > TRANSACTION_LIMIT) throw new PackagesError({ code: 'busy' })
      try {
        await client.send(new TransactWriteCommand({ TransactItems: writes.map((write) => action(tableName, write)) }))
        return
      } catch (error) {
        const outcome = outcomeOf(error, writes)
        if (outcome !== 'again') throw outcome
        if (Date.now() > deadline) throw new PackagesError({ code: 'busy' }, { cause: error })
        failed = failedIn(error, writes)
      }
      // Where many want one item, tries that overlap make one another fail.
      const longest = Math.max(ceiling, Date.now() - began)
      await sleep(Math.min(Math.random() * longest, Math.max(0, deadline - Date.now())))
    }
  }

  /** Changes one item by itself, or leaves it when its condition does not hold. */
  const update = async (write: Extract<Write, { update: Key }>): Promise<void> => {
    try {
      await client.send(
        new UpdateCommand({
          TableName: tableName,
          Key: write.update,
          ...condition(write),
          UpdateExpression: write.expression,
        }),
      )
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  return { get, getAll, getTogether, query, queryOn, queryAll, nextId, update, transact }
}

export const chunks = <Thing>(things: readonly Thing[], size: number): Thing[][] =>
  Array.from({ length: Math.ceil(things.length / size) }, (_, place) => things.slice(place * size, (place + 1) * size))

const rangeInput = ({
  pk,
  index,
  prefix,
  between,
  descending,
  filter,
}: Range): Omit<QueryCommandInput, 'TableName'> => {
  const conditions = ['pk = :pk']
  if (prefix !== undefined) conditions.push('begins_with(#sk, :prefix)')
  if (between !== undefined) conditions.push('#sk BETWEEN :from AND :to')
  const named = { ...(conditions.length > 1 ? { '#sk': index ? SORTED_BY[index] : 'sk' } : {}), ...filter?.names }
  return {
    KeyConditionExpression: conditions.join(' AND '),
    ExpressionAttributeValues: {
      ':pk': pk,
      ...(prefix === undefined ? {} : { ':prefix': prefix }),
      ...(between === undefined ? {} : { ':from': between[0], ':to': between[1] }),
      ...filter?.values,
    },
    ...(Object.keys(named).length > 0 ? { ExpressionAttributeNames: named } : {}),
    ...(filter ? { FilterExpression: filter.expression } : {}),
    ...(index ? { IndexName: index } : { ConsistentRead: true }),
    ScanIndexForward: !descending,
  }
}

const condition = (write: Condition) => ({
  ...(write.if === undefined ? {} : { ConditionExpression: write.if }),
  ...(write.names ? { ExpressionAttributeNames: write.names } : {}),
  ...(write.values && Object.keys(write.values).length > 0 ? { ExpressionAttributeValues: write.values } : {}),
})

const action = (tableName: string, write: Write): Action => {
  if ('put' in write) return { Put: { TableName: tableName, Item: write.put, ...condition(write) } }
  if ('delete' in write) return { Delete: { TableName: tableName, Key: write.delete, ...condition(write) } }
  if ('check' in write) {
    return {
      ConditionCheck: { TableName: tableName, Key: write.check, ...condition(write), ConditionExpression: write.if },
    }
  }
  return {
    Update: {
      TableName: tableName,
      Key: write.update,
      ...condition(write),
      UpdateExpression: write.expression,
    },
  }
}

/** Reasons that pass by themselves. Source: DynamoDB API reference, TransactWriteItems, cancellation reasons. */
const passing = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])

const codesOf = (error: unknown) =>
  error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : []

const failedIn = (error: unknown, writes: readonly Write[]): Write[] => {
  const codes = codesOf(error)
  return writes.filter((_, position) => codes[position] === 'ConditionalCheckFailed')
}

const outcomeOf = (error: unknown, writes: readonly Write[]): unknown => {
  if (!(error instanceof TransactionCanceledException)) return error
  const codes = codesOf(error)
  const failed = failedIn(error, writes)
  const final = failed.find(({ otherwise }) => typeof otherwise === 'function')
  if (typeof final?.otherwise === 'function') return final.otherwise()
  if (failed.some(({ otherwise }) => otherwise === undefined)) return error
  const isPassing = codes.every(
    (code) => code === 'None' || code === 'ConditionalCheckFailed' || passing.has(code ?? ''),
  )
  return isPassing ? 'again' : error
}
