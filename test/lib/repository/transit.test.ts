import { setTimeout as sleep } from 'node:timers/promises'
import { GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { ANONYMOUS } from '../../../lib/domain/permissions.ts'
import type { Group, Project, Visibility } from '../../../lib/domain/project.ts'
import { entryFromItem } from '../../../lib/repository/items.ts'
import { shelfPartition, transitsKey } from '../../../lib/repository/keys.ts'
import type { Item } from '../../../lib/repository/table.ts'
import {
  admin,
  BETWEEN_LOOKS_MS,
  BETWEEN_STOPS,
  describeOnFastEngine,
  isSlow,
  itOnFastEngine,
  ledger,
  list,
  pathsIn,
  signedIn,
} from '../../support/moves.ts'
import { isStoppedIn, Stopped, stopAfter } from '../../support/stopping.ts'
import { now, openStore, writerOf } from '../../support/store.ts'
import { watchTraffic } from '../../support/traffic.ts'

type Store = Awaited<ReturnType<typeof openStore>>

/** A group of two projects, of which one will move, and another group to move to. */
const setUp = async (packages: number, holdMs?: number) => {
  const store = await openStore(holdMs === undefined ? {} : { holdMs })
  const [top, other] = [await store.group(), await store.group()]
  const sub = await store.group(top)
  const [project, staying] = [await store.project(sub), await store.project(sub)]
  const nth = (n: number, place: number) => ({ name: `name-${n % (place === 0 ? 3 : 2)}` })
  const filled = await store.fillAll([project, staying], packages, nth)
  const [published = [], kept = []] = filled.map((some) => some.map(({ id }) => id))
  return { store, top, sub, other, project, staying, published, kept }
}

describeOnFastEngine('a project that changes its visibility', () => {
  it('is hidden at once, in every list and total, and stays so when its rows have moved', async () => {
    const { store, top, sub, project, published, kept } = await setUp(7)
    await store.db.groups.changeProject(project.id, { visibility: 'private' }, now())

    const seen = async () => [
      await list(store, top, ANONYMOUS),
      await list(store, top, signedIn(store)),
      await list(store, sub, admin(store)),
      await list(store, top, ANONYMOUS, { filter: { name: 'name-1', includeVersionless: false } }),
    ]
    const expected = [
      { total: 7, ids: kept },
      { total: 7, ids: kept },
      { total: 14, ids: [...published, ...kept].sort((one, other) => one - other) },
      { total: 3, ids: kept.filter((_, n) => n % 2 === 1) },
    ]
    expect(await seen()).toEqual(expected)
    const before = await ledger(store, [top, sub])
    expect(await store.db.transit.listInTransit()).toEqual([project.id])

    expect(await store.db.transit.settle(project.id)).toBe(true)
    expect(await store.db.transit.listInTransit()).toEqual([])
    expect(await seen()).toEqual(expected)
    expect(await ledger(store, [top, sub])).toEqual(before)
  })

  it('comes back to where it was', async () => {
    const { store, top, sub, project } = await setUp(5)
    const before = await ledger(store, [top, sub])
    for (const visibility of ['private', 'internal', 'public'] as const) {
      await store.db.groups.changeProject(project.id, { visibility }, now())
    }
    await store.db.transit.settle(project.id)
    expect(await ledger(store, [top, sub])).toEqual(before)
  })

  it('is never more visible than its group, also when that changes meanwhile', async () => {
    const store = await openStore()
    const group = await store.group(undefined, 'private')
    const project = await store.project(group, 'private')
    await expect(store.db.groups.changeProject(project.id, { visibility: 'public' }, now())).rejects.toMatchObject({
      failure: { code: 'validation_failed' },
    })
    await store.publish(project)
    expect(await store.db.groups.findProject({ id: project.id })).toMatchObject({ visibility: 'private', held: null })
  })
})

describeOnFastEngine('a project with another path', () => {
  it('is shown by it at once in every list, also when the work is stopped anywhere and asked for again', async () => {
    const { store, top, sub, project, staying } = await setUp(3, 300)
    const groups = [top, sub]
    const before = await ledger(store, groups)
    const rename = async (path: string) => {
      await store.db.groups.changeProject(project.id, { path }, now())
      await store.db.transit.settle(project.id)
    }
    const byName = { order: 'name' } as const
    const seen = () =>
      Promise.all(
        groups.flatMap((group) => [pathsIn(store, group, ANONYMOUS), pathsIn(store, group, admin(store), byName)]),
      )
    const shown = (fullPath: string | undefined) => ({ [staying.fullPath]: 3, [String(fullPath)]: 3 })
    let stops = 0
    for (let count = 0; ; count++) {
      const resume = stopAfter(store, count)
      const isStopped = await isStoppedIn(() => rename('renamed'))
      resume()
      const found = await store.db.groups.findProject({ id: project.id })
      expect([project.fullPath, `${sub.fullPath}/renamed`]).toContain(found?.fullPath)
      expect(await seen()).toEqual(Array(4).fill(shown(found?.fullPath)))

      await rename('renamed')
      expect(await seen()).toEqual(Array(4).fill(shown(`${sub.fullPath}/renamed`)))
      await rename(project.path)
      if (!isStopped) break
      stops++
    }
    expect(stops).toBeGreaterThan(4)
    expect(await seen()).toEqual(Array(4).fill(shown(project.fullPath)))
    expect(await ledger(store, groups)).toEqual(before)
  })

  it('gets it together with another visibility, or neither', async () => {
    const { store, top, project, staying } = await setUp(2)
    const change = (path: string, visibility: Visibility) =>
      store.db.groups.changeProject(project.id, { path, visibility }, now())
    await expect(change(staying.path, 'private')).rejects.toMatchObject({ failure: { code: 'validation_failed' } })
    expect(await store.db.groups.findProject({ id: project.id })).toMatchObject({
      fullPath: project.fullPath,
      visibility: 'public',
    })
    const { fullPath } = await change('renamed', 'private')
    for (const settled of [false, true]) {
      if (settled) await store.db.transit.settle(project.id)
      expect(await pathsIn(store, top, admin(store))).toEqual({ [staying.fullPath]: 2, [fullPath]: 2 })
      expect(await pathsIn(store, top, ANONYMOUS)).toEqual({ [staying.fullPath]: 2 })
    }
  })
})

describeOnFastEngine('rows of a group', () => {
  /** The row of a package on a shelf of a group, as it is stored. */
  const rowOf = async ({ client, tableName }: Store, group: Group, packageId: number) => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }))
    const shelves = (['direct', 'nested'] as const).map((depth) =>
      shelfPartition({ kind: 'group', id: group.id, depth, visibility: 'public' }),
    )
    const isWanted = (item: Item) => shelves.includes(String(item.pk)) && entryFromItem(item).id === packageId
    return Items.find(isWanted) as Item
  }

  it('that an index still has of a project that became private are shown to nobody who may not see it', async () => {
    const { store, sub, project, published, kept } = await setUp(1)
    const row = await rowOf(store, sub, published[0] as number)
    await store.db.groups.changeProject(project.id, { visibility: 'private' }, now())
    await store.db.transit.settle(project.id)
    await store.client.send(new PutCommand({ TableName: store.tableName, Item: row }))
    for (const order of ['name', 'version', 'type'] as const) {
      expect(await list(store, sub, ANONYMOUS, { order })).toMatchObject({ ids: kept })
    }
    const filter = { type: 'npm', includeVersionless: false } as const
    expect(await list(store, sub, ANONYMOUS, { filter })).toMatchObject({ ids: kept })
  })

  it('that an index still has of a group that moved away are not shown', async () => {
    const { store, top, sub, other, project, published } = await setUp(1)
    const row = await rowOf(store, top, published[0] as number)
    await store.db.groups.transferGroup(sub.id, other.id, now())
    await store.db.groupTransit.settle(sub.id)
    await store.client.send(new PutCommand({ TableName: store.tableName, Item: row }))
    expect(await list(store, top, ANONYMOUS, { order: 'name' })).toMatchObject({ ids: [] })
    expect(await pathsIn(store, other, ANONYMOUS, { order: 'name' })).toMatchObject({
      [`${other.fullPath}/${sub.path}/${project.path}`]: 1,
    })
  })

  it('from an index are joined with projects that moved within a day, and of no others', async () => {
    const { store, sub, project, published, kept } = await setUp(2)
    const key = transitsKey(sub.id)
    const transits = () => store.client.send(new GetCommand({ TableName: store.tableName, Key: key }))
    const callsOf = async () => {
      const { calls } = await watchTraffic(store.client, async () => {
        const { ids } = await list(store, sub, ANONYMOUS, { order: 'name' })
        expect(ids.toSorted()).toEqual([...published, ...kept].toSorted())
      })
      return calls
    }
    const rename = async (path: string) => {
      await store.db.groups.changeProject(project.id, { path }, now())
      await store.db.transit.settle(project.id)
    }
    /** The group remembers transits of so many other projects, which were over so long ago. */
    const remember = (count: number, agoMs: number) =>
      store.client.send(
        new UpdateCommand({
          TableName: store.tableName,
          Key: key,
          UpdateExpression: `SET ${Array.from({ length: count }, (_, n) => `#over${n} = :at`).join(', ')}`,
          ExpressionAttributeNames: Object.fromEntries(
            Array.from({ length: count }, (_, n) => [`#over${n}`, `over:project:${n === 0 ? project.id : 9_000 + n}`]),
          ),
          ExpressionAttributeValues: { ':at': Date.now() - agoMs },
        }),
      )
    const few = await callsOf()
    await rename('renamed')
    expect(await callsOf()).toBe(few + 1)
    await remember(3, 25 * 60 * 60 * 1000)
    expect(await callsOf()).toBe(few)

    await rename('renamed-again')
    expect(Object.keys((await transits()).Item ?? {}).filter((name) => name.startsWith('over'))).toEqual([
      `over:project:${project.id}`,
    ])
    await remember(101, 0)
    await rename(project.path)
    expect(Object.keys((await transits()).Item ?? {}).filter((name) => name.startsWith('over'))).toEqual(['over'])
    expect(await callsOf()).toBe(few + 1)
  })
})

