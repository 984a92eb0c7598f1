import { databaseOver } from '../../../lib/repository/database.ts'
import { bufferTable } from '../../../local/bufferedTable.ts'
import { isNewWith, makeRegistry } from '../../../local/registry.ts'
import { admin, isSlow, list } from '../../support/moves.ts'
import { openStore } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'

const COUNT = isSlow ? 100 : 300

describe('a registry that is made for show', () => {
  it('is written as if all had been published one by one, beside what is there already, and goes on from there', async () => {
    const store = await openStore()
    const before = await store.publish(await store.project(await store.group()))
    const table = bufferTable(store.client, store.tableName, isNewWith)
    const size = { packages: COUNT, projects: 12, groups: 12, depth: 4, seed: 7 }
    const made = await makeRegistry(databaseOver(table), store.owner, size, table.flushBehind)
    await table.flush()

    expect(await contradictions(store)).toEqual([])
    const everything = { filter: { includeVersionless: true }, page: { number: 1, size: 100, asked: 100 } }
    const listed = await list(store, made.top, admin(store), everything)
    const hidden = await list(store, made.top, admin(store), {
      ...everything,
      filter: { includeVersionless: true, status: 'hidden' },
    })
    expect(listed.total + hidden.total).toBe(COUNT)
    expect(new Set(made.groups.map(({ visibility }) => visibility)).size).toBe(3)

    const after = await store.publish(made.projects[0] as (typeof made.projects)[number])
    expect(after.id).toBe(before.id + COUNT + 1)
    expect(await contradictions(store)).toEqual([])
  })
})
