import { setTimeout as sleep } from 'node:timers/promises'
import { ANONYMOUS, type Caller } from '../../../lib/domain/permissions.ts'
import type { Group, Project } from '../../../lib/domain/project.ts'
import { settleAll } from '../../support/jobs.ts'
import {
  admin,
  BETWEEN_LOOKS_MS,
  describeOnFastEngine,
  isSlow,
  itOnFastEngine,
  ledger,
  list,
  pathsIn,
  signedIn,
} from '../../support/moves.ts'
import { isStoppedIn, stopAfter } from '../../support/stopping.ts'
import { now, openStore, writerOf } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'

type Store = Awaited<ReturnType<typeof openStore>>

/**
 * `top / moving / inner` with a project in each of the two lower ones, one of them private; `top` has a project of its
 * own, and `other` is where things can go.
 */
const setUp = async (packages = 3, holdMs?: number) => {
  const store = await openStore(holdMs === undefined ? {} : { holdMs })
  const [top, other] = [await store.group(), await store.group()]
  const moving = await store.group(top)
  const inner = await store.group(moving)
  const [open, closed, staying] = [
    await store.project(moving),
    await store.project(inner, 'private'),
    await store.project(top),
  ]
  const filled = await store.fillAll([open, closed, staying], packages, (n) => ({ name: `name-${n % 2}` }))
  const idsOf = (place: number) => filled[place]?.map(({ id }) => id) ?? []
  const ids = { open: idsOf(0), closed: idsOf(1), staying: idsOf(2) }
  return { store, top, other, moving, inner, open, closed, staying, ids }
}

/** Long enough for a transaction, and short for whoever waits for one that was stopped. */
const QUICK = 300

const sorted = (...lists: number[][]) => lists.flat().sort((one, other) => one - other)
const all = (...lists: number[][]) => ({ total: lists.flat().length, ids: sorted(...lists) })
const none = { total: 0, ids: [] }

/** Groups as they stand now: lists start from those that a request finds. */
const nowOf = async (store: Store, ...groups: Group[]): Promise<Group[]> => {
  const located = await store.db.groups.locateAll(await store.db.groups.listGroupsById(groups.map(({ id }) => id)))
  return groups.map(({ id }) => located.find(({ thing }) => thing.id === id)?.thing as Group)
}

const member = async (store: Store, place: Group | Project, kind: 'group' | 'project') => {
  const name = `member-${kind}-${place.id}`
  const user = await store.db.users.create({ username: name, name, email: `${name}@example.com`, admin: false }, now())
  await store.db.members.add({
    userId: user.id,
    source: { kind, id: place.id },
    within: place.ancestorIds,
    accessLevel: 20,
    expiresOn: null,
    createdAt: now(),
  })
  return user.id
}

const callerOf = (store: Store, userId: number) => store.db.members.findCallerWithAllRoles(userId, '2026-01-01')

const pathOf = async (store: Store, id: number) => {
  const project = await store.db.groups.findProject({ id })
  return project && (await store.db.groups.locate(project))?.thing.fullPath
}