describeOnFastEngine('a project that moves to another group', () => {
  it('is gone from the old and there in the new at once, by its new path, and the old path leads there', async () => {
    const { store, top, sub, other, project, published, kept } = await setUp(5)
    const moved = await store.db.groups.transferProject(project.id, other, now())

    const check = async () => {
      expect(await list(store, top, ANONYMOUS)).toEqual({ total: 5, ids: kept })
      expect(await list(store, sub, ANONYMOUS)).toEqual({ total: 5, ids: kept })
      expect(await list(store, other, ANONYMOUS)).toEqual({ total: 5, ids: published })
      expect(await list(store, other, ANONYMOUS, { excludeSubgroups: true })).toEqual({ total: 5, ids: published })
      expect(await store.db.groups.findProject({ fullPath: `${other.path}/${project.path}` })).toMatchObject({
        id: project.id,
      })
      const contents = async (group: Group) =>
        (await store.db.groups.listContents('project', group)).map(({ id }) => id)
      expect(await contents(top)).not.toContain(project.id)
      expect(await contents(other)).toEqual([project.id])
    }
    await check()
    expect(moved).toMatchObject({ fullPath: `${other.path}/${project.path}`, ancestorIds: [other.id] })
    await store.db.transit.settle(project.id)
    await check()
  })

  it('takes roles along: who has one in the project has it in the new place', async () => {
    const { store, other, project } = await setUp(1)
    const user = await store.db.users.create(
      { username: 'member', name: 'M', email: 'm@example.com', admin: false },
      now(),
    )
    const source = { kind: 'project', id: project.id } as const
    const within = project.ancestorIds
    await store.db.members.add({ userId: user.id, source, within, accessLevel: 20, expiresOn: null, createdAt: now() })
    await store.db.groups.transferProject(project.id, other, now())
    await store.db.transit.settle(project.id)

    const { memberships } = await store.db.members.findCallerWithAllRoles(user.id, '2026-01-01')
    expect(memberships.find((role) => role.source.kind === 'project')).toMatchObject({ source, within: [other.id] })
  })

  it('has roles in the project tell its path and visibility, and the new ones when they change', async () => {
    const { store, project } = await setUp(1)
    const user = await store.db.users.create({ username: 'm', name: 'M', email: 'm@example.com', admin: false }, now())
    const source = { kind: 'project', id: project.id } as const
    const within = project.ancestorIds
    await store.db.members.add({ userId: user.id, source, within, accessLevel: 20, expiresOn: null, createdAt: now() })
    const told = async () => {
      const { memberships } = await store.db.members.findCallerWithAllRoles(user.id, '2026-01-01')
      return memberships.map((role) => role.project)
    }
    const { path, visibility } = project
    // The other role is that in his own namespace.
    expect(await told()).toEqual([undefined, { path, visibility }])
    for (const change of [{ path: 'renamed' }, { visibility: 'private' }] as const) {
      await store.db.groups.changeProject(project.id, change, now())
      await store.db.transit.settle(project.id)
    }
    expect(await told()).toEqual([undefined, { path: 'renamed', visibility: 'private' }])
  })

  it('is refused where its path is taken, and publishers go on at once', async () => {
    const { store, other, project } = await setUp(1)
    await store.project(other, 'public', project.path)
    await expect(store.db.groups.transferProject(project.id, other, now())).rejects.toMatchObject({
      failure: { code: 'validation_failed' },
    })
    const started = Date.now()
    await store.publish(project)
    expect(Date.now() - started).toBeLessThan(2_500)
  })
})

