import type { PackageFilter, PackageOrder, Sort } from '../../../lib/domain/listing.ts'
import type { Package, PackageStatus, PackageType } from '../../../lib/domain/package.ts'
import type { Page, Start } from '../../../lib/domain/pagination.ts'
import type { Project } from '../../../lib/domain/project.ts'
import { databaseOver } from '../../../lib/repository/database.ts'
import { type Shelf, segmentsPartition } from '../../../lib/repository/keys.ts'
import { groupShelves } from '../../../lib/repository/shelves.ts'
import { type Item, openTable } from '../../../lib/repository/table.ts'
import { countAll } from '../../support/jobs.ts'
import { admin, insideStill, list as listAs } from '../../support/moves.ts'
import { plainList } from '../../support/plainList.ts'
import { now, openStore, writerOf } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'
import { watchTraffic } from '../../support/traffic.ts'

const ORDERS: PackageOrder[] = ['created_at', 'name', 'version', 'type', 'project_path']
const SORTS: Sort[] = ['asc', 'desc']
const TYPES: PackageType[] = ['npm', 'npm', 'npm', 'maven', 'generic']
const STATUSES: PackageStatus[] = ['default', 'default', 'deprecated', 'default', 'hidden', 'default', 'default']
const ALL: PackageFilter = { includeVersionless: false }

/** Packages of all kinds, some of them with equal names, versions and types. */
const mixed = (n: number) => ({
  name: `name-${n % 5}`,
  version: n % 11 === 0 ? null : `1.${n % 5}.${n}`,
  type: n % 11 === 0 ? 'maven' : (TYPES[n % TYPES.length] as PackageType),
  status: STATUSES[n % STATUSES.length] as PackageStatus,
})

const setUp = async () => {
  const store = await openStore()
  const top = await store.group()
  const sub = await store.group(top)
  const projects: Project[] = [
    await store.project(top, 'public', `zebra-${Math.random()}`.replace('.', '')),
    await store.project(sub, 'private', `apple-${Math.random()}`.replace('.', '')),
    await store.project(sub, 'public', `mango-${Math.random()}`.replace('.', '')),
  ]
  return { store, top, sub, projects, all: [] as Package[] }
}
type World = Awaited<ReturnType<typeof setUp>>

const fill = async (world: World, count: number) => {
  const before = world.all.length / world.projects.length
  for (const [place, project] of world.projects.entries()) {
    world.all.push(...(await world.store.fill(project, count, (n) => mixed(before + n + place))))
  }
}

const count = ({ store }: World) => countAll(store.db)

/** The whole list, in the plainest way. */
const listed = ({ all, projects }: World, filter: PackageFilter, order: PackageOrder, sort: Sort) =>
  plainList(all, { filter, order, sort }, (projectId) => projects.find(({ id }) => id === projectId)?.path ?? '')

const SIZE = 20

const list = async (
  { store, top, projects }: World,
  shelves: readonly Shelf[],
  query: { filter: PackageFilter; order: PackageOrder; sort: Sort },
  page: Partial<Page>,
) => {
  const wanted = { ...query, page: { number: 1, size: SIZE, asked: SIZE, ...page } }
  const inside = insideStill(top, projects)
  return query.order === 'project_path'
    ? store.db.listings.listPackagesByProjectPath(shelves, inside, wanted)
    : store.db.listings.listPackages(shelves, wanted)
}

const FILTERS: PackageFilter[] = [
  ALL,
  { includeVersionless: true },
  { includeVersionless: false, type: 'npm' },
  { includeVersionless: true, type: 'maven' },
  { includeVersionless: false, status: 'deprecated' },
  { includeVersionless: true, name: 'name-1' },
]

const halfOf = (place: number): Sort[] => (Math.floor(place / 2) % 2 === 0 ? ['asc'] : ['desc'])

