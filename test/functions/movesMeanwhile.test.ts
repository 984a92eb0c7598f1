import type { Context } from 'aws-lambda'
import { listGroupPackages } from '../../functions/listGroupPackages.ts'
import { lazily } from '../../lib/domain/lazily.ts'
import { ACCESS_LEVELS } from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import { openDatabase } from '../../lib/repository/database.ts'
import { contentsKey, groupKey, pathsPrefix, projectKey, transitsKey, userKey } from '../../lib/repository/keys.ts'
import { createClient } from '../../lib/repository/table.ts'
import { newSecret } from '../../lib/repository/tokens.ts'
import { eventFor } from '../support/doors.ts'
import { settleAll } from '../support/jobs.ts'
import { now, openStore } from '../support/store.ts'

type Answer = { statusCode: number; body: string; headers: Record<string, string> }
type Store = Awaited<ReturnType<typeof openStore>>

const setUp = async () => {
  const store = await openStore()
  const wanted = { username: 'insider', name: 'Insider', email: 'insider@example.com', admin: false }
  const { id: userId } = await store.db.users.create(wanted, now())
  const secret = newSecret(userId)
  await store.db.tokens.create(secret, { userId, name: 'test', scopes: ['api'], expiresOn: null }, now())
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  const slowed = openDatabase(client, store.tableName)
  return {
    store,
    userId,
    client,
    join: (kind: 'group' | 'project', { id, ancestorIds }: Group | Project) =>
      store.db.members.add({
        userId,
        source: { kind, id },
        within: ancestorIds,
        accessLevel: ACCESS_LEVELS.reporter,
        expiresOn: null,
        createdAt: now(),
      }),
    /** What the list of a group says to him: its status, total and rows. */
    async list({ id }: Group, order: string, tell = (rows: unknown[]): unknown => rows.length) {
      const call = { path: `/groups/${id}/packages?order_by=${order}`, headers: { 'private-token': secret } }
      const answer = (await listGroupPackages(() => slowed)(
        eventFor(call, '/api/v4/groups/{id}/packages'),
        { awsRequestId: 'test' } as Context as never,
        {} as never,
      )) as unknown as Answer
      if (answer.statusCode !== 200) return answer.statusCode
      return [Number(answer.headers['X-Total']), tell(JSON.parse(answer.body))]
    },
  }
}
type Setting = Awaited<ReturnType<typeof setUp>>

/** Lets `around` make the calls that the service makes from now on. */
const slow = (
  { client }: Setting,
  around: (name: string, text: string, call: () => Promise<unknown>) => Promise<unknown>,
) => {
  client.middlewareStack.add(
    (next, context) => async (args) =>
      (await around(String(context.commandName), JSON.stringify(args.input), () => next(args))) as never,
    { step: 'initialize', name: 'slow' },
  )
  return () => client.middlewareStack.remove('slow')
}

/** Makes a change right before the first call that is meant, or right after it. */
const once = (
  setting: Setting,
  isMeant: (name: string, text: string) => boolean,
  change: () => Promise<unknown>,
  isAfter = false,
) => {
  let isDone = false
  const end = slow(setting, async (name, text, call) => {
    const isNow = !isDone && isMeant(name, text)
    if (isNow) isDone = true
    if (isNow && !isAfter) await change()
    const answer = await call()
    if (isNow && isAfter) await change()
    return answer
  })
  return () => {
    end()
    expect(isDone).toBe(true)
  }
}

const pathsOf = (rows: unknown[]) => rows.map((row) => (row as { project_path: string }).project_path.split('/').at(-1))

const move = async ({ db }: Store, { id }: Group, to: Group) => {
  await db.groups.transferGroup(id, to.id, now())
  await settleAll(db)
}

