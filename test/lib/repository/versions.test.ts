import { PackagesError } from '../../../lib/domain/errors.ts'
import type { Package } from '../../../lib/domain/package.ts'
import { DETAILS_PER_NAME_LIMIT_BYTES, sizeOfDetails } from '../../../lib/repository/details.ts'
import { detailsSizeKey, keptDetailsKey } from '../../../lib/repository/keys.ts'
import { inSteps } from '../../../lib/repository/steps.ts'
import { openTable, type Write } from '../../../lib/repository/table.ts'
import { describeOnFastEngine, itOnFastEngine } from '../../support/moves.ts'
import { now, openStore, shelvesOf, writerOf } from '../../support/store.ts'

const everything = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'asc',
  page: { number: 1, size: 100, asked: 100 },
} as const

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})
const table = () => openTable(store.client, store.tableName)

/** Versions of one name in a project a few groups deep, so that several fit into a transaction but not all of them. */
const setUp = async (count: number) => {
  const top = await store.group()
  const project = await store.project(await store.group(await store.group(top)))
  const nth = (n: number) => ({ name: 'bar', version: `1.${n}.0`, tags: n === 0 ? ['latest'] : [] })
  const packages = await store.fill(project, count, nth)
  return { project, packages, name: { projectId: project.id, type: 'npm', name: 'bar' } as const }
}
const by = ({ projectId }: { projectId: number }) => writerOf({ id: projectId })
type Place = Awaited<ReturnType<typeof setUp>>

const messages = (packages: readonly Package[], message: string) =>
  new Map(packages.map(({ version }) => [String(version), message]))

/** What every list around the project says: how many of each status. */
const expectListed = async ({ project }: Place, expected: Record<string, number>) => {
  for (const shelf of shelvesOf(project)) {
    const { rows, total } = await store.db.listings.listPackages([shelf], everything)
    const counts = Object.fromEntries([...Map.groupBy(rows, ({ status }) => status)].map(([s, all]) => [s, all.length]))
    expect({ shelf, counts, total }).toEqual({ shelf, counts: expected, total: rows.length })
    for (const status of ['default', 'deprecated'] as const) {
      const filter = { ...everything.filter, status, name: 'bar' }
      const found = await store.db.listings.listPackages([shelf], { ...everything, filter })
      expect({ shelf, status, total: found.total }).toEqual({ shelf, status, total: expected[status] ?? 0 })
    }
  }
}

describe('deprecating many versions', () => {
  itOnFastEngine(
    'shows on every shelf, in the counts and in what is kept of the versions, and is taken back as well',
    async () => {
      const place = await setUp(30)
      const { packages, name } = place

      await store.db.packages.deprecate(by(name), name, messages(packages.slice(0, 25), 'old'), now())
      await expectListed(place, { deprecated: 25, default: 5 })
      const kept = await store.db.packages.listVersionDetails(name)
      expect(kept.filter(({ status, deprecated }) => status === 'deprecated' && deprecated === 'old')).toHaveLength(25)
      expect(kept.every(({ details }) => details.note === 'kept')).toBe(true)
      const versions = await store.db.packages.listVersions(name)
      expect(versions.filter(({ status }) => status === 'deprecated')).toHaveLength(25)
      expect(await store.db.packages.find(packages[0]?.id ?? 0)).toMatchObject({
        status: 'deprecated',
        tags: [{ name: 'latest' }],
      })

      await store.db.packages.deprecate(by(name), name, messages(packages.slice(0, 10), ''), now())
      await expectListed(place, { deprecated: 15, default: 15 })
    },
  )

  it('comes out the same when two do it at once, and when versions go meanwhile', async () => {
    const place = await setUp(12)
    const { packages, name } = place
    const ids = packages.slice(0, 4).map(({ id }) => id)

    await Promise.all([
      store.db.packages.deprecate(by(name), name, messages(packages, 'one'), now()),
      store.db.packages.deprecate(by(name), name, messages(packages, 'one'), now()),
      store.db.packages.deleteAll(by(name), name, ids, now()),
    ])

    await expectListed(place, { deprecated: 8 })
  })

  itOnFastEngine('knows no version that is not there', async () => {
    const { name } = await setUp(1)
    const missing = { failure: { code: 'not_found', resource: 'npm_package' } }
    await expect(store.db.packages.deprecate(by(name), name, new Map([['9.9.9', 'old']]), now())).rejects.toMatchObject(
      missing,
    )
  })
})