describe('a project that is deleted', () => {
  it('is gone from every list at once, and its path is free', async () => {
    const { store, top, sub, project, kept } = await setUp(4)
    await store.db.groups.deleteProject(project.id, now())

    for (const settled of [false, true]) {
      if (settled) await store.db.transit.settle(project.id)
      expect(await list(store, top, admin(store))).toEqual({ total: 4, ids: kept })
      expect(await store.db.groups.findProject({ id: project.id })).toBeUndefined()
      await expect(store.publish(project)).rejects.toMatchObject({ failure: { resource: 'project' } })
    }
    await expect(store.db.groups.deleteProject(project.id, now())).rejects.toMatchObject({
      failure: { resource: 'project' },
    })
    expect(await store.project(sub, 'public', project.path)).toMatchObject({ fullPath: project.fullPath })
  })
})

describe('publishing while the project changes', () => {
  it('loses and doubles nothing, and every list in between is right', async () => {
    const { store, top, project, published, kept } = await setUp(10)
    const others = new Set(kept)
    const landed = new Set(published)
    const busy = isSlow ? 4 : 12
    let isDone = false
    const publishing = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let n = 0; n < busy; n++) {
          const { id } = await store.publish(project, { name: `busy-${n % 4}`, tags: ['latest'] })
          landed.add(id)
        }
      }),
    )
    const watching = (async () => {
      // A look now and then leaves the others some of the engine.
      for (; !isDone; await sleep(BETWEEN_LOOKS_MS)) {
        const before = new Set(landed)
        const { ids, total } = await list(store, top, admin(store))
        expect(new Set(ids).size).toBe(ids.length)
        expect([...before, ...others].filter((id) => !ids.includes(id))).toEqual([])
        expect(Math.abs(total - ids.length)).toBeLessThanOrEqual(4)
        const anonymous = await list(store, top, ANONYMOUS)
        expect(kept.filter((id) => !anonymous.ids.includes(id))).toEqual([])
      }
    })()
    const changing = (async () => {
      for (const visibility of ['private', 'public', 'internal', 'private'] as const) {
        await store.db.groups.changeProject(project.id, { visibility }, now())
        await store.db.transit.settle(project.id)
      }
    })()
    await Promise.all([publishing, changing])
    isDone = true
    await watching

    expect(landed.size).toBe(10 + 4 * busy)
    const all = [...landed, ...others].sort((one, other) => one - other)
    expect(await list(store, top, admin(store))).toEqual({ total: 20 + 4 * busy, ids: all })
    expect(await list(store, top, ANONYMOUS)).toEqual({ total: 10, ids: kept })
    expect(await list(store, top, admin(store), { filter: { name: 'busy', includeVersionless: false } })).toMatchObject(
      { total: 4 * busy },
    )
  })

  itOnFastEngine('deletes and tags packages in transit as at any time', async () => {
    const { store, top, sub, project, published, kept } = await setUp(4)
    await store.db.groups.changeProject(project.id, { visibility: 'private' }, now())
    const fresh = await store.publish(project, { name: 'fresh', version: '1.0.0' })
    await store.db.packages.putTag(writerOf(project), { type: 'npm', name: 'fresh', version: '1.0.0' }, 'next', now())
    await store.db.packages.delete(writerOf(project), published[1] as number, now())
    const expected = [...published.filter((_, n) => n !== 1), ...kept, fresh.id].sort((one, other) => one - other)

    expect(await list(store, top, admin(store))).toEqual({ total: 8, ids: expected })
    await store.db.transit.settle(project.id)
    expect(await list(store, top, admin(store))).toEqual({ total: 8, ids: expected })
    expect(await list(store, sub, ANONYMOUS)).toEqual({ total: 4, ids: kept })
    const pending = { filter: { status: 'pending_destruction', includeVersionless: false } } as const
    expect(await list(store, sub, admin(store), pending)).toEqual({ total: 1, ids: [published[1]] })
  })
})