describe('a list of a group while something in it moves away or comes', () => {
  it.each(['created_at', 'name', 'project_path'])(
    'counts nothing of a group that leaves it right before the last look, and is hidden with it, by %s',
    async (order) => {
      const setting = await setUp()
      const { store } = setting
      for (const visibility of ['public', 'private'] as const) {
        const [group, other] = [await store.group(undefined, visibility), await store.group(undefined, visibility)]
        const leaving = await store.group(group, 'private')
        await store.fillAll([await store.project(group, visibility), await store.project(leaving, 'private')], 3)
        await setting.join('group', leaving)
        const whole = visibility === 'public' ? [6, 6] : [3, 3]
        expect(await setting.list(group, order)).toEqual(whole)

        let isGone = false
        const end = slow(setting, async (name, text, call) => {
          const isLastLook = name === 'GetItemCommand' && text.includes(transitsKey(group.id).pk)
          if (isLastLook && !isGone) {
            isGone = true
            await move(store, leaving, other)
          }
          return call()
        })
        expect(await setting.list(group, order)).toEqual(visibility === 'public' ? [3, 3] : 404)
        expect(isGone).toBe(true)
        end()
      }
    },
  )

  it('shows what has arrived between the reads of his roles and of the group', async () => {
    const setting = await setUp()
    const { store } = setting
    const [group, other] = [await store.group(undefined, 'private'), await store.group(undefined, 'private')]
    const coming = await store.project(other, 'private')
    await store.fill(coming, 3)
    await setting.join('project', coming)
    let tellRoles = () => {}
    const rolesAreRead = new Promise<void>((done) => {
      tellRoles = done
    })
    const end = slow(setting, async (name, text, call) => {
      const isOfRoles = name === 'QueryCommand' && text.includes(userKey(setting.userId).pk)
      if (name === 'BatchGetItemCommand' && text.includes(`"${groupKey(group.id).pk}"`)) {
        await rolesAreRead
        await store.db.groups.transferProject(coming.id, group, now())
        await settleAll(store.db)
      }
      const answer = await call()
      if (isOfRoles) tellRoles()
      return answer
    })
    expect(await setting.list(group, 'created_at')).toEqual([3, 3])
    end()
  })

  it('shows nothing of a project that is hidden, moved away or called otherwise after the contents told of it, by path', async () => {
    const setting = await setUp()
    const { store } = setting
    const changes: [string, (project: Project, other: Group) => Promise<unknown>, number[]][] = [
      ['hidden', ({ id }) => store.db.groups.changeProject(id, { visibility: 'private' }, now()), [3, 3]],
      ['moved', ({ id }, other) => store.db.groups.transferProject(id, other, now()), [3, 3]],
      ['deleted', ({ id }) => store.db.groups.deleteProject(id, now()), [3, 3]],
      ['renamed', ({ id }) => store.db.groups.changeProject(id, { path: 'zzz' }, now()), [6, 6]],
    ]
    for (const [title, change, rest] of changes) {
      for (const isSettled of [false, true]) {
        const [group, other] = [await store.group(), await store.group()]
        const going = await store.project(group, 'public', 'a')
        await store.fillAll([going, await store.project(group, 'public', 'c')], 3)
        const partition = transitsKey(group.id).pk
        let isDone = false
        const end = slow(setting, async (name, text, call) => {
          if (name === 'QueryCommand' && text.includes(`"${partition}"`) && !isDone) {
            isDone = true
            await change(going, other)
            if (isSettled) await settleAll(store.db)
          }
          return call()
        })
        const read = await setting.list(group, 'project_path')
        end()
        expect([title, isSettled, isDone, read]).toEqual([title, isSettled, true, rest])
      }
    }
  })

  it.each(['created_at', 'project_path'])(
    'is hidden with the group itself when that leaves the one that lets him in, by %s',
    async (order) => {
      const setting = await setUp()
      const { store } = setting
      const [around, other] = [await store.group(undefined, 'private'), await store.group(undefined, 'private')]
      const group = await store.group(around, 'private')
      const project = await store.project(group, 'private')
      await store.fill(project, 1)
      await setting.join('group', around)
      const rows = order === 'project_path' ? projectKey(project.id).pk : `${groupKey(group.id).pk}#direct#private`
      const end = once(
        setting,
        (name, text) => name === 'QueryCommand' && text.includes(`"${rows}"`),
        async () => {
          await store.db.groups.transferGroup(group.id, other.id, now())
          await store.publish(project, { name: 'secret' })
        },
      )
      expect(await setting.list(group, order)).toBe(404)
      end()
    },
  )

  it('has a project where it is called, by path, and what was published into it meanwhile under that name', async () => {
    for (const [title, meanwhile, isAfter] of [
      ['renamed', async () => {}, true],
      ['renamed and filled', (store: Store, project: Project) => store.publish(project), false],
    ] as const) {
      for (const isMoved of [false, true]) {
        const setting = await setUp()
        const { store } = setting
        const group = await store.group()
        const project = await store.project(group, 'public', 'a')
        await store.fillAll([project, await store.project(group, 'public', 'c')], 2)
        // For a day nothing is taken at its word of what has moved.
        if (isMoved) await store.db.groups.changeProject(project.id, { path: 'b' }, now())
        if (isMoved) await settleAll(store.db)
        const clock = jest
          .spyOn(Date, 'now')
          .mockImplementation(() => performance.timeOrigin + performance.now() + 60_000)
        const end = once(
          setting,
          (name, text) => name === 'QueryCommand' && text.includes(`"${projectKey(project.id).pk}"`),
          async () => {
            await store.db.groups.changeProject(project.id, { path: 'z' }, now())
            await settleAll(store.db)
            await meanwhile(store, project)
          },
          isAfter,
        )
        const read = (await setting.list(group, 'project_path', pathsOf)) as [number, string[]]
        end()
        clock.mockRestore()
        expect([title, isMoved, read[1]]).toEqual([title, isMoved, read[1].toSorted()])
        expect([title, isMoved, read[0]]).toEqual([title, isMoved, read[1].length])
      }
    }
  })

  it('has a project that is hidden from others between the reads of what is private and what is public, by path', async () => {
    const setting = await setUp()
    const { store } = setting
    const group = await store.group()
    await setting.join('group', group)
    const inside: Project[] = []
    for (const path of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'])
      inside.push(await store.project(group, 'public', path))
    await store.fillAll(inside, 3)
    let tell = () => {}
    const isPrivateRead = new Promise<void>((done) => {
      tell = done
    })
    const hide = lazily(async () => {
      await isPrivateRead
      await store.db.groups.changeProject(inside[0]?.id ?? 0, { visibility: 'private' }, now())
      await settleAll(store.db)
    })
    const end = slow(setting, async (_name, text, call) => {
      const isOfContents = text.includes(`"${contentsKey(group.id, 'project', 0).pk}"`)
      const isPrivate = isOfContents && text.includes(`"${pathsPrefix('private', true)}"`)
      if (!isPrivate && (isOfContents || text.includes(`"${groupKey(group.id).pk}"`))) await hide()
      const answer = await call()
      if (isPrivate) tell()
      return answer
    })
    const read = await setting.list(group, 'project_path&per_page=5', pathsOf)
    end()
    expect(read).toEqual([27, ['a', 'a', 'a', 'b', 'b']])
  })
})
