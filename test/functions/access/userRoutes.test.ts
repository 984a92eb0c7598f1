import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique } from '../../support/world.ts'
import { idsOf, rows, told } from './cast.ts'

const NO_LIST = { message: '403 Forbidden - Not authorized to access /api/v4/users' }
const NO_USER = { message: '404 User Not Found' }
const BASIC = ['id', 'username', 'name', 'state', 'avatar_url', 'web_url']
const OWN = ['email', 'commit_email', 'is_admin', 'namespace_id', 'created_at']

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  beforeAll(() => door.open())

  describe('GET /users', () => {
    it('is for who is signed in, or asks for one user by name', async () => {
      const user = await world.user()
      for (const query of ['', '?search=user', '?username=', '?page=1&per_page=1']) {
        const reply = await get(anonymous, `/users${query}`)
        expect([query, reply.status, reply.json]).toEqual([query, 403, NO_LIST])
      }
      const one = await get(anonymous, `/users?username=${user.username.toUpperCase()}`)
      expect([one.status, idsOf(one)]).toEqual([200, [user.id]])
      expect(Object.keys(rows(one)[0] as Json)).toEqual(BASIC)
      expect((await get(anonymous, '/users?username=nobody-at-all')).json).toEqual([])
      expect((await get(anonymous, `/users?username=${'a'.repeat(3000)}`)).json).toEqual([])
      expect(await get({ token: 'pat-nobody' }, '/users?username=root')).toMatchObject({ status: 401 })
      expect(await get(await world.user(['read_registry']), '/users')).toMatchObject({ status: 403 })
    })

    it('shows the newest first, page by page, and each field to whom it is for', async () => {
      const tag = unique('many').toUpperCase()
      const made = []
      for (const letter of ['c', 'a', 'b']) {
        const username = `${tag}-${letter}`
        const user = { username, name: `${letter} person`, email: `${username}@Example.com` }
        made.push((await world.make('/users', user)).id)
      }
      const stranger = await world.user()
      const all = await get(stranger, `/users?search=${tag.toLowerCase()}`)
      expect([all.status, idsOf(all), all.headers['x-total']]).toEqual([200, made.toReversed(), '3'])
      expect(Object.keys(rows(all)[0] as Json)).toEqual(BASIC)

      const second = await get(stranger, `/users?search=${tag}&per_page=2&page=2`)
      expect(idsOf(second)).toEqual(made.slice(0, 1))
      expect(second.headers).toMatchObject({ 'x-page': '2', 'x-total-pages': '2', 'x-prev-page': '1' })
      expect(second.headers.link).toContain(`/api/v4/users?page=1&per_page=2&search=${tag}`)

      const [seen] = rows(await get(root, `/users?search=${tag}-A`))
      expect(seen).toMatchObject({ email: `${tag}-a@Example.com`, is_admin: false })
      expect(Object.keys(seen as Json)).toEqual(expect.arrayContaining(OWN))
    })

    it('finds an address for administrators only, and only the whole of it', async () => {
      const user = await world.user()
      const address = `${user.username}@example.com`
      expect(idsOf(await get(root, `/users?search=${address.toUpperCase()}`))).toEqual([user.id])
      expect(idsOf(await get(root, '/users?search=@example.com'))).toEqual([])
      expect(idsOf(await get(user, `/users?search=${address}`))).toEqual([])
    })

    it('takes both filters at once', async () => {
      const user = await world.user()
      expect(idsOf(await get(user, `/users?username=${user.username}&search=${user.username}`))).toEqual([user.id])
      expect(idsOf(await get(user, `/users?username=${user.username}&search=else`))).toEqual([])
      expect(idsOf(await get(user, '/users?username='))).toEqual([])
      expect(await get(user, '/users?per_page=0')).toMatchObject({ status: 400 })
    })
  })

  describe('GET /users/:user_id', () => {
    it('is for who is signed in; administrators see all fields', async () => {
      const [user, stranger] = [await world.user(), await world.user()]
      expect(await get(anonymous, `/users/${user.id}`)).toMatchObject({
        status: 403,
        json: { message: '403 Forbidden - Not authorized!' },
      })
      for (const who of [stranger, user]) {
        const reply = await get(who, `/users/${user.id}`)
        expect([reply.status, Object.keys(reply.json as Json)]).toEqual([
          200,
          [...BASIC, 'created_at', 'public_email', 'bot'],
        ])
        expect(reply.json).toMatchObject({ id: user.id, username: user.username, public_email: null })
      }
      const own = await get(user, '/user')
      expect((await get(root, `/users/${user.id}`)).json).toEqual(own.json)
    })

    it('is a clear refusal for who is not there, and anonymous callers hear nothing else', async () => {
      const user = await world.user()
      for (const id of ['0', '-1', '999999999', '9'.repeat(30)]) {
        const reply = await get(user, `/users/${id}`)
        expect([id, reply.status, reply.json]).toEqual([id, 404, NO_USER])
      }
      expect(await get(user, '/users/abc')).toMatchObject({ status: 400, json: { error: 'id is invalid' } })
      const there = told(await get(anonymous, `/users/${user.id}`))
      for (const id of ['999999999', 'abc']) expect(told(await get(anonymous, `/users/${id}`))).toEqual(there)
    })
  })

  describe('reserved names', () => {
    const words = (path: string) => `${path} is a reserved name`

    it.each(['admin', 'API', 'users', 'robots.txt', 's', 'v2', '404.html', 'favicon.ico'])(
      'no user and no top-level group is called %s',
      async (path) => {
        const user = { username: path, name: 'x', email: `${unique('x')}@example.com` }
        expect(await world.call(root, 'POST', '/users', user)).toMatchObject({
          status: 400,
          json: { message: { username: [words(path)] } },
        })
        expect(await world.call(root, 'POST', '/groups', { name: 'x', path })).toMatchObject({
          status: 400,
          json: { message: `Failed to save group {:path=>["${words(path)}"]}` },
        })
      },
    )

    it.each(['packages', 'Tree', 'create_dir', 'wikis', 'new'])(
      'no project and no subgroup is called %s, but a top-level group may be',
      async (path) => {
        const group = await world.group()
        expect(await world.call(root, 'POST', '/projects', { path, namespace_id: group.id })).toMatchObject({
          status: 400,
          json: { message: { path: [words(path)] } },
        })
        expect(await world.call(root, 'POST', '/groups', { name: 'x', path, parent_id: group.id })).toMatchObject({
          status: 400,
          json: { message: `Failed to save group {:path=>["${words(path)}"]}` },
        })
        expect([201, 400]).toContain((await world.call(root, 'POST', '/groups', { name: 'x', path })).status)
      },
    )

    it('a subgroup and a project may have the name of a top-level page', async () => {
      const group = await world.group()
      const sub = { name: 'x', path: 'admin', parent_id: group.id }
      expect(await world.call(root, 'POST', '/groups', sub)).toMatchObject({ status: 201 })
      expect(await world.call(root, 'POST', '/projects', { path: 'api', namespace_id: group.id })).toMatchObject({
        status: 201,
      })
    })
  })
})
