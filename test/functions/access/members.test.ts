import { doors, through } from '../../support/doors.ts'
import { createWorld, dayIn, type Json, unique, type Who } from '../../support/world.ts'
import {
  addExpired,
  BEYOND_DOUBLE,
  brokenBodies,
  FORM,
  ISO,
  NO_INTEGERS,
  NO_RECORDS,
  send,
  tenAtOnce,
  told,
  UNAUTHORIZED,
} from './requests.ts'

/** What differs between members of groups and of projects. */
const KINDS = [
  { kind: 'groups', one: 'group', least: 50, leastName: 'Owner', notFound: '404 Group Not Found' },
  { kind: 'projects', one: 'project', least: 40, leastName: 'Maintainer', notFound: '404 Project Not Found' },
] as const
const NO_MEMBER = { message: '404 Not found' }
const NO_USER = { message: '404 User Not Found' }
const MEMBER_EXISTS = { message: 'Member already exists' }
const LAST_OWNER = { message: '403 Forbidden - the last owner of a group cannot be removed' }

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  const remove = (who: Who, path: string, userId: unknown) => world.call(who, 'DELETE', `${path}/members/${userId}`)
  beforeAll(() => door.open())

  describe.each(KINDS)('of $kind', ({ kind, one, least, leastName, notFound }) => {
    const NOT_FOUND = { message: notFound }
    const NO_RIGHT = { message: `403 Forbidden - this needs the role ${leastName} in the ${one}` }

    /** A private group or project in a private group. */
    const place = async (visibility = 'private') => {
      const above = await world.group({ visibility })
      const { id } = await (kind === 'groups'
        ? world.group({ visibility, parent_id: above.id })
        : world.project({ visibility, namespace_id: above.id }))
      return { id, above: above.id, path: `/${kind}/${id}` }
    }
    const source = (id: number) => ({ kind: one, id }) as const
    const add = (who: Who, path: string, body: Json) => world.call(who, 'POST', `${path}/members`, body)

    /** Everybody who may stand to a place in some way. */
    const castOf = async ({ id, above }: { id: number; above: number }): Promise<Record<string, Who>> => {
      const ended = await world.user()
      await addExpired(world, ended.id, source(id), [above])
      return {
        anonymous,
        stranger: await world.user(),
        guest: await world.member(kind, id, 10),
        developer: await world.member(kind, id, 30),
        maintainer: await world.member(kind, id, 40),
        owner: await world.member(kind, id, 50),
        'maintainer of the group above': await world.member('groups', above, 40),
        'owner of the group above': await world.member('groups', above, 50),
        'owner whose role has ended': ended,
      }
    }
    const settings = new Map<string, ReturnType<typeof makeSetting>>()
    const makeSetting = async (visibility: string) => {
      const made = await place(visibility)
      return { ...made, cast: await castOf(made), outsider: await world.user() }
    }
    /** A place with everybody in it, which cases leave as they found it. */
    const settingOf = (visibility: string) => {
      const setting = settings.get(visibility) ?? makeSetting(visibility)
      settings.set(visibility, setting)
      return setting
    }
    /**
     * Who is answered what, in a private place; a public one is seen by all. What roles of the group may, in all that is
     * inside, stands in the access table of all routes.
     */
    const maintains = kind === 'projects'
    const STATUSES = [
      ['anonymous', 401, 401],
      ['stranger', 404, 403],
      ['developer', 403, 403],
      ['maintainer', maintains ? 200 : 403, maintains ? 200 : 403],
      ['owner', 200, 200],
      ['maintainer of the group above', maintains ? 200 : 403, maintains ? 200 : 403],
      ['owner of the group above', 200, 200],
      ['owner whose role has ended', 404, 403],
    ] as const
    const REFUSALS: Record<number, Json> = { 401: UNAUTHORIZED, 403: NO_RIGHT, 404: NOT_FOUND }

    describe(`POST /${kind}/:id/members`, () => {
      it('gives a user a role from now on, and answers all fields', async () => {
        const { path } = await place()
        const user = await world.user()
        expect(await get(user, path)).toMatchObject({ status: 404 })

        const reply = await add(root, path, { user_id: user.id, access_level: 30 })
        expect([reply.status, reply.json]).toEqual([
          201,
          {
            id: user.id,
            username: user.username,
            name: user.username,
            state: 'active',
            avatar_url: null,
            web_url: `${door.origin}/${user.username}`,
            access_level: 30,
            created_at: expect.stringMatching(ISO),
            expires_at: null,
            membership_state: 'active',
          },
        ])
        expect(await get(user, path)).toMatchObject({ status: 200 })
      })

      it('finds the place by its full path and the user by his name in any case', async () => {
        const { path } = await place()
        const { json } = await get(root, path)
        const fullPath = String((json as Json).full_path ?? (json as Json).path_with_namespace)
        const user = await world.user()
        const body = { username: user.username.toUpperCase(), access_level: 10 }
        expect(await add(root, `/${kind}/${encodeURIComponent(fullPath)}`, body)).toMatchObject({
          status: 201,
          json: { id: user.id, username: user.username },
        })
        expect(await get(user, path)).toMatchObject({ status: 200 })
      })

      it.each([10, 15, 20, 30, 40, 50])('gives the role with the number %i, also as a text', async (level) => {
        const { path } = await place()
        for (const accessLevel of [level, String(level)]) {
          const { id } = await world.user()
          expect(await add(root, path, { user_id: String(id), access_level: accessLevel })).toMatchObject({
            status: 201,
            json: { access_level: level },
          })
        }
      })

      it('takes a form, a query and a JSON body alike, and the body wins over the query', async () => {
        const { path } = await place()
        const url = `${path}/members`
        const users = await Promise.all(Array.from({ length: 4 }, () => world.user()))
        const [form, query, body, both] = users.map(({ id }) => id)
        const day = '2999-12-31'
        const fields = (id: unknown, level = 20) => `user_id=${id}&access_level=${level}&expires_at=${day}`
        const json = (id: unknown) => JSON.stringify({ user_id: id, access_level: 20, expires_at: day })

        for (const [id, reply] of [
          [form, await send(world, root, url, fields(form), FORM)],
          [query, await world.call(root, 'POST', `${url}?${fields(query)}`)],
          [body, await send(world, root, url, json(body), 'application/json; charset=utf-8')],
          [both, await send(world, root, `${url}?${fields(form, 50)}`, json(both))],
        ] as const) {
          expect(reply).toMatchObject({ status: 201, json: { id, access_level: 20, expires_at: day } })
        }
      })

      describe('asks who may do it:', () => {
        it.each(
          STATUSES.flatMap(([who, hidden, open]) => [
            ['private', who, hidden === 200 ? 201 : hidden] as const,
            ['public', who, open === 200 ? 201 : open] as const,
          ]),
        )(`a %s ${one} answers the caller "%s" with %i`, async (visibility, who, status) => {
          const { path, cast, outsider } = await settingOf(visibility)
          const reply = await add(cast[who] as Who, path, { user_id: outsider.id, access_level: 10 })
          expect(reply.status).toBe(status)
          if (status !== 201) expect(reply.json).toEqual(REFUSALS[status])
          // An owner may take the role again, if there is one.
          expect(await remove(root, path, outsider.id)).toMatchObject({ status: status === 201 ? 204 : 404 })
        })

        it('the right comes before the parameters', async () => {
          const { path, cast } = await settingOf('public')
          for (const body of ['{', '{"user_id":"x"}', '']) {
            const reply = await send(world, cast.developer as Who, `${path}/members`, body)
            expect([reply.status, reply.json]).toEqual([403, NO_RIGHT])
          }
        })

        it('an anonymous caller is refused before anything is looked for, byte for byte alike', async () => {
          const { path } = await settingOf('private')
          const missing = told(await send(world, anonymous, `/${kind}/999999999/members`, '{'))
          expect(missing).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
          for (const body of ['', '{', '[]', '{"user_id":1,"access_level":10}', '{"access_level":"x"}']) {
            expect(told(await send(world, anonymous, `${path}/members`, body))).toEqual(missing)
          }
        })

        it('hidden and missing are answered alike, byte for byte', async () => {
          const { path, cast } = await settingOf('private')
          for (const who of [cast.stranger, cast['owner whose role has ended']] as Who[]) {
            const missing = told(await add(who, `/${kind}/999999999`, { user_id: who.id, access_level: 50 }))
            expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
            for (const body of ['', '{', `{"user_id":${who.id},"access_level":50}`, '{"access_level":"x"}']) {
              expect(told(await send(world, who, `${path}/members`, body))).toEqual(missing)
            }
            expect(await get(who, path)).toMatchObject({ status: 404 })
          }
        })

        it('a bad token and one that only reads are refused', async () => {
          const { path } = await settingOf('public')
          const reader = await world.user(['read_api'], { admin: true })
          expect(await add({ token: 'pat-nobody' }, path, {})).toMatchObject({ status: 401, json: UNAUTHORIZED })
          expect(await add(reader, path, { user_id: reader.id, access_level: 10 })).toMatchObject({
            status: 403,
            json: { error: 'insufficient_scope', scope: 'api' },
          })
        })
      })

      describe('refuses, and gives no role:', () => {
        let path: string
        let owner: Who
        let user: Required<Who>
        beforeAll(async () => {
          const made = await place()
          path = made.path
          owner = await world.member(kind, made.id, 50)
          user = await world.user()
        })

        it.each<[string, (user: Required<Who>) => Json, Json]>([
          [
            'no parameter at all',
            () => ({}),
            {
              error: 'user_id, username are missing, at least one parameter must be provided, access_level is missing',
            },
          ],
          ['no access_level', ({ id }) => ({ user_id: id }), { error: 'access_level is missing' }],
          [
            'neither user_id nor username',
            () => ({ user_id: null, access_level: 10 }),
            { error: 'user_id, username are missing, at least one parameter must be provided' },
          ],
          [
            'user_id and username together',
            ({ id, username }) => ({ user_id: id, username, access_level: 10 }),
            { error: 'user_id, username are mutually exclusive' },
          ],
          [
            'a user name with NUL',
            ({ username }) => ({ username: `${username}\0`, access_level: 10 }),
            { error: 'username is invalid' },
          ],
          [
            'a user name that is an array',
            ({ username }) => ({ username: [username], access_level: 10 }),
            { error: 'username is invalid' },
          ],
          [
            'an end in the past',
            ({ id }) => ({ user_id: id, access_level: 10, expires_at: '2020-01-01' }),
            { message: { expires_at: ['cannot be a date in the past'] } },
          ],
          [
            'an end that was yesterday',
            ({ id }) => ({ user_id: id, access_level: 10, expires_at: dayIn(-1) }),
            { message: { expires_at: ['cannot be a date in the past'] } },
          ],
          [
            'three parameters that are wrong, all told at once',
            () => ({ user_id: 'x', access_level: 11, expires_at: 'soon' }),
            { error: 'user_id is invalid, access_level does not have a valid value, expires_at is invalid' },
          ],
        ])('%s', async (_what, body, json) => {
          const reply = await add(owner, path, body(user))
          expect([reply.status, reply.json]).toEqual([400, json])
        })

        it.each(NO_INTEGERS)('the user_id %j', async (userId) => {
          expect(await add(owner, path, { user_id: userId, access_level: 10 })).toMatchObject({
            status: 400,
            json: { error: 'user_id is invalid' },
          })
        })

        it('a user_id that is a JSON number beyond 2^53', async () => {
          const body = `{"user_id":${BEYOND_DOUBLE},"access_level":10}`
          expect(await send(world, owner, `${path}/members`, body)).toMatchObject({
            status: 400,
            json: { error: 'user_id is invalid' },
          })
        })

        it.each([0, 5, 11, 25, 31, 60, -10, '1000'])('the access_level %j', async (accessLevel) => {
          expect(await add(owner, path, { user_id: user.id, access_level: accessLevel })).toMatchObject({
            status: 400,
            json: { error: 'access_level does not have a valid value' },
          })
        })

        it.each(['', 'x', '30x', 'maintainer', 30.5, true, [30], {}])('the access_level %j', async (accessLevel) => {
          expect(await add(owner, path, { user_id: user.id, access_level: accessLevel })).toMatchObject({
            status: 400,
            json: { error: 'access_level is invalid' },
          })
        })

        it.each(['soon', '31.12.2999', '2999-1-1', '2999-02-30', '2999-13-01', 29_991_231, {}, ['2999-12-31'], '\0'])(
          'the expires_at %j',
          async (expiresAt) => {
            expect(await add(owner, path, { user_id: user.id, access_level: 10, expires_at: expiresAt })).toMatchObject(
              { status: 400, json: { error: 'expires_at is invalid' } },
            )
          },
        )

        it.each(brokenBodies)('the JSON body %j', async (body, error) => {
          expect(await send(world, owner, `${path}/members`, body)).toMatchObject({ status: 400, json: { error } })
        })

        it.each([999_999_999, 0, -1, Number.MAX_SAFE_INTEGER])(
          'the user with the id %j, who is not there',
          async (id) => {
            const reply = await add(owner, path, { user_id: id, access_level: 10 })
            expect([reply.status, reply.json]).toEqual([404, NO_USER])
          },
        )

        it.each(['nobody-has-this-name', '', ' ', '..', 'a/b', 'a b', 'ñandú', 'n'.repeat(10_000)])(
          'the user with the name %j, who is not there',
          async (username) => {
            const reply = await add(owner, path, { username, access_level: 10 })
            expect([reply.status, reply.json]).toEqual([404, NO_USER])
          },
        )

        it('the path of a group for the name of a user', async () => {
          const group = await world.group()
          const reply = await add(owner, path, { username: group.path, access_level: 10 })
          expect([reply.status, reply.json]).toEqual([404, NO_USER])
        })

        it('whatever of all that was asked for', async () => {
          expect(await get(user, path)).toMatchObject({ status: 404, json: NOT_FOUND })
        })
      })

      it('answers 409 for who is a member already, and leaves him his role', async () => {
        const { id, path } = await place()
        const owner = await world.member(kind, id, 50)
        const member = await world.member(kind, id, least)
        for (const body of [
          { user_id: member.id, access_level: 10 },
          { username: member.username, access_level: 50 },
        ]) {
          const reply = await add(owner, path, body)
          expect([reply.status, reply.json]).toEqual([409, MEMBER_EXISTS])
        }
        expect(await add(member, path, { user_id: (await world.user()).id, access_level: 10 })).toMatchObject({
          status: 201,
        })
      })

      it('makes him a member once when ten ask for it at the same moment', async () => {
        const { path } = await place()
        const user = await world.user()
        const replies = await tenAtOnce(() => add(root, path, { user_id: user.id, access_level: 20 }))

        const refused = replies.filter(({ status }) => status !== 201)
        expect(refused.map(({ status, json }) => [status, json])).toEqual(Array(9).fill([409, MEMBER_EXISTS]))
        expect(await remove(root, path, user.id)).toMatchObject({ status: 204 })
        expect(await remove(root, path, user.id)).toMatchObject({ status: 404 })
      })

      it('takes ten users at the same moment', async () => {
        const { path } = await place()
        const users = await tenUsers()
        const replies = await tenAtOnce((position) =>
          add(root, path, { user_id: users[position]?.id, access_level: 10 }),
        )
        expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201))
        const seen = await Promise.all(users.map((user) => get(user, path)))
        expect(seen.map(({ status }) => status)).toEqual(Array(10).fill(200))
      })

      const tenUsers = () => Promise.all(Array.from({ length: 10 }, () => world.user()))

      it('gives a role up to the end of the day before expires_at; today is allowed and ends at once', async () => {
        const { path } = await place()
        const [over, current] = [await world.user(), await world.user()]
        const until = (day: string) => ({ access_level: 10, expires_at: day })
        const [today, later] = [dayIn(0), dayIn(2)]
        expect(await add(root, path, { user_id: over.id, ...until(today) })).toMatchObject({
          status: 201,
          json: { expires_at: today },
        })
        expect(await add(root, path, { user_id: current.id, ...until(`${later}T12:00:00Z`) })).toMatchObject({
          status: 201,
          json: { expires_at: later },
        })
        expect(await get(over, path)).toMatchObject({ status: 404 })
        expect(await get(current, path)).toMatchObject({ status: 200 })
        expect(await add(root, path, { user_id: current.id, ...until('') })).toMatchObject({ status: 409 })
      })

      it('takes an empty expires_at for none', async () => {
        const { path } = await place()
        for (const day of ['', null]) {
          const { id } = await world.user()
          expect(await add(root, path, { user_id: id, access_level: 10, expires_at: day })).toMatchObject({
            status: 201,
            json: { expires_at: null },
          })
        }
      })

      it('gives a new role to one whose role has ended, also when ten ask for it at the same moment', async () => {
        const { id, above, path } = await place()
        const ended = await world.user()
        await addExpired(world, ended.id, source(id), [above])
        expect(await get(ended, path)).toMatchObject({ status: 404 })

        const replies = await tenAtOnce(() => add(root, path, { user_id: ended.id, access_level: 10 }))
        expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
        expect(await get(ended, path)).toMatchObject({ status: 200 })
        expect(await add(ended, path, { user_id: ended.id, access_level: 50 })).toMatchObject({ status: 403 })
      })
    })

    describe(`DELETE /${kind}/:id/members/:user_id`, () => {
      it('takes a role from now on, and takes a body for nothing', async () => {
        const { id, path } = await place()
        const member = await world.member(kind, id, 30)
        expect(await get(member, path)).toMatchObject({ status: 200 })

        const reply = await world.call(root, 'DELETE', `${path}/members/${member.id}`, {})
        expect(reply).toMatchObject({ status: 204, text: '' })
        expect(await get(member, path)).toMatchObject({ status: 404 })
        const again = await remove(root, path, member.id)
        expect([again.status, again.json]).toEqual([404, NO_MEMBER])
        expect(await add(root, path, { user_id: member.id, access_level: 10 })).toMatchObject({ status: 201 })
      })

      it('takes a role that has ended', async () => {
        const { id, above, path } = await place()
        const { id: userId } = await world.user()
        await addExpired(world, userId, source(id), [above])
        expect(await remove(root, path, userId)).toMatchObject({ status: 204 })
        expect(await remove(root, path, userId)).toMatchObject({ status: 404 })
      })

      it('lets every member leave, whatever his role', async () => {
        const { id, path } = await place()
        for (const level of [10, 20, 30, 40, 50] as const) {
          const member = await world.member(kind, id, level)
          expect(await remove(member, path, member.id)).toMatchObject({ status: 204 })
          const again = await remove(member, path, member.id)
          expect([again.status, again.json]).toEqual([404, NOT_FOUND])
        }
      })

      describe('asks who may do it:', () => {
        it.each(
          STATUSES.flatMap(([who, hidden, open]) => [
            ['private', who, hidden === 200 ? 204 : hidden] as const,
            ['public', who, open === 200 ? 204 : open] as const,
          ]),
        )(`a %s ${one} answers the caller "%s" with %i`, async (visibility, who, status) => {
          const { path, id, cast } = await settingOf(visibility)
          const member = await world.member(kind, id, 10)
          const reply = await remove(cast[who] as Who, path, member.id)
          expect(reply.status).toBe(status)
          if (status !== 204) expect(reply.json).toEqual(REFUSALS[status])
          expect(await remove(root, path, member.id)).toMatchObject({ status: status === 204 ? 404 : 204 })
        })

        it('the right comes before the id', async () => {
          const { path, cast } = await settingOf('public')
          for (const userId of ['abc', '0', '999999999', '%00', BEYOND_DOUBLE]) {
            const reply = await remove(cast.developer as Who, path, userId)
            expect([userId, reply.status, reply.json]).toEqual([userId, 403, NO_RIGHT])
          }
        })

        it('an anonymous caller is refused before anything is looked for, byte for byte alike', async () => {
          const { path } = await settingOf('private')
          const missing = told(await remove(anonymous, `/${kind}/999999999`, 1))
          expect(missing).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
          for (const userId of ['1', 'abc', '999999999']) {
            expect(told(await remove(anonymous, path, userId))).toEqual(missing)
          }
        })

        it('hidden and missing are answered alike, byte for byte', async () => {
          const { path, cast } = await settingOf('private')
          for (const who of [cast.stranger, cast['owner whose role has ended']] as Who[]) {
            const missing = told(await remove(who, `/${kind}/999999999`, who.id))
            expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
            for (const userId of [who.id, cast.guest?.id, 'abc', '%zz', '999999999']) {
              const reply = await remove(who, path, userId)
              // A broken percent sign is refused by API Gateway or its stand-in, before any route.
              if (userId === '%zz' && reply.status === 400) continue
              expect([userId, told(reply)]).toEqual([userId, missing])
            }
          }
        })

        it('a bad token and one that only reads are refused', async () => {
          const { path } = await settingOf('public')
          const reader = await world.user(['read_api'], { admin: true })
          expect(await remove({ token: 'pat-nobody' }, path, 1)).toMatchObject({ status: 401, json: UNAUTHORIZED })
          expect(await remove(reader, path, 1)).toMatchObject({
            status: 403,
            json: { error: 'insufficient_scope', scope: 'api' },
          })
        })
      })

      it('tells who may do it that an id is no integer, or nobody', async () => {
        const { path, id } = await place()
        const owner = await world.member(kind, id, 50)
        for (const userId of ['abc', '1.5', '%20', '1%00', '0x1', 'a'.repeat(3000)]) {
          const reply = await remove(owner, path, userId)
          expect([userId, reply.status, reply.json]).toEqual([userId, 400, { error: 'user_id is invalid' }])
        }
        for (const userId of NO_RECORDS) {
          const reply = await remove(owner, path, userId)
          expect([userId, reply.status, reply.json]).toEqual([userId, 404, NO_MEMBER])
        }
      })

      it('does not take a role that is inherited from the group above, nor the stranger that nobody added', async () => {
        const { above, path } = await place()
        const inherited = await world.member('groups', above, 20)
        for (const { id } of [inherited, await world.user()]) {
          const reply = await remove(root, path, id)
          expect([reply.status, reply.json]).toEqual([404, NO_MEMBER])
        }
        const himself = await remove(inherited, path, inherited.id)
        expect([himself.status, himself.json]).toEqual([404, NO_MEMBER])
        expect(await get(inherited, path)).toMatchObject({ status: 200 })
      })

      it('takes a role once when ten ask for it at the same moment', async () => {
        const { path, id } = await place()
        const member = await world.member(kind, id, 50)
        const replies = await tenAtOnce(() => remove(root, path, member.id))
        expect(replies.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(404)])
        expect(await get(member, path)).toMatchObject({ status: 404 })
      })
    })
  })

  describe('the roles of who gives and takes', () => {
    const nobodyGives = { message: '403 Forbidden - nobody can give a role above his own' }
    const nobodyTakes = { message: '403 Forbidden - nobody can remove a member with a role above his own' }

    it('nobody gives or takes a role above his own in a project', async () => {
      const project = await world.project({ visibility: 'private' })
      const path = `/projects/${project.id}`
      const maintainer = await world.member('projects', project.id, 40)
      const [owner, other] = [
        await world.member('projects', project.id, 50),
        await world.member('projects', project.id, 40),
      ]
      const user = await world.user()
      const give = (who: Who, level: number) =>
        world.call(who, 'POST', `${path}/members`, { user_id: user.id, access_level: level })

      const refused = await give(maintainer, 50)
      expect([refused.status, refused.json]).toEqual([403, nobodyGives])
      expect(await get(user, path)).toMatchObject({ status: 404 })
      expect(await give(maintainer, 40)).toMatchObject({ status: 201 })

      const kept = await remove(maintainer, path, owner.id)
      expect([kept.status, kept.json]).toEqual([403, nobodyTakes])
      expect(await get(owner, path)).toMatchObject({ status: 200 })
      expect(await remove(maintainer, path, other.id)).toMatchObject({ status: 204 })
      expect(await remove(owner, path, maintainer.id)).toMatchObject({ status: 204 })
      expect(await remove(owner, path, owner.id)).toMatchObject({ status: 204 })
    })

    it('does not tell who gives too much whether the user is there', async () => {
      const project = await world.project()
      const maintainer = await world.member('projects', project.id, 40)
      for (const userId of [maintainer.id, 999_999_999]) {
        const body = { user_id: userId, access_level: 50 }
        const reply = await world.call(maintainer, 'POST', `/projects/${project.id}/members`, body)
        expect([reply.status, reply.json]).toEqual([403, nobodyGives])
      }
    })

    it('counts the role that is inherited from the groups above', async () => {
      const above = await world.group({ visibility: 'private' })
      const group = await world.group({ visibility: 'private', parent_id: above.id })
      const project = await world.project({ visibility: 'private', namespace_id: group.id })
      const path = `/projects/${project.id}`
      const owner = await world.member('groups', above.id, 50)
      const maintainer = await world.member('groups', above.id, 40)
      await world.make(`${path}/members`, { user_id: maintainer.id, access_level: 10 })
      const user = await world.user()
      const give = (who: Who, level: number) =>
        world.call(who, 'POST', `${path}/members`, { user_id: user.id, access_level: level })

      expect(await give(maintainer, 50)).toMatchObject({ status: 403, json: nobodyGives })
      expect(await give(owner, 50)).toMatchObject({ status: 201 })
      expect(await remove(maintainer, path, user.id)).toMatchObject({ status: 403, json: nobodyTakes })
      expect(await remove(owner, path, user.id)).toMatchObject({ status: 204 })
    })

    it('lets an administrator give and take every role without one of his own', async () => {
      const project = await world.project({ visibility: 'private' })
      const administrator = await world.user(['api'], { admin: true })
      const user = await world.user()
      const body = { user_id: user.id, access_level: 50 }
      expect(await world.call(administrator, 'POST', `/projects/${project.id}/members`, body)).toMatchObject({
        status: 201,
      })
      expect(await remove(administrator, `/projects/${project.id}`, user.id)).toMatchObject({ status: 204 })
    })

    it('a role in a group holds in all that is inside, and the highest one counts', async () => {
      const top = await world.group({ visibility: 'private' })
      const sub = await world.group({ visibility: 'private', parent_id: top.id })
      const project = await world.project({ visibility: 'private', namespace_id: sub.id })
      const member = await world.member('groups', top.id, 40)
      await world.make(`/groups/${sub.id}/members`, { user_id: member.id, access_level: 10 })

      for (const path of [`/groups/${top.id}`, `/groups/${sub.id}`, `/projects/${project.id}`]) {
        expect(await get(member, path)).toMatchObject({ status: 200 })
      }
      const body = { name: 'Sub', path: unique('sub'), parent_id: sub.id }
      expect(await world.call(member, 'POST', '/groups', body)).toMatchObject({ status: 201 })
      expect(await world.call(member, 'POST', '/projects', { name: 'P', namespace_id: sub.id })).toMatchObject({
        status: 201,
      })

      expect(await remove(root, `/groups/${top.id}`, member.id)).toMatchObject({ status: 204 })
      expect(await world.call(member, 'POST', '/groups', { ...body, path: unique('sub') })).toMatchObject({
        status: 403,
      })
      const { json } = await get(member, `/projects/${project.id}`)
      expect(json).toMatchObject({ permissions: { group_access: { access_level: 10 } } })
    })

    it('a role in a project opens the group around it and nothing beside it', async () => {
      const group = await world.group({ visibility: 'private' })
      const project = await world.project({ visibility: 'private', namespace_id: group.id })
      const beside = await world.project({ visibility: 'private', namespace_id: group.id })
      const member = await world.member('projects', project.id, 50)

      expect(await get(member, `/groups/${group.id}`)).toMatchObject({ status: 200 })
      expect(await get(member, `/projects/${beside.id}`)).toMatchObject({ status: 404 })
      expect(await remove(member, `/projects/${project.id}`, member.id)).toMatchObject({ status: 204 })
      expect(await get(member, `/groups/${group.id}`)).toMatchObject({ status: 404 })
    })
  })

  describe('the last owner', () => {
    /** A top-level group of this user alone. */
    const groupOf = async (maker: Who) => {
      const path = unique('owned')
      const { id } = await world.make('/groups', { name: path, path, visibility: 'private' }, maker)
      return { id, path: `/groups/${id}` }
    }
    const give = (path: string, userId: number | undefined, level: number) =>
      world.call(root, 'POST', `${path}/members`, { user_id: userId, access_level: level })

    it('stays in a top-level group, whoever takes his role', async () => {
      const maker = await world.user()
      const { id, path } = await groupOf(maker)
      await give(path, (await world.user()).id, 40)
      await addExpired(world, (await world.user()).id, { kind: 'group', id }, [])

      for (const who of [maker, root]) {
        const reply = await remove(who, path, maker.id)
        expect([reply.status, reply.json]).toEqual([403, LAST_OWNER])
      }
      expect(await give(path, maker.id, 10)).toMatchObject({ status: 409 })
      expect(await get(maker, '/groups?owned=true')).toMatchObject({ json: [{ id }] })
    })

    it('goes when there is another', async () => {
      const [maker, other] = [await world.user(), await world.user()]
      const { path } = await groupOf(maker)
      expect(await give(path, other.id, 50)).toMatchObject({ status: 201 })
      expect(await remove(maker, path, maker.id)).toMatchObject({ status: 204 })
      expect(await remove(other, path, other.id)).toMatchObject({ status: 403, json: LAST_OWNER })
    })

    it('of a subgroup or a project may go: the owners of the group above own it too', async () => {
      const maker = await world.user()
      const { id } = await groupOf(maker)
      const sub = await world.make('/groups', { name: 'Sub', path: unique('sub'), parent_id: id }, maker)
      const project = await world.project({ namespace_id: id, visibility: 'private' })
      const owner = await world.member('projects', project.id, 50)

      expect(await remove(maker, `/groups/${sub.id}`, maker.id)).toMatchObject({ status: 204 })
      expect(await remove(owner, `/projects/${project.id}`, owner.id)).toMatchObject({ status: 204 })
      expect(await get(maker, '/groups?owned=true&sort=desc&order_by=id')).toMatchObject({
        json: [{ id: sub.id }, { id }],
      })
    })

    it('is never both of two who are removed at the same moment', async () => {
      const [one, two] = [await world.user(), await world.user()]
      const { id, path } = await groupOf(one)
      for (let round = 0; round < 5; round++) {
        await give(path, one.id, 50)
        await give(path, two.id, 50)
        const [first, second] = round % 2 ? [one, two] : [root, root]
        const replies = await Promise.all([remove(first, path, two.id), remove(second, path, one.id)])

        const statuses = replies.map(({ status }) => status).sort()
        // Who has lost his role before he takes the other's sees no group any more.
        expect([
          [204, 403],
          [204, 404],
        ]).toContainEqual(statuses)
        const owners = await Promise.all([one, two].map((who) => get(who, '/groups?owned=true')))
        expect(owners.map(({ json }) => json).filter((groups) => (groups as Json[])[0]?.id === id)).toHaveLength(1)
      }
    })
  })
})