/** Pages of every list, by their number alone, are what the plainest way gives. */
const expectPages = async (world: World, filters = FILTERS, orders = ORDERS) => {
  const group = groupShelves(world.top.id, ['private', 'internal', 'public'], false)
  for (const [n, filter] of filters.entries()) {
    for (const [m, order] of orders.entries()) {
      // One filter is seen in every other order, the next in the rest of them.
      if (filters.length * orders.length > 12 && (n + m) % 2 === 1) continue
      // Half of them are seen in the one direction, the rest in the other.
      for (const sort of filters.length === 1 ? SORTS : halfOf(n + m)) {
        const whole = listed(world, filter, order, sort)
        const last = Math.ceil(whole.length / SIZE)
        // One order is seen where lists begin and end, the next in the middle.
        const pages = ((n + m) % 3 === 0 ? [1, last + 1] : [Math.ceil(last / 3), last - 1]).filter(
          (number) => number > 0,
        )
        const read = await Promise.all(
          pages.map(async (number) => {
            const { rows, total } = await list(world, group, { filter, order, sort }, { number })
            return { total, rows: rows.map(({ id }) => id) }
          }),
        )
        const wanted = pages.map((n) => ({ total: whole.length, rows: whole.slice((n - 1) * SIZE, n * SIZE) }))
        expect({ filter, order, sort, pages: read }).toEqual({ filter, order, sort, pages: wanted })
      }
    }
  }
}

