import type { PackageFilter, PackageOrder, Sort } from '../../lib/domain/listing.ts'
import { MAX_PER_PAGE, type Page, type Start } from '../../lib/domain/pagination.ts'
import { ANONYMOUS, type Caller } from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import { type Database, openDatabase } from '../../lib/repository/database.ts'
import { createClient } from '../../lib/repository/table.ts'
import { testEnvironment } from '../support/environment.ts'
import { countAll } from '../support/jobs.ts'
import { type Cost, type Meter, startMeter } from '../support/meter.ts'
import { admin, memberOf, signedIn } from '../support/moves.ts'
import { openStore, readGroup } from '../support/store.ts'

const SIZE = 20
const ORDERS: PackageOrder[] = ['created_at', 'name', 'version', 'type']
const SORTS: Sort[] = ['asc', 'desc']
const ALL: PackageFilter = { includeVersionless: false }

type Query = { filter?: PackageFilter; order?: PackageOrder; sort?: Sort }

/** AWS's own engine says what calls consume, where it can run. */
const { dynamodbLocal, dynoxide } = testEnvironment()
process.env.DYNAMODB_ENDPOINT = dynamodbLocal || dynoxide

let meter: Meter
/** A store, and its database once more by way of the meter. */
let store: Awaited<ReturnType<typeof openStore>>
let metered: Database
/** A group with two projects of the same names, one with so many versions more. */
let around: Group
let small: Project
let large: Project
let ids: number[]

const count = () => countAll(store.db)

beforeAll(async () => {
  meter = await startMeter(process.env.DYNAMODB_ENDPOINT ?? '')
  store = await openStore()
  metered = openDatabase(createClient(meter.endpoint), store.tableName)
  around = await store.group()
  small = await store.project(around)
  large = await store.project(around)
  const nth = (n: number) =>
    ({ name: `name-${n % 40}`, version: `1.0.${n}`, type: n % 3 === 0 ? 'generic' : 'npm' }) as const
  await store.fill(small, 120, nth)
  ids = (await store.fill(large, 720, nth)).map(({ id }) => id)
  await count()
})
afterAll(() => meter.stop())

const page = (more: Partial<Page> = {}): Page => ({ number: 1, size: SIZE, asked: SIZE, ...more })

const listProject = (db: Database, { id }: Project, query: Query, more?: Partial<Page>) =>
  db.listings.listPackages([{ kind: 'project', id }], {
    filter: ALL,
    order: 'created_at',
    sort: 'asc',
    ...query,
    page: page(more),
  })

const unitsOf = async (work: () => Promise<unknown>): Promise<Cost> => {
  const { answer: _answer, ...cost } = await meter.read(work)
  return cost
}

/** Equal calls, and read units within a tenth, of which one unit is the least that can differ. */
const expectEqual = (what: unknown, one: Cost, other: Cost) => {
  expect(one.readUnits).toBeGreaterThan(0)
  const most = Math.max(one.readUnits * 1.1, one.readUnits + 1)
  expect([what, other.calls, other.readUnits <= most ? 'as much' : [one.readUnits, other.readUnits]]).toEqual([
    what,
    one.calls,
    'as much',
  ])
}

describe('a page of a project', () => {
  it('costs the same in a small and in a large one, first or next by its link, in every order and direction', async () => {
    for (const order of ORDERS) {
      for (const sort of SORTS) {
        const first = await unitsOf(() => listProject(metered, small, { order, sort }))
        expectEqual([order, sort, 'first'], first, await unitsOf(() => listProject(metered, large, { order, sort })))
        const { ends } = await listProject(store.db, large, { order, sort }, { number: 30 })
        const start = { after: ends?.last } as Start
        const next = await unitsOf(() => listProject(metered, large, { order, sort }, { number: 31, start }))
        expectEqual([order, sort, 'next'], first, next)
      }
    }
  })

  it('costs at most four calls and twelve units more by its bare number than the first, in every order', async () => {
    for (const filter of [ALL, { ...ALL, type: 'npm' } as const]) {
      for (const order of ORDERS) {
        for (const sort of SORTS) {
          const first = await unitsOf(() => listProject(metered, large, { filter, order, sort }))
          for (const number of [2, 17, 30]) {
            const far = await unitsOf(() => listProject(metered, large, { filter, order, sort }, { number }))
            expect([order, sort, number, far.calls - first.calls <= 4]).toEqual([order, sort, number, true])
            expect([order, sort, number, far.readUnits - first.readUnits <= 12]).toEqual([order, sort, number, true])
          }
        }
      }
    }
  })

  it('costs by names and not by their versions where a name is searched', async () => {
    for (const name of ['name', 'name-3', 'ame-17']) {
      const filter = { ...ALL, name }
      const [one, other] = [
        await unitsOf(() => listProject(metered, small, { filter })),
        await unitsOf(() => listProject(metered, large, { filter })),
      ]
      expect([name, other.calls <= 2 * one.calls, other.readUnits <= 2 * one.readUnits]).toEqual([name, true, true])
    }
  })
})

describe('all packages of a project by link', () => {
  it('cost so much a page, however many there are', async () => {
    const pages: Cost[] = []
    const read: number[] = []
    for (let start: Start | undefined, isFirst = true; isFirst || start; isFirst = false) {
      const more = { size: MAX_PER_PAGE, asked: MAX_PER_PAGE, isKeyset: true, ...(start ? { start } : {}) }
      const { answer, ...cost } = await meter.read(() => listProject(metered, large, {}, more))
      pages.push(cost)
      read.push(...answer.rows.map(({ id }) => id))
      start = answer.ends?.hasMore ? { after: answer.ends.last } : undefined
    }
    expect(read).toEqual(ids)
    for (const cost of pages.slice(0, 7)) expectEqual('a page', pages[0] as Cost, cost)
  })
})