describeOnFastEngine('a group that moves below another', () => {
  it('is there with all that is in it and gone where it was, at once and for every caller', async () => {
    const { store, top, other, moving, inner, open, closed, ids } = await setUp()
    const inOther = await member(store, other, 'group')
    const inTop = await member(store, top, 'group')
    const moved = await store.db.groups.transferGroup(moving.id, other.id, now())
    expect(moved).toMatchObject({ fullPath: `${other.path}/${moving.path}`, ancestorIds: [other.id] })

    const seen = async () => {
      const groups = await nowOf(store, top, other, moving, inner)
      const lists = (caller: Caller) => Promise.all(groups.map((group) => list(store, group, caller)))
      return {
        anonymous: await lists(ANONYMOUS),
        stranger: await lists(signedIn(store)),
        administrator: await lists(admin(store)),
        'member of the new': await lists(await callerOf(store, inOther)),
        'member of the old': await lists(await callerOf(store, inTop)),
      }
    }
    const public_ = [all(ids.staying), all(ids.open), all(ids.open), none]
    const everything = [all(ids.staying), all(ids.open, ids.closed), all(ids.open, ids.closed), all(ids.closed)]
    const expected = {
      anonymous: public_,
      stranger: public_,
      administrator: everything,
      'member of the new': everything,
      'member of the old': public_,
    }
    expect(await seen()).toEqual(expected)
    const before = await ledger(store, await nowOf(store, top, other, moving, inner))
    expect(await store.db.groupTransit.listInTransit()).toEqual([moving.id])

    expect(await store.db.groupTransit.settle(moving.id)).toBe(true)
    expect(await store.db.groupTransit.listInTransit()).toEqual([])
    expect(await seen()).toEqual(expected)
    expect(await ledger(store, await nowOf(store, top, other, moving, inner))).toEqual(before)
    expect(await store.db.groups.findProject({ id: closed.id })).toMatchObject({
      ancestorIds: [other.id, moving.id, inner.id],
      fullPath: `${other.path}/${moving.path}/${inner.path}/${closed.path}`,
    })
    expect(await pathOf(store, open.id)).toBe(`${other.path}/${moving.path}/${open.path}`)
  })

  it('takes what is in it along in the contents of groups, and the roles in it', async () => {
    const { store, top, other, moving, inner, open, closed } = await setUp(0)
    const userId = await member(store, closed, 'project')
    await store.db.groups.transferGroup(moving.id, other.id, now())
    const contents = async () => {
      const ids = async (kind: 'group' | 'project', group?: Group) =>
        (await store.db.groups.listContents(kind, group)).map(({ id, ancestorIds }) => [id, ancestorIds])
      return [await ids('group', top), await ids('group', other), await ids('project', other), await ids('project')]
    }
    const inside = [
      [open.id, [other.id, moving.id]],
      [closed.id, [other.id, moving.id, inner.id]],
    ]
    const expected = [
      [],
      [
        [moving.id, [other.id]],
        [inner.id, [other.id, moving.id]],
      ],
      inside,
      [...inside, [closed.id + 1, [top.id]]],
    ]
    expect(await contents()).toEqual(expected)
    await store.db.groupTransit.settle(moving.id)
    expect(await contents()).toEqual(expected)
    const { memberships } = await callerOf(store, userId)
    expect(memberships.find(({ source }) => source.kind === 'project')?.within).toEqual([other.id, moving.id, inner.id])
  })

  it('goes to the top and comes back to where it was', async () => {
    const { store, top, moving } = await setUp()
    const groups = [top, moving]
    const before = await ledger(store, groups)
    await store.db.groups.transferGroup(moving.id, { ownerId: store.owner.id }, now())
    expect(await list(store, top, ANONYMOUS)).toMatchObject({ total: 3 })
    expect(await nowOf(store, moving)).toMatchObject([{ fullPath: moving.path, ancestorIds: [] }])
    await store.db.groupTransit.settle(moving.id)
    expect(await contradictions(store)).toEqual([])
    await store.db.groups.transferGroup(moving.id, top.id, now())
    expect(await ledger(store, await nowOf(store, ...groups))).toEqual(before)
    await store.db.groupTransit.settle(moving.id)
    expect(await ledger(store, groups)).toEqual(before)
  })

  it('is refused where its path is taken, inside itself, and where it would be too deep', async () => {
    const { store, other, moving, inner } = await setUp(0)
    await store.db.groups.createGroup(
      other,
      { name: 'x', path: moving.path, description: '', visibility: 'public' },
      store.owner.id,
      now(),
    )
    const refused = { failure: { code: 'validation_failed' } }
    await expect(store.db.groups.transferGroup(moving.id, other.id, now())).rejects.toMatchObject(refused)
    await expect(store.db.groups.transferGroup(moving.id, inner.id, now())).rejects.toMatchObject(refused)
    await expect(store.db.groups.transferGroup(moving.id, moving.id, now())).rejects.toMatchObject(refused)
    let deep = await store.group()
    for (let depth = 2; depth <= 19; depth++) deep = await store.group(deep)
    await expect(store.db.groups.transferGroup(moving.id, deep.id, now())).rejects.toMatchObject({
      failure: { problems: 'has too deep level of nesting (maximum is 20 levels)' },
    })
    expect(await store.db.groupTransit.listInTransit()).toEqual([])
    expect(await store.db.groups.findGroup({ id: moving.id })).toMatchObject({ transit: null, held: null })
  })
})