describe('a page by its number alone', () => {
  it('is right before anything was counted, after that, and while some of it is behind', async () => {
    const world = await setUp()
    await fill(world, 70)
    await expectPages(world, [ALL])
    await count(world)
    await expectPages(world)

    const victims = world.all.filter(({ status, type }, n) => status === 'default' && type === 'npm' && n % 9 === 0)
    for (const victim of victims) {
      await world.store.db.packages.delete(writerOf({ id: victim.projectId }), victim.id, now())
      victim.status = 'pending_destruction'
    }
    await fill(world, 20)
    const some = FILTERS.slice(0, 4)
    await expectPages(world, some, ['created_at', 'type'])
    await count(world)
    await expectPages(world, some, ['created_at', 'type'])
    expect(await contradictions(world.store)).toEqual([])
  })

  it('is right in the order of names and versions, and of a search, where milestones divide the shelves', async () => {
    const world = await setUp()
    const lists: [PackageFilter, PackageOrder[]][] = [
      [{ includeVersionless: true }, ['name', 'version']],
      [{ includeVersionless: true, name: 'name' }, ['created_at', 'name', 'type', 'version']],
      [{ ...ALL, name: 'name-3', type: 'npm' }, ['created_at']],
    ]
    const everyPage = async (sorts: readonly [Sort, Sort], isFirst: boolean) => {
      const group = groupShelves(world.top.id, ['private', 'internal', 'public'], false)
      for (const [filter, orders] of lists) {
        for (const [n, order] of orders.entries()) {
          const sort = sorts[n % 2] as Sort
          const whole = listed(world, filter, order, sort)
          const numbers = Array.from({ length: Math.ceil(whole.length / 100) }, (_, n) => n + 1)
          // The second time one order is seen on every other page, the next on the rest of them.
          const seen = numbers.filter((number) => isFirst || (number + n) % 2 === 0)
          const pages = await Promise.all(
            seen.map((number) => list(world, group, { filter, order, sort }, { number, size: 100, asked: 100 })),
          )
          const ids = pages.flatMap(({ rows }) => rows.map(({ id }) => id))
          const wanted = seen.flatMap((number) => whole.slice((number - 1) * 100, number * 100))
          expect({ filter, order, sort, ids }).toEqual({ filter, order, sort, ids: wanted })
        }
      }
    }
    await fill(world, 132)
    await count(world)
    await everyPage(['asc', 'desc'], true)
    expect(await contradictions(world.store)).toEqual([])

    const victims = world.all.filter(({ status, type }, n) => status === 'default' && type === 'npm' && n % 37 === 0)
    for (const victim of victims) {
      await world.store.db.packages.delete(writerOf({ id: victim.projectId }), victim.id, now())
      victim.status = 'pending_destruction'
    }
    await fill(world, 24)
    await everyPage(['desc', 'asc'], false)
    await count(world)
    expect(await contradictions(world.store)).toEqual([])
  })

  it('is right where ids are far apart, and when they grow past all that was counted', async () => {
    const world = await setUp()
    for (const [start, more] of [
      [600_000, 70],
      [700_000, 10],
      [68_000_000, 40],
    ] as const) {
      await world.store.skipIds(start)
      await fill(world, more)
      await expectPages(world, [ALL], ['created_at', 'type'])
      await count(world)
      await expectPages(world, [ALL, { includeVersionless: false, type: 'npm' }], ['created_at', 'type'])
      expect(await contradictions(world.store)).toEqual([])
    }
  })

  it('is right where the database answers what it counted before, or does not know of it yet', async () => {
    const world = await setUp()
    const { store, all, top } = world
    const table = openTable(store.client, store.tableName)
    await fill(world, 70)
    // Ids that two levels of nodes count.
    await store.skipIds(10_000)
    await fill(world, 20)
    await count(world)
    const nodes = async () => {
      const found: Item[] = []
      for (const shelf of groupShelves(top.id, ['private', 'internal', 'public'], false)) {
        found.push(...(await table.queryAll({ pk: segmentsPartition(shelf) })))
      }
      return found
    }
    const before = await nodes()
    await store.skipIds(10_100)
    await fill(world, 20)
    await store.skipIds(20_000)
    await fill(world, 40)
    for (const victim of all.filter(({ type, status }) => type === 'npm' && status === 'default').slice(0, 30)) {
      await store.db.packages.delete(writerOf({ id: victim.projectId }), victim.id, now())
      victim.status = 'pending_destruction'
    }
    await count(world)
    expect((await nodes()).length).toBeGreaterThan(before.length)
    expect(await contradictions(store)).toEqual([])

    for (const older of [before, []]) {
      let asked = 0
      const db = databaseOver({
        ...table,
        async getAll(keys, consistency) {
          if (consistency !== 'eventual') return table.getAll(keys)
          asked++
          return older.filter((item) => keys.some(({ pk, sk }) => item.pk === pk && item.sk === sk))
        },
      })
      const late = { ...store, db }
      await expectPages({ ...world, store: late }, [ALL], ['created_at', 'type'])
      expect(asked).toBeGreaterThan(0)
      asked = 0
      const whole = listed(world, ALL, 'created_at', 'asc').slice(5 * SIZE, 6 * SIZE)
      const { ids } = await listAs(late, top, admin(store), { page: { number: 6, size: SIZE, asked: SIZE } })
      expect(ids).toEqual(whole)
      expect(asked).toBeGreaterThan(0)
    }
  })

  it('shows the packages of its place also when one is published while it is looked for', async () => {
    const world = await setUp()
    const { store, projects } = world
    await fill(world, 90)
    await count(world)
    await fill(world, 1)
    for (const sort of SORTS) {
      const whole = listed(world, ALL, 'created_at', sort)
      const table = openTable(store.client, store.tableName)
      let published: Promise<unknown> | undefined
      const db = databaseOver({
        ...table,
        async getAll(keys, consistency) {
          published ??= store.publish(projects[0] as Project)
          await published
          return table.getAll(keys, consistency)
        },
        async queryAll(range) {
          await published
          return table.queryAll(range)
        },
      })
      const number = Math.ceil((whole.length * 0.6) / SIZE)
      const shelves = groupShelves(world.top.id, ['private', 'internal', 'public'], false)
      const query = { filter: ALL, order: 'created_at', sort } as const
      const { rows } = await list({ ...world, store: { ...store, db } }, shelves, query, { number })
      expect(published).toBeDefined()
      expect(rows.map(({ id }) => id)).toEqual(whole.slice((number - 1) * SIZE, number * SIZE))
      world.all.push((await published) as Package)
    }
  })

  it('is right while a project moves away, when it has, and when it comes back', async () => {
    const world = await setUp()
    await fill(world, 70)
    await count(world)
    const { store, top, projects, all } = world
    const [, , moving] = projects as [Project, Project, Project]
    const other = await store.group()
    const pages = async (packages: readonly Package[]) => {
      const whole = listed({ ...world, all: [...packages] }, ALL, 'created_at', 'asc')
      const last = Math.ceil(whole.length / SIZE)
      for (const number of [1, Math.ceil(last / 2), last - 1, last + 1]) {
        const page = { number, size: SIZE, asked: SIZE }
        const { ids, total } = await listAs(store, top, admin(store), { page })
        expect({ number, total, ids }).toEqual({
          number,
          total: whole.length,
          ids: whole.slice((number - 1) * SIZE, number * SIZE),
        })
      }
    }
    const move = (to: typeof other) => store.db.groups.transferProject(moving.id, to, now())
    const without = all.filter(({ projectId }) => projectId !== moving.id)

    for (const [to, packages] of [
      [other, without],
      [top, all],
    ] as const) {
      await move(to)
      await pages(packages)
      await count(world)
      await pages(packages)
      expect(await store.db.transit.settle(moving.id)).toBe(true)
      await pages(packages)
      await count(world)
      await pages(packages)
    }
  })
})

