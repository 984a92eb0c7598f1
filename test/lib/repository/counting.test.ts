import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { type Database, databaseOver } from '../../../lib/repository/database.ts'
import { type Shelf, segmentsKey, segmentsPartition, tallyPartition } from '../../../lib/repository/keys.ts'
import { openTable } from '../../../lib/repository/table.ts'
import { openStore } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'

const SIZE = 20

/** Two projects whose packages two levels of nodes count, and what there is of both. */
const setUp = async () => {
  const store = await openStore()
  const top = await store.group()
  const projects = [await store.project(top), await store.project(top)]
  const ids: number[] = []
  for (const start of [1, 10_000, 20_000]) {
    await store.skipIds(start)
    ids.push(...(await store.fillAll(projects, 60)).flat().map(({ id }) => id))
  }
  ids.sort((one, other) => one - other)
  const shelves = projects.map(({ id }): Shelf => ({ kind: 'project', id }))
  const [shelf] = shelves as [Shelf, Shelf]
  for (const one of shelves) await store.db.counting.count(one)

  /** The shelf is counted as a whole the next time, as one that has grown. */
  const outgrow = () =>
    store.client.send(
      new UpdateCommand({
        TableName: store.tableName,
        Key: segmentsKey(shelf),
        UpdateExpression: 'SET renewAt = :none',
        ExpressionAttributeValues: { ':none': 0 },
      }),
    )
  const expectPages = async (db: Database, numbers: readonly number[]) => {
    for (const number of numbers) {
      const query = { filter: { includeVersionless: false }, order: 'created_at', sort: 'asc' } as const
      const page = { number, size: SIZE, asked: SIZE }
      const { rows, total } = await db.listings.listPackages(shelves, { ...query, page })
      const wanted = ids.slice((number - 1) * SIZE, number * SIZE)
      expect([number, total, rows.map(({ id }) => id)]).toEqual([number, ids.length, wanted])
    }
  }
  return { store, table: openTable(store.client, store.tableName), shelf, outgrow, expectPages }
}

describe('counts of a whole shelf', () => {
  it('leave a page right that had begun to read what two of them replaced', async () => {
    const { store, table, shelf, outgrow, expectPages } = await setUp()
    let reads = 0
    const db = databaseOver({
      ...table,
      async getAll(keys, consistency) {
        // One level of nodes has been read.
        for (let n = 0; reads === 1 && n < 2; n++) {
          await outgrow()
          await store.db.counting.count(shelf)
        }
        reads++
        return table.getAll(keys, consistency)
      },
    })
    await expectPages(db, [9])
    expect(reads).toBeGreaterThan(1)
  })

  it('leave one another what they write, when one ends while another has begun', async () => {
    const { store, table, shelf, outgrow, expectPages } = await setUp()
    const [begun, written, over] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()]
    const first = databaseOver({
      ...table,
      async queryAll(range) {
        if (range.pk === segmentsPartition(shelf)) {
          begun.resolve(undefined)
          await written.promise
        }
        return table.queryAll(range)
      },
    })
    const second = databaseOver({
      ...table,
      async transact(prepare) {
        const writes = await prepare([])
        if (writes.some((write) => 'put' in write && write.put.pk === tallyPartition(shelf))) {
          written.resolve(undefined)
          await over.promise
        }
        return table.transact(() => writes)
      },
    })
    await outgrow()
    const one = first.counting.count(shelf).finally(() => over.resolve(undefined))
    await begun.promise
    await outgrow()
    await Promise.all([one, second.counting.count(shelf)])

    const pages = Array.from({ length: 14 }, (_, n) => n + 5)
    await expectPages(store.db, pages)
    expect(await contradictions(store)).toEqual([])
    // What was begun in vain goes with the next.
    await outgrow()
    await store.db.counting.count(shelf)
    await outgrow()
    await store.db.counting.count(shelf)
    await expectPages(store.db, pages)
    const left = await table.queryAll({ pk: segmentsPartition(shelf) })
    expect(new Set(left.map(({ sk }) => String(sk).split(' ')[0])).size).toBe(2)
  })
})