describeOnFastEngine('a project that is renamed while its rows move', () => {
  it('keeps its new path when they arrive, and can be deleted', async () => {
    const { store, sub, project } = await setUp(2)
    await store.db.groups.changeProject(project.id, { visibility: 'private' }, now())
    let isRenamed = false
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'QueryCommand' && !isRenamed) {
          isRenamed = true
          await store.db.groups.changeProject(project.id, { path: 'renamed' }, now())
        }
        return next(args)
      },
      { step: 'initialize', name: 'rename' },
    )
    await store.db.transit.settle(project.id)
    store.client.middlewareStack.remove('rename')

    expect(isRenamed).toBe(true)
    const renamed = { id: project.id, fullPath: `${sub.fullPath}/renamed`, transit: null, held: null }
    expect(await store.db.groups.findProject({ fullPath: `${sub.fullPath}/renamed` })).toMatchObject(renamed)
    await store.db.groups.deleteProject(project.id, now())
    expect(await store.db.groups.findProject({ id: project.id })).toBeUndefined()
  })
})

describe('two changes at once', () => {
  it('end in one of the places asked for, with nothing lost or counted twice', async () => {
    const { store, top, sub, other, project, published, kept } = await setUp(5)
    await Promise.all([
      store.db.groups.changeProject(project.id, { visibility: 'private' }, now()),
      store.db.groups.transferProject(project.id, other, now()),
      store.db.groups.changeProject(project.id, { visibility: 'internal' }, now()),
      store.db.transit.settle(project.id),
    ])
    await Promise.all([store.db.transit.settle(project.id), store.db.transit.settle(project.id)])

    const { visibility } = (await store.db.groups.findProject({ id: project.id })) as Project
    expect(['private', 'internal']).toContain(visibility)
    expect(await list(store, other, admin(store))).toEqual({ total: 5, ids: published })
    expect(await list(store, other, signedIn(store))).toMatchObject({ total: visibility === 'internal' ? 5 : 0 })
    for (const group of [top, sub]) expect(await list(store, group, admin(store))).toEqual({ total: 5, ids: kept })
  })
})

