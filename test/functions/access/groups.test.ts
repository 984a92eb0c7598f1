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

const NOT_FOUND = { message: '404 Group Not Found' }
const LEVELS = ['private', 'internal', 'public'] as const
const failed = (field: string, ...words: string[]) => ({
  message: `Failed to save group {:${field}=>${JSON.stringify(words)}}`,
})
const TAKEN = failed('path', 'has already been taken')

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get } = world
  const post = (who: Who, body: Json) => world.call(who, 'POST', '/groups', body)
  const owned = async (who: Who) => rows(await get(who, '/groups?owned=true'))
  beforeAll(() => door.open())

  describe('POST /groups', () => {
    it('makes a private group at the top, which its maker owns, and answers all of its fields', async () => {
      const maker = await world.user()
      const path = unique('acme')
      const reply = await post(maker, { name: 'Acme & Söhne', path })

      expect(reply.status).toBe(201)
      expect(reply.json).toEqual({
        id: expect.any(Number),
        web_url: `${door.origin}/groups/${path}`,
        name: 'Acme & Söhne',
        path,
        description: '',
        visibility: 'private',
        avatar_url: null,
        full_name: 'Acme & Söhne',
        full_path: path,
        parent_id: null,
        created_at: expect.stringMatching(ISO),
      })
      expect(await get(maker, `/groups/${made(reply).id}`)).toMatchObject({ status: 200, json: reply.json })
      expect(await owned(maker)).toEqual([reply.json])
      expect(await get(await world.user(), `/groups/${made(reply).id}`)).toMatchObject({ status: 404 })
    })

    it('makes a subgroup below its parent, which is part of its path, its name and its web address', async () => {
      const parent = await world.group({ name: 'Acme' })
      const path = unique('sub')
      const reply = await post(root, {
        name: 'Tools',
        path,
        parent_id: parent.id,
        description: 'What we\nwork with',
        visibility: 'internal',
      })

      expect(reply.status).toBe(201)
      expect(reply.json).toEqual({
        id: expect.any(Number),
        web_url: `${door.origin}/groups/${parent.path}/${path}`,
        name: 'Tools',
        path,
        description: 'What we\nwork with',
        visibility: 'internal',
        avatar_url: null,
        full_name: 'Acme / Tools',
        full_path: `${parent.path}/${path}`,
        parent_id: parent.id,
        created_at: expect.stringMatching(ISO),
      })
    })

    it('takes a form, a query and a JSON body alike, and the body wins over the query', async () => {
      const parent = await world.group()
      const [form, query, body, both] = [unique('form'), unique('query'), unique('json'), unique('both')]
      const fields = (path: string) => `name=A%20%26%20B&path=${path}&visibility=public&parent_id=${parent.id}`
      const json = (path: string) =>
        JSON.stringify({ name: 'A & B', path, visibility: 'public', parent_id: String(parent.id) })

      for (const [path, reply] of [
        [form, await send(world, root, '/groups', fields(form), FORM)],
        [query, await world.call(root, 'POST', `/groups?${fields(query)}`)],
        [body, await send(world, root, '/groups', json(body), 'Application/JSON; charset=utf-8')],
        [both, await send(world, root, `/groups?${fields('never')}`, json(both))],
      ] as const) {
        expect(reply).toMatchObject({
          status: 201,
          json: { name: 'A & B', path, visibility: 'public', parent_id: parent.id },
        })
      }
    })

    it('takes a number for a text, null for an absent parameter, and ignores parameters that it does not know', async () => {
      const path = unique('loose')
      const reply = await send(
        world,
        root,
        '/groups',
        `{"name":42,"path":"${path}","parent_id":null,"description":null,"visibility":null,"__proto__":{"admin":true},"foo":[]}`,
      )
      expect(reply).toMatchObject({
        status: 201,
        json: { name: '42', path, parent_id: null, description: '', visibility: 'private' },
      })
    })

    it('takes names of 255 characters and paths of every kind of character', async () => {
      for (const path of [unique('a.b_c-d'), `_${unique('x')}_`, `0${unique('Upper')}`, 'p'.repeat(246) + unique('')]) {
        expect(await post(root, { name: 'ñ'.repeat(255), path, description: 'd'.repeat(2000) })).toMatchObject({
          status: 201,
          json: { path, name: 'ñ'.repeat(255) },
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
        ['no parameter at all', {}, { error: 'name is missing, path is missing' }],
        ['no name', { path: 'refused' }, { error: 'name is missing' }],
        ['no path', { name: 'Refused' }, { error: 'path is missing' }],
        ['a name that is null', { name: null, path: 'refused' }, { error: 'name is missing' }],
        ['an empty name', { name: '', path: 'refused' }, failed('name', "can't be blank")],
        ['a blank name', { name: ' \t ', path: 'refused' }, failed('name', "can't be blank")],
        [
          'a name of 256 characters',
          { name: 'n'.repeat(256), path: 'refused' },
          failed('name', 'is too long (maximum is 255 characters)'),
        ],
        [
          'a name of 10,000 characters',
          { name: 'n'.repeat(10_000), path: 'refused' },
          failed('name', 'is too long (maximum is 255 characters)'),
        ],
        ['a name of two lines', { name: 'a\nb', path: 'refused' }, failed('name', 'cannot contain control characters')],
        ['a name with DEL', { name: 'a\x7fb', path: 'refused' }, failed('name', 'cannot contain control characters')],
        ['a name with NUL', { name: 'a\0b', path: 'refused' }, { error: 'name is invalid' }],
        ['a name with half a surrogate pair', { name: 'a\ud800', path: 'refused' }, { error: 'name is invalid' }],
        ['a name that is an object', { name: { a: 1 }, path: 'refused' }, { error: 'name is invalid' }],
        ['a name that is an array', { name: ['a'], path: 'refused' }, { error: 'name is invalid' }],
        ['a path with NUL', { name: 'Refused', path: 'a\0b' }, { error: 'path is invalid' }],
        ['a path that is an array', { name: 'Refused', path: [] }, { error: 'path is invalid' }],
        [
          'a path of 256 characters',
          { name: 'Refused', path: 'p'.repeat(256) },
          failed('path', 'is too long (maximum is 255 characters)'),
        ],
        [
          'a path of 10,000 characters',
          { name: 'Refused', path: 'p'.repeat(10_000) },
          failed('path', 'is too long (maximum is 255 characters)'),
        ],
        [
          'a description with NUL',
          { name: 'R', path: 'refused', description: '\0' },
          { error: 'description is invalid' },
        ],
        [
          'a description of 2,001 characters',
          { name: 'R', path: 'refused', description: 'd'.repeat(2001) },
          failed('description', 'is too long (maximum is 2000 characters)'),
        ],
        [
          'an unknown visibility',
          { name: 'R', path: 'refused', visibility: 'secret' },
          { error: 'visibility does not have a valid value' },
        ],
        [
          "a visibility in another case than GitLab's",
          { name: 'R', path: 'refused', visibility: 'Public' },
          { error: 'visibility does not have a valid value' },
        ],
        [
          'a visibility by its number',
          { name: 'R', path: 'refused', visibility: 20 },
          { error: 'visibility does not have a valid value' },
        ],
        [
          'a visibility that is an array',
          { name: 'R', path: 'refused', visibility: ['public'] },
          { error: 'visibility is invalid' },
        ],
        [
          'several parameters of the wrong type, all told at once',
          { name: {}, path: [], description: {}, visibility: 'x' },
          {
            error: 'name is invalid, path is invalid, description is invalid, visibility does not have a valid value',
          },
        ],
        [
          'several values that break a rule, all told at once',
          { name: ' ', path: '-', description: 'd'.repeat(2001) },
          {
            message: `Failed to save group {:name=>["can't be blank"], :path=>["${PATH_RULE}"], :description=>["is too long (maximum is 2000 characters)"]}`,
          },
        ],
      ])('%s', async (_what, body, json) => {
        expect(await post(maker, body)).toMatchObject({ status: 400, json })
      })

      it.each([
        '',
        ' ',
        '.',
        '..',
        '../etc',
        'a/b',
        'a b',
        'a%2Fb',
        '-a',
        '.a',
        'a-',
        'a.',
        'a..b',
        'a.-b',
        'a.git',
        'a.ATOM',
        'café',
        'a\tb',
      ])('the path %j', async (path) => {
        expect(await post(maker, { name: 'Refused', path })).toMatchObject({
          status: 400,
          json: failed('path', PATH_RULE),
        })
      })

      it.each(NO_INTEGERS)('the parent_id %j', async (parentId) => {
        expect(await post(maker, { name: 'Refused', path: 'refused', parent_id: parentId })).toMatchObject({
          status: 400,
          json: { error: 'parent_id is invalid' },
        })
      })

      it('a parent_id that is a JSON number beyond 2^53', async () => {
        const body = `{"name":"R","path":"refused","parent_id":${BEYOND_DOUBLE}}`
        expect(await send(world, maker, '/groups', body)).toMatchObject({
          status: 400,
          json: { error: 'parent_id is invalid' },
        })
      })

      it.each(brokenBodies)('the JSON body %j', async (body, error) => {
        expect(await send(world, maker, '/groups', body)).toMatchObject({ status: 400, json: { error } })
      })

      it('JSON bodies that are empty, and those that serverless-offline takes for empty', async () => {
        for (const body of ['', ' ', 'null', '""']) {
          const reply = await send(world, maker, '/groups', body)
          expect(reply.status).toBe(400)
          expect(['name is missing, path is missing', 'the body is not a JSON object']).toContain(made(reply).error)
        }
      })

      it('parameters of the wrong type in a form and in a query', async () => {
        const fields = 'name[]=a&path[x]=b&parent_id=%00'
        const refusal = { status: 400, json: { error: 'parent_id is invalid' } }
        expect(await send(world, maker, '/groups', fields, FORM)).toMatchObject(refusal)
        expect(await world.call(maker, 'POST', `/groups?${fields}`)).toMatchObject(refusal)
        expect(await send(world, maker, '/groups', 'name[]=a&path[x]=b', FORM)).toMatchObject({
          status: 400,
          json: { error: 'name is invalid, path is invalid' },
        })
      })

      it('a body that Lambda could not take', async () => {
        const body = JSON.stringify({ name: 'R', path: 'refused', description: 'd'.repeat(4_400_000) })
        expect(await send(world, maker, '/groups', body)).toMatchObject({
          status: 413,
          json: { message: '413 Content Too Large - the body may have at most 4400000 bytes' },
        })
      })
    })

    it('refuses a path that a group, a user or a project beside it has, in any case', async () => {
      const maker = await world.user()
      const top = await world.group()
      const sub = await world.group({ parent_id: top.id })
      const project = await world.project({ namespace_id: top.id })

      for (const body of [
        { path: top.path },
        { path: String(top.path).toUpperCase() },
        { path: maker.username },
        { path: sub.path, parent_id: top.id },
        { path: project.path, parent_id: top.id },
        { path: String(project.path).toUpperCase(), parent_id: top.id },
      ]) {
        expect(await post(root, { name: 'Again', ...body })).toMatchObject({ status: 400, json: TAKEN })
      }
      expect(await post(maker, { name: 'Elsewhere', path: sub.path })).toMatchObject({ status: 201 })
    })

    it('makes one of ten groups that want the same path at the same moment', async () => {
      const maker = await world.user()
      const path = unique('race')
      const replies = await tenAtOnce((place) =>
        post(maker, { name: 'R', path: place % 2 ? path : path.toUpperCase() }),
      )

      const refused = replies.filter(({ status }) => status !== 201)
      expect(refused.map(({ status, json }) => [status, json])).toEqual(Array(9).fill([400, TAKEN]))
      expect(await owned(maker)).toEqual(replies.filter(({ status }) => status === 201).map(({ json }) => json))
    })

    it.each(
      LEVELS.flatMap((parent, most) =>
        LEVELS.map((child, place) => [child, parent, place <= most ? 201 : 400] as const),
      ),
    )('answers for a group that is %s inside one that is %s with %i', async (child, parent, status) => {
      const { id } = await world.group({ visibility: parent })
      const path = unique('child')
      const reply = await post(root, { name: 'Child', path, parent_id: id, visibility: child })

      if (status === 201) expect(reply).toMatchObject({ status, json: { visibility: child } })
      else {
        expect(reply).toMatchObject({
          status,
          json: failed(
            'visibility_level',
            `${child} is not allowed since the parent group has a ${parent} visibility.`,
          ),
        })
        expect(await get(root, `/groups?search=${path}`)).toMatchObject({ json: [] })
      }
    })

    it('nests groups twenty deep and no deeper, and the deepest still takes projects', async () => {
      let deepest = await world.group()
      for (let depth = 2; depth <= 20; depth++) deepest = await world.group({ parent_id: deepest.id })
      const path = unique('deeper')

      expect(await post(root, { name: 'Deeper', path, parent_id: deepest.id })).toMatchObject({
        status: 400,
        json: failed('parent_id', 'has too deep level of nesting (maximum is 20 levels)'),
      })
      expect(await get(root, `/groups?search=${path}`)).toMatchObject({ json: [] })
      const project = await world.project({ namespace_id: deepest.id })
      const fullPath = encodeURIComponent(String(project.path_with_namespace))
      expect(await get(anonymous, `/projects/${fullPath}`)).toMatchObject({ status: 200, json: { id: project.id } })
      expect(await get(anonymous, `/groups/${encodeURIComponent(String(deepest.full_path))}`)).toMatchObject({
        status: 200,
        json: { id: deepest.id },
      })
    })

    it('refuses a full path above 1,024 characters', async () => {
      const long = () => unique('p'.repeat(241))
      const top = await world.group({ path: long() })
      const second = await world.group({ path: long(), parent_id: top.id })
      const third = await world.group({ path: long(), parent_id: second.id })
      const fourth = await world.group({ path: long(), parent_id: third.id })

      expect(await post(root, { name: 'Fifth', path: 'p'.repeat(21), parent_id: fourth.id })).toMatchObject({
        status: 400,
        json: failed('path', 'is too long (the full path has 1025 characters, maximum is 1024)'),
      })
      expect(await post(root, { name: 'Fifth', path: 'p'.repeat(20), parent_id: fourth.id })).toMatchObject({
        status: 201,
      })
    })

    describe('below a parent', () => {
      type Setting = Record<'hidden' | 'open' | 'above', number>
      let setting: Setting
      let who: Record<string, Who>
      beforeAll(async () => {
        const [hidden, above] = await Promise.all([world.group({ visibility: 'private' }), world.group()])
        const open = await world.group({ parent_id: above.id })
        const project = await world.project({ namespace_id: hidden.id, visibility: 'private' })
        setting = { hidden: hidden.id, open: open.id, above: above.id }
        const member = (id: number, level: AccessLevel) => world.member('groups', id, level)
        who = {
          anonymous,
          stranger: await world.user(),
          guest: await member(open.id, 10),
          planner: await member(open.id, 15),
          reporter: await member(open.id, 20),
          developer: await member(open.id, 30),
          maintainer: await member(open.id, 40),
          owner: await member(open.id, 50),
          'maintainer of the group above': await member(above.id, 40),
          'developer of the group above': await member(above.id, 30),
          administrator: await world.user(['api'], { admin: true }),
          'member of a project inside': await world.member('projects', project.id, 50),
          'owner whose role has ended': await world.user(),
        }
        const ended = who['owner whose role has ended']?.id ?? 0
        await addExpired(world, ended, { kind: 'group', id: open.id }, [above.id])
        await addExpired(world, ended, { kind: 'group', id: hidden.id }, [])
      })

      it.each([
        ['anonymous', 401],
        ['stranger', 403],
        ['guest', 403],
        ['planner', 403],
        ['reporter', 403],
        ['developer', 403],
        ['maintainer', 201],
        ['owner', 201],
        ['maintainer of the group above', 201],
        ['developer of the group above', 403],
        ['administrator', 201],
        ['owner whose role has ended', 403],
      ])('that everybody sees, answers the %s with %i', async (role, status) => {
        const path = unique('child')
        const reply = await post(who[role] as Who, { name: 'Child', path, parent_id: setting.open })
        expect(reply.status).toBe(status)
        if (status === 401) expect(reply.json).toEqual(UNAUTHORIZED)
        if (status === 403) {
          expect(reply.json).toEqual({ message: '403 Forbidden - this needs the role Maintainer in the group' })
        }
        expect(namesOf(await get(root, `/groups?search=${path}`))).toEqual(status === 201 ? ['Child'] : [])
      })

      it('asks for the right before it looks at the parameters', async () => {
        const reply = await post(who.developer as Who, { parent_id: setting.open, visibility: 'x' })
        expect(reply).toMatchObject({ status: 403 })
      })

      it('answers for a hidden, a personal and a missing parent alike, byte for byte', async () => {
        const stranger = await world.user()
        const own = made(await get(stranger, '/user')).namespace_id
        const others = made(await get(await world.user(), '/user')).namespace_id
        const missing = told(await post(stranger, { name: 'C', path: 'refused', parent_id: 999_999_999 }))

        expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
        for (const parent of [setting.hidden, own, others, 0, -1, Number.MAX_SAFE_INTEGER]) {
          for (const body of [{ name: 'C', path: 'refused' }, {}, { name: '', path: '-', visibility: 'x' }]) {
            expect([parent, told(await post(stranger, { ...body, parent_id: parent }))]).toEqual([parent, missing])
          }
        }
        const ended = who['owner whose role has ended'] as Who
        expect(told(await post(ended, { name: 'C', path: 'refused', parent_id: setting.hidden }))).toEqual(missing)
        expect(await owned(stranger)).toEqual([])
      })

      it('answers 403 to whoever sees it only for something inside', async () => {
        const insider = who['member of a project inside'] as Who
        expect(await post(insider, { name: 'C', path: unique('c'), parent_id: setting.hidden })).toMatchObject({
          status: 403,
          json: { message: '403 Forbidden - this needs the role Maintainer in the group' },
        })
      })
    })

    it('asks an anonymous caller for a login, whatever he sends', async () => {
      const hidden = await world.group({ visibility: 'private' })
      for (const body of [
        '{',
        '[]',
        '',
        '{"name":"A","path":"refused"}',
        `{"name":"A","path":"refused","parent_id":${hidden.id}}`,
        '{"parent_id":"x"}',
      ]) {
        expect(await send(world, anonymous, '/groups', body)).toMatchObject({ status: 401, json: UNAUTHORIZED })
      }
    })

    it('refuses a token that nobody has and one that only reads', async () => {
      const path = unique('refused')
      expect(await post({ token: 'pat-nobody' }, { name: 'R', path })).toMatchObject({
        status: 401,
        json: UNAUTHORIZED,
      })
      expect(await post(await world.user(['read_api']), { name: 'R', path })).toMatchObject({
        status: 403,
        json: {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api',
        },
      })
      expect(await get(root, `/groups/${path}`)).toMatchObject({ status: 404 })
    })
  })

  describe('GET /groups/:id', () => {
    it('finds a group by its id and by its full path in any case, with all fields', async () => {
      const top = await world.group({ description: 'Seen by all' })
      const sub = await world.group({ parent_id: top.id })
      const path = String(sub.full_path)

      expect(await get(anonymous, `/groups/${top.id}`)).toMatchObject({ status: 200, json: top })
      for (const id of [sub.id, encodeURIComponent(path), encodeURIComponent(path.toUpperCase())]) {
        const reply = await get(anonymous, `/groups/${id}`)
        expect(reply.status).toBe(200)
        expect(reply.json).toEqual(sub)
      }
    })

    describe('to each caller', () => {
      const roles = [
        'anonymous',
        'stranger',
        'guest of it',
        'guest of the group above',
        'guest of a subgroup',
        'guest of a project inside',
        'guest of the group beside it',
        'owner whose role has ended',
        'administrator',
      ] as const
      const settings = new Map<string, { id: number; who: Record<(typeof roles)[number], Who> }>()
      beforeAll(async () => {
        for (const visibility of LEVELS) {
          const above = await world.group({ visibility })
          const group = await world.group({ visibility, parent_id: above.id })
          const beside = await world.group({ visibility, parent_id: above.id })
          const sub = await world.group({ visibility: 'private', parent_id: group.id })
          const project = await world.project({ visibility: 'private', namespace_id: sub.id })
          const ended = await world.user()
          await addExpired(world, ended.id, { kind: 'group', id: group.id }, [above.id])
          settings.set(visibility, {
            id: group.id,
            who: {
              anonymous,
              stranger: await world.user(),
              'guest of it': await world.member('groups', group.id, 10),
              'guest of the group above': await world.member('groups', above.id, 10),
              'guest of a subgroup': await world.member('groups', sub.id, 10),
              'guest of a project inside': await world.member('projects', project.id, 10),
              'guest of the group beside it': await world.member('groups', beside.id, 10),
              'owner whose role has ended': ended,
              administrator: await world.user(['read_api'], { admin: true }),
            },
          })
        }
      })

      const [no, yes] = [404, 200]
      it.each([
        ['private', [no, no, yes, yes, yes, yes, no, no, yes]],
        ['internal', [no, yes, yes, yes, yes, yes, yes, yes, yes]],
        ['public', [yes, yes, yes, yes, yes, yes, yes, yes, yes]],
      ])('shows a group that is %s, or hides it', async (visibility, expected) => {
        const { id, who } = settings.get(visibility) ?? { id: 0, who: undefined }
        const got = await Promise.all(roles.map((role) => get(who?.[role] ?? {}, `/groups/${id}`)))
        expect(roles.map((role, place) => [role, got[place]?.status])).toEqual(
          roles.map((role, place) => [role, expected[place]]),
        )
        for (const { status, json } of got) if (status === no) expect(json).toEqual(NOT_FOUND)
      })
    })

    it('answers for what is hidden, personal, a project or missing alike, byte for byte', async () => {
      const hidden = await world.group({ visibility: 'private' })
      const user = await world.user()
      const project = await world.project()
      const namespace = made(await get(user, '/user')).namespace_id

      for (const who of [user, anonymous]) {
        const missing = told(await get(who, '/groups/nothing-here'))
        expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
        for (const id of [
          hidden.id,
          hidden.path,
          namespace,
          user.username,
          encodeURIComponent(String(project.path_with_namespace)),
          `${hidden.path}%2Fnothing`,
          'a%2F%2Fb',
          '..%2F..%2Fetc',
          '%20',
          '1%00',
          'a'.repeat(3000),
          ...NO_RECORDS,
        ]) {
          expect([id, told(await get(who, `/groups/${id}`))]).toEqual([id, missing])
        }
      }
    })

    it('refuses a broken percent sign', async () => {
      const reply = await get(root, '/groups/%zz')
      expect([reply.status, Object.keys(reply.json as Json)]).toEqual([400, ['error']])
    })

    it('refuses a bad token on a public group too', async () => {
      const { id } = await world.group()
      expect(await get({ token: 'pat-nobody' }, `/groups/${id}`)).toMatchObject({ status: 401, json: UNAUTHORIZED })
    })
  })

  describe('GET /groups', () => {
    describe('of an instance with groups of every visibility', () => {
      const tag = unique('list')
      let who: Record<'anonymous' | 'stranger' | 'member' | 'administrator', Who>
      beforeAll(async () => {
        const group = (letter: string, visibility: string, more: Json = {}) =>
          world.group({ name: `${letter} ${tag}`, path: `${tag}-${letter}`, visibility, ...more })
        const [open, , mine, , secret] = [
          await group('a', 'public'),
          await group('b', 'internal'),
          await group('c', 'private'),
          await group('d', 'public'),
          await group('e', 'private'),
        ]
        const below = await group('f', 'private', { parent_id: secret?.id })
        await group('g', 'private', { parent_id: secret?.id })
        await group('h', 'private', { parent_id: mine?.id })
        const inside = await world.project({ namespace_id: mine?.id, visibility: 'private' })
        const member = await world.member('groups', mine?.id ?? 0, 10)
        await world.make(`/groups/${below.id}/members`, { user_id: member.id, access_level: 50 })
        await world.make(`/projects/${inside.id}/members`, { user_id: member.id, access_level: 50 })
        const stranger = await world.user()
        for (const { id } of [open, secret] as { id: number }[]) {
          await addExpired(world, stranger.id, { kind: 'group', id }, [])
        }
        who = { anonymous, stranger, member, administrator: await world.user(['api'], { admin: true }) }
      })

      const letters = async (whose: keyof typeof who, query: string) => {
        const reply = await get(who[whose], `/groups?search=${tag}${query}`)
        expect([reply.status, reply.headers['x-total']]).toEqual([200, String(rows(reply).length)])
        return namesOf(reply)
          .map((name) => name.slice(0, 1))
          .join('')
      }

      it.each([
        ['', 'ad', 'abd', 'abcdefh', 'abcdefgh'],
        ['&visibility=public', 'ad', 'ad', 'ad', 'ad'],
        ['&visibility=internal', '', 'b', 'b', 'b'],
        ['&visibility=private', '', '', 'cefh', 'cefgh'],
        ['&owned=true', '', '', 'f', ''],
        ['&owned=false', 'ad', 'abd', 'abcdefh', 'abcdefgh'],
        ['&min_access_level=10', '', '', 'cfh', ''],
        ['&min_access_level=15', '', '', 'f', ''],
        ['&min_access_level=50', '', '', 'f', ''],
        ['&owned=1&min_access_level=10', '', '', 'f', ''],
        ['&sort=desc', 'da', 'dba', 'hfedcba', 'hgfedcba'],
        ['&order_by=path&sort=asc', 'ad', 'abd', 'abcdefh', 'abcdefgh'],
        ['&order_by=id&sort=desc', 'da', 'dba', 'hfedcba', 'hgfedcba'],
        ['&private_token=', 'ad', 'abd', 'abcdefh', 'abcdefgh'],
        ['&unknown=1&bar[]=2', 'ad', 'abd', 'abcdefh', 'abcdefgh'],
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
        const find = async (search: string) => namesOf(await get(root, `/groups?search=${search}`))
        expect(await find(`${tag}-A`.toUpperCase())).toEqual([`a ${tag}`])
        expect(await find(`A%20${tag}`)).toEqual([`a ${tag}`])
        expect(await find(`${tag}-z`)).toEqual([])
        expect(await find(`%25${tag}`)).toEqual([])
      })

      it('pages with exact totals and links that repeat every parameter but the token', async () => {
        const page = (query: string) =>
          get(who.member, `/groups?search=${tag}&private_token=${who.member.token}&${query}`)
        const url = (number: number, more: string) =>
          `${door.origin}/api/v4/groups?order_by=name&page=${number}&${more}`
        const more = `per_page=3&search=${tag}&sort=asc`

        const second = await page('per_page=3&page=2')
        expect(namesOf(second)).toEqual(['d', 'e', 'f'].map((letter) => `${letter} ${tag}`))
        expect(second.headers).toMatchObject({
          'x-page': '2',
          'x-per-page': '3',
          'x-next-page': '3',
          'x-prev-page': '1',
          'x-total': '7',
          'x-total-pages': '3',
          link: [
            `<${url(1, more)}>; rel="prev"`,
            `<${url(3, more)}>; rel="next"`,
            `<${url(1, more)}>; rel="first"`,
            `<${url(3, more)}>; rel="last"`,
          ].join(', '),
        })
        expect(JSON.stringify(second)).not.toContain(who.member.token)
        expect((await page('per_page=3')).headers).toMatchObject({
          'x-page': '1',
          'x-next-page': '2',
          'x-prev-page': '',
        })
        const last = await page('per_page=3&page=3')
        expect(namesOf(last)).toEqual([`h ${tag}`])
        expect(last.headers).toMatchObject({ 'x-page': '3', 'x-next-page': '', 'x-prev-page': '2' })

        const past = await page('per_page=3&page=4000')
        expect([past.status, past.json]).toEqual([200, []])
        expect(past.headers).toMatchObject({ 'x-page': '4000', 'x-next-page': '', 'x-prev-page': '', 'x-total': '7' })
        expect(past.headers.link).toBe(`<${url(1, more)}>; rel="first", <${url(3, more)}>; rel="last"`)
      })

      it('counts for the anonymous caller what he may see, page by page', async () => {
        const page = (number: number) => get(anonymous, `/groups?search=${tag}&per_page=1&page=${number}`)
        const [first, second] = [await page(1), await page(2)]
        expect([namesOf(first), namesOf(second)]).toEqual([[`a ${tag}`], [`d ${tag}`]])
        for (const { headers } of [first, second]) {
          expect(headers).toMatchObject({ 'x-total': '2', 'x-total-pages': '2' })
        }
      })
    })

    it('shows each group as its own route does', async () => {
      const group = await world.group({ description: 'With all fields' })
      const { json } = await get(anonymous, `/groups?search=${group.path}`)
      expect(json).toEqual([group])
    })

    it('leaves out personal namespaces, also for administrators', async () => {
      const user = await world.user()
      for (const who of [user, root]) {
        expect(await get(who, `/groups?search=${user.username}`)).toMatchObject({ status: 200, json: [] })
      }
      expect(await owned(user)).toEqual([])
    })

    it('orders by name, path or id, and by id where names are equal', async () => {
      const tag = unique('order')
      const make = (name: string, path: string) => world.group({ name: `${name} ${tag}`, path: `${path}-${tag}` })
      const [one, two, three] = [await make('b', 'x'), await make('a', 'z'), await make('b', 'y')].map(({ id }) => id)
      const list = async (query: string) =>
        rows(await get(anonymous, `/groups?search=${tag}&${query}`)).map(({ id }) => id)

      expect(await list('')).toEqual([two, one, three])
      expect(await list('order_by=name&sort=desc')).toEqual([three, one, two])
      expect(await list('order_by=path')).toEqual([one, three, two])
      expect(await list('order_by=id')).toEqual([one, two, three])
      expect(await list('order_by=id&sort=desc')).toEqual([three, two, one])
    })

    it('takes odd sizes as GitLab does', async () => {
      const tag = unique('empty')
      const list = async (query: string) => (await get(anonymous, `/groups?search=${tag}&${query}`)).headers
      expect(await list('')).toMatchObject({ 'x-total': '0', 'x-total-pages': '1', 'x-page': '1', 'x-per-page': '20' })
      expect(await list('per_page=500')).toMatchObject({
        'x-per-page': '100',
        link: expect.stringContaining('per_page=500'),
      })
      for (const query of ['page=0', 'page=-10', 'per_page=-1']) {
        expect(await list(query)).toMatchObject({ 'x-page': '1', 'x-per-page': '20' })
      }
      expect(await list(`page=${Number.MAX_SAFE_INTEGER}`)).toMatchObject({ 'x-next-page': '', 'x-prev-page': '' })
    })

    it.each([
      ['page=a', 'page is invalid'],
      [`page=${BEYOND_DOUBLE}`, 'page is invalid'],
      ['per_page=0', 'per_page has a value not allowed'],
      ['per_page=a', 'per_page is invalid'],
      ['order_by=created_at', 'order_by does not have a valid value'],
      ['order_by[]=name', 'order_by is invalid'],
      ['sort=up', 'sort does not have a valid value'],
      ['visibility=secret', 'visibility does not have a valid value'],
      ['min_access_level=31', 'min_access_level does not have a valid value'],
      ['min_access_level=x', 'min_access_level is invalid'],
      ['owned=maybe', 'owned is invalid'],
      ['search[]=a', 'search is invalid'],
      ['search=a%00b', 'search is invalid'],
      [
        'sort=up&visibility=x&owned=x',
        'visibility does not have a valid value, owned is invalid, sort does not have a valid value',
      ],
    ])('refuses %s', async (query, error) => {
      for (const who of [anonymous, root]) {
        expect(await get(who, `/groups?${query}`)).toMatchObject({ status: 400, json: { error } })
      }
    })

    it('refuses a bad token before it looks at a parameter', async () => {
      const reply = await get({ token: 'pat-nobody' }, '/groups?page=a')
      expect(reply).toMatchObject({ status: 401, json: UNAUTHORIZED })
    })
  })
})
