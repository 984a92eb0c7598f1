import { setTimeout as sleep } from 'node:timers/promises'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { ANONYMOUS } from '../../../lib/domain/permissions.ts'
import type { Group, Project } from '../../../lib/domain/project.ts'
import { locateAmong, NO_PUBLICATIONS } from '../../../lib/domain/project.ts'
import { projectKey, tallyPartition, transitsKey } from '../../../lib/repository/keys.ts'
import { countAll, settleAll } from '../../support/jobs.ts'
import { admin, describeOnFastEngine, itOnFastEngine, list, memberIn, memberOf } from '../../support/moves.ts'
import { now, openStore, writerOf } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'
import { unique } from '../../support/world.ts'

type Store = Awaited<ReturnType<typeof openStore>>

/** Lets `meanwhile` happen right before the first command that `matches`, a transaction if nothing else is said. */
const rightBefore = (
  store: Store,
  matches: (text: string) => boolean,
  meanwhile: () => Promise<unknown>,
  commandName = 'TransactWriteItemsCommand',
) => {
  let isDone = false
  store.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!isDone && context.commandName === commandName && matches(JSON.stringify(args.input))) {
        isDone = true
        await meanwhile()
      }
      return next(args)
    },
    { step: 'initialize', name: 'meanwhile' },
  )
  return () => {
    store.client.middlewareStack.remove('meanwhile')
    expect(isDone).toBe(true)
  }
}

const groupNow = (store: Store, id: number) => store.db.groups.findGroup({ id }) as Promise<Group>
const projectNow = (store: Store, id: number) => store.db.groups.findProject({ id }) as Promise<Project>