describe('a change that is stopped', () => {
  it('anywhere and asked for again is the change that was asked for, and every list on the way is one of the two', async () => {
    const { store, top, sub, other, project, published, kept } = await setUp(3, 300)
    const all = [...published, ...kept].sort((one, other) => one - other)
    const run = async () => {
      await store.db.groups.transferProject(project.id, other, now())
      await store.db.transit.settle(project.id)
    }
    const undo = async () => {
      await store.db.groups.transferProject(project.id, sub, now())
      await store.db.transit.settle(project.id)
    }
    let stops = 0
    for (let count = 0; ; count += BETWEEN_STOPS) {
      const resume = stopAfter(store, count)
      const isStopped = await isStoppedIn(run)
      resume()
      const here = await list(store, top, ANONYMOUS)
      const there = await list(store, other, ANONYMOUS)
      if (here.total === 6)
        expect([here, there]).toEqual([
          { total: 6, ids: all },
          { total: 0, ids: [] },
        ])
      else
        expect([here, there]).toEqual([
          { total: 3, ids: kept },
          { total: 3, ids: published },
        ])

      await run()
      expect(await list(store, top, ANONYMOUS)).toEqual({ total: 3, ids: kept })
      expect(await list(store, other, ANONYMOUS)).toEqual({ total: 3, ids: published })
      expect(await store.db.transit.listInTransit()).toEqual([])
      await undo()
      expect(await list(store, top, ANONYMOUS)).toEqual({ total: 6, ids: all })
      expect(await list(store, other, ANONYMOUS)).toEqual({ total: 0, ids: [] })
      if (!isStopped) break
      stops++
    }
    expect(stops * BETWEEN_STOPS).toBeGreaterThan(4)
  })

  it('lets publishers go on when it died while they waited for it', async () => {
    const { store, top, project } = await setUp(1, 300)
    const resume = stopAfter(store, 1)
    await expect(store.db.groups.changeProject(project.id, { visibility: 'private' }, now())).rejects.toThrow(Stopped)
    resume()
    await store.publish(project)
    expect(await list(store, top, ANONYMOUS)).toMatchObject({ total: 3 })
  })
})
