import { NOTE_USE_EVERY_MS } from '../../../lib/domain/token.ts'
import { now, openStore } from '../../support/store.ts'

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})

let made = 0
const secretOf = () => `secret-${++made}`

const later = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString()

const personal = async () => {
  const secret = secretOf()
  const wanted = { userId: store.owner.id, name: 'test', scopes: ['api' as const], expiresOn: null }
  return { secret, token: await store.db.tokens.create(secret, wanted, now()) }
}

const deploy = async (more = {}) => {
  const secret = secretOf()
  const project = await store.project(await store.group())
  const source = { kind: 'project', id: project.id } as const
  const wanted = {
    source,
    name: 'test',
    username: undefined,
    scopes: ['read_package_registry' as const],
    expiresAt: null,
    creatorId: store.owner.id,
    ...more,
  }
  return { secret, source, token: await store.db.deployTokens.create(secret, wanted, now()) }
}

const lastUse = async (secret: string) => (await store.db.tokens.findBySecret(secret))?.lastUsedAt

describe('the use of a token', () => {
  it.each([
    ['personal', personal],
    ['deploy', deploy],
  ])('is noted once in its interval: %s token', async (_kind, make) => {
    const { secret, token } = await make()
    expect(token.lastUsedAt).toBeNull()
    const first = now()
    await store.db.tokens.noteUse(secret, first)
    expect(await lastUse(secret)).toBe(first)
    await store.db.tokens.noteUse(secret, later(first, NOTE_USE_EVERY_MS - 1))
    expect(await lastUse(secret)).toBe(first)
    const second = later(first, NOTE_USE_EVERY_MS)
    await store.db.tokens.noteUse(secret, second)
    expect(await lastUse(secret)).toBe(second)
  })

  it('changes nothing else, also when a hundred note it while the token is rotated', async () => {
    const { secret, token } = await personal()
    const [rotated] = await Promise.all([
      store.db.tokens.rotate(token, secretOf(), null, now()),
      ...Array.from({ length: 100 }, () => store.db.tokens.noteUse(secret, now()).catch(() => {})),
    ])
    await store.db.tokens.noteUse(secret, now())
    const old = await store.db.tokens.findBySecret(secret)
    expect(old).toEqual({ ...token, revoked: true, lastUsedAt: expect.anything() })
    expect(rotated.lastUsedAt).toBeNull()
    expect(await store.db.tokens.refresh([token, rotated])).toEqual([old, rotated])
  })

  it('brings no deploy token back that was deleted', async () => {
    const { secret, source, token } = await deploy()
    await store.db.deployTokens.delete(source, token.id)
    await store.db.tokens.noteUse(secret, now())
    expect(await store.db.tokens.findBySecret(secret)).toBeUndefined()
  })
})

describe('a deploy token', () => {
  it('is found by its secret, in its place and among all, until it is deleted', async () => {
    const { secret, source, token } = await deploy()
    expect(token.username).toBe(`gitlab+deploy-token-${token.id}`)
    expect(await store.db.tokens.findBySecret(secret)).toEqual(token)
    expect(await store.db.deployTokens.find(source, token.id)).toEqual(token)
    expect(await store.db.deployTokens.find({ ...source, kind: 'group' }, token.id)).toBeUndefined()
    expect(await store.db.deployTokens.list(source)).toEqual([token])
    expect(await store.db.deployTokens.list()).toContainEqual(token)

    await store.db.deployTokens.delete(source, token.id)
    expect(await store.db.tokens.findBySecret(secret)).toBeUndefined()
    expect(await store.db.deployTokens.list(source)).toEqual([])
    expect(await store.db.deployTokens.list()).not.toContainEqual(token)
    await expect(store.db.deployTokens.delete(source, token.id)).rejects.toMatchObject({
      failure: { resource: 'deploy_token' },
    })
  })

  it.each([
    ['group', { kind: 'group', id: 999_999 }],
    ['project', { kind: 'project', id: 999_999 }],
  ])('is not made for a %s that is not there', async (resource, source) => {
    await expect(deploy({ source })).rejects.toMatchObject({ failure: { code: 'not_found', resource } })
  })

  it('is not made for a project that was deleted', async () => {
    const project = await store.project(await store.group())
    await store.db.groups.deleteProject(project.id, now())
    await expect(deploy({ source: { kind: 'project', id: project.id } })).rejects.toMatchObject({
      failure: { code: 'not_found' },
    })
  })
})