describe('a page that goes on from a row', () => {
  it('gives with all others each package once, forwards and backwards, in every order and by every filter', async () => {
    const world = await setUp()
    await fill(world, 40)
    const group = groupShelves(world.top.id, ['private', 'internal', 'public'], false)
    const filters = [...FILTERS, { includeVersionless: true, version: '1.1.1' }]
    for (const [n, filter] of filters.entries()) {
      for (const [m, order] of ORDERS.entries()) {
        // The first is walked in every order, of the others one in every other, the next in the rest of them.
        if (n > 0 && (n + m) % 2 === 1) continue
        for (const sort of halfOf(n + m)) {
          const whole = listed(world, filter, order, sort)
          const read = async (start?: Start) =>
            list(world, group, { filter, order, sort }, { isKeyset: true, ...(start ? { start } : {}) })
          const walk = async (
            first: Awaited<ReturnType<typeof read>>,
            next: (page: typeof first) => Start | undefined,
          ) => {
            const pages = [first]
            for (let start = next(first); start; ) {
              const page = await read(start)
              if (page.rows.length > 0) pages.push(page)
              start = next(page)
            }
            return pages.map(({ rows }) => rows.map(({ id }) => id))
          }
          const forwards = await walk(await read(), ({ ends }) => (ends?.hasMore ? { after: ends.last } : undefined))
          expect({ filter, order, sort, ids: forwards.flat() }).toEqual({ filter, order, sort, ids: whole })

          if ((n + m) % 3 === 0) continue
          const number = Math.max(1, Math.ceil(whole.length / SIZE))
          const last = await list(world, group, { filter, order, sort }, { number, start: 'last' })
          const backwards = await walk(last, ({ ends }) => ends && { before: ends.first })
          expect({ filter, order, sort, ids: backwards.reverse().flat() }).toEqual({ filter, order, sort, ids: whole })
        }
      }
    }
  })
})

