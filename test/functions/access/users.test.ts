import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'
import { brokenBodies, FORM, ISO, made, PATH_RULE, send, tenAtOnce, told, UNAUTHORIZED } from './requests.ts'

const NO_ADMINISTRATOR = { message: '403 Forbidden - this needs an administrator' }
const USERNAME_TAKEN = { message: 'Username has already been taken' }
const EMAIL_TAKEN = { message: 'Email has already been taken' }
const TOO_LONG = ['is too long (maximum is 255 characters)']
const BLANK = ["can't be blank"]

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  const post = (who: Who, body: Json) => world.call(who, 'POST', '/users', body)
  const wanted = (username = unique('user')) => ({ username, name: 'Some Body', email: `${username}@example.com` })
  /** Whether there is such a user: nobody else can be made a member. */
  const isUser = async (username: string) => {
    const { id } = await world.group()
    const { status } = await world.call(root, 'POST', `/groups/${id}/members`, { username, access_level: 10 })
    return status === 201
  }
  beforeAll(() => door.open())

  describe('POST /users', () => {
    it('makes a user with a personal namespace, and answers all of his fields and no password', async () => {
      const username = unique('Some.Body')
      const reply = await post(root, {
        ...wanted(username),
        name: 'Zoë 🦉',
        password: 'correct horse',
        force_random_password: true,
        skip_confirmation: true,
      })

      expect([reply.status, reply.json]).toEqual([
        201,
        {
          id: expect.any(Number),
          username,
          name: 'Zoë 🦉',
          state: 'active',
          avatar_url: null,
          web_url: `${door.origin}/${username}`,
          created_at: expect.stringMatching(ISO),
          email: `${username}@example.com`,
          public_email: null,
          commit_email: `${username}@example.com`,
          namespace_id: expect.any(Number),
          is_admin: false,
          external: false,
          bot: false,
        },
      ])
      const { namespace_id } = made(reply)
      expect(await world.call(root, 'POST', '/projects', { name: 'His', namespace_id })).toMatchObject({
        status: 201,
        json: { path_with_namespace: `${username}/his`, namespace: { id: namespace_id, kind: 'user', name: 'Zoë 🦉' } },
      })
    })

    it('takes a form, a query and a JSON body alike, and the body wins over the query', async () => {
      const [form, query, body, both] = [unique('form'), unique('query'), unique('json'), unique('both')]
      const fields = (username: string) =>
        `username=${username}&name=A%20%26%20B&email=${username}%40example.com&admin=1`
      const json = (username: string) => JSON.stringify({ ...wanted(username), name: 'A & B', admin: true })

      for (const [username, reply] of [
        [form, await send(world, root, '/users', fields(form), FORM)],
        [query, await world.call(root, 'POST', `/users?${fields(query)}`)],
        [body, await send(world, root, '/users', json(body), 'application/json; charset=utf-8')],
        [both, await send(world, root, `/users?${fields('never')}&admin=false`, json(both))],
      ] as const) {
        const email = `${username}@example.com`
        expect(reply).toMatchObject({ status: 201, json: { username, name: 'A & B', email, is_admin: true } })
      }
    })

    it.each([
      [true, true],
      ['true', true],
      [1, true],
      ['True', true],
      [false, false],
      ['0', false],
      ['', false],
      [null, false],
    ])('takes %j as admin for %j', async (admin, isAdmin) => {
      const reply = await post(root, { ...wanted(), admin })
      expect(reply).toMatchObject({ status: 201, json: { is_admin: isAdmin } })
    })

    it('an administrator may make users, and one who is none learns only that', async () => {
      const administrator = await world.user(['api'], { admin: true })
      expect(await post(administrator, wanted())).toMatchObject({ status: 201 })

      const user = await world.user()
      const taken = { ...wanted(), username: user.username }
      for (const body of [JSON.stringify(wanted()), JSON.stringify(taken), '{}', '{', '']) {
        const reply = await send(world, user, '/users', body)
        expect([reply.status, reply.json]).toEqual([403, NO_ADMINISTRATOR])
      }
    })

    it('asks an anonymous caller for a login, whatever he sends, byte for byte alike', async () => {
      const first = told(await send(world, anonymous, '/users', '{'))
      expect(first).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
      for (const body of [
        '',
        '[]',
        '{}',
        JSON.stringify(wanted()),
        JSON.stringify({ ...wanted(), username: 'root' }),
      ]) {
        expect(told(await send(world, anonymous, '/users', body))).toEqual(first)
      }
    })

    it('refuses a token that nobody has and one that only reads', async () => {
      const body = wanted()
      expect(await post({ token: 'pat-nobody' }, body)).toMatchObject({ status: 401, json: UNAUTHORIZED })
      const reader = await world.user(['read_api'], { admin: true })
      expect(await post(reader, body)).toMatchObject({
        status: 403,
        json: { error: 'insufficient_scope', scope: 'api' },
      })
      expect(await isUser(body.username)).toBe(false)
    })

    describe('refuses, and makes nobody:', () => {
      const username = unique('refused')
      afterEach(async () => {
        expect(await isUser(username)).toBe(false)
      })

      it.each<[string, Json, Json]>([
        [
          'no parameter at all',
          { email: undefined, name: undefined, username: undefined },
          { error: 'email is missing, name is missing, username is missing' },
        ],
        [
          'parameters that are null',
          { email: null, name: null, username: null },
          { error: 'email is missing, name is missing, username is missing' },
        ],
        ['no e-mail address', { email: undefined }, { error: 'email is missing' }],
        ['no name', { name: undefined }, { error: 'name is missing' }],
        ['no user name', { username: undefined }, { error: 'username is missing' }],
        ['a blank name', { name: ' \t' }, { message: { name: BLANK } }],
        ['a name of 256 characters', { name: 'n'.repeat(256) }, { message: { name: TOO_LONG } }],
        ['a name of 10,000 characters', { name: 'n'.repeat(10_000) }, { message: { name: TOO_LONG } }],
        ['a name of two lines', { name: 'a\nb' }, { message: { name: ['cannot contain control characters'] } }],
        ['a name with NUL', { name: 'a\0' }, { error: 'name is invalid' }],
        ['a name with half a surrogate pair', { name: '\ud83e' }, { error: 'name is invalid' }],
        ['a name that is an array', { name: ['a'] }, { error: 'name is invalid' }],
        ['a user name of 256 characters', { username: 'u'.repeat(256) }, { message: { username: TOO_LONG } }],
        ['a user name of 10,000 characters', { username: 'u'.repeat(10_000) }, { message: { username: TOO_LONG } }],
        ['an empty user name', { username: '' }, { message: { username: [PATH_RULE] } }],
        ['a user name with a blank', { username: 'al ice' }, { message: { username: [PATH_RULE] } }],
        ['a user name with a slash', { username: 'al/ice' }, { message: { username: [PATH_RULE] } }],
        ['a user name that leads upwards', { username: '..' }, { message: { username: [PATH_RULE] } }],
        ['a user name that ends in .git', { username: 'alice.git' }, { message: { username: [PATH_RULE] } }],
        ['a user name with NUL', { username: `${username}\0` }, { error: 'username is invalid' }],
        ['a user name that is an object', { username: { a: 1 } }, { error: 'username is invalid' }],
        ['an empty e-mail address', { email: '' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address without @', { email: 'nobody' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address with two @', { email: 'a@b@c' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address with a blank', { email: 'a b@c' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address of two lines', { email: 'a@b\nc@d' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address with DEL', { email: 'a\x7f@b' }, { message: { email: ['is invalid'] } }],
        ['an e-mail address with NUL', { email: 'a\0@b' }, { error: 'email is invalid' }],
        ['an e-mail address that is a boolean', { email: true }, { message: { email: ['is invalid'] } }],
        [
          'an e-mail address of 255 characters',
          { email: `${'a'.repeat(243)}@example.com` },
          { message: { email: ['is too long (maximum is 254 characters)'] } },
        ],
        [
          'an e-mail address of 10,000 characters',
          { email: `${'a'.repeat(10_000)}@example.com` },
          { message: { email: ['is too long (maximum is 254 characters)'] } },
        ],
        ['an admin that is neither true nor false', { admin: 'maybe' }, { error: 'admin is invalid' }],
        ['an admin that is an array', { admin: [true] }, { error: 'admin is invalid' }],
        [
          'several parameters of the wrong type, all told at once',
          { email: [], name: {}, username: [1], admin: 2 },
          { error: 'email is invalid, name is invalid, username is invalid, admin is invalid' },
        ],
        [
          'several values that break a rule, all told at once',
          { email: 'x', name: '', username: '-' },
          { message: { email: ['is invalid'], name: BLANK, username: [PATH_RULE] } },
        ],
      ])('%s', async (_what, change, json) => {
        const reply = await post(root, { ...wanted(username), ...change })
        expect([reply.status, reply.json]).toEqual([400, json])
      })

      it.each(brokenBodies)('the JSON body %j', async (body, error) => {
        expect(await send(world, root, '/users', body)).toMatchObject({ status: 400, json: { error } })
      })

      it('parameters of the wrong type in a form and in a query', async () => {
        const fields = `username=${username}&name[]=a&email[x]=b`
        const refusal = { status: 400, json: { error: 'email is invalid, name is invalid' } }
        expect(await send(world, root, '/users', fields, FORM)).toMatchObject(refusal)
        expect(await world.call(root, 'POST', `/users?${fields}`)).toMatchObject(refusal)
      })

      it('an e-mail address that is taken, in any case', async () => {
        const other = wanted()
        await world.make('/users', other)
        for (const email of [other.email, other.email.toUpperCase()]) {
          const reply = await post(root, { ...wanted(username), email })
          expect([reply.status, reply.json]).toEqual([409, EMAIL_TAKEN])
        }
      })
    })

    it('refuses a user name that a user or a group has, in any case', async () => {
      const user = await world.user()
      const group = await world.group()
      for (const username of [user.username, user.username.toUpperCase(), String(group.path)]) {
        const reply = await post(root, { ...wanted(), username })
        expect([reply.status, reply.json]).toEqual([409, USERNAME_TAKEN])
      }
    })

    it('takes names and addresses of the greatest length', async () => {
      const username = unique('u'.repeat(246))
      const email = `${unique('e'.repeat(233))}@example.com`
      expect([username.length, email.length]).toEqual([255, 254])
      const reply = await post(root, { username, email, name: '字'.repeat(255) })
      expect(reply).toMatchObject({ status: 201, json: { username, email, name: '字'.repeat(255) } })
      expect(await isUser(username)).toBe(true)
    })

    it('makes one of ten users who want the same name at the same moment, and the others keep their address', async () => {
      const username = unique('race')
      const email = (place: number) => `${place}-${username}@example.com`
      const replies = await tenAtOnce((place) => post(root, { ...wanted(username), email: email(place) }))

      const refused = replies.filter(({ status }) => status !== 201)
      expect(refused.map(({ status, json }) => [status, json])).toEqual(Array(9).fill([409, USERNAME_TAKEN]))
      const free = replies.findIndex(({ status }) => status !== 201)
      expect(await post(root, { ...wanted(), email: email(free) })).toMatchObject({ status: 201 })
    })

    it('makes one of ten users who want the same address at the same moment, and the others keep their name', async () => {
      const { email } = wanted()
      const names = Array.from({ length: 10 }, () => unique('race'))
      const replies = await tenAtOnce((place) => post(root, { ...wanted(names[place]), email }))

      const refused = replies.filter(({ status }) => status !== 201)
      expect(refused.map(({ status, json }) => [status, json])).toEqual(Array(9).fill([409, EMAIL_TAKEN]))
      const free = replies.findIndex(({ status }) => status !== 201)
      expect(await isUser(names[free] ?? '')).toBe(false)
      expect(await post(root, wanted(names[free]))).toMatchObject({ status: 201 })
    })
  })

  describe('GET /user', () => {
    it('tells who the caller is, as the administrator was told when he made him', async () => {
      const body = wanted()
      const user = await world.make('/users', body)
      const token = await world.make(`/users/${user.id}/personal_access_tokens`, { name: 't', scopes: ['read_api'] })
      const reply = await get({ token: String(token.token) }, '/user')
      expect([reply.status, reply.json]).toEqual([200, user])
      expect(user).toMatchObject(body)
    })

    it('tells the administrator that he is one', async () => {
      expect(await get(root, '/user')).toMatchObject({ status: 200, json: { username: 'root', is_admin: true } })
    })
  })

  it('GET /version tells which GitLab is spoken here', async () => {
    const reply = await get(await world.user(['read_api']), '/version')
    expect([reply.status, reply.json]).toEqual([
      200,
      { version: '18.6.0', revision: 'packages-api', enterprise: false },
    ])
  })

  describe.each(['/user', '/version'])('GET %s', (path) => {
    it('asks an anonymous caller for a login', async () => {
      const reply = await get(anonymous, path)
      expect([reply.status, reply.json]).toEqual([401, UNAUTHORIZED])
    })

    it('refuses a token that nobody has, and an empty one as none', async () => {
      for (const token of ['pat-nobody', '', ' ', 'x'.repeat(5000)]) {
        const reply = await get({ token }, path)
        expect([reply.status, reply.json]).toEqual([401, UNAUTHORIZED])
      }
    })

    it('refuses a token without a fitting scope, and names those that would do', async () => {
      const reply = await get(await world.user(['read_registry', 'write_registry']), path)
      expect([reply.status, reply.json]).toEqual([
        403,
        {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api read_api',
        },
      ])
    })
  })
})
