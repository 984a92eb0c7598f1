import type { AccessLevel } from '../../../lib/domain/permissions.ts'
import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'
import {
  addExpired,
  BEYOND_DOUBLE,
  brokenBodies,
  FORM,
  ISO,
  made,
  NO_INTEGERS,
  NO_RECORDS,
  namesOf,
  PATH_RULE,
  rows,
  send,
  tenAtOnce,
  told,
  UNAUTHORIZED,
} from './requests.ts'

const NOT_FOUND = { message: '404 Project Not Found' }
const LEVELS = ['private', 'internal', 'public'] as const
const TAKEN = {
  message: {
    'project_namespace.name': ['has already been taken'],
    name: ['has already been taken'],
    path: ['has already been taken'],
  },
}
const TOO_LONG = ['is too long (maximum is 255 characters)']
const role = (accessLevel: number) => ({ access_level: accessLevel, notification_level: 3 })

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  const post = (who: Who, body: Json) => world.call(who, 'POST', '/projects', body)
  const owned = async (who: Who) => rows(await get(who, '/projects?owned=true'))
  const namespaceOf = async (who: Who) => made(await get(who, '/user')).namespace_id
  beforeAll(() => door.open())

  describe('POST /projects', () => {
    it("makes a private project in the caller's own namespace, and answers all of its fields", async () => {
      const maker = await world.user()
      const reply = await post(maker, { name: 'My Café 2.0!' })

      expect(reply.status).toBe(201)
      const { id } = made(reply)
      expect(reply.json).toEqual({
        id: expect.any(Number),
        description: '',
        name: 'My Café 2.0!',
        name_with_namespace: `${maker.username} / My Café 2.0!`,
        path: 'my-cafe-2-0',
        path_with_namespace: `${maker.username}/my-cafe-2-0`,
        created_at: expect.stringMatching(ISO),
        web_url: `${door.origin}/${maker.username}/my-cafe-2-0`,
        avatar_url: null,
        last_activity_at: (reply.json as Json).created_at,
        visibility: 'private',
        namespace: {
          id: await namespaceOf(maker),
          name: maker.username,
          path: maker.username,
          kind: 'user',
          full_path: maker.username,
          parent_id: null,
          avatar_url: null,
          web_url: `${door.origin}/${maker.username}`,
        },
        creator_id: maker.id,
        archived: false,
        packages_enabled: true,
        package_registry_access_level: 'enabled',
        _links: {
          self: `${door.origin}/api/v4/projects/${id}`,
          members: `${door.origin}/api/v4/projects/${id}/members`,
        },
      })
      expect(await get(maker, `/projects/${id}`)).toMatchObject({ status: 200, json: reply.json })
      expect((await owned(maker)).map((project) => project.id)).toEqual([id])
      expect(await get(await world.user(), `/projects/${id}`)).toMatchObject({ status: 404 })
      expect(await get(maker, `/projects/${id}/packages`)).toMatchObject({ status: 200, json: [] })
    })

    it('makes a project in the group of namespace_id, which is part of its path and its name', async () => {
      const top = await world.group({ name: 'Acme' })
      const group = await world.group({ name: 'Tools', parent_id: top.id })
      const path = unique('app')
      const reply = await post(root, {
        name: 'App',
        path,
        namespace_id: group.id,
        visibility: 'public',
        description: 'Does it',
      })

      expect(reply.status).toBe(201)
      expect(reply.json).toMatchObject({
        name: 'App',
        description: 'Does it',
        name_with_namespace: 'Acme / Tools / App',
        path,
        path_with_namespace: `${group.full_path}/${path}`,
        visibility: 'public',
        package_registry_access_level: 'public',
        namespace: {
          id: group.id,
          name: 'Tools',
          path: group.path,
          kind: 'group',
          full_path: group.full_path,
          parent_id: top.id,
          avatar_url: null,
          web_url: `${door.origin}/groups/${group.full_path}`,
        },
      })
    })

    it.each([
      [{ name: 'My Project' }, 'My Project', 'my-project'],
      [{ name: '  A -- B__C  ' }, '  A -- B__C  ', 'a-b-c'],
      [{ name: 'Ünïcødé' }, 'Ünïcødé', 'unic-de'],
      [{ name: 'lib.js' }, 'lib.js', 'lib-js'],
      [{ path: 'Only.Path' }, 'Only.Path', 'Only.Path'],
      [{ name: 'One', path: 'another' }, 'One', 'another'],
      [{ name: 42 }, '42', '42'],
    ])('of %j it makes the name %j and the path %j', async (body, name, path) => {
      expect(await post(await world.user(), body)).toMatchObject({ status: 201, json: { name, path } })
    })

    it('takes a form, a query and a JSON body alike, and the body wins over the query', async () => {
      const group = await world.group()
      const [form, query, body, both] = [unique('form'), unique('query'), unique('json'), unique('both')]
      const fields = (path: string) => `name=A%20%26%20B&path=${path}&visibility=public&namespace_id=${group.id}`
      const json = (path: string) =>
        JSON.stringify({ name: 'A & B', path, visibility: 'public', namespace_id: String(group.id) })

      for (const [path, reply] of [
        [form, await send(world, root, '/projects', fields(form), FORM)],
        [query, await world.call(root, 'POST', `/projects?${fields(query)}`)],
        [body, await send(world, root, '/projects', json(body), 'application/json; charset=utf-8')],
        [both, await send(world, root, `/projects?${fields('never')}`, json(both))],
      ] as const) {
        expect(reply).toMatchObject({
          status: 201,
          json: { name: 'A & B', path, visibility: 'public', path_with_namespace: `${group.path}/${path}` },
        })
      }
    })

    describe('refuses, and makes nothing:', () => {
      let maker: Who
      beforeAll(async () => {
        maker = await world.user()
      })
      afterEach(async () => {
        expect(await owned(maker)).toEqual([])
      })

      it.each<[string, Json, Json]>([
        ['no parameter at all', {}, { error: 'name, path are missing, at least one parameter must be provided' }],
        [
          'a name and a path that are null',
          { name: null, path: null },
          { error: 'name, path are missing, at least one parameter must be provided' },
        ],
        ['an empty name', { name: '', path: 'refused' }, { message: { name: ["can't be blank"] } }],
        ['a blank name', { name: ' \n ', path: 'refused' }, { message: { name: ["can't be blank"] } }],
        ['a name of 256 characters', { name: 'n'.repeat(256), path: 'refused' }, { message: { name: TOO_LONG } }],
        ['a name of 10,000 characters', { name: 'n'.repeat(10_000) }, { message: { name: TOO_LONG, path: TOO_LONG } }],
        ['a name of two lines', { name: 'a\nb' }, { message: { name: ['cannot contain control characters'] } }],
        ['a name with NUL', { name: 'a\0b' }, { error: 'name is invalid' }],
        ['a name with half a surrogate pair', { name: '\udc00' }, { error: 'name is invalid' }],
        ['a name that is an array', { name: ['x'] }, { error: 'name is invalid' }],
        ['a name of which no path can be made', { name: '日本' }, { message: { path: [PATH_RULE] } }],
        ['a path with NUL', { path: 'a\0b' }, { error: 'path is invalid' }],
        ['a path that is an object', { name: 'Refused', path: {} }, { error: 'path is invalid' }],
        ['a path of 256 characters', { name: 'R', path: 'p'.repeat(256) }, { message: { path: TOO_LONG } }],
        ['a path with a slash', { name: 'R', path: 'a/b' }, { message: { path: [PATH_RULE] } }],
        ['a path that leads upwards', { path: '..' }, { message: { path: [PATH_RULE] } }],
        ['a path that ends in .git', { path: 'a.git' }, { message: { path: [PATH_RULE] } }],
        ['an empty path', { name: 'R', path: '' }, { message: { path: [PATH_RULE] } }],
        ['a description with NUL', { name: 'R', description: '\0' }, { error: 'description is invalid' }],
        [
          'a description of 2,001 characters',
          { name: 'R', description: 'd'.repeat(2001) },
          { message: { description: ['is too long (maximum is 2000 characters)'] } },
        ],
        [
          'an unknown visibility',
          { name: 'R', visibility: 'secret' },
          { error: 'visibility does not have a valid value' },
        ],
        ['a visibility that is an object', { name: 'R', visibility: {} }, { error: 'visibility is invalid' }],
        [
          'several parameters of the wrong type, all told at once',
          { name: [], path: {}, description: [], visibility: 'x' },
          {
            error: 'name is invalid, path is invalid, description is invalid, visibility does not have a valid value',
          },
        ],
        [
          'several values that break a rule, all told at once',
          { name: ' ', path: '-', description: 'd'.repeat(2001) },
          {
            message: {
              name: ["can't be blank"],
              path: [PATH_RULE],
              description: ['is too long (maximum is 2000 characters)'],
            },
          },
        ],
      ])('%s', async (_what, body, json) => {
        const reply = await post(maker, body)
        expect([reply.status, reply.json]).toEqual([400, json])
      })

      it.each(NO_INTEGERS)('the namespace_id %j', async (namespaceId) => {
        expect(await post(maker, { name: 'Refused', namespace_id: namespaceId })).toMatchObject({
          status: 400,
          json: { error: 'namespace_id is invalid' },
        })
      })

      it('a namespace_id that is a JSON number beyond 2^53', async () => {
        expect(await send(world, maker, '/projects', `{"name":"R","namespace_id":${BEYOND_DOUBLE}}`)).toMatchObject({
          status: 400,
          json: { error: 'namespace_id is invalid' },
        })
      })

      it.each(brokenBodies)('the JSON body %j', async (body, error) => {
        expect(await send(world, maker, '/projects', body)).toMatchObject({ status: 400, json: { error } })
      })

      it('parameters of the wrong type in a form and in a query', async () => {
        const refusal = { status: 400, json: { error: 'name is invalid, path is invalid' } }
        expect(await send(world, maker, '/projects', 'name[]=a&path[x]=b', FORM)).toMatchObject(refusal)
        expect(await world.call(maker, 'POST', '/projects?name[]=a&path[x]=b')).toMatchObject(refusal)
      })
    })

    it('refuses a path that a project or a group beside it has, in any case', async () => {
      const group = await world.group()
      const sub = await world.group({ parent_id: group.id })
      const project = await world.project({ namespace_id: group.id })

      for (const path of [project.path, String(project.path).toUpperCase(), sub.path]) {
        const reply = await post(root, { name: 'Again', path, namespace_id: group.id })
        expect([reply.status, reply.json]).toEqual([400, TAKEN])
      }
      expect(await post(root, { path: project.path, namespace_id: sub.id })).toMatchObject({ status: 201 })
    })

    it('makes one of ten projects that want the same path at the same moment', async () => {
      const maker = await world.user()
      const replies = await tenAtOnce((place) => post(maker, { path: place % 2 ? 'race' : 'RACE' }))

      const refused = replies.filter(({ status }) => status !== 201)
      expect(refused.map(({ status, json }) => [status, json])).toEqual(Array(9).fill([400, TAKEN]))
      const [winner] = replies.filter(({ status }) => status === 201)
      expect((await owned(maker)).map(({ id }) => id)).toEqual([winner && made(winner).id])
    })

    it('makes all of ten projects that want ten paths of one group at the same moment', async () => {
      const group = await world.group()
      const paths = Array.from({ length: 10 }, () => unique('many'))
      const replies = await tenAtOnce((place) => post(root, { path: paths[place], namespace_id: group.id }))
      expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201))
      expect(new Set(replies.map((reply) => made(reply).id)).size).toBe(10)
    })

    it.each(
      LEVELS.flatMap((group, most) =>
        LEVELS.map((inside, place) => [inside, group, place <= most ? 201 : 400] as const),
      ),
    )('answers for a project that is %s inside a group that is %s with %i', async (visibility, around, status) => {
      const { id } = await world.group({ visibility: around })
      const path = unique('child')
      const reply = await post(root, { path, namespace_id: id, visibility })

      if (status === 201) expect(reply).toMatchObject({ status, json: { visibility } })
      else {
        expect([reply.status, reply.json]).toEqual([
          status,
          { message: { visibility_level: [`${visibility} is not allowed in a ${around} group.`] } },
        ])
        expect(await get(root, `/projects?search=${path}`)).toMatchObject({ json: [] })
      }
    })

    it.each(LEVELS)('makes a project that is %s in a personal namespace', async (visibility) => {
      const maker = await world.user()
      const body = { name: 'Own', namespace_id: await namespaceOf(maker), visibility }
      expect(await post(maker, body)).toMatchObject({
        status: 201,
        json: { visibility, path_with_namespace: `${maker.username}/own`, namespace: { kind: 'user' } },
      })
    })

    describe('in a group', () => {
      let open: number
      let hidden: number
      let who: Record<string, Who>
      beforeAll(async () => {
        const above = await world.group()
        open = (await world.group({ parent_id: above.id })).id
        hidden = (await world.group({ visibility: 'private' })).id
        const inside = await world.project({ namespace_id: hidden, visibility: 'private' })
        const member = (id: number, level: AccessLevel) => world.member('groups', id, level)
        const ended = await world.user()
        await addExpired(world, ended.id, { kind: 'group', id: open }, [above.id])
        await addExpired(world, ended.id, { kind: 'group', id: hidden }, [])
        who = {
          anonymous,
          stranger: await world.user(),
          guest: await member(open, 10),
          planner: await member(open, 15),
          reporter: await member(open, 20),
          developer: await member(open, 30),
          maintainer: await member(open, 40),
          owner: await member(open, 50),
          'developer of the group above': await member(above.id, 30),
          'reporter of the group above': await member(above.id, 20),
          administrator: await world.user(['api'], { admin: true }),
          'member of a project inside': await world.member('projects', inside.id, 50),
          'owner whose role has ended': ended,
        }
      })

      it.each([
        ['anonymous', 401],
        ['stranger', 403],
        ['guest', 403],
        ['planner', 403],
        ['reporter', 403],
        ['developer', 201],
        ['maintainer', 201],
        ['owner', 201],
        ['developer of the group above', 201],
        ['reporter of the group above', 403],
        ['administrator', 201],
        ['owner whose role has ended', 403],
      ])('that everybody sees, answers the %s with %i', async (name, status) => {
        const path = unique('project')
        const reply = await post(who[name] as Who, { path, namespace_id: open, visibility: 'private' })
        expect(reply.status).toBe(status)
        if (status === 401) expect(reply.json).toEqual(UNAUTHORIZED)
        if (status === 403) {
          expect(reply.json).toEqual({ message: '403 Forbidden - this needs the role Developer in the group' })
        }
        expect(namesOf(await get(root, `/projects?search=${path}`))).toEqual(status === 201 ? [path] : [])
      })

      it('asks for the right before it looks at the parameters', async () => {
        expect(await post(who.reporter as Who, { namespace_id: open, visibility: 'x' })).toMatchObject({ status: 403 })
      })

      it("answers for a hidden, somebody else's and a missing namespace alike, byte for byte", async () => {
        const stranger = await world.user()
        const others = await namespaceOf(await world.user())
        const missing = told(await post(stranger, { name: 'x', namespace_id: 999_999_999 }))

        expect(missing).toMatchObject({ status: 404, text: '{"message":"404 Namespace Not Found"}' })
        for (const namespace of [hidden, others, 0, -1, Number.MAX_SAFE_INTEGER]) {
          for (const body of [{ name: 'x' }, {}, { path: '-', visibility: 'x' }]) {
            expect([namespace, told(await post(stranger, { ...body, namespace_id: namespace }))]).toEqual([
              namespace,
              missing,
            ])
          }
        }
        const ended = who['owner whose role has ended'] as Who
        expect(told(await post(ended, { name: 'x', namespace_id: hidden }))).toEqual(missing)
        expect(await owned(stranger)).toEqual([])
      })

      it('answers 403 to whoever sees it only for something inside', async () => {
        const insider = who['member of a project inside'] as Who
        expect(await post(insider, { name: 'x', namespace_id: hidden })).toMatchObject({
          status: 403,
          json: { message: '403 Forbidden - this needs the role Developer in the group' },
        })
      })
    })

    it('asks an anonymous caller for a login, whatever he sends', async () => {
      const hidden = await world.group({ visibility: 'private' })
      for (const body of ['{', '[]', '', '{"name":"A"}', `{"name":"A","namespace_id":${hidden.id}}`, '{"path":[]}']) {
        expect(await send(world, anonymous, '/projects', body)).toMatchObject({ status: 401, json: UNAUTHORIZED })
      }
    })

    it('refuses a token that nobody has and one that only reads', async () => {
      expect(await post({ token: 'pat-nobody' }, { name: 'R' })).toMatchObject({ status: 401, json: UNAUTHORIZED })
      const reader = await world.user(['read_api'])
      const reply = await post(reader, { name: 'R' })
      expect([reply.status, reply.json]).toEqual([
        403,
        {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api',
        },
      ])
      expect(await owned(reader)).toEqual([])
    })
  })

  describe('GET /projects/:id', () => {
    it('finds a project by its id and by its full path in any case, with all fields', async () => {
      const top = await world.group()
      const sub = await world.group({ parent_id: top.id })
      const project = await world.project({ namespace_id: sub.id, description: 'Seen by all' })
      const path = encodeURIComponent(String(project.path_with_namespace))

      for (const id of [project.id, path, path.toUpperCase(), path.replaceAll('%2F', '%2f')]) {
        const reply = await get(anonymous, `/projects/${id}`)
        expect([reply.status, reply.json]).toEqual([200, project])
      }
    })

    it('tells a signed-in caller his own role and that of the groups around it, apart', async () => {
      const above = await world.group()
      const group = await world.group({ parent_id: above.id })
      const project = await world.project({ namespace_id: group.id })
      const direct = await world.member('projects', project.id, 30)
      const inherited = await world.member('groups', above.id, 20)
      const both = await world.member('groups', above.id, 20)
      await world.make(`/groups/${group.id}/members`, { user_id: both.id, access_level: 40 })
      await world.make(`/projects/${project.id}/members`, { user_id: both.id, access_level: 30 })
      const ended = await world.user()
      await addExpired(world, ended.id, { kind: 'project', id: project.id }, [above.id, group.id])

      for (const [who, own, around] of [
        [direct, role(30), null],
        [inherited, null, role(20)],
        [both, role(30), role(40)],
        [await world.user(), null, null],
        [ended, null, null],
        [await world.user(['read_api'], { admin: true }), null, null],
      ] as const) {
        const reply = await get(who, `/projects/${project.id}`)
        const permissions = { project_access: own, group_access: around }
        expect([reply.status, reply.json]).toEqual([200, { ...project, permissions }])
        const [row] = rows(await get(who, `/projects?search=${project.path}`))
        expect(row).toEqual({ ...project, permissions })
      }
      expect((await get(anonymous, `/projects/${project.id}`)).json).not.toHaveProperty('permissions')
    })

    it('tells the owner of a personal namespace that he owns its projects', async () => {
      const user = await world.user()
      const project = made(await post(user, { name: 'Own' }))
      const { json } = await get(user, `/projects/${project.id}`)
      expect(json).toMatchObject({ permissions: { project_access: role(50), group_access: null } })
    })

    describe('to each caller', () => {
      const roles = [
        'anonymous',
        'stranger',
        'guest of it',
        'guest of the group',
        'guest of the group above',
        'guest of the project beside it',
        'owner whose role has ended',
        'administrator',
      ] as const
      const settings = new Map<string, { id: number; who: Record<(typeof roles)[number], Who> }>()
      beforeAll(async () => {
        for (const visibility of LEVELS) {
          const above = await world.group({ visibility })
          const group = await world.group({ visibility, parent_id: above.id })
          const project = await world.project({ visibility, namespace_id: group.id })
          const beside = await world.project({ visibility, namespace_id: group.id })
          const ended = await world.user()
          await addExpired(world, ended.id, { kind: 'project', id: project.id }, [above.id, group.id])
          settings.set(visibility, {
            id: project.id,
            who: {
              anonymous,
              stranger: await world.user(),
              'guest of it': await world.member('projects', project.id, 10),
              'guest of the group': await world.member('groups', group.id, 10),
              'guest of the group above': await world.member('groups', above.id, 10),
              'guest of the project beside it': await world.member('projects', beside.id, 10),
              'owner whose role has ended': ended,
              administrator: await world.user(['read_api'], { admin: true }),
            },
          })
        }
      })

      const [no, yes] = [404, 200]
      it.each([
        ['private', [no, no, yes, yes, yes, no, no, yes]],
        ['internal', [no, yes, yes, yes, yes, yes, yes, yes]],
        ['public', [yes, yes, yes, yes, yes, yes, yes, yes]],
      ])('shows a project that is %s, or hides it', async (visibility, expected) => {
        const { id, who } = settings.get(visibility) ?? { id: 0, who: undefined }
        const got = await Promise.all(roles.map((name) => get(who?.[name] ?? {}, `/projects/${id}`)))
        expect(roles.map((name, place) => [name, got[place]?.status])).toEqual(
          roles.map((name, place) => [name, expected[place]]),
        )
        for (const { status, json } of got) if (status === no) expect(json).toEqual(NOT_FOUND)
      })
    })

    it('answers for what is hidden, a group or missing alike, byte for byte', async () => {
      const group = await world.group()
      const sub = await world.group({ parent_id: group.id })
      const hidden = await world.project({ visibility: 'private', namespace_id: group.id })
      const open = await world.project({ namespace_id: group.id })

      for (const who of [await world.user(), anonymous]) {
        const missing = told(await get(who, '/projects/nobody%2Fnothing'))
        expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
        for (const id of [
          hidden.id,
          encodeURIComponent(String(hidden.path_with_namespace)),
          encodeURIComponent(String(sub.full_path)),
          group.path,
          open.path,
          `${group.path}%2F`,
          `${group.path}%2F%2F${open.path}`,
          '..%2F..%2Fetc',
          '%20',
          '1%00',
          'a'.repeat(3000),
          Array(400).fill('a').join('%2F'),
          ...NO_RECORDS,
        ]) {
          expect([id, told(await get(who, `/projects/${id}`))]).toEqual([id, missing])
        }
      }
    })

    it('refuses a bad token on a public project too', async () => {
      const { id } = await world.project()
      expect(await get({ token: 'pat-nobody' }, `/projects/${id}`)).toMatchObject({ status: 401, json: UNAUTHORIZED })
    })
  })

  describe('GET /projects', () => {
    describe('of an instance with projects of every visibility', () => {
      const tag = unique('list')
      let who: Record<'anonymous' | 'stranger' | 'member' | 'administrator', Who>
      beforeAll(async () => {
        const group = await world.group()
        const closed = await world.group({ visibility: 'private' })
        const project = (letter: string, namespace: number, visibility: string) =>
          world.project({ name: `${letter} ${tag}`, path: `${tag}-${letter}`, visibility, namespace_id: namespace })
        const open = await project('a', group.id, 'public')
        await project('b', group.id, 'internal')
        const mine = await project('c', group.id, 'private')
        const secret = await project('d', group.id, 'private')
        await project('e', closed.id, 'private')
        const member = await world.member('projects', mine.id, 50)
        await world.make(`/groups/${closed.id}/members`, { user_id: member.id, access_level: 30 })
        await world.make(`/projects/${open.id}/members`, { user_id: member.id, access_level: 10 })
        await world.make('/projects', { name: `f ${tag}`, path: `${tag}-f`, visibility: 'public' }, member)
        const stranger = await world.user()
        await addExpired(world, stranger.id, { kind: 'project', id: secret.id }, [group.id])
        await addExpired(world, stranger.id, { kind: 'group', id: closed.id }, [])
        who = { anonymous, stranger, member, administrator: await world.user(['api'], { admin: true }) }
      })

      const letters = async (whose: keyof typeof who, query: string) => {
        const reply = await get(who[whose], `/projects?search=${tag}${query}`)
        expect([reply.status, reply.headers['x-total']]).toEqual([200, String(rows(reply).length)])
        return namesOf(reply)
          .map((name) => name.slice(0, 1))
          .join('')
      }

      it.each([
        ['', 'fa', 'fba', 'fecba', 'fedcba'],
        ['&sort=asc', 'af', 'abf', 'abcef', 'abcdef'],
        ['&visibility=public', 'fa', 'fa', 'fa', 'fa'],
        ['&visibility=internal', '', 'b', 'b', 'b'],
        ['&visibility=private', '', '', 'ec', 'edc'],
        ['&membership=true', '', '', 'feca', ''],
        ['&membership=false', 'fa', 'fba', 'fecba', 'fedcba'],
        ['&owned=true', '', '', 'fc', ''],
        ['&min_access_level=10', '', '', 'feca', ''],
        ['&min_access_level=30', '', '', 'fec', ''],
        ['&min_access_level=40', '', '', 'fc', ''],
        ['&membership=1&visibility=public', '', '', 'fa', ''],
        ['&order_by=name', 'fa', 'fba', 'fecba', 'fedcba'],
        ['&order_by=path&sort=asc', 'af', 'abf', 'abcef', 'abcdef'],
        ['&order_by=last_activity_at', 'fa', 'fba', 'fecba', 'fedcba'],
        ['&unknown=1&bar[]=2', 'fa', 'fba', 'fecba', 'fedcba'],
      ])(
        '"%s" shows and counts: anonymous %j, stranger %j, member %j, administrator %j',
        async (query, ...expected) => {
          const got = []
          for (const whose of ['anonymous', 'stranger', 'member', 'administrator'] as const) {
            got.push(await letters(whose, query))
          }
          expect(got).toEqual(expected)
        },
      )

      it('searches names and paths by part and in any case', async () => {
        const find = async (search: string) => namesOf(await get(root, `/projects?search=${search}`))
        expect(await find(`${tag}-A`.toUpperCase())).toEqual([`a ${tag}`])
        expect(await find(`A%20${tag}`)).toEqual([`a ${tag}`])
        expect(await find(`${tag}-z`)).toEqual([])
        expect(await find(`%25${tag}`)).toEqual([])
      })

      it('pages with exact totals and links that repeat every parameter but the token', async () => {
        const page = (query: string) =>
          get(who.member, `/projects?search=${tag}&access_token=${who.member.token}&${query}`)
        const url = (number: number) =>
          `${door.origin}/api/v4/projects?order_by=created_at&page=${number}&per_page=2&search=${tag}&sort=desc`

        const second = await page('per_page=2&page=2')
        expect(namesOf(second)).toEqual([`c ${tag}`, `b ${tag}`])
        expect(second.headers).toMatchObject({
          'x-page': '2',
          'x-per-page': '2',
          'x-next-page': '3',
          'x-prev-page': '1',
          'x-total': '5',
          'x-total-pages': '3',
          link: `<${url(1)}>; rel="prev", <${url(3)}>; rel="next", <${url(1)}>; rel="first", <${url(3)}>; rel="last"`,
        })
        expect(JSON.stringify(second)).not.toContain(who.member.token)
        expect((await page('per_page=2')).headers).toMatchObject({
          'x-page': '1',
          'x-next-page': '2',
          'x-prev-page': '',
        })
        const last = await page('per_page=2&page=3')
        expect(namesOf(last)).toEqual([`a ${tag}`])
        expect(last.headers).toMatchObject({ 'x-page': '3', 'x-next-page': '', 'x-prev-page': '2' })

        const past = await page('per_page=2&page=4000')
        expect([past.status, past.json]).toEqual([200, []])
        expect(past.headers).toMatchObject({ 'x-page': '4000', 'x-next-page': '', 'x-prev-page': '', 'x-total': '5' })
        expect(past.headers.link).toBe(`<${url(1)}>; rel="first", <${url(3)}>; rel="last"`)
      })

      it('counts for the anonymous caller what he may see, page by page', async () => {
        const page = (number: number) => get(anonymous, `/projects?search=${tag}&per_page=1&page=${number}`)
        const [first, second] = [await page(1), await page(2)]
        expect([namesOf(first), namesOf(second)]).toEqual([[`f ${tag}`], [`a ${tag}`]])
        for (const { headers } of [first, second]) {
          expect(headers).toMatchObject({ 'x-total': '2', 'x-total-pages': '2' })
        }
      })
    })

    it('shows each project as its own route does', async () => {
      const group = await world.group()
      const [one, two] = [await world.project({ namespace_id: group.id }), await world.project()]
      for (const project of [one, two]) {
        expect((await get(anonymous, `/projects?search=${project.path}`)).json).toEqual([project])
      }
    })

    it('orders by id whatever time it is asked to order by, and by id where names are equal', async () => {
      const tag = unique('order')
      const make = async (name: string, path: string) =>
        world.project({ name: `${name} ${tag}`, path: `${path}-${tag}`, namespace_id: (await world.group()).id })
      const [one, two, three] = [await make('b', 'x'), await make('a', 'z'), await make('b', 'y')].map(({ id }) => id)
      const list = async (query: string) =>
        rows(await get(anonymous, `/projects?search=${tag}&${query}`)).map(({ id }) => id)

      expect(await list('')).toEqual([three, two, one])
      for (const order of ['id', 'created_at', 'updated_at', 'last_activity_at']) {
        expect(await list(`order_by=${order}`)).toEqual([three, two, one])
        expect(await list(`order_by=${order}&sort=asc`)).toEqual([one, two, three])
      }
      expect(await list('order_by=name&sort=asc')).toEqual([two, one, three])
      expect(await list('order_by=name')).toEqual([three, one, two])
      expect(await list('order_by=path&sort=asc')).toEqual([one, three, two])
    })

    it('takes odd sizes as GitLab does', async () => {
      const tag = unique('empty')
      const list = async (query: string) => (await get(anonymous, `/projects?search=${tag}&${query}`)).headers
      expect(await list('')).toMatchObject({ 'x-total': '0', 'x-total-pages': '1', 'x-page': '1', 'x-per-page': '20' })
      expect(await list('per_page=500')).toMatchObject({
        'x-per-page': '100',
        link: expect.stringContaining('per_page=500'),
      })
      for (const query of ['page=0', 'page=-10', 'per_page=-1']) {
        expect(await list(query)).toMatchObject({ 'x-page': '1', 'x-per-page': '20' })
      }
    })

    it.each([
      ['page=a', 'page is invalid'],
      [`page=${BEYOND_DOUBLE}`, 'page is invalid'],
      ['per_page=0', 'per_page has a value not allowed'],
      ['per_page=a', 'per_page is invalid'],
      ['order_by=stars', 'order_by does not have a valid value'],
      ['order_by[]=name', 'order_by is invalid'],
      ['sort=up', 'sort does not have a valid value'],
      ['visibility=secret', 'visibility does not have a valid value'],
      ['min_access_level=31', 'min_access_level does not have a valid value'],
      ['min_access_level=x', 'min_access_level is invalid'],
      ['owned=maybe', 'owned is invalid'],
      ['membership=2', 'membership is invalid'],
      ['search[]=a', 'search is invalid'],
      ['search=a%00b', 'search is invalid'],
      [
        'sort=up&visibility=x&owned=x',
        'visibility does not have a valid value, owned is invalid, sort does not have a valid value',
      ],
    ])('refuses %s', async (query, error) => {
      for (const who of [anonymous, root]) {
        expect(await get(who, `/projects?${query}`)).toMatchObject({ status: 400, json: { error } })
      }
    })

    it('refuses a bad token before it looks at a parameter', async () => {
      const reply = await get({ token: 'pat-nobody' }, '/projects?page=a')
      expect(reply).toMatchObject({ status: 401, json: UNAUTHORIZED })
    })
  })
})
