import { PackagesError } from '../../../lib/domain/errors.ts'
import { FEW_PACKAGES } from '../../../lib/domain/project.ts'
import { now, openStore, shelvesOf, writerOf } from '../../support/store.ts'

const everything = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'asc',
  page: { number: 1, size: 100, asked: 100 },
} as const

const codeOf = (error: unknown) => (error instanceof PackagesError ? error.failure.code : error)
const codes = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : codeOf(outcome.reason)))

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})

const setUp = async () => {
  const top = await store.group()
  const sub = await store.group(top)
  return { top, sub, project: await store.project(sub) }
}

describe('publishing', () => {
  it('puts the package on the shelf of its project and of every group around it', async () => {
    const { project } = await setUp()
    const record = await store.publish(project, { name: '@foo/bar', version: '1.0.3' })

    for (const shelf of shelvesOf(project)) {
      const { rows, total } = await store.db.listings.listPackages([shelf], everything)
      expect({ shelf, total, ids: rows.map(({ id }) => id) }).toEqual({ shelf, total: 1, ids: [record.id] })
    }
  })

  it('lands all of 50 that arrive at the same moment, and the totals are exact', async () => {
    const { project } = await setUp()
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.publish(project, { name: `pkg-${n % 7}` })))

    for (const shelf of shelvesOf(project)) {
      const { rows, total } = await store.db.listings.listPackages([shelf], everything)
      expect({ shelf, total, rows: rows.length }).toEqual({ shelf, total: 50, rows: 50 })
    }
  })

  it('lets one of twenty publishers of one version win and tells the others so', async () => {
    const { project } = await setUp()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => store.publish(project, { name: 'one', version: '1.0.0', tags: ['latest'] })),
    )

    expect(codes(outcomes).sort()).toEqual([...Array(1).fill('done'), ...Array(19).fill('package_exists')])
    const { rows, total } = await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)
    expect({ total, rows: rows.length }).toEqual({ total: 1, rows: 1 })
  })

  it('leaves a tag on exactly one version when a dozen publishers want it', async () => {
    const { project } = await setUp()
    await Promise.all(Array.from({ length: 12 }, () => store.publish(project, { name: 'tagged', tags: ['latest'] })))

    const { rows } = await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)
    const { tags } = await store.db.packages.findTags({ projectId: project.id, type: 'npm', name: 'tagged' })
    const holders = rows.filter((row) => row.tags.length > 0)
    expect(rows).toHaveLength(12)
    expect(holders.map(({ id }) => id)).toEqual(tags.map(({ packageId }) => packageId))
    expect(holders.flatMap((row) => row.tags)).toEqual(tags)
  })

  it('refuses a project that is gone', async () => {
    await expect(store.publish({ id: 999_999 })).rejects.toMatchObject({
      failure: { code: 'not_found', resource: 'project' },
    })
  })

  it('refuses a name that would break the order of keys, before anything is written', async () => {
    const { project } = await setUp()
    for (const name of ['a b', 'a\u0000b', 'ä', 'x'.repeat(256)]) {
      await expect(store.publish(project, { name })).rejects.toThrow(RangeError)
    }
    expect(await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)).toMatchObject({
      total: 0,
    })
  })
})