describeOnFastEngine('a group with another path', () => {
  it('is found by it with all that is in it, and the old path leads to projects alone', async () => {
    const { store, top, moving, inner, open, closed, ids } = await setUp()
    await store.db.groups.renameGroup(moving.id, 'renamed', now())
    const check = async () => {
      const path = `${top.path}/renamed/${inner.path}/${closed.path}`
      expect(await store.db.groups.findProject({ fullPath: path })).toMatchObject({ id: closed.id })
      expect(await store.db.groups.findProject({ fullPath: closed.fullPath })).toMatchObject({ id: closed.id })
      expect(await pathOf(store, closed.id)).toBe(path)
      expect(await store.db.groups.findGroup({ fullPath: `${top.path}/renamed/${inner.path}` })).toMatchObject({
        id: inner.id,
      })
      expect(await store.db.groups.findProject({ fullPath: `${top.path}/renamed/nothing` })).toBeUndefined()
      expect(await list(store, top, admin(store))).toEqual(all(ids.open, ids.closed, ids.staying))
      for (const order of ['created_at', 'name'] as const) {
        expect(await pathsIn(store, top, admin(store), { order })).toMatchObject({
          [`${top.path}/renamed/${open.path}`]: ids.open.length,
          [path]: ids.closed.length,
        })
      }
    }
    await check()
    await store.db.groupTransit.settle(moving.id)
    await check()
    expect(await store.db.groups.findGroup({ fullPath: moving.fullPath })).toBeUndefined()
    expect(await store.db.groups.findGroup({ fullPath: inner.fullPath })).toBeUndefined()
    const again = { name: 'again', path: moving.path, description: '', visibility: 'public' } as const
    expect(await store.db.groups.createGroup(top, again, store.owner.id, now())).toMatchObject({
      fullPath: moving.fullPath,
    })
  })

  it('may change its letters only, and is refused a path that is taken', async () => {
    const { store, top, moving, open } = await setUp(1)
    const upper = moving.path.toUpperCase()
    await store.db.groups.renameGroup(moving.id, upper, now())
    await store.db.groupTransit.settle(moving.id)
    expect(await store.db.groups.findProject({ fullPath: open.fullPath })).toMatchObject({
      fullPath: `${top.path}/${upper}/${open.path}`,
    })
    const neighbour = await store.group(top)
    await expect(store.db.groups.renameGroup(moving.id, neighbour.path, now())).rejects.toMatchObject({
      failure: { code: 'validation_failed', problems: { path: ['has already been taken'] } },
    })
  })
})

describeOnFastEngine('a group that is deleted', () => {
  it('is gone at once with all that is in it, and its path is free when nothing of it is left', async () => {
    const { store, top, moving, inner, open, closed, ids } = await setUp()
    const userId = await member(store, closed, 'project')
    await store.db.groups.deleteGroup(moving.id, now())
    for (const settled of [false, true]) {
      if (settled) await store.db.groupTransit.settle(moving.id)
      expect(await list(store, top, admin(store))).toEqual(all(ids.staying))
      expect(await nowOf(store, moving, inner)).toEqual([undefined, undefined])
      expect(await pathOf(store, open.id)).toBeUndefined()
      await expect(store.publish(closed)).rejects.toMatchObject({ failure: { resource: 'project' } })
      expect((await store.db.groups.listContents('group')).map(({ id }) => id)).not.toContain(inner.id)
      expect((await store.db.groups.listContents('project')).map(({ id }) => id)).not.toContain(closed.id)
    }
    expect((await callerOf(store, userId)).memberships.map(({ source }) => source.kind)).toEqual(['group'])
    expect(await store.db.groups.findProject({ id: open.id })).toBeUndefined()
    const again = { name: 'again', path: moving.path, description: '', visibility: 'public' } as const
    const remade = await store.db.groups.createGroup(top, again, store.owner.id, now())
    expect(await store.project(remade, 'public', open.path)).toMatchObject({ fullPath: open.fullPath })
    await expect(store.db.groups.deleteGroup(moving.id, now())).rejects.toMatchObject({
      failure: { resource: 'group' },
    })
  })
})

