import { BatchWriteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { PackagesError } from '../../../lib/domain/errors.ts'
import { MEMBERS_LIMIT, type Membership, ROLES_LIMIT } from '../../../lib/domain/permissions.ts'
import { groupKey, membershipKey, userKey } from '../../../lib/repository/keys.ts'
import { chunks } from '../../../lib/repository/table.ts'
import { now, openStore } from '../../support/store.ts'

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})

const failures = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as PackagesError).failure.code] : []))

describe('paths', () => {
  it('belong to the first of ten who ask for one at once', async () => {
    const wanted = { name: 'Contended', path: 'contended', description: '', visibility: 'public' } as const
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => store.db.groups.createGroup(undefined, wanted, store.owner.id, now())),
    )

    expect(failures(outcomes)).toEqual(Array(9).fill('validation_failed'))
    expect(await store.db.groups.findGroup({ fullPath: 'CONTENDED' })).toMatchObject({ path: 'contended' })
  })

  it('are shared by groups, projects and users', async () => {
    const group = await store.group()
    await store.project(group, 'public', 'same')
    const wanted = { name: 'Same', path: 'same', description: '', visibility: 'public' } as const
    await expect(store.db.groups.createGroup(group, wanted, store.owner.id, now())).rejects.toThrow(PackagesError)
    const user = { username: group.path, name: 'U', email: 'u@example.com', admin: false }
    await expect(store.db.users.create(user, now())).rejects.toMatchObject({ failure: { code: 'already_exists' } })
  })

  it('find a project only as a project', async () => {
    const group = await store.group()
    const project = await store.project(group)
    expect(await store.db.groups.findProject({ fullPath: project.fullPath })).toEqual(project)
    expect(await store.db.groups.findProject({ fullPath: group.fullPath })).toBeUndefined()
    expect(await store.db.groups.findGroup({ fullPath: project.fullPath })).toBeUndefined()
  })
})

describe('a project', () => {
  it('is refused when its group has become less visible than the project would be', async () => {
    const group = await store.group(undefined, 'private')
    const stale = { ...group, visibility: 'public' } as const
    await expect(store.project(stale, 'public')).rejects.toMatchObject({ failure: { code: 'validation_failed' } })
  })
})