describe('deleting', () => {
  it('takes the package off all shelves, frees its coordinates and keeps the record for removal', async () => {
    const { project } = await setUp()
    const record = await store.publish(project, { name: 'gone', version: '1.0.0', tags: ['latest'] })
    await store.db.packages.delete(writerOf(project), record.id, now())

    for (const shelf of shelvesOf(project)) {
      expect(await store.db.listings.listPackages([shelf], everything)).toMatchObject({ total: 0, rows: [] })
      const marked = { ...everything, filter: { ...everything.filter, status: 'pending_destruction' } } as const
      expect(await store.db.listings.listPackages([shelf], marked)).toMatchObject({
        total: 1,
        rows: [{ id: record.id }],
      })
    }
    const name = { projectId: project.id, type: 'npm', name: 'gone' } as const
    expect(await store.db.packages.listVersions(name)).toEqual([])
    expect(await store.db.packages.listVersionDetails(name)).toEqual([])
    expect(await store.db.packages.findTags(name)).toMatchObject({ tags: [] })
    expect(await store.db.packages.find(record.id)).toMatchObject({ status: 'pending_destruction' })

    const again = await store.publish(project, { name: 'gone', version: '1.0.0' })
    expect(again.id).not.toBe(record.id)
  })

  it('starts from the package as the caller has read it, and takes what became of it since into account', async () => {
    const { project } = await setUp()
    const read = await store.publish(project, { name: 'read', version: '1.0.0' })
    const coordinates = { type: 'npm', name: 'read', version: '1.0.0' } as const
    await store.db.packages.putTag(writerOf(project), coordinates, 'late', '2999-01-01T00:00:00.000Z')
    const remove = (unmodifiedSince?: string) =>
      store.db.packages.delete(writerOf(project), read.id, now(), unmodifiedSince, read)

    await expect(remove(read.updatedAt)).rejects.toMatchObject({ failure: { code: 'modified_since' } })
    await remove()
    expect(await store.db.packages.find(read.id)).toMatchObject({ status: 'pending_destruction' })
    expect(await store.db.packages.findTags({ ...coordinates, projectId: project.id })).toMatchObject({ tags: [] })
    await expect(remove()).rejects.toMatchObject({ failure: { code: 'not_found' } })
  })

  it('happens once when ten ask for it at once', async () => {
    const { project } = await setUp()
    const record = await store.publish(project)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => store.db.packages.delete(writerOf(project), record.id, now())),
    )

    expect(codes(outcomes).sort()).toEqual([...Array(1).fill('done'), ...Array(9).fill('not_found')])
    expect(await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)).toMatchObject({
      total: 0,
    })
  })

  it('refuses a package that changed after the given moment', async () => {
    const { project } = await setUp()
    const record = await store.publish(project)
    const before = new Date(Date.parse(record.updatedAt) - 1).toISOString()

    await expect(store.db.packages.delete(writerOf(project), record.id, now(), before)).rejects.toMatchObject({
      failure: { code: 'modified_since' },
    })
    await store.db.packages.delete(writerOf(project), record.id, now(), record.updatedAt)
  })
})

describe('tags', () => {
  it('move from one version to another and are on one at a time', async () => {
    const { project } = await setUp()
    const name = { projectId: project.id, type: 'npm', name: 'moving' } as const
    const one = await store.publish(project, { name: 'moving', version: '1.0.0', tags: ['latest'] })
    const two = await store.publish(project, { name: 'moving', version: '2.0.0', tags: ['next'] })
    await store.db.packages.putTag(writerOf(project), { ...name, version: '1.0.0' }, 'next', now())

    const { rows } = await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)
    const tagsOf = (id: number) => rows.find((row) => row.id === id)?.tags.map((tag) => tag.name)
    expect(tagsOf(one.id)).toEqual(['latest', 'next'])
    expect(tagsOf(two.id)).toEqual([])

    await store.db.packages.deleteTag(writerOf(project), name, 'next', now())
    expect((await store.db.packages.findTags(name)).tags.map((tag) => tag.name)).toEqual(['latest'])
    await expect(store.db.packages.deleteTag(writerOf(project), name, 'next', now())).rejects.toMatchObject({
      failure: { resource: 'npm_tag' },
    })
    await expect(
      store.db.packages.putTag(writerOf(project), { ...name, version: '9.9.9' }, 'next', now()),
    ).rejects.toMatchObject({
      failure: { resource: 'npm_package' },
    })
  })

  it('end where one of the askers wanted them when ten move one at once', async () => {
    const { project } = await setUp()
    const name = { projectId: project.id, type: 'npm', name: 'busy' } as const
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await store.publish(project, { name: 'busy', version })
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store.db.packages.putTag(writerOf(project), { ...name, version: `${1 + (n % 3)}.0.0` }, 'hot', now()),
      ),
    )

    const { rows } = await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)
    const { tags } = await store.db.packages.findTags(name)
    expect(tags).toHaveLength(1)
    expect(rows.flatMap((row) => row.tags)).toEqual(tags)
  })
})

describe('the writes of a busy table', () => {
  it('are tried again when DynamoDB cancels a transaction because of a collision', async () => {
    const { project } = await setUp()
    // The first packages of a project come with a transaction more.
    await store.fill(project, FEW_PACKAGES)
    let collisions = 0
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'TransactWriteItemsCommand' && collisions++ < 3) {
          const { TransactionCanceledException } = await import('@aws-sdk/client-dynamodb')
          throw new TransactionCanceledException({
            message: 'collision',
            $metadata: {},
            CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
          })
        }
        return next(args)
      },
      { step: 'initialize', name: 'collide' },
    )
    try {
      await store.publish(project)
    } finally {
      store.client.middlewareStack.remove('collide')
    }

    expect(collisions).toBe(4)
    expect(await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)).toMatchObject({
      total: FEW_PACKAGES + 1,
    })
  })
})