describe('what happens inside a group on its way', () => {
  itOnFastEngine('publishes, deletes and tags as at any time, and every list in between is right', async () => {
    const { store, top, other, moving, open, closed, ids } = await setUp(4)
    await store.db.groups.transferGroup(moving.id, other.id, now())
    const fresh = await store.publish(open, { name: 'fresh', version: '1.0.0' })
    await store.db.packages.putTag(writerOf(open), { type: 'npm', name: 'fresh', version: '1.0.0' }, 'next', now())
    await store.db.packages.delete(writerOf(open), ids.open[1] as number, now())
    await store.publish(closed, { name: 'fresh' })
    const left = ids.open.filter((_, n) => n !== 1)
    const groups = await nowOf(store, top, other, moving)
    const seen = async () => Promise.all(groups.map((group) => list(store, group, ANONYMOUS)))
    const expected = [all(ids.staying), all(left, [fresh.id]), all(left, [fresh.id])]
    expect(await seen()).toEqual(expected)
    const before = await ledger(store, groups)
    await store.db.groupTransit.settle(moving.id)
    expect(await seen()).toEqual(expected)
    expect(await ledger(store, groups)).toEqual(before)
  })

  it('loses and doubles nothing of what is published while it goes to and fro', async () => {
    const { store, top, other, moving, open, closed, ids } = await setUp(4)
    const landed = new Set([...ids.open, ...ids.closed])
    const busy = isSlow ? 4 : 10
    const publishing = Promise.all(
      [open, closed, open].map(async (project) => {
        for (let n = 0; n < busy; n++) landed.add((await store.publish(project, { name: `busy-${n % 3}` })).id)
      }),
    )
    let isDone = false
    const watching = (async () => {
      // A look now and then leaves the others some of the engine.
      for (; !isDone; await sleep(BETWEEN_LOOKS_MS)) {
        const before = new Set(landed)
        const lists = await Promise.all(
          (await nowOf(store, top, other)).map((group) => list(store, group, admin(store))),
        )
        const seen = lists.map(({ ids: some }) => some.filter((id) => !ids.staying.includes(id)))
        const [here, there] = seen as [number[], number[]]
        // The two lists are read one beside the other, so the group may go from one to the other between them.
        for (const found of [here, there]) {
          expect(new Set(found).size).toBe(found.length)
          if (found.length > 0) expect([...before].filter((id) => !found.includes(id))).toEqual([])
        }
      }
    })()
    for (const target of [other, top, undefined, other]) {
      await store.db.groups.transferGroup(moving.id, target?.id ?? { ownerId: store.owner.id }, now())
      await store.db.groupTransit.settle(moving.id)
    }
    await publishing
    isDone = true
    await watching
    expect(landed.size).toBe(8 + 3 * busy)
    const [whole, bare] = await Promise.all([list(store, other, admin(store)), list(store, top, admin(store))])
    expect([whole, bare]).toEqual([all([...landed]), all(ids.staying)])
    const named = { filter: { name: 'busy', includeVersionless: false } }
    expect(await list(store, other, admin(store), named)).toMatchObject({ total: 3 * busy })
  })

  itOnFastEngine('waits with what changes its structure until the group has arrived', async () => {
    const { store, top, other, moving, inner, open, closed } = await setUp(1)
    await store.db.groups.transferGroup(moving.id, other.id, now())
    const [innerNow, openNow] = [
      (await nowOf(store, inner))[0] as Group,
      await store.db.groups.findProject({ id: open.id }),
    ]
    const made = await store.project(innerNow, 'internal')
    expect(made.fullPath).toBe(`${other.path}/${moving.path}/${inner.path}/${made.path}`)
    expect(await store.db.groupTransit.listInTransit()).toEqual([])

    await store.db.groups.transferGroup(moving.id, top.id, now())
    await store.db.groups.transferProject(closed.id, other, now())
    await store.db.groups.transferGroup(moving.id, other.id, now())
    await store.db.groups.changeProject(open.id, { visibility: 'internal' }, now())
    await store.db.groups.changeProject(open.id, { path: 'called-otherwise' }, now())
    await store.db.groups.changeGroupVisibility(inner.id, 'internal')
    await store.db.transit.settle(open.id)
    await store.db.transit.settle(closed.id)
    expect(openNow?.ancestorIds).toEqual([top.id, moving.id])
    expect(await store.db.groups.findProject({ id: open.id })).toMatchObject({
      fullPath: `${other.path}/${moving.path}/called-otherwise`,
      visibility: 'internal',
    })
    expect(await list(store, other, admin(store))).toMatchObject({ total: 2 })
    expect(await list(store, other, signedIn(store))).toMatchObject({ total: 1 })
    expect(await list(store, top, admin(store))).toMatchObject({ total: 1 })
  })
})