describe('roles', () => {
  it('are read with the user in one call, and end with their day', async () => {
    const group = await store.group()
    const user = await store.db.users.create(
      { username: 'member', name: 'M', email: 'm@example.com', admin: false },
      now(),
    )
    const source = { kind: 'group', id: group.id } as const
    await store.db.members.add({
      userId: user.id,
      source,
      within: [],
      accessLevel: 20,
      expiresOn: '2030-01-02',
      createdAt: now(),
    })

    const roles = async (today: string) => (await store.db.members.findCaller(user.id, [source], today)).memberships
    expect(await roles('2030-01-01')).toMatchObject([{ accessLevel: 20 }])
    expect(await roles('2030-01-02')).toEqual([])
    expect((await store.db.members.findCallerWithAllRoles(user.id, '2030-01-01')).user).toEqual(user)
  })

  it('are all found of somebody who has more than are read beside a token that may not be his', async () => {
    const wanted = { username: 'many', name: 'M', email: 'many@example.com', admin: false }
    const user = await store.db.users.create(wanted, now())
    const role = { userId: user.id, within: [], accessLevel: 20, expiresOn: null, createdAt: now() }
    const roles = Array.from({ length: 510 }, (_, n) => ({
      ...role,
      source: { kind: 'group', id: 10_000 + n } as const,
    }))
    const puts = roles.map((Item) => ({ PutRequest: { Item: { ...membershipKey(user.id, Item.source), ...Item } } }))
    for (const batch of chunks(puts, 25)) {
      await store.client.send(new BatchWriteCommand({ RequestItems: { [store.tableName]: batch } }))
    }
    const begun = await store.db.members.beginCaller(user.id)
    expect([begun.items.length, begun.next !== undefined]).toEqual([500, true])
    const whole = await store.db.members.findCallerWithAllRoles(user.id, '2030-01-01')
    expect(whole.memberships).toHaveLength(511)
    expect(await store.db.members.findCallerWithAllRoles(user.id, '2030-01-01', begun)).toEqual(whole)
  })

  it('are given once, to somebody who exists, and taken once', async () => {
    const group = await store.group()
    const wanted = { username: 'twice', name: 'T', email: 't@example.com', admin: false }
    const user = await store.db.users.create(wanted, now())
    const source = { kind: 'group', id: group.id } as const
    const membership: Membership = {
      userId: user.id,
      source,
      within: [],
      accessLevel: 20,
      expiresOn: null,
      createdAt: now(),
    }
    await store.db.members.add(membership)
    await expect(store.db.members.add(membership)).rejects.toMatchObject({ failure: { code: 'already_exists' } })
    const nobody = { ...membership, userId: 4711 }
    await expect(store.db.members.add(nobody)).rejects.toMatchObject({ failure: { resource: 'user' } })

    const remove = () => store.db.members.remove(user.id, source, () => {})
    await remove()
    await expect(remove()).rejects.toMatchObject({ failure: { resource: 'member' } })
  })

  it('are counted: a place has so many members, a user so many roles, and no more', async () => {
    const [group, other] = [await store.group(), await store.group()]
    const people = await Promise.all(
      ['first', 'second', 'third', 'fourth'].map((username) =>
        store.db.users.create({ username, name: 'F', email: `${username}@example.com`, admin: false }, now()),
      ),
    )
    const role = (userId: number, { id }: { id: number }): Membership => ({
      userId,
      source: { kind: 'group', id },
      within: [],
      accessLevel: 20,
      expiresOn: null,
      createdAt: now(),
    })
    const count = (Key: { pk: string; sk: string }, name: string, count: number) =>
      store.client.send(
        new UpdateCommand({
          TableName: store.tableName,
          Key,
          UpdateExpression: 'SET #name = :count',
          ExpressionAttributeNames: { '#name': name },
          ExpressionAttributeValues: { ':count': count },
        }),
      )
    const [first, second, third, fourth] = people.map(({ id }) => id) as [number, number, number, number]
    await count(groupKey(group.id), 'members', MEMBERS_LIMIT - 1)
    const outcomes = await Promise.allSettled(
      [first, second, third].map((userId) => store.db.members.add(role(userId, group))),
    )
    expect(failures(outcomes)).toEqual(['validation_failed', 'validation_failed'])
    const [landed] = [first, second, third].filter((_, n) => outcomes[n]?.status === 'fulfilled') as [number]
    await store.db.members.remove(landed, { kind: 'group', id: group.id }, () => {})
    await store.db.members.add(role(fourth, group))
    await expect(store.db.members.add(role(landed, group))).rejects.toMatchObject({
      failure: { problems: { base: [`A group or project may have at most ${MEMBERS_LIMIT} members`] } },
    })

    await count(userKey(landed), 'roles', ROLES_LIMIT)
    await expect(store.db.members.add(role(landed, other))).rejects.toMatchObject({
      failure: { problems: { base: [`A user may have at most ${ROLES_LIMIT} roles`] } },
    })
    const wanted = { name: 'more', path: 'one-more', description: '', visibility: 'public' } as const
    await expect(store.db.groups.createGroup(undefined, wanted, landed, now())).rejects.toMatchObject({
      failure: { code: 'validation_failed' },
    })
  })

  it('give their place back when they have ended', async () => {
    const group = await store.group()
    const wanted = { username: 'back', name: 'B', email: 'back@example.com', admin: false }
    const { id: userId } = await store.db.users.create(wanted, now())
    const source = { kind: 'group', id: group.id } as const
    const role = { userId, source, within: [], accessLevel: 20, createdAt: now() } as const
    await store.db.members.add({ ...role, within: [], expiresOn: '2020-01-01' })
    await store.db.members.add({ ...role, within: [], expiresOn: null })
    expect((await store.db.members.findCallerWithAllRoles(userId, '2030-01-01')).memberships).toHaveLength(2)
    await store.db.groups.deleteGroup(group.id, now())
    await store.db.groupTransit.settle(group.id)
    const { Item } = await store.client.send(new GetCommand({ TableName: store.tableName, Key: userKey(userId) }))
    expect(Item?.roles).toBe(1)
  })

  it('leave a top-level group one owner when two remove each other at once', async () => {
    const group = await store.group()
    const other = await store.db.users.create(
      { username: 'other', name: 'O', email: 'o@example.com', admin: false },
      now(),
    )
    const source = { kind: 'group', id: group.id } as const
    const owner: Membership = {
      userId: other.id,
      source,
      within: [],
      accessLevel: 50,
      expiresOn: null,
      createdAt: now(),
    }
    await store.db.members.add(owner)

    const outcomes = await Promise.allSettled(
      [store.owner.id, other.id].map((id) => store.db.members.remove(id, source, () => {})),
    )
    expect(failures(outcomes)).toEqual(['forbidden'])
  })
})

describe('tokens', () => {
  it('are found by their secret, which is stored nowhere, and end when they are revoked', async () => {
    const wanted = { userId: store.owner.id, name: 'ci', scopes: ['api' as const], expiresOn: null }
    const token = await store.db.tokens.create('pat-a-secret-of-this-test', wanted, now())
    expect(await store.db.tokens.findBySecret('pat-a-secret-of-this-test')).toEqual(token)
    expect(await store.db.tokens.findById(token.id)).toEqual(token)
    expect(await store.db.tokens.findBySecret('pat-another')).toBeUndefined()

    const { ScanCommand } = await import('@aws-sdk/lib-dynamodb')
    const { Items } = await store.client.send(new ScanCommand({ TableName: store.tableName }))
    expect(JSON.stringify(Items)).not.toContain('a-secret-of-this-test')

    await store.db.tokens.revoke(token.id)
    expect(await store.db.tokens.findBySecret('pat-a-secret-of-this-test')).toMatchObject({ revoked: true })
  })
})