describe('races', () => {
  it('a group that becomes more visible while it departs below a private one is refused there', async () => {
    const store = await openStore()
    const [target, moving] = [await store.group(undefined, 'private'), await store.group(undefined, 'private')]
    const end = rightBefore(
      store,
      (text) => text.includes('SET moving'),
      () => store.db.groups.changeGroupVisibility(moving.id, 'public'),
    )
    await store.db.groups.transferGroup(moving.id, target.id, now()).catch(() => undefined)
    end()
    await settleAll(store.db)
    const found = await groupNow(store, moving.id)
    expect([found.ancestorIds, found.visibility]).not.toEqual([[target.id], 'public'])
  })

  itOnFastEngine(
    'a project that departs while it is searched by path is in the list and its total, or in neither',
    async () => {
      for (const reads of ['names', 'rows'] as const) {
        const store = await openStore()
        const [top, other] = [await store.group(), await store.group()]
        const [open, closed] = [await store.project(top), await store.project(top, 'private')]
        await store.fillAll([open, closed], 1)
        const end = rightBefore(
          store,
          (text) => text.includes(reads === 'names' ? '"NAMES#GROUP#' : `"${projectKey(open.id).pk}"`),
          () => store.db.groups.transferProject(open.id, other, now()),
          'QueryCommand',
        )
        const search = { order: 'project_path', filter: { name: 'name', includeVersionless: false } } as const
        const { total, ids } = await list(store, top, memberOf(store, closed), search)
        expect(ids).toHaveLength(total)
        end()
      }
    },
  )

  itOnFastEngine(
    'a project that becomes private while it is listed by path does not show what is published into it then',
    async () => {
      const store = await openStore()
      const top = await store.group()
      // Neither caller sees these, though their paths come first.
      const hidden = []
      for (let n = 0; n < 7; n++) hidden.push(await store.project(top, 'private', `a-${n}`))
      await store.fillAll(hidden, 3)
      const closed = await store.project(top, 'private', 'b')
      for (const caller of [ANONYMOUS, memberOf(store, closed)]) {
        const open = await store.project(top)
        await store.publish(open)
        const end = rightBefore(
          store,
          (text) => text.includes(`"${projectKey(open.id).pk}"`),
          async () => {
            await store.db.groups.changeProject(open.id, { visibility: 'private' }, now())
            await store.publish(open, { name: 'secret' })
            await store.db.transit.settle(open.id)
          },
          'QueryCommand',
        )
        const page = { number: 1, size: 20, asked: 20 }
        expect(await list(store, top, caller, { order: 'project_path', page })).toEqual({ total: 0, ids: [] })
        end()
      }
    },
  )

  itOnFastEngine(
    'a group that leaves while it is listed by path does not show what is published into it then, nor found by name',
    async () => {
      const store = await openStore()
      for (const name of [undefined, 'name']) {
        const [top, other] = [await store.group(undefined, 'private'), await store.group(undefined, 'private')]
        const leaving = await store.group(top, 'private')
        const project = await store.project(leaving, 'private')
        await store.fill(project, 2, (n) => ({ name: 'name', version: `1.0.${n}` }))
        const end = rightBefore(
          store,
          (text) => text.includes(`"${projectKey(project.id).pk}"`),
          async () => {
            await store.db.groups.transferGroup(leaving.id, other.id, now())
            await store.publish(await projectNow(store, project.id), { name: 'name-secret' })
            await settleAll(store.db)
          },
          'QueryCommand',
        )
        const filter = { includeVersionless: false, ...(name === undefined ? {} : { name }) }
        const read = await list(store, top, memberIn(store, [], [top]), { order: 'project_path', filter })
        expect([name, read]).toEqual([name, { total: 0, ids: [] }])
        end()
      }
    },
  )

  itOnFastEngine(
    'a project that gets its first package while it is listed by path is in the list and its total',
    async () => {
      const store = await openStore()
      const top = await store.group()
      const project = await store.project(top)
      const ids: number[] = []
      const end = rightBefore(
        store,
        (text) => text.includes(tallyPartition({ kind: 'group', id: top.id })),
        async () => ids.push((await store.publish(project)).id),
        'QueryCommand',
      )
      const page = { number: 1, size: 20, asked: 20 }
      expect(await list(store, top, ANONYMOUS, { order: 'project_path', page })).toEqual({ total: 1, ids })
      end()
    },
  )

  it('a project that was emptied is in a list by path with all that is published into it while the job finds it empty', async () => {
    // Whoever publishes while it is held takes the job for dead.
    const store = await openStore({ holdMs: 100 })
    const top = await store.group()
    const project = await store.project(top)
    const page = { number: 1, size: 20, asked: 20 }
    const shown = () => list(store, top, ANONYMOUS, { order: 'project_path', page })
    for (const { id } of (await store.fill(project, 4)).slice(1)) {
      await store.db.packages.delete(writerOf(project), id, now())
    }
    for (const place of ['before it is held', 'before that is told', 'at once']) {
      await Promise.all((await shown()).ids.map((id) => store.db.packages.delete(writerOf(project), id, now())))
      const ids: number[] = []
      const publish = async () => ids.push((await store.publish(project)).id)
      const text = { 'before it is held': 'SET held = :held', 'before that is told': 'held.#by = :by' }[place]
      const end = text === undefined ? () => {} : rightBefore(store, (sent) => sent.includes(text), publish)
      await Promise.all([
        countAll(store.db),
        text === undefined ? Promise.all([publish(), publish(), publish()]) : undefined,
      ])
      end()
      expect([place, await shown()]).toEqual([
        place,
        { total: ids.length, ids: ids.toSorted((one, other) => other - one) },
      ])
      await countAll(store.db)
      expect([place, await contradictions(store)]).toEqual([place, []])
    }
    await Promise.all((await shown()).ids.map((id) => store.db.packages.delete(writerOf(project), id, now())))
    await countAll(store.db)
    expect((await store.db.groups.findProject({ id: project.id }))?.publications).toEqual(NO_PUBLICATIONS)
  })

  it('a job that dies while it holds a project is made good by the next', async () => {
    const store = await openStore({ holdMs: 50 })
    const project = await store.project(await store.group())
    const { id } = await store.publish(project)
    await store.db.packages.delete(writerOf(project), id, now())
    const errors = jest.spyOn(console, 'error').mockImplementation(() => {})
    let isDead = false
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (isDead) throw new Error('dead')
        const answer = await next(args)
        isDead = context.commandName === 'TransactWriteItemsCommand' && JSON.stringify(args.input).includes('SET held')
        return answer
      },
      { step: 'initialize', name: 'die' },
    )
    await countAll(store.db)
    store.client.middlewareStack.remove('die')
    errors.mockRestore()
    const told = async () => {
      const { held, publications } = await projectNow(store, project.id)
      return [held !== null, publications.listed]
    }
    expect([isDead, await told()]).toEqual([true, [true, 1]])
    await sleep(60)
    for (let minute = 0; minute < 2; minute++) await countAll(store.db)
    expect(await told()).toEqual([false, 0])
  })

  it('a group that becomes private while it departs is private in every list', async () => {
    const store = await openStore()
    const [target, moving] = [await store.group(), await store.group()]
    const end = rightBefore(
      store,
      (text) => text.includes('SET moving'),
      () => store.db.groups.changeGroupVisibility(moving.id, 'private'),
    )
    await store.db.groups.transferGroup(moving.id, target.id, now())
    end()
    await settleAll(store.db)
    const [row] = await store.db.groups.listContents('group', target)
    expect((await groupNow(store, moving.id)).visibility).toBe('private')
    expect(row?.visibility).toBe('private')
  })

  itOnFastEngine('a change of visibility prepared before the group is deleted leaves nothing behind', async () => {
    const store = await openStore()
    const top = await store.group()
    const gone = await store.group(top)
    const end = rightBefore(
      store,
      (text) => text.includes('SET #visibility'),
      async () => {
        await store.db.groups.deleteGroup(gone.id, now())
        await settleAll(store.db)
      },
    )
    await store.db.groups.changeGroupVisibility(gone.id, 'internal').catch(() => undefined)
    end()
    expect(await store.db.groups.listContents('group')).toMatchObject([{ id: top.id }])
    expect(await store.db.groups.listContents('group', top)).toEqual([])
    // Nobody can see, nor remove, what keeps the parent from becoming private.
    await store.db.groups.changeGroupVisibility(top.id, 'private')
  })

  it('a project that becomes private while it gets another path is private in every list', async () => {
    const store = await openStore()
    const group = await store.group()
    const project = await store.project(group)
    const end = rightBefore(
      store,
      (text) => text.includes('SET held = :held'),
      () => store.db.groups.changeProject(project.id, { visibility: 'private' }, now()),
    )
    await store.db.groups.changeProject(project.id, { path: 'renamed' }, now())
    end()
    await settleAll(store.db)
    expect((await projectNow(store, project.id)).visibility).toBe('private')
    expect(await store.db.groups.listContents('project')).toMatchObject([{ visibility: 'private' }])
  })

  itOnFastEngine(
    'a list that has read one shelf when a project moves to another, and that one after, shows its packages once',
    async () => {
      const store = await openStore()
      const group = await store.group()
      const project = await store.project(group)
      const { id } = await store.publish(project)
      let hasMoved: () => void = () => {}
      const moved = new Promise<void>((done) => {
        hasMoved = done
      })
      let isWatched = true
      store.client.middlewareStack.add(
        (next, context) => async (args) => {
          const text = JSON.stringify(args.input)
          if (!isWatched || context.commandName !== 'QueryCommand' || !text.includes('GROUP#')) return next(args)
          if (!text.includes('#direct#public')) {
            await moved
            return next(args)
          }
          const answer = await next(args)
          isWatched = false
          await store.db.groups.changeProject(project.id, { visibility: 'private' }, now())
          await settleAll(store.db)
          hasMoved()
          return answer
        },
        { step: 'initialize', name: 'meanwhile' },
      )
      expect(await list(store, group, admin(store))).toEqual({ total: 1, ids: [id] })
      store.client.middlewareStack.remove('meanwhile')
      expect(isWatched).toBe(false)
      expect((await projectNow(store, project.id)).visibility).toBe('private')
    },
  )

  itOnFastEngine(
    'a project is made in a group where that is, also when another group has the former path by now',
    async () => {
      const store = await openStore()
      const [one, two] = [await store.group(), await store.group()]
      const inner = await store.group(one)
      const end = rightBefore(
        store,
        (text) => text.includes('PROJECT#'),
        async () => {
          await store.db.groups.renameGroup(one.id, 'elsewhere', now())
          await settleAll(store.db)
          await store.db.groups.renameGroup(two.id, one.path, now())
          await settleAll(store.db)
          await store.db.groups.transferGroup(inner.id, two.id, now())
          await settleAll(store.db)
        },
      )
      const made = await store.project(inner).catch(() => undefined)
      end()
      if (made) expect((await projectNow(store, made.id)).ancestorIds).toEqual([two.id, inner.id])
      expect((await store.db.groups.listContents('project', one)).map(({ id }) => id)).toEqual([])
    },
  )
})