describe('a page of a project of hundreds of packages', () => {
  const whole = async () => {
    const world = await setUp()
    const [project] = world.projects as [Project]
    const other = (n: number) => ({ name: `other-${n % 30}`, version: `1.${n}.0`, type: TYPES[n % 5] as PackageType })
    world.all.push(...(await world.store.fill(project, 600, other)))
    world.all.push(
      ...(await world.store.fill(project, 100, (n) => ({ name: `wanted-${n % 20}`, version: `2.${n}.0` }))),
    )
    await count(world)
    return { ...world, shelves: [{ kind: 'project', id: project.id }] satisfies Shelf[] }
  }
  let world: Awaited<ReturnType<typeof whole>>
  beforeAll(async () => {
    world = await whole()
  })

  it('is right in a search wherever the packages that it finds stand among the others', async () => {
    const { store, shelves } = world
    const filter = { includeVersionless: false, name: 'wanted' }
    const calls: Record<string, number> = {}
    for (const order of ['created_at', 'version', 'type'] as const) {
      for (const sort of SORTS) {
        const wanted = listed(world, filter, order, sort)
        for (const number of [1, 3, 5, 6]) {
          const { calls: made } = await watchTraffic(store.client, async () => {
            const { rows, total } = await list(world, shelves, { filter, order, sort }, { number })
            const ids = wanted.slice((number - 1) * SIZE, number * SIZE)
            expect({ order, sort, total, ids: rows.map(({ id }) => id) }).toEqual({ order, sort, total: 100, ids })
          })
          calls[`${order} ${sort} ${number}`] = made
        }
      }
    }
    // Where they stand first, they are read as they stand; where they do not, each name is asked for.
    expect(calls['created_at desc 1']).toBeLessThan(5)
    expect(calls['created_at asc 1']).toBeGreaterThan(20)
  })

  it('takes four calls more at the most by its number, in every order', async () => {
    const { store, shelves } = world
    const calls = (query: { filter: PackageFilter; order: PackageOrder; sort: Sort }, number: number) =>
      watchTraffic(store.client, () => list(world, shelves, query, { number }))
    for (const filter of [ALL, { includeVersionless: false, type: 'npm' } as const]) {
      for (const order of ['created_at', 'name', 'version', 'type'] as const) {
        for (const sort of SORTS) {
          const query = { filter, order, sort }
          const [first, far] = [await calls(query, 1), await calls(query, 5)]
          expect([query, far.calls <= first.calls + 4]).toEqual([query, true])
          expect(far.commands.filter((one) => one.includes('BatchGet')).length).toBeGreaterThan(0)
        }
      }
    }
  })
})

describe('a page of what is rare on some shelves', () => {
  const build = async () => {
    const world = await setUp()
    const nth = (n: number, place: number) => ({
      name: n % 3 === 0 ? 'app' : `name-${n % 9}`,
      version: `1.${n % 7}.${n}`,
      // In two of the projects one of a hundred, and in one of these the last ones only.
      type: (place === 0 || (place === 1 ? n % 97 === 5 : n > 297) ? 'npm' : 'generic') as PackageType,
      status: (n % 120 === 3 ? 'error' : 'default') as PackageStatus,
    })
    world.all.push(...(await world.store.fillAll(world.projects, 300, nth)).flat())
    return { ...world, shelves: groupShelves(world.top.id, ['private', 'internal', 'public'], false) }
  }
  let world: Awaited<ReturnType<typeof build>>
  beforeAll(async () => {
    world = await build()
  })

  it('is right wherever it stands, in every order and direction', async () => {
    for (const filter of [{ type: 'npm' }, { status: 'error' }, { type: 'npm', status: 'default' }] as const) {
      for (const order of ORDERS.slice(0, 4)) {
        for (const sort of SORTS) {
          const query = { filter: { includeVersionless: false, ...filter }, order, sort }
          const whole = listed(world, query.filter, order, sort)
          const last = Math.ceil(whole.length / SIZE)
          const numbers = [...new Set([1, 2, last])]
          const pages = await Promise.all(numbers.map((number) => list(world, world.shelves, query, { number })))
          const found = pages.map(({ rows, total }) => ({ total, ids: rows.map(({ id }) => id) }))
          const wanted = numbers.map((number) => ({
            total: whole.length,
            ids: whole.slice((number - 1) * SIZE, number * SIZE),
          }))
          expect({ query, found }).toEqual({ query, found: wanted })
        }
      }
    }
  })

  it('takes a few round trips, and reads no shelf to its end for it', async () => {
    const { store, projects, shelves } = world
    const [, rare] = projects as [Project, Project]
    let scanned = 0
    store.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args)
        scanned += Number((answer.output as { ScannedCount?: number }).ScannedCount ?? 0)
        return answer
      },
      { step: 'initialize', name: 'scanned' },
    )
    const dearest = { rounds: 0, ofProject: 0, ofGroup: 0 }
    for (const filter of [{ status: 'error' }, { type: 'npm' }] as const) {
      for (const order of ORDERS.slice(0, 4)) {
        for (const sort of SORTS) {
          const query = { filter: { includeVersionless: false, ...filter }, order, sort }
          for (const [of, some] of [
            ['ofProject', [{ kind: 'project', id: rare.id }]],
            ['ofGroup', shelves],
          ] as const) {
            scanned = 0
            const { rounds } = await watchTraffic(store.client, () => list(world, some, query, { size: 2 }))
            dearest.rounds = Math.max(dearest.rounds, rounds)
            dearest[of] = Math.max(dearest[of], scanned)
          }
        }
      }
    }
    store.client.middlewareStack.remove('scanned')
    expect(dearest.rounds).toBe(3)
    // Of 300 and 900.
    expect(dearest.ofProject).toBeLessThan(250)
    expect(dearest.ofGroup).toBeLessThan(450)
  })
})

