import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { counterKey, type Key } from '../lib/repository/keys.ts'
import { chunks, type Item, openTable, type Table, type Write } from '../lib/repository/table.ts'

/** DynamoDB's limit on the actions of one BatchWriteItem. */
const BATCH_WRITE_LIMIT = 25
const AT_ONCE = 8

export type BufferedTable = Table & {
  /** How many items wait to be written. */
  waiting: () => number
  /** Writes all that waits, in batches. */
  flush: () => Promise<void>
  /** The same, while more is made: it waits for no more than what was begun before. */
  flushBehind: () => Promise<void>
}

const nameOf = ({ pk, sk }: Key) => `${pk}\n${sk}`
/** Packages and their files, which nothing that follows needs. */
const isAlone = (name: string) => /^PACKAGE#|^(GROUP|PROJECT)#.*\n\w+#\w+$|\nVERSION#/.test(name)
const keyOf = (item: Item): Key => ({ pk: String(item.pk), sk: String(item.sk) })

/**
 * A table whose writes wait in memory, so that what many transactions change is written once and in batches: to fill a
 * table in minutes that clients would fill in hours. Conditions are not asked, so nobody else may write meanwhile, and
 * whoever writes must know that they hold. Queries see what was flushed.
 * @param isNew says what is not in the table, unless it was written here: it is not looked for
 * @param isKept says what is written to the table at all
 */
export const bufferTable = (
  client: DynamoDBDocumentClient,
  tableName: string,
  isNew: (key: Key) => boolean = () => false,
  isKept: (key: Key) => boolean = () => true,
): BufferedTable => {
  const table = openTable(client, tableName)
  /** By key; null is a deleted one. */
  const known = new Map<string, Item | null>()
  const changed = new Set<string>()

  const load = async (keys: readonly Key[]): Promise<void> => {
    const missing = keys.filter((key) => !known.has(nameOf(key)) && !isNew(key))
    if (missing.length === 0) return
    for (const key of missing) known.set(nameOf(key), null)
    for (const item of await table.getAll(missing)) known.set(nameOf(keyOf(item)), item)
  }
  const getAll = async (keys: readonly Key[]): Promise<Item[]> => {
    await load(keys)
    return keys.map((key) => known.get(nameOf(key))).filter((item) => item !== undefined && item !== null)
  }
  const set = (key: Key, item: Item | null) => {
    known.set(nameOf(key), item)
    changed.add(nameOf(key))
  }
  const carryOut = (write: Write) => {
    if ('put' in write) set(write.put, { ...write.put })
    if ('delete' in write) set(write.delete, null)
    if ('update' in write) set(write.update, updated(known.get(nameOf(write.update)) ?? { ...write.update }, write))
  }
  const transact: Table['transact'] = async (prepare) => {
    const writes = await prepare([])
    await load(writes.flatMap((write) => ('update' in write ? [write.update] : [])))
    for (const write of writes) carryOut(write)
  }

  let writing = Promise.resolve()
  const write = async (): Promise<void> => {
    const names = [...changed]
    changed.clear()
    const requests = names.flatMap((name) => {
      const [pk = '', sk = ''] = name.split('\n')
      const item = known.get(name)
      if (!isKept({ pk, sk })) return []
      return [item ? { PutRequest: { Item: item } } : { DeleteRequest: { Key: { pk, sk } } }]
    })
    const batches = chunks(requests, BATCH_WRITE_LIMIT)
    const workers = Array.from({ length: AT_ONCE }, async () => {
      for (let batch = batches.pop(); batch; batch = batches.pop()) {
        let left: typeof batch | undefined = batch
        while (left && left.length > 0) {
          const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: left } }))
          left = UnprocessedItems?.[tableName] as typeof batch | undefined
        }
      }
    })
    await Promise.all(workers)
    for (const name of names) if (isAlone(name) && !changed.has(name)) known.delete(name)
  }

  return {
    ...table,
    getAll,
    getTogether: getAll,
    get: async (key) => (await getAll([key]))[0],
    update: (write) => transact(() => [write]),
    transact,
    async nextId(kind) {
      const key = counterKey(kind)
      await load([key])
      const id = Number(known.get(nameOf(key))?.last_id ?? 0) + 1
      set(key, { ...key, last_id: id })
      return id
    },
    waiting: () => changed.size,
    async flush() {
      await writing
      await write()
    },
    async flushBehind() {
      await writing
      writing = write()
      // Whoever flushes next is told.
      writing.catch(() => {})
    },
  }
}

/** What an item becomes by the expressions that repositories use: `SET a = :a`, `ADD b :b` and `REMOVE c`. */
const updated = (item: Item, { expression, names = {}, values = {} }: Extract<Write, { update: Key }>): Item => {
  const next: Item = { ...item }
  for (const [, verb, list = ''] of expression.matchAll(/(SET|ADD|REMOVE) (.*?)(?= (?:SET|ADD|REMOVE) |$)/g)) {
    for (const part of list.split(', ')) {
      const [name = '', value = ''] = part.split(/ = | /)
      const attribute = names[name] ?? name
      if (verb === 'SET') next[attribute] = values[value]
      if (verb === 'ADD') next[attribute] = Number(next[attribute] ?? 0) + Number(values[value])
      if (verb === 'REMOVE') delete next[attribute]
    }
  }
  return next
}