describeOnFastEngine('paths', () => {
  it('a path below the new one leads to what is there now, also if a project had it before', async () => {
    const store = await openStore()
    const [elsewhere, former, moving] = [await store.group(), await store.group(), await store.group()]
    const stranger = await store.project(former, 'public', 'lib')
    await store.db.groups.transferProject(stranger.id, elsewhere, now())
    await settleAll(store.db)
    await store.db.groups.renameGroup(former.id, unique('other'), now())
    await settleAll(store.db)
    const inside = await store.project(moving, 'public', 'lib')
    await store.db.groups.renameGroup(moving.id, former.path, now())

    const found = async () => (await store.db.groups.findProject({ fullPath: `${former.path}/lib` }))?.id
    expect(await found()).toBe(inside.id)
    await settleAll(store.db)
    expect(await found()).toBe(inside.id)
  })
})

describeOnFastEngine('where a thing is', () => {
  it('is answered, or not, but never sought for ever when groups were read at different times', async () => {
    const store = await openStore()
    const outer = await store.group()
    const inner = await store.group(outer)
    const project = await store.project(inner)
    // The read of one group is slow, that of the other fast: between them `inner` leaves and `outer` goes into it.
    const early = await groupNow(store, inner.id)
    await store.db.groups.transferGroup(inner.id, { ownerId: store.owner.id }, now())
    await settleAll(store.db)
    await store.db.groups.transferGroup(outer.id, inner.id, now())
    const late = await groupNow(store, outer.id)
    let reads = 0
    class Counted extends Array<Group> {
      override find(...args: Parameters<Group[]['find']>) {
        if (++reads > 10_000) throw new Error('endless')
        return super.find(...args)
      }
    }
    const groups = new Counted()
    groups.push(early, late)
    expect(() => locateAmong(project, groups)).not.toThrow()
  })
})