describe('a page of a group', () => {
  it('costs no walk by project_path, however far inside a large project it is', async () => {
    const read = (number: number) => {
      const query = {
        filter: ALL,
        order: 'project_path',
        sort: 'asc',
        page: page({ number }),
        excludeSubgroups: false,
      } as const
      return unitsOf(() => readGroup(metered, around, admin(store), query))
    }
    const [second, far] = [await read(2), await read(22)]
    expect([far.calls <= second.calls + 4, far.readUnits <= second.readUnits + 12]).toEqual([true, true])
  })

  it('costs each caller the same in a small and in a large one, however many projects are on it', async () => {
    const grow = async (projects: number, packages: number, nested: number) => {
      const top = await store.group()
      const groups = [top]
      while (groups.length <= nested) groups.push(await store.group(groups[Math.floor(groups.length / 2)] as Group))
      const inside: Project[] = []
      for (let n = 0; n < projects; n++) {
        const visibility = n % 3 === 2 ? 'private' : 'public'
        inside.push(await store.project(groups[n % groups.length] as Group, visibility))
      }
      await store.fillAll(inside, packages / projects, (n, place) => ({ name: `name-${place}-${n}` }))
      await count()
      return { top, inside }
    }
    const small = await grow(10, 50, 2)
    const large = await grow(18, 90, 6)
    const isPrivate = ({ visibility }: Project) => visibility === 'private'
    const callers: [string, (place: typeof small) => Caller][] = [
      ['anonymous', () => ANONYMOUS],
      ['signed in', () => signedIn(store)],
      ['administrator', () => admin(store)],
      // All that are hidden in the small one, and a few of those in the large one.
      ['member of three projects inside', ({ inside }) => memberOf(store, ...inside.filter(isPrivate).slice(0, 3))],
    ]
    for (const [name, callerOf] of callers) {
      const read = async (place: typeof small, order: PackageOrder, start?: Start) => {
        const more = { size: 14, asked: 14, ...(start ? { number: 2, start } : {}) }
        const query = { filter: ALL, order, sort: 'desc', page: page(more), excludeSubgroups: false } as const
        return meter.read(() => readGroup(metered, place.top, callerOf(place), query))
      }
      for (const order of ORDERS) {
        const [one, other] = [await read(small, order), await read(large, order)]
        expectEqual([name, order], one, other)
        const next = await read(large, order, { after: other.answer.ends?.last } as Start)
        expectEqual([name, order, 'next'], other, next)
      }
      // Each project that a page may hold is a call, and a link leads into the middle of one.
      const one = await read(small, 'project_path')
      const first = await read(large, 'project_path')
      const next = await read(large, 'project_path', { after: first.answer.ends?.last } as Start)
      for (const other of [first, next]) {
        const most = { calls: 1.1 * one.calls, readUnits: Math.max(1.1 * one.readUnits, one.readUnits + 1) }
        expect([name, other.calls <= most.calls, other.readUnits <= most.readUnits]).toEqual([name, true, true])
      }
    }
  })

  it('costs a member of projects that nobody else sees little more far down than the first', async () => {
    const top = await store.group()
    const sub = await store.group(top)
    const shown = [await store.project(top), await store.project(sub)]
    for (const group of [top, sub]) shown.push(await store.project(group, 'internal'))
    const hidden = [await store.project(top, 'private'), await store.project(top, 'private')]
    hidden.push(await store.project(sub, 'private'))
    const named = (n: number) => ({ name: `a-package-of-a-name-that-is-somewhat-longer-than-others-${n % 40}` })
    // So far apart that two levels of nodes count them.
    for (const start of [10_000, 20_000, 30_000]) {
      await store.skipIds(start)
      await store.fillAll(shown, 30, named)
      await store.fillAll(hidden, 15, named)
    }
    await count()
    // Where the page will be, one node of each level is counted anew.
    await store.skipIds(20_200)
    await store.fillAll(shown, 3)
    await count()
    const caller = memberOf(store, ...hidden)
    const expectBounded = async (filter: PackageFilter) => {
      const read = (number: number) => {
        const query = { filter, order: 'created_at', sort: 'asc', page: page({ number }) } as const
        return meter.read(() => readGroup(metered, top, caller, { ...query, excludeSubgroups: false }))
      }
      const first = await read(1)
      const last = Math.ceil(first.answer.total / SIZE)
      for (const number of [2, 3, 4, 5, last - 4, last - 3, last - 2]) {
        const far = await read(number)
        const calls = far.calls - first.calls
        const isDear = calls > 2 || far.readUnits - first.readUnits > 12
        expect([filter, number, isDear ? [calls, far.readUnits, first.readUnits] : 'bounded']).toEqual([
          filter,
          number,
          'bounded',
        ])
      }
      expect((await read(Math.ceil(last / 2))).calls - first.calls).toBe(2)
    }
    for (const filter of [ALL, { ...ALL, type: 'npm' }, { includeVersionless: true }] as const) {
      await expectBounded(filter)
    }
    // What is new is not counted, as always where somebody publishes.
    await store.skipIds(30_200)
    await store.fillAll([...shown, ...hidden], 3, named)
    await expectBounded(ALL)
  })
})
