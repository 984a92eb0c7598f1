import type { PackagesError } from '../../../lib/domain/errors.ts'
import type { AccessLevel } from '../../../lib/domain/permissions.ts'
import { now, openStore } from '../../support/store.ts'

const TODAY = '2030-01-01'

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})

const failures = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as PackagesError).failure.code] : []))

let made = 0
const newUser = () => {
  const username = `user-${++made}`
  return store.db.users.create({ username, name: username, email: `${username}@example.com`, admin: false }, now())
}

const memberOf = async (groupId: number, accessLevel: AccessLevel, expiresOn: string | null = null) => {
  const { id: userId } = await newUser()
  const source = { kind: 'group', id: groupId } as const
  await store.db.members.add({ userId, source, within: [], accessLevel, expiresOn, createdAt: now() })
  return { userId, source }
}

describe('a role', () => {
  it('is changed where rights are decided and where members are listed', async () => {
    const { id } = await store.group()
    const { userId, source } = await memberOf(id, 10)
    for (const change of [
      { accessLevel: 30, expiresOn: '2030-05-05' },
      { accessLevel: 20 },
      { accessLevel: 20, expiresOn: null },
    ] as const) {
      const changed = await store.db.members.update(userId, source, change, TODAY, () => {})
      expect(changed).toMatchObject(change)
      expect((await store.db.members.findCaller(userId, [source], TODAY)).memberships).toEqual([changed])
      expect(await store.db.members.listMembers([source], TODAY)).toContainEqual(changed)
    }
  })

  it('is not changed when it has ended, when it never was, and when it is not permitted', async () => {
    const { id } = await store.group()
    const { userId, source } = await memberOf(id, 10, '2030-01-01')
    const change = (user: number, today: string, permit: () => void) =>
      store.db.members.update(user, source, { accessLevel: 20 }, today, permit)
    await expect(change(userId, TODAY, () => {})).rejects.toMatchObject({ failure: { resource: 'member' } })
    await expect(change(4711, TODAY, () => {})).rejects.toMatchObject({ failure: { resource: 'member' } })
    const refuse = () => {
      throw new Error('not permitted')
    }
    await expect(change(userId, '2029-12-31', refuse)).rejects.toThrow('not permitted')
  })

  it('of an owner stays with one of three who are lowered at once', async () => {
    const { id } = await store.group()
    const [one, other] = [await memberOf(id, 50), await memberOf(id, 50)]
    const outcomes = await Promise.allSettled(
      [store.owner.id, one.userId, other.userId].map((userId) =>
        store.db.members.update(userId, one.source, { accessLevel: 40 }, TODAY, () => {}),
      ),
    )
    expect(failures(outcomes)).toEqual(['forbidden'])
    const members = await store.db.members.listMembers([one.source], TODAY)
    expect(members.map(({ accessLevel }) => accessLevel).sort()).toEqual([40, 40, 50])
  })
})

describe('a rotated token', () => {
  it('is followed by one new token when ten rotate it at once', async () => {
    const wanted = { userId: store.owner.id, name: 'ci', scopes: ['api' as const], expiresOn: null }
    const old = await store.db.tokens.create('pat-before-rotation', wanted, now())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, place) =>
        store.db.tokens.rotate(old, `pat-after-rotation-${place}`, '2031-01-01', now()),
      ),
    )
    expect(failures(outcomes)).toEqual(Array(9).fill('already_revoked'))
    expect(await store.db.tokens.findBySecret('pat-before-rotation')).toEqual({ ...old, revoked: true })

    const [token] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(token).toEqual({ ...old, id: token?.id, createdAt: token?.createdAt, expiresOn: '2031-01-01' })
    expect(await store.db.tokens.findById(token?.id ?? 0)).toEqual(token)
    expect(await store.db.tokens.listByUser(store.owner.id)).toEqual([{ ...old, revoked: true }, token])
    expect(await store.db.tokens.listAll()).toEqual([{ ...old, revoked: true }, token])
  })
})

describe('what a group or project says of itself', () => {
  it('changes in its record and in the contents of the groups around it', async () => {
    const top = await store.group()
    const sub = await store.group(top)
    const project = await store.project(sub)
    await store.db.groups.describeGroup(sub.id, { name: 'Sub' })
    const described = await store.db.groups.describeProject(project.id, { name: 'Leaf', description: 'Words' })

    expect(described).toEqual({ ...project, name: 'Leaf', description: 'Words' })
    expect(await store.db.groups.findProject({ id: project.id })).toEqual(described)
    expect(await store.db.groups.findGroup({ id: sub.id })).toEqual({ ...sub, name: 'Sub' })
    for (const group of [undefined, top]) {
      const named = async (kind: 'group' | 'project', id: number) =>
        (await store.db.groups.listContents(kind, group)).find((content) => content.id === id)?.name
      expect([await named('group', sub.id), await named('project', project.id)]).toEqual(['Sub', 'Leaf'])
    }
  })

  it('is found missing when the thing is', async () => {
    await expect(store.db.groups.describeGroup(4711, { name: 'x' })).rejects.toMatchObject({
      failure: { code: 'not_found', resource: 'group' },
    })
    await expect(store.db.groups.describeProject(4711, {})).rejects.toMatchObject({
      failure: { code: 'not_found', resource: 'project' },
    })
  })
})

describe('users', () => {
  it('are listed whole, the newest first', async () => {
    const [one, other] = [await newUser(), await newUser()]
    const users = await store.db.users.listAll()
    expect(users.slice(0, 2)).toEqual([other, one])
    expect(users.at(-1)).toEqual(store.owner)
  })
})