describe('deleting many versions', () => {
  itOnFastEngine(
    'takes them off every shelf, frees their coordinates and tags, and keeps what is needed to restore them',
    async () => {
      const place = await setUp(20)
      const { packages, name } = place
      const gone = packages.slice(0, 15)

      await store.db.packages.deleteAll(
        by(name),
        name,
        gone.map(({ id }) => id),
        now(),
      )

      await expectListed(place, { default: 5 })
      expect((await store.db.packages.findTags(name)).tags).toEqual([])
      expect(await store.db.packages.listVersionDetails(name)).toHaveLength(5)
      for (const { id } of gone)
        expect(await table().get(keptDetailsKey(id))).toMatchObject({ details: { note: 'kept' } })
      await store.publish(place.project, { name: 'bar', version: '1.0.0' })
      await expectListed(place, { default: 6 })
    },
  )

  it('is done once by many at once', async () => {
    const place = await setUp(10)
    const ids = place.packages.map(({ id }) => id)

    await Promise.all(
      Array.from({ length: 4 }, () => store.db.packages.deleteAll(by(place.name), place.name, ids, now())),
    )

    await expectListed(place, {})
    expect((await table().get(detailsSizeKey(place.name)))?.keptBytes).toBe(0)
  })
})

describeOnFastEngine('what a format keeps of all versions of a name', () => {
  const size = async ({ name }: Place) => (await table().get(detailsSizeKey(name)))?.keptBytes

  it('is counted when versions come and go, also one by one and by their last file', async () => {
    const place = await setUp(3)
    const one = sizeOfDetails({ note: 'kept' })
    expect(await size(place)).toBe(3 * one)

    const [first, second] = place.packages as [Package, Package]
    await store.db.packages.delete(by(first), first.id, now())
    expect(await size(place)).toBe(2 * one)
    const { rows } = await store.db.files.list(second.id, {
      page: { number: 1, size: 20, asked: 20 },
      order: 'id',
      sort: 'asc',
    })
    await store.db.files.delete(by(first), second.id, rows[0]?.id ?? 0, now())
    expect(await size(place)).toBe(one)
    await store.db.packages.delete(by(first), second.id, now())
    expect(await size(place)).toBe(one)
  })

  it('has a limit, at which a publish is refused whole', async () => {
    const place = await setUp(1)
    const room = sizeOfDetails({ note: 'kept' })
    const fill = (bytes: number) =>
      table().transact(() => [
        {
          update: detailsSizeKey(place.name),
          expression: 'SET keptBytes = :bytes',
          values: { ':bytes': bytes },
        },
      ])

    await fill(DETAILS_PER_NAME_LIMIT_BYTES - room + 1)
    await expect(store.publish(place.project, { name: 'bar', version: '3.0.0' })).rejects.toMatchObject({
      failure: { code: 'validation_failed', problems: expect.stringContaining(String(DETAILS_PER_NAME_LIMIT_BYTES)) },
    })
    await expectListed(place, { default: 1 })

    await fill(DETAILS_PER_NAME_LIMIT_BYTES - room)
    await store.publish(place.project, { name: 'bar', version: '3.0.0' })
    await expectListed(place, { default: 2 })
  })
})

describe('inSteps', () => {
  const key = (n: number) => ({ pk: 'STEPS', sk: String(n) })
  const writes = (some: number[]): Write[] =>
    some.flatMap((n) => Array.from({ length: 30 }, (_, m) => ({ put: { ...key(1_000 * m + n), step: n } })))

  it('does all of them, with no more writes at once than a transaction takes', async () => {
    const sizes: number[] = []

    await inSteps(
      table(),
      Array.from({ length: 10 }, (_, n) => n),
      async (some) => {
        const all = writes(some)
        if (all.length <= 100) sizes.push(some.length)
        return all
      },
    )

    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10)
    expect(Math.max(...sizes)).toBeGreaterThan(1)
    expect(await table().queryAll({ pk: 'STEPS' })).toHaveLength(300)
  })

  it('says how far it came when its time is over, and goes on when it is called again', async () => {
    const start = Date.now()
    const clock = jest.spyOn(Date, 'now')
    const done = new Set<number>()
    const step = async (some: number[]) => {
      for (const n of some) done.add(n)
      clock.mockReturnValue(start + 30_000)
      return writes(some.slice(0, 1))
    }
    const things = Array.from({ length: 50 }, (_, n) => n)

    const stopped = await inSteps(table(), things, step).catch((error: unknown) => error)
    clock.mockRestore()

    expect(stopped).toBeInstanceOf(PackagesError)
    expect(stopped).toMatchObject({ failure: { code: 'unfinished', done: done.size, of: 50 } })
    expect(done.size).toBeGreaterThan(0)
    expect(done.size).toBeLessThan(50)
  })
})
