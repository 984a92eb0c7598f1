import { ANONYMOUS, type Caller } from '../../lib/domain/permissions.ts'
import { now, openStore, readGroup } from '../support/store.ts'
import { watchTraffic } from '../support/traffic.ts'

const SIZE = 1_500

const query = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'desc',
  page: { number: 1, size: 20, asked: 20 },
  excludeSubgroups: false,
} as const

describe('a project of 1,500 packages', () => {
  it('changes its visibility and its group in as few calls as a small one, while others publish into it', async () => {
    const store = await openStore()
    const [from, to] = [await store.group(), await store.group()]
    const [project, small] = [await store.project(from), await store.project(from)]
    await store.fill(project, SIZE, (n) => ({ name: `name-${n % 40}`, version: `1.0.${n}`, files: 0 }))
    const { client, db } = store
    const administrator: Caller = { user: { ...store.owner, admin: true }, memberships: [] }
    const total = async (group: typeof from, caller: Caller) => (await readGroup(db, group, caller, query)).total

    const calls = (id: number) =>
      watchTraffic(client, () => db.groups.changeProject(id, { visibility: 'private' }, now()))
    expect((await calls(project.id)).calls).toBe((await calls(small.id)).calls)
    expect(await total(from, ANONYMOUS)).toBe(0)
    expect(await total(from, administrator)).toBe(SIZE)
    for (const sort of ['asc', 'desc'] as const) {
      const reading = () => readGroup(db, from, ANONYMOUS, { ...query, sort })
      expect((await watchTraffic(client, reading)).rounds).toBeLessThanOrEqual(9)
    }

    const publishing = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let n = 0; n < 10; n++) await store.publish(project, { name: `late-${n}` })
      }),
    )
    await db.transit.settle(project.id)
    await db.groups.transferProject(project.id, to, now())
    expect(await total(from, administrator)).toBe(0)
    await Promise.all([publishing, db.transit.settle(project.id)])

    expect(await total(from, administrator)).toBe(0)
    expect(await total(to, administrator)).toBe(SIZE + 40)
    expect(await total(to, ANONYMOUS)).toBe(0)
    const { rows } = await readGroup(db, to, administrator, query)
    expect(new Set(rows.map(({ entry }) => entry.id)).size).toBe(20)
  })
})
