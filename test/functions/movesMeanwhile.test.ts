import type { Context } from 'aws-lambda'
import { listGroupPackages } from '../../functions/listGroupPackages.ts'
import { ACCESS_LEVELS } from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import { openDatabase } from '../../lib/repository/database.ts'
import { groupKey, transitsKey, userKey } from '../../lib/repository/keys.ts'
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
    async list({ id }: Group, order: string) {
      const call = { path: `/groups/${id}/packages?order_by=${order}`, headers: { 'private-token': secret } }
      const answer = (await listGroupPackages(() => slowed)(
        eventFor(call, '/api/v4/groups/{id}/packages'),
        { awsRequestId: 'test' } as Context as never,
        {} as never,
      )) as unknown as Answer
      if (answer.statusCode !== 200) return answer.statusCode
      return [Number(answer.headers['X-Total']), (JSON.parse(answer.body) as unknown[]).length]
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
})