describe('limits', () => {
  it('a role in something inside a group on its way is given, as a project is made there', async () => {
    const store = await openStore()
    const [other, moving] = [await store.group(), await store.group()]
    const project = await store.project(moving)
    await store.db.groups.transferGroup(moving.id, other.id, now())
    const user = await store.db.users.create({ username: 'u', name: 'u', email: 'u@example.com', admin: false }, now())
    const place = (await store.db.groups.locate(project))?.thing as Project
    const source = { kind: 'project', id: project.id } as const
    const role = { userId: user.id, source, within: place.ancestorIds, expiresOn: null, createdAt: now() }
    await store.db.members.add({ ...role, accessLevel: 30 })
    await settleAll(store.db)
    expect(await list(store, await groupNow(store, other.id), admin(store))).toMatchObject({ total: 0 })
  })
})

describeOnFastEngine('a group with more inside than one run of the job gets through', () => {
  it('arrives after some runs', async () => {
    const store = await openStore()
    const [moving, other] = [await store.group(), await store.group()]
    for (let n = 0; n < 20; n++) await store.project(moving)
    await store.db.groups.transferGroup(moving.id, other.id, now())
    // Each run has time for two steps: projects are noted when they are done, what follows after them is not.
    let hasArrived = false
    for (let run = 0; run < 40 && !hasArrived; run++) {
      let steps = 0
      hasArrived = await store.db.groupTransit.settle(moving.id, () => ++steps >= 2)
    }
    expect(hasArrived).toBe(true)
  })
})

describeOnFastEngine('a list of a group in which something moves all the time', () => {
  it('is refused as busy, not as a failure of the service', async () => {
    const store = await openStore()
    const group = await store.group()
    const project = await store.project(group)
    await store.publish(project)
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args)
        if (context.commandName === 'QueryCommand' && JSON.stringify(args.input).includes('TALLY#GROUP')) {
          const Key = transitsKey(group.id)
          const values = { ExpressionAttributeValues: { ':one': 1 } }
          await store.client.send(
            new UpdateCommand({ TableName: store.tableName, Key, UpdateExpression: 'ADD revision :one', ...values }),
          )
        }
        return answer
      },
      { step: 'initialize', name: 'moving' },
    )
    await expect(list(store, group, admin(store))).rejects.toMatchObject({ failure: { code: 'busy' } })
  })
})

describe('owners', () => {
  it('the last owner of a group that has moved to the top stays, also before all has followed', async () => {
    const store = await openStore()
    const moving = await store.group(await store.group())
    await store.db.groups.transferGroup(moving.id, { ownerId: store.owner.id }, now())
    await expect(
      store.db.members.remove(store.owner.id, { kind: 'group', id: moving.id }, () => {}),
    ).rejects.toMatchObject({ failure: { code: 'forbidden' } })
  })
})
