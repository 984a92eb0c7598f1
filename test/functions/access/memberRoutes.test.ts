import { doors, through } from '../../support/doors.ts'
import { createWorld, dayIn, type Json, unique, type Who } from '../../support/world.ts'
import { addExpired, type Cast, castOf, rows, statuses, told } from './cast.ts'

const KINDS = [
  { kind: 'groups', one: 'group', missing: '404 Group Not Found', least: 'Owner' },
  { kind: 'projects', one: 'project', missing: '404 Project Not Found', least: 'Maintainer' },
] as const
const NO_MEMBER = { message: '404 Not found' }
const UNAUTHORIZED = { message: '401 Unauthorized' }

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get, call } = world
  beforeAll(() => door.open())

  describe.each(KINDS)('of $kind', ({ kind, one, missing, least }) => {
    const place = async (visibility = 'private') => {
      const above = (await world.group({ visibility })).id
      const { id } = await (kind === 'groups'
        ? world.group({ visibility, parent_id: above })
        : world.project({ visibility, namespace_id: above }))
      return { id, above, path: `/${kind}/${id}/members` }
    }
    const change = (who: Who, path: string, userId: unknown, body: Json) => call(who, 'PUT', `${path}/${userId}`, body)

    describe('reading', () => {
      it(`of a ${one} is for whoever sees it and is signed in`, async () => {
        const { id, path } = await place()
        const expected = [401, 404, 200, 200, 200, 200, 200]
        const cast = await castOf(world, kind, id)
        for (const list of [path, `${path}/all`, `${path}/${cast.guest.id}`, `${path}/all/${cast.guest.id}`]) {
          expect([list, await statuses(cast, (who) => get(who, list))]).toEqual([list, expected])
        }
      })

      it('of what is hidden and of what is missing is answered alike', async () => {
        const { path } = await place()
        const stranger = await world.user()
        for (const rest of ['', '/all', '/abc', `/${stranger.id}`, '/all/abc', '?page=a']) {
          const hidden = told(await get(stranger, `${path}${rest}`))
          expect(hidden).toEqual(told(await get(stranger, `/${kind}/999999999/members${rest}`)))
          expect(hidden).toMatchObject({ status: 404, text: JSON.stringify({ message: missing }) })
          expect(told(await get(anonymous, `${path}${rest}`))).toMatchObject({
            status: 401,
            text: JSON.stringify(UNAUTHORIZED),
          })
        }
      })

      it('lists the members of the place itself, and with /all those of the groups around it', async () => {
        const { id, above, path } = await place()
        const direct = await world.member(kind, id, 30, dayIn(3))
        const inherited = await world.member('groups', above, 20)
        const both = await world.member('groups', above, 40)
        await world.make(path, { user_id: both.id, access_level: 10 })
        const raised = await world.member('groups', above, 10)
        await world.make(path, { user_id: raised.id, access_level: 50 })
        const ended = await world.user()
        await addExpired(world, ended.id, { kind: one, id }, [above])
        const listed = async (list: string) =>
          rows(await get(direct, list))
            .filter(({ username }) => username !== 'root')
            .map(({ id: userId, access_level }) => [userId, access_level])

        expect(await listed(path)).toEqual([
          [direct.id, 30],
          [both.id, 10],
          [raised.id, 50],
        ])
        expect(await listed(`${path}/all`)).toEqual([
          [direct.id, 30],
          [inherited.id, 20],
          [both.id, 40],
          [raised.id, 50],
        ])

        const made = rows(await get(direct, path)).find(({ id: userId }) => userId === direct.id)
        expect(made).toEqual({
          id: direct.id,
          username: direct.username,
          name: direct.username,
          state: 'active',
          avatar_url: null,
          web_url: `${door.origin}/${direct.username}`,
          access_level: 30,
          created_at: expect.any(String),
          expires_at: dayIn(3),
          membership_state: 'active',
        })
        expect((await get(direct, `${path}/${direct.id}`)).json).toEqual(made)
        expect((await get(direct, `${path}/all/${both.id}`)).json).toMatchObject({ id: both.id, access_level: 40 })
        for (const nobody of [
          `${path}/${inherited.id}`,
          `${path}/${ended.id}`,
          `${path}/all/${ended.id}`,
          `${path}/0`,
        ]) {
          const reply = await get(direct, nobody)
          expect([nobody, reply.status, reply.json]).toEqual([nobody, 404, NO_MEMBER])
        }
        expect(await get(direct, `${path}/all/${inherited.id}`)).toMatchObject({ status: 200 })
        expect(await get(direct, `${path}/abc`)).toMatchObject({ status: 400, json: { error: 'user_id is invalid' } })
      })

      it('filters by names and ids, and pages', async () => {
        const { id, path } = await place()
        const members = []
        for (let made = 0; made < 3; made++) members.push(await world.member(kind, id, 10))
        const [one_, two, three] = members as [Cast['guest'], Cast['guest'], Cast['guest']]
        const listed = async (query: string) => {
          const reply = await get(one_, `${path}?${query}`)
          expect(reply.headers['x-total']).toBeDefined()
          return rows(reply).map(({ id: userId }) => userId)
        }
        expect(await listed(`query=${two.username.toUpperCase()}`)).toEqual([two.id])
        expect(await listed(`query=${two.username}@example.com`)).toEqual([])
        expect(await listed(`user_ids[]=${one_.id}&user_ids[]=${three.id}&user_ids[]=999999999`)).toEqual([
          one_.id,
          three.id,
        ])
        expect(await listed(`user_ids=${one_.id},${two.id}&query=user`)).toEqual([one_.id, two.id])
        const all = await get(one_, `${path}?user_ids=${members.map((member) => member.id)}&per_page=2&page=2`)
        expect(rows(all).map(({ id: userId }) => userId)).toEqual([three.id])
        expect(all.headers).toMatchObject({ 'x-total': '3', 'x-total-pages': '2', 'x-prev-page': '1' })
        expect(await get(one_, `${path}?user_ids=x`)).toMatchObject({
          status: 400,
          json: { error: 'user_ids is invalid' },
        })
      })
    })

    describe('PUT /members/:user_id', () => {
      it(`of a ${one} is for ${least}s`, async () => {
        const { id, path } = await place()
        const cast = await castOf(world, kind, id)
        const member = await world.member(kind, id, 10)
        const maintainer = kind === 'groups' ? 403 : 200
        const got = await statuses(cast, (who) => change(who, path, member.id, { access_level: 20 }))
        expect(got).toEqual([401, 404, 403, 403, maintainer, 200, 200])
        const reader = await world.user(['read_api'], { admin: true })
        expect(await change(reader, path, member.id, { access_level: 20 })).toMatchObject({
          status: 403,
          json: { error: 'insufficient_scope' },
        })
      })

      it('asks for the right before the id and the parameters, and hides what is hidden', async () => {
        const { id, path } = await place()
        const [developer, stranger] = [await world.member(kind, id, 30), await world.user()]
        for (const userId of ['abc', '0', '999999999', developer.id]) {
          expect(await change(developer, path, userId, { access_level: 'x' })).toMatchObject({
            status: 403,
            json: { message: `403 Forbidden - this needs the role ${least} in the ${one}` },
          })
          const hidden = told(await change(stranger, path, userId, {}))
          expect(hidden).toEqual(told(await change(stranger, `/${kind}/999999999/members`, userId, {})))
          expect(hidden).toMatchObject({ status: 404, text: JSON.stringify({ message: missing }) })
          expect(told(await change(anonymous, path, userId, {}))).toEqual(
            told(await change(anonymous, `/${kind}/999999999/members`, userId, {})),
          )
        }
      })

      it('changes the role and its end, both items of it, with the next request', async () => {
        const { id, path } = await place()
        const member = await world.member(kind, id, 10)
        const body = { access_level: 30, expires_at: dayIn(5), user_id: 1, id: 1, is_admin: true, unknown: [] }
        const reply = await change(root, path, member.id, body)
        expect(reply).toMatchObject({ status: 200, json: { id: member.id, access_level: 30, expires_at: dayIn(5) } })
        expect((await get(member, `${path}/${member.id}`)).json).toEqual(reply.json)
        expect(rows(await get(member, path))).toContainEqual(reply.json)

        // What is left out stays; blank and JSON's null take the end away.
        expect(await change(root, path, member.id, { access_level: 20 })).toMatchObject({
          json: { access_level: 20, expires_at: dayIn(5) },
        })
        for (const none of ['', null]) {
          await change(root, path, member.id, { access_level: 20, expires_at: dayIn(5) })
          expect(await change(root, path, member.id, { access_level: 20, expires_at: none })).toMatchObject({
            json: { expires_at: null },
          })
        }
        expect(await change(root, path, member.id, { access_level: 20, expires_at: dayIn(0) })).toMatchObject({
          status: 200,
        })
        expect(await get(member, path)).toMatchObject({ status: 404 })
        expect(await change(root, path, member.id, { access_level: 20 })).toMatchObject({
          status: 404,
          json: NO_MEMBER,
        })
      })

      it.each([
        [{}, { error: 'access_level is missing' }],
        [{ access_level: 'x' }, { error: 'access_level is invalid' }],
        [{ access_level: 45 }, { error: 'access_level does not have a valid value' }],
        [{ access_level: 60 }, { error: 'access_level does not have a valid value' }],
        [{ access_level: 10, expires_at: 'soon' }, { error: 'expires_at is invalid' }],
        [{ access_level: 10, expires_at: '2020-01-01' }, { message: { expires_at: ['cannot be a date in the past'] } }],
      ])('refuses %j', async (body, json) => {
        const { id, path } = await place()
        const member = await world.member(kind, id, 10)
        const reply = await change(root, path, member.id, body)
        expect([reply.status, reply.json]).toEqual([400, json])
        expect(await get(member, `${path}/${member.id}`)).toMatchObject({
          json: { access_level: 10, expires_at: null },
        })
      })

      it('finds members of the place itself only', async () => {
        const { above, path } = await place()
        const inherited = await world.member('groups', above, 20)
        for (const userId of [inherited.id, (await world.user()).id, 0, 999_999_999]) {
          const reply = await change(root, path, userId, { access_level: 10 })
          expect([reply.status, reply.json]).toEqual([404, NO_MEMBER])
        }
        expect(await change(root, path, 'abc', { access_level: 10 })).toMatchObject({
          status: 400,
          json: { error: 'user_id is invalid' },
        })
      })

      it('ends in one of two states when two ask at once, the same in both items', async () => {
        const { id, path } = await place()
        const member = await world.member(kind, id, 10)
        const levels = [20, 30, 40, 20, 30, 40, 20, 30, 40, 20]
        const replies = await Promise.all(levels.map((level) => change(root, path, member.id, { access_level: level })))
        expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200))
        const one_ = (await get(member, `${path}/${member.id}`)).json as Json
        expect(levels).toContain(one_.access_level)
        expect(rows(await get(member, path))).toContainEqual(one_)
      })

      it('and DELETE at the same moment leave no half of a member', async () => {
        const { id, path } = await place()
        const member = await world.member(kind, id, 10)
        const [changed, removed] = await Promise.all([
          change(root, path, member.id, { access_level: 30 }),
          call(root, 'DELETE', `${path}/${member.id}`),
        ])
        expect([200, 404]).toContain(changed?.status)
        expect(removed?.status).toBe(204)
        expect(await get(root, `${path}/${member.id}`)).toMatchObject({ status: 404 })
        expect(rows(await get(root, path)).map(({ id: userId }) => userId)).not.toContain(member.id)
      })
    })
  })

  it('nobody gives or changes a role above his own', async () => {
    const project = await world.project({ visibility: 'private' })
    const path = `/projects/${project.id}/members`
    const put = (who: Who, userId: number, level: number) =>
      call(who, 'PUT', `${path}/${userId}`, { access_level: level })
    const cast = await castOf(world, 'projects', project.id)
    for (const [who, userId, level] of [
      [cast.maintainer, cast.guest.id, 50],
      [cast.maintainer, cast.maintainer.id, 50],
      [cast.maintainer, 999_999_999, 50],
    ] as const) {
      expect(await put(who, userId, level)).toMatchObject({
        status: 403,
        json: { message: '403 Forbidden - nobody can give a role above his own' },
      })
    }
    expect(await put(cast.maintainer, cast.owner.id, 10)).toMatchObject({
      status: 403,
      json: { message: '403 Forbidden - nobody can change a member with a role above his own' },
    })
    expect(await get(cast.owner, `${path}/${cast.owner.id}`)).toMatchObject({ json: { access_level: 50 } })
    expect(await put(cast.owner, cast.maintainer.id, 50)).toMatchObject({ status: 200 })
    expect(await put(cast.maintainer, cast.owner.id, 10)).toMatchObject({ status: 200 })
    expect(await put(cast.administrator, cast.guest.id, 50)).toMatchObject({ status: 200 })
  })

  it('the owner of a personal namespace is a member of its projects', async () => {
    const owner = await world.user()
    const project = await world.make('/projects', { name: unique('own'), visibility: 'public' }, owner)
    for (const rest of ['members', 'members/all']) {
      const reply = await get(await world.user(), `/projects/${project.id}/${rest}`)
      expect(rows(reply).map(({ id, access_level }) => [id, access_level])).toEqual([[owner.id, 50]])
    }
    expect(await get(owner, `/projects/${project.id}/members/${owner.id}`)).toMatchObject({ status: 200 })
  })

  describe('the last owner of a top-level group', () => {
    const groupOf = async (maker: Who) => {
      const path = unique('owned')
      const { id } = await world.make('/groups', { name: path, path, visibility: 'private' }, maker)
      return `/groups/${id}/members`
    }
    const put = (who: Who, path: string, userId: number, body: Json) => call(who, 'PUT', `${path}/${userId}`, body)
    const LOST = { message: '403 Forbidden - the last owner of a group cannot lose that role' }

    it('keeps his role for good', async () => {
      const maker = await world.user()
      const path = await groupOf(maker)
      for (const body of [{ access_level: 40 }, { access_level: 50, expires_at: dayIn(9) }]) {
        const reply = await put(root, path, maker.id, body)
        expect([reply.status, reply.json]).toEqual([403, LOST])
      }
      expect(await put(maker, path, maker.id, { access_level: 50 })).toMatchObject({ status: 200 })
      const other = await world.user()
      await world.make(path, { user_id: other.id, access_level: 50, expires_at: dayIn(9) })
      expect(await put(root, path, maker.id, { access_level: 40 })).toMatchObject({ status: 403, json: LOST })
      expect(await put(root, path, other.id, { access_level: 50, expires_at: '' })).toMatchObject({ status: 200 })
      expect(await put(root, path, maker.id, { access_level: 40 })).toMatchObject({ status: 200 })
    })

    it.each([{ access_level: 40 }, { access_level: 50, expires_at: dayIn(9) }])(
      'is one of the two owners of whom each is changed to %j at the same moment',
      async (body) => {
        const [one, other] = [await world.user(), await world.user()]
        const path = await groupOf(one)
        await world.make(path, { user_id: other.id, access_level: 50 })
        const replies = await Promise.all([put(root, path, one.id, body), put(root, path, other.id, body)])
        expect(replies.map(({ status }) => status).sort()).toEqual([200, 403])
      },
    )

    it('is one of the two when one is removed and the other lowered at the same moment', async () => {
      const [one, other] = [await world.user(), await world.user()]
      const path = await groupOf(one)
      await world.make(path, { user_id: other.id, access_level: 50 })
      const replies = await Promise.all([
        put(root, path, one.id, { access_level: 10 }),
        call(root, 'DELETE', `${path}/${other.id}`),
      ])
      expect(replies.filter(({ status }) => status === 403)).toHaveLength(1)
      const owners = rows(await get(root, path)).filter(({ access_level }) => access_level === 50)
      expect(owners).toHaveLength(1)
    })

    it('of a subgroup may go', async () => {
      const top = await world.group()
      const sub = await world.group({ parent_id: top.id })
      const member = await world.member('groups', sub.id, 50)
      const { id } = (await get(root, '/user')).json as { id: number }
      const path = `/groups/${sub.id}/members`
      expect(await put(root, path, id, { access_level: 10 })).toMatchObject({ status: 200 })
      expect(await put(root, path, member.id, { access_level: 10 })).toMatchObject({ status: 200 })
    })
  })
})