describe('several moves at once', () => {
  it('end in one of the places asked for, with nothing lost or counted twice', async () => {
    const { store, top, other, moving, inner, open, closed, ids } = await setUp()
    const outcomes = await Promise.allSettled([
      store.db.groups.transferGroup(moving.id, other.id, now()),
      store.db.groups.renameGroup(moving.id, 'renamed', now()),
      store.db.groups.transferGroup(inner.id, top.id, now()),
      store.db.groups.changeProject(open.id, { visibility: 'private' }, now()),
      store.db.groups.transferProject(closed.id, other, now()),
      store.publish(open, { name: 'meanwhile' }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill('fulfilled'))
    await settleAll(store.db)

    expect(await pathOf(store, open.id)).toBe(`${other.path}/renamed/${open.path}`)
    expect(await nowOf(store, inner)).toMatchObject([{ fullPath: `${top.path}/${inner.path}` }])
    expect(await list(store, other, admin(store))).toMatchObject({ total: 7 })
    expect(await list(store, other, ANONYMOUS)).toEqual(none)
    expect(await list(store, top, admin(store))).toEqual(all(ids.staying))
  })

  it('never put two groups into each other', async () => {
    const store = await openStore()
    const [one, two] = [await store.group(), await store.group()]
    const project = await store.project(two)
    await store.publish(project)
    const outcomes = await Promise.allSettled([
      store.db.groups.transferGroup(one.id, two.id, now()),
      store.db.groups.transferGroup(two.id, one.id, now()),
    ])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const { id } of [one, two]) await store.db.groupTransit.settle(id)
    const groups = await nowOf(store, one, two)
    expect(groups.map(({ ancestorIds }) => ancestorIds.length).sort()).toEqual([0, 1])
    const top = groups.find(({ ancestorIds }) => ancestorIds.length === 0) as Group
    expect(await list(store, top, ANONYMOUS)).toMatchObject({ total: 1 })
  })
})

describeOnFastEngine('a move of a group that is stopped', () => {
  it.each(['transfer', 'delete'] as const)(
    'anywhere and asked for again is the %s that was asked for, and every list on the way is one of the two',
    async (kind) => {
      const { store, top, other, moving, ids } = await setUp(1, QUICK)
      const inside = all(ids.open, ids.closed)
      let group = moving
      const change = () =>
        kind === 'transfer'
          ? store.db.groups.transferGroup(group.id, other.id, now())
          : store.db.groups.deleteGroup(group.id, now())
      const run = async () => {
        await change().catch((error) => {
          if (kind !== 'delete' || error.failure?.code !== 'not_found') throw error
        })
        await store.db.groupTransit.settle(group.id)
      }
      const seen = async () => [
        await list(store, top, admin(store)),
        await list(store, (await nowOf(store, other))[0] as Group, admin(store)),
      ]
      const before = [all(ids.staying, ids.open, ids.closed), none]
      const after = [all(ids.staying), kind === 'transfer' ? inside : none]
      const again = async () => {
        if (kind === 'transfer') {
          await store.db.groups.transferGroup(group.id, top.id, now())
          await store.db.groupTransit.settle(group.id)
          return
        }
        const path = { name: 'x', path: moving.path, description: '', visibility: 'public' } as const
        group = await store.db.groups.createGroup(top, path, store.owner.id, now())
        const project = await store.project(group, 'private')
        ids.open = [(await store.publish(project)).id]
        ids.closed = []
        before[0] = all(ids.staying, ids.open)
      }
      let stops = 0
      for (let count = 0; ; count++) {
        const resume = stopAfter(store, count)
        const isStopped = await isStoppedIn(run)
        resume()
        const found = await seen()
        expect(found).toEqual(found[0]?.total === before[0]?.total ? before : after)

        await run()
        expect(await seen()).toEqual(after)
        expect(await store.db.groupTransit.listInTransit()).toEqual([])
        await again()
        if (!isStopped) break
        stops++
      }
      expect(stops).toBeGreaterThan(4)
    },
  )
})