describe('a page of a search', () => {
  it('costs in the middle a call for each of many names, none of which is asked for more than its share', async () => {
    const world = await setUp()
    const { store, projects } = world
    const [names, versions] = [24, 6]
    const search = (n: number) => ({
      name: n % 3 === 0 ? `name-${(n / 3) % names}` : `other-${n % 3}`,
      version: `1.0.${n}`,
    })
    world.all = await store.fill(projects[0] as Project, names * versions * 3, search)
    const shelves: Shelf[] = [{ kind: 'project', id: (projects[0] as Project).id }]
    const query = { filter: { ...ALL, name: 'name' }, order: 'created_at', sort: 'asc' } as const
    const whole = listed(world, query.filter, query.order, query.sort)
    const { calls, rounds } = await watchTraffic(store.client, async () => {
      const { rows } = await list(world, shelves, query, { number: 6 })
      expect(rows.map(({ id }) => id)).toEqual(whole.slice(5 * SIZE, 6 * SIZE))
    })
    expect(calls).toBeLessThanOrEqual(names + 4)
    expect(rounds).toBeLessThanOrEqual(4)
  })
})

describe('the calls for a page', () => {
  it('stay few where small projects are read along, which nobody counts', async () => {
    const world = await setUp()
    const { store, top, projects, all } = world
    projects.push(await store.project(top))
    const [large, ...small] = projects as [Project, Project, Project, Project]
    all.push(...(await store.fill(large, 200, (n) => mixed(n + 1_000))))
    await fill(world, 20)
    all.push(...(await store.fill(large, 200, (n) => mixed(n + 2_000))))
    // So many segments that have changed would not be worth it, were they of one large project.
    const last = all.at(-1)?.id ?? 0
    for (let n = 1; n <= 66; n++) {
      await store.skipIds(last + n * 128)
      all.push(await store.publish(small[n % small.length] as Project, { ...mixed(n), version: `2.${n}.0` }))
    }
    await count(world)
    for (const { id } of small) expect(await store.db.counting.count({ kind: 'project', id })).toBe(true)
    const shelves = projects.map(({ id }): Shelf => ({ kind: 'project', id }))
    const query = { filter: ALL, order: 'created_at', sort: 'asc' } as const
    const { commands } = await watchTraffic(store.client, () => list(world, shelves, query, { number: 10 }))
    expect(commands.filter((one) => one.includes('BatchGet')).length).toBeGreaterThan(0)
    // The tallies of all, what is small whole, and rows of what is large.
    expect(commands.filter((one) => one.includes('Query'))).toHaveLength(2 * shelves.length)
    for (const number of [5, 8, 10, 12, 14]) {
      for (const sort of SORTS) {
        for (const order of ['created_at', 'type'] as const) {
          for (const filter of FILTERS.slice(0, 5)) {
            const { rows } = await list(world, shelves, { filter, order, sort }, { number })
            const wanted = listed(world, filter, order, sort).slice((number - 1) * SIZE, number * SIZE)
            expect([number, sort, order, rows.map(({ id }) => id)]).toEqual([number, sort, order, wanted])
          }
        }
      }
    }
  })
})
