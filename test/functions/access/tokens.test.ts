import { ACCESS_LEVELS } from '../../../lib/domain/permissions.ts'
import { doors, through } from '../../support/doors.ts'
import { createWorld, dayIn, type Json, unique, type Who } from '../../support/world.ts'
import { brokenBodies, FORM, ISO, made, NO_RECORDS, send, tenAtOnce, told, UNAUTHORIZED } from './requests.ts'

const NO_ADMINISTRATOR = { message: '403 Forbidden - this needs an administrator' }
const NO_USER = { message: '404 User Not Found' }
const NO_TOKEN = { message: '404 Not Found' }
const EXPIRED = {
  error: 'invalid_token',
  error_description: 'Token is expired. You can either do re-authorization or token refresh.',
}
const REVOKED = {
  error: 'invalid_token',
  error_description: 'Token was revoked. You have to re-authorize from the user.',
}
const TOO_NARROW = {
  error: 'insufficient_scope',
  error_description: 'The request requires higher privileges than provided by the access token.',
}
/** All of GitLab's that a token may have. */
const SCOPES = [
  'api',
  'read_api',
  'read_user',
  'create_runner',
  'manage_runner',
  'k8s_proxy',
  'self_rotate',
  'read_repository',
  'write_repository',
  'read_registry',
  'write_registry',
  'read_virtual_registry',
  'write_virtual_registry',
  'ai_features',
  'sudo',
  'admin_mode',
  'read_service_ping',
]

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  const newUser = async () => {
    const username = unique('user')
    const body = { username, name: username, email: `${username}@example.com` }
    return { ...(await world.make('/users', body)), username }
  }
  const pathOf = (userId: unknown) => `/users/${userId}/personal_access_tokens`
  const post = (who: Who, userId: unknown, body: Json) => world.call(who, 'POST', pathOf(userId), body)
  const revoke = (who: Who, tokenId: unknown) => world.call(who, 'DELETE', `/personal_access_tokens/${tokenId}`)
  /** No route lists tokens, so the service's own data must tell. */
  const tokensOf = (userId: number) => door.database().tokens.listByUser(userId)
  /** A token with its secret as a caller. */
  const token = async (userId: number, more: Json = {}) => {
    const row = await world.make(pathOf(userId), { name: 'test', scopes: ['api'], ...more })
    return { id: row.id, who: { token: String(row.token) } }
  }
  beforeAll(() => door.open())

  describe('POST /users/:user_id/personal_access_tokens', () => {
    it('makes a token that works from now on, and answers all of its fields', async () => {
      const user = await newUser()
      const reply = await post(root, user.id, { name: 'ci 🚀', scopes: ['api'], expires_at: '2999-12-31' })

      expect([reply.status, reply.json]).toEqual([
        201,
        {
          id: expect.any(Number),
          name: 'ci 🚀',
          revoked: false,
          created_at: expect.stringMatching(ISO),
          description: null,
          scopes: ['api'],
          user_id: user.id,
          last_used_at: null,
          active: true,
          expires_at: '2999-12-31',
          token: expect.stringMatching(/^pat-[\w-]{34}\.[0-9a-z]+$/),
        },
      ])
      const who = { token: String(made(reply).token) }
      expect(await get(who, '/user')).toMatchObject({ status: 200, json: { id: user.id } })
      expect(await world.call(who, 'POST', '/projects', { name: 'Made by it' })).toMatchObject({ status: 201 })
    })

    it('makes a token that tells its user, and nobody else comes in by one that was changed', async () => {
      const user = await newUser()
      const { who } = await token(user.id)
      const secret = String(who.token)
      expect(secret.endsWith(`.${Number(user.id).toString(36)}`)).toBe(true)
      const changed = [secret.replace(/\..*$/, '.1'), secret.replace(/\..*$/, ''), `${secret}0`, 'pat-x.zzzzzzzzzz']
      for (const path of ['/user', '/groups', '/groups/1/packages', '/projects']) {
        for (const other of changed) {
          expect(await get({ token: other }, path)).toMatchObject({ status: 401, json: UNAUTHORIZED })
        }
      }
    })

    it('takes a token that tells another user, as a chosen one may, for its own', async () => {
      const { id } = await newUser()
      const group = await world.group({ visibility: 'private' })
      const member = await world.member('groups', group.id, ACCESS_LEVELS.reporter)
      const wanted = { userId: Number(id), name: 'chosen', scopes: ['api' as const], expiresOn: null }
      for (const secret of [unique('pat-chosen'), `${unique('pat-chosen')}.${member.id.toString(36)}`]) {
        await door.database().tokens.create(secret, wanted, new Date().toISOString())
        expect(await get({ token: secret }, '/user')).toMatchObject({ status: 200, json: { id } })
        expect(await get({ token: secret }, `/groups/${group.id}/packages`)).toMatchObject({ status: 404 })
        expect((await get({ token: secret }, `/groups?search=${group.path}`)).json).toEqual([])
      }
      expect(await get(member, `/groups/${group.id}/packages`)).toMatchObject({ status: 200 })
      expect((await get(member, `/groups?search=${group.path}`)).json).toHaveLength(1)
    })

    it('shows a secret once and never again, and does not store it', async () => {
      const user = await newUser()
      const { id, who } = await token(user.id)
      const secret = String(who.token)

      const query = `private_token=${secret}`
      for (const reply of [
        await get(who, '/user'),
        await get(anonymous, `/user?${query}`),
        await get(anonymous, `/groups?${query}&per_page=1`),
        await get(anonymous, `/projects?${query}&per_page=1`),
        await get(anonymous, `/projects?access_token=${secret}&page=a`),
        await get({ token: `${secret}x` }, '/user'),
        await post(root, user.id, { name: 'another', scopes: ['api'] }),
        await revoke(who, id),
        await get(who, '/user'),
        await revoke(root, id),
      ]) {
        expect(JSON.stringify(reply)).not.toContain(secret)
      }
      const stored = await tokensOf(user.id)
      expect(stored.map(({ name }) => name)).toEqual(['test', 'another'])
      expect(JSON.stringify(stored)).not.toContain(secret)
    })

    it('makes ten tokens of the same name at the same moment, each with a secret of its own', async () => {
      const user = await newUser()
      const replies = await tenAtOnce(() => post(root, user.id, { name: 'same', scopes: ['read_api'] }))
      expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201))
      const secrets = replies.map((reply) => String(made(reply).token))
      expect(new Set(secrets).size).toBe(10)
      for (const secret of secrets) {
        expect(await get({ token: secret }, '/user')).toMatchObject({ status: 200, json: { id: user.id } })
      }
    })

    it('without an end makes a token that ends after 365 days', async () => {
      const user = await newUser()
      for (const more of [{}, { expires_at: null }, { expires_at: '' }]) {
        const before = dayIn(365)
        const reply = await post(root, user.id, { name: 'year', scopes: ['api'], ...more })
        expect(reply).toMatchObject({ status: 201, json: { active: true } })
        // The day may have turned meanwhile.
        expect([before, dayIn(365)]).toContain(made(reply).expires_at)
      }
    })

    it('takes today as the end, and the token has ended', async () => {
      const user = await newUser()
      const today = dayIn(0)
      const reply = await post(root, user.id, { name: 'over', scopes: ['api'], expires_at: today })
      expect(reply).toMatchObject({ status: 201, json: { active: false, expires_at: today, revoked: false } })
      const refused = await get({ token: String(made(reply).token) }, '/user')
      expect([refused.status, refused.json]).toEqual([401, EXPIRED])
    })

    it.each<[string, unknown, string[]]>([
      ['a JSON array', ['read_api', 'api'], ['read_api', 'api']],
      ['a text with commas', 'api, read_api', ['api', 'read_api']],
      ['equal ones once', ['api', 'read_api', 'api'], ['api', 'read_api']],
      ["all of GitLab's", SCOPES, SCOPES],
    ])('takes scopes as %s', async (_what, scopes, taken) => {
      const user = await newUser()
      expect(await post(root, user.id, { name: 'x', scopes })).toMatchObject({ status: 201, json: { scopes: taken } })
    })

    it.each([
      ['api', 200, 201],
      ['read_api', 200, 403],
      ['read_registry', 403, 403],
      ['sudo', 403, 403],
    ])(
      'makes a token with the scope %s that is answered %i when it reads and %i when it writes',
      async (scope, reads, writes) => {
        const { who } = await token((await newUser()).id, { scopes: [scope] })
        const read = await get(who, '/user')
        const write = await world.call(who, 'POST', '/projects', { name: 'Written' })
        expect([read.status, write.status]).toEqual([reads, writes])
        if (read.status === 403) expect(read.json).toEqual({ ...TOO_NARROW, scope: 'api read_api' })
        if (write.status === 403) expect(write.json).toEqual({ ...TOO_NARROW, scope: 'api' })
      },
    )

    it('takes a form, a query and a JSON body alike, and the body wins over the query', async () => {
      const user = await newUser()
      const path = pathOf(user.id)
      const fields = (name: string) => `name=${name}&scopes[]=api&scopes[]=read_api&expires_at=2999-01-01`
      const json = (name: string) => JSON.stringify({ name, scopes: ['api', 'read_api'], expires_at: '2999-01-01' })

      for (const [name, reply] of [
        ['form', await send(world, root, path, fields('form'), FORM)],
        ['query', await world.call(root, 'POST', `${path}?${fields('query')}`)],
        ['json', await send(world, root, path, json('json'), 'application/json; charset=utf-8')],
        ['both', await send(world, root, `${path}?${fields('never')}`, json('both'))],
      ] as const) {
        const expected = { name, scopes: ['api', 'read_api'], expires_at: '2999-01-01' }
        expect(reply).toMatchObject({ status: 201, json: expected })
      }
    })

    describe('refuses, and makes no token:', () => {
      let user: { id: number }
      beforeAll(async () => {
        user = await newUser()
      })
      afterEach(async () => {
        expect(await tokensOf(user.id)).toEqual([])
      })

      it.each<[string, Json, Json]>([
        ['no parameter at all', {}, { error: 'name is missing, scopes is missing' }],
        ['no name', { scopes: ['api'] }, { error: 'name is missing' }],
        ['no scopes', { name: 'x' }, { error: 'scopes is missing' }],
        ['scopes that are null', { name: 'x', scopes: null }, { error: 'scopes is missing' }],
        ['an empty list of scopes', { name: 'x', scopes: [] }, { message: { scopes: ["can't be blank"] } }],
        ['an unknown scope', { name: 'x', scopes: ['root'] }, { error: 'scopes does not have a valid value' }],
        [
          'an unknown scope beside a known one',
          { name: 'x', scopes: ['api', 'root'] },
          { error: 'scopes does not have a valid value' },
        ],
        ['a scope in another case', { name: 'x', scopes: ['API'] }, { error: 'scopes does not have a valid value' }],
        ['an empty text of scopes', { name: 'x', scopes: '' }, { error: 'scopes does not have a valid value' }],
        ['a scope that is an array', { name: 'x', scopes: [['api']] }, { error: 'scopes is invalid' }],
        ['a scope that is null', { name: 'x', scopes: ['api', null] }, { error: 'scopes is invalid' }],
        ['a scope with NUL', { name: 'x', scopes: ['api\0'] }, { error: 'scopes is invalid' }],
        ['scopes that are an object', { name: 'x', scopes: { api: true } }, { error: 'scopes is invalid' }],
        ['a blank name', { name: ' ', scopes: ['api'] }, { message: { name: ["can't be blank"] } }],
        [
          'a name of 256 characters',
          { name: 'n'.repeat(256), scopes: ['api'] },
          { message: { name: ['is too long (maximum is 255 characters)'] } },
        ],
        [
          'a name of 10,000 characters',
          { name: 'n'.repeat(10_000), scopes: ['api'] },
          { message: { name: ['is too long (maximum is 255 characters)'] } },
        ],
        [
          'a name of two lines',
          { name: 'a\nb', scopes: ['api'] },
          { message: { name: ['cannot contain control characters'] } },
        ],
        ['a name with NUL', { name: '\0', scopes: ['api'] }, { error: 'name is invalid' }],
        ['a name that is an object', { name: {}, scopes: ['api'] }, { error: 'name is invalid' }],
        [
          'an end in the past',
          { name: 'x', scopes: ['api'], expires_at: '2020-01-01' },
          { message: { expires_at: ['cannot be a date in the past'] } },
        ],
        [
          'several parameters of the wrong type, all told at once',
          { name: [], scopes: 'root', expires_at: 'soon' },
          { error: 'name is invalid, scopes does not have a valid value, expires_at is invalid' },
        ],
        [
          'several values that break a rule, all told at once',
          { name: '', scopes: [], expires_at: '0001-01-01' },
          {
            message: {
              name: ["can't be blank"],
              scopes: ["can't be blank"],
              expires_at: ['cannot be a date in the past'],
            },
          },
        ],
      ])('%s', async (_what, body, json) => {
        const reply = await post(root, user.id, body)
        expect([reply.status, reply.json]).toEqual([400, json])
      })

      it.each(['soon', '31.12.2999', '2999-1-1', '2999-02-30', '2999-13-01', '99999-01-01', 29_991_231, {}, [], '\0'])(
        'the expires_at %j',
        async (expiresAt) => {
          expect(await post(root, user.id, { name: 'x', scopes: ['api'], expires_at: expiresAt })).toMatchObject({
            status: 400,
            json: { error: 'expires_at is invalid' },
          })
        },
      )

      it.each(brokenBodies)('the JSON body %j', async (body, error) => {
        expect(await send(world, root, pathOf(user.id), body)).toMatchObject({ status: 400, json: { error } })
      })

      it('everybody but an administrator, the user himself included, whatever he sends', async () => {
        const other = await world.user()
        const himself = await newUser()
        const { who } = await token(himself.id)
        for (const [caller, userId] of [
          [other, user.id],
          [other, other.id],
          [who, himself.id],
          [other, 999_999_999],
          [other, 'abc'],
        ] as const) {
          for (const body of ['{"name":"x","scopes":["api"]}', '{', '']) {
            const reply = await send(world, caller, pathOf(userId), body)
            expect([reply.status, reply.json]).toEqual([403, NO_ADMINISTRATOR])
          }
        }
        expect(await tokensOf(himself.id)).toHaveLength(1)
      })

      it('anonymous callers, whether the user is there or not, byte for byte alike', async () => {
        const missing = told(await send(world, anonymous, pathOf(999_999_999), '{'))
        expect(missing).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
        for (const [userId, body] of [
          [user.id, '{"name":"x","scopes":["api"]}'],
          [user.id, ''],
          ['abc', '[]'],
        ] as const) {
          expect(told(await send(world, anonymous, pathOf(userId), body))).toEqual(missing)
        }
      })

      it('a token that nobody has and one that only reads', async () => {
        const body = { name: 'x', scopes: ['api'] }
        const reader = await world.user(['read_api'], { admin: true })
        expect(await post({ token: 'pat-nobody' }, user.id, body)).toMatchObject({ status: 401, json: UNAUTHORIZED })
        expect(await post(reader, user.id, body)).toMatchObject({ status: 403, json: { ...TOO_NARROW, scope: 'api' } })
      })
    })

    it.each(NO_RECORDS)('answers 404 for the user %s, who is not there', async (userId) => {
      const reply = await post(root, userId, { name: 'x', scopes: ['api'] })
      expect([reply.status, reply.json]).toEqual([404, NO_USER])
    })

    it.each(['abc', 'root', '1.5', '%20', '1%00', 'a'.repeat(3000)])('refuses the user_id %s', async (userId) => {
      const reply = await post(root, userId, { name: 'x', scopes: ['api'] })
      expect([reply.status, reply.json]).toEqual([400, { error: 'user_id is invalid' }])
    })
  })

  describe('DELETE /personal_access_tokens/:token_id', () => {
    it("revokes one of the caller's own tokens from now on, also the one he calls with", async () => {
      const user = await newUser()
      const [one, two] = [await token(user.id), await token(user.id)]

      expect(await world.call(one.who, 'DELETE', `/personal_access_tokens/${two.id}`, {})).toMatchObject({
        status: 204,
        text: '',
      })
      const refused = await get(two.who, '/user')
      expect([refused.status, refused.json]).toEqual([401, REVOKED])
      expect(await get(one.who, '/user')).toMatchObject({ status: 200 })

      expect(await revoke(one.who, one.id)).toMatchObject({ status: 204 })
      const gone = await revoke(one.who, one.id)
      expect([gone.status, gone.json]).toEqual([401, REVOKED])
      expect(await get(one.who, '/groups')).toMatchObject({ status: 401 })
    })

    it('revokes any token for an administrator, also one that has ended, and twice without an error', async () => {
      const user = await newUser()
      const administrator = await world.user(['api'], { admin: true })
      const [current, ended] = [await token(user.id), await token(user.id, { expires_at: dayIn(0) })]

      for (const { id } of [current, ended, current]) {
        expect(await revoke(administrator, id)).toMatchObject({ status: 204 })
      }
      for (const { who } of [current, ended]) {
        const refused = await get(who, '/user')
        expect([refused.status, refused.json]).toEqual([401, REVOKED])
      }
    })

    it('takes ten requests to revoke one token at the same moment', async () => {
      const user = await newUser()
      const { id, who } = await token(user.id)
      const replies = await tenAtOnce(() => revoke(root, id))
      expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(204))
      expect(await get(who, '/user')).toMatchObject({ status: 401 })
    })

    it("answers for another's token and for a missing one alike, byte for byte, and revokes nothing", async () => {
      const other = await token((await newUser()).id)
      const caller = await world.user()
      const missing = told(await revoke(caller, 999_999_999))

      expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NO_TOKEN) })
      for (const id of [other.id, ...NO_RECORDS]) expect(told(await revoke(caller, id))).toEqual(missing)
      expect(told(await revoke(root, 999_999_999))).toEqual(missing)
      expect(await get(other.who, '/user')).toMatchObject({ status: 200 })
    })

    it.each(['abc', '1.5', '%20', '1%00', 'a'.repeat(3000)])('refuses the token_id %s', async (id) => {
      const reply = await revoke(root, id)
      expect([reply.status, reply.json]).toEqual([400, { error: 'token_id is invalid' }])
    })

    it('asks an anonymous caller for a login, whether the token is there or not', async () => {
      const { id, who } = await token((await newUser()).id)
      const missing = told(await revoke(anonymous, 999_999_999))
      expect(missing).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
      for (const tokenId of [id, 'abc']) expect(told(await revoke(anonymous, tokenId))).toEqual(missing)
      expect(await get(who, '/user')).toMatchObject({ status: 200 })
    })

    it('refuses a token that nobody has and one that only reads', async () => {
      const user = await newUser()
      const { id, who } = await token(user.id, { scopes: ['read_api'] })
      expect(await revoke({ token: 'pat-nobody' }, id)).toMatchObject({ status: 401, json: UNAUTHORIZED })
      const reply = await revoke(who, id)
      expect([reply.status, reply.json]).toEqual([403, { ...TOO_NARROW, scope: 'api' }])
      expect(await get(who, '/user')).toMatchObject({ status: 200 })
    })
  })
})
