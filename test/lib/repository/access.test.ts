import { PackagesError } from '../../../lib/domain/errors.ts'
import type { Membership } from '../../../lib/domain/permissions.ts'
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
