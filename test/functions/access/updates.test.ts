import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'
import { castOf, row, rows, statuses, told } from './cast.ts'

const KINDS = [
  { kind: 'groups', one: 'group', missing: '404 Group Not Found', least: 'Owner', full: 'full_name' },
  {
    kind: 'projects',
    one: 'project',
    missing: '404 Project Not Found',
    least: 'Maintainer',
    full: 'name_with_namespace',
  },
] as const

/** What a group that was left alone shows of its settings. */
const NOTHING_SET = {
  maven_duplicates_allowed: null,
  maven_duplicate_exception_regex: null,
  generic_duplicates_allowed: null,
  generic_duplicate_exception_regex: null,
}

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get, call } = world
  const put = (who: Who, path: string, body: Json) => call(who, 'PUT', path, body)
  beforeAll(() => door.open())

  /** Sends a body as it stands. */
  const send = (method: string, path: string, contentType: string, body: string) =>
    door.call({ method, path, headers: { 'private-token': String(root.token), 'content-type': contentType }, body })

  describe.each(KINDS)('PUT /$kind/:id', ({ kind, one, missing, least, full }) => {
    const place = async (visibility = 'public') => {
      const above = await world.group({ visibility, name: 'Above' })
      const made = await (kind === 'groups'
        ? world.group({ visibility, parent_id: above.id })
        : world.project({ visibility, namespace_id: above.id }))
      return { made, above, id: made.id, path: `/${kind}/${made.id}` }
    }

    it(`of a ${one} is for ${least}s`, async () => {
      const { id, path } = await place('private')
      const cast = await castOf(world, kind, id)
      const got = await statuses(cast, (who) => put(who, path, { description: 'changed' }))
      expect(got).toEqual([401, 404, 403, 403, kind === 'groups' ? 403 : 200, 200, 200])
      const refusal = await put(cast.developer, path, { name: [] })
      expect(refusal.json).toEqual({ message: `403 Forbidden - this needs the role ${least} in the ${one}` })
      const reader = await world.user(['read_api'], { admin: true })
      expect(await put(reader, path, {})).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } })
    })

    it('answers for what is hidden and for what is missing alike', async () => {
      const { path } = await place('private')
      for (const [who, status] of [
        [await world.user(), 404],
        [anonymous, 401],
      ] as const) {
        const hidden = told(await put(who, path, { name: [] }))
        expect(hidden).toEqual(told(await put(who, `/${kind}/999999999`, { name: [] })))
        expect(hidden.status).toBe(status)
      }
      expect(await put(await world.user(), path, {})).toMatchObject({ json: { message: missing } })
    })

    it('changes the name and the description everywhere they stand, and nothing else', async () => {
      const { made, path } = await place()
      const name = unique('Renamed Ünit')
      const reply = await put(root, path, {
        name,
        description: 'New\nwords',
        id: 1,
        parent_id: 1,
        namespace_id: 1,
        creator_id: 1,
        default_branch: 'main',
        full_path: 'x',
        created_at: 'x',
        unknown: {},
      })
      expect(reply).toMatchObject({ status: 200 })
      const permissions = kind === 'projects' ? { permissions: expect.anything() } : {}
      const expected = { ...made, ...permissions, name, description: 'New\nwords', [full]: `Above / ${name}` }
      const settings = kind === 'groups' ? NOTHING_SET : {}
      expect(reply.json).toEqual({ ...expected, ...settings })
      expect((await get(root, path)).json).toEqual({ ...expected, ...settings })
      expect(rows(await get(root, `/${kind}?search=${encodeURIComponent(name)}`))).toEqual([expected])

      expect(await put(root, path, { description: '' })).toMatchObject({ json: { name, description: '' } })
      expect(await put(root, path, {})).toMatchObject({ status: 200, json: { name, description: '' } })
      expect(await put(root, path, { name: null, description: null })).toMatchObject({ json: { name } })
    })

    it.each([
      [{ name: '' }, { message: { name: ["can't be blank"] } }],
      [{ name: 'n'.repeat(256) }, { message: { name: ['is too long (maximum is 255 characters)'] } }],
      [{ name: 'a\u0085b' }, { message: { name: ['cannot contain control characters'] } }],
      [{ description: 'd'.repeat(2001) }, { message: { description: ['is too long (maximum is 2000 characters)'] } }],
      [{ name: [], description: {} }, { error: 'name is invalid, description is invalid' }],
      [{ visibility: 'open' }, { error: 'visibility does not have a valid value' }],
    ])('refuses %j', async (body, json) => {
      const { made, path } = await place()
      const reply = await put(root, path, body)
      expect([reply.status, reply.json]).toEqual([400, json])
      expect((await get(root, path)).json).toMatchObject({ name: made.name, description: '' })
    })

    it('takes the path and the visibility that are', async () => {
      const { made, path } = await place()
      const same = { path: made.path, visibility: made.visibility }
      expect(await put(root, path, same)).toMatchObject({ status: 200, json: same })
    })

    it('twice at once keeps both when they change different fields, and one of two names everywhere', async () => {
      const { path } = await place()
      await Promise.all([put(root, path, { name: 'Named' }), put(root, path, { description: 'Described' })])
      expect(await get(root, path)).toMatchObject({ json: { name: 'Named', description: 'Described' } })

      const tag = unique('Racing')
      const names = Array.from({ length: 10 }, (_, place_) => `${tag} ${place_}`)
      const replies = await Promise.all(names.map((name) => put(root, path, { name })))
      expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200))
      const { name, id } = row(await get(root, path))
      expect(names).toContain(name)
      const listed = rows(await get(root, `/${kind}?search=${encodeURIComponent(tag)}`))
      expect(listed).toMatchObject([{ id, name }])
      expect(rows(await get(root, `/${kind}?search=${encodeURIComponent(name)}`))).toHaveLength(1)
    })
  })

  it('a group that is renamed shows in the full names of all that is inside', async () => {
    const top = await world.group({ name: 'Top' })
    const sub = await world.group({ name: 'Sub', parent_id: top.id })
    const project = await world.project({ name: 'Leaf', path: unique('leaf'), namespace_id: sub.id })
    expect([sub.full_name, project.name_with_namespace]).toEqual(['Top / Sub', 'Top / Sub / Leaf'])

    await put(root, `/groups/${top.id}`, { name: 'Summit' })
    expect(await get(anonymous, `/groups/${sub.id}`)).toMatchObject({ json: { full_name: 'Summit / Sub' } })
    expect(await get(anonymous, `/projects/${project.id}`)).toMatchObject({
      json: { name_with_namespace: 'Summit / Sub / Leaf', path_with_namespace: project.path_with_namespace },
    })
    expect(rows(await get(anonymous, `/groups/${top.id}/projects?include_subgroups=true`))).toMatchObject([
      { name_with_namespace: 'Summit / Sub / Leaf', namespace: { name: 'Sub' } },
    ])
    const { name_with_namespace: made } = await world.project({
      name: 'New',
      path: unique('new'),
      namespace_id: sub.id,
    })
    expect(made).toBe('Summit / Sub / New')
  })

  it('a project of a personal namespace is changed by whose it is', async () => {
    const user = await world.user()
    const { id } = await world.make('/projects', { name: unique('own'), visibility: 'private' }, user)
    expect(await put(user, `/projects/${id}`, { name: 'Mine' })).toMatchObject({
      status: 200,
      json: { name_with_namespace: `${user.username} / Mine` },
    })
    const { namespace_id: personal } = (await get(user, '/user')).json as { namespace_id: number }
    expect(await put(user, `/groups/${personal}`, { name: 'x' })).toMatchObject({ status: 404 })
  })

  describe('a body', () => {
    const boundary = 'x-7d1b'
    const part = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const multipart = `multipart/form-data; boundary=${boundary}`

    it.everywhere('changes the same thing as JSON, as a form, as multipart/form-data and in the query', async () => {
      const { id } = await world.group()
      const path = `/groups/${id}`
      const bodies: [string, string][] = [
        ['application/json', '{"name":"Ä & b","description":"c=d"}'],
        ['application/x-www-form-urlencoded', 'name=%C3%84+%26+b&description=c%3Dd'],
        [multipart, `${part('name', 'Ä & b')}${part('description', 'c=d')}--${boundary}--\r\n`],
      ]
      for (const [contentType, body] of bodies) {
        await put(root, path, { name: 'Before', description: 'before' })
        expect(await send('PUT', path, contentType, body)).toMatchObject({
          status: 200,
          json: { name: 'Ä & b', description: 'c=d' },
        })
      }
      await put(root, path, { name: 'Before', description: 'before' })
      expect(await call(root, 'PUT', `${path}?name=%C3%84+%26+b&description=c%3Dd`)).toMatchObject({
        json: { name: 'Ä & b', description: 'c=d' },
      })
    })

    it.everywhere('of multipart/form-data makes everything that the others make', async () => {
      const path = unique('multi')
      const made = await send(
        'POST',
        '/groups',
        multipart,
        `${part('name', 'Multi')}${part('path', path)}${part('visibility', 'public')}--${boundary}--\r\n`,
      )
      expect(made).toMatchObject({ status: 201, json: { path, visibility: 'public' } })
      const user = await world.user()
      const token = await send(
        'POST',
        `/users/${user.id}/personal_access_tokens`,
        multipart,
        `${part('name', 't')}${part('scopes[]', 'api')}${part('scopes[]', 'read_api')}--${boundary}--\r\n`,
      )
      expect(token).toMatchObject({ status: 201, json: { scopes: ['api', 'read_api'] } })
    })

    it.everywhere('of multipart/form-data that is broken, or has a file for a name, is refused', async () => {
      const { id } = await world.group()
      const file = `--${boundary}\r\nContent-Disposition: form-data; name="name"; filename="x.txt"\r\n\r\nx\r\n--${boundary}--\r\n`
      for (const [contentType, body, error] of [
        [multipart, 'garbage', 'the body is not valid multipart/form-data'],
        ['multipart/form-data', part('name', 'x'), 'the body is not valid multipart/form-data'],
        [multipart, file, 'name is invalid'],
      ] as const) {
        const { status, json } = await send('PUT', `/groups/${id}`, contentType, body)
        expect(status).toBe(400)
        // serverless-offline asks for a boundary before any handler does.
        expect([error, '400 Bad Request']).toContain((json as Json).error)
      }
    })

    it('with as many parts as fit into it is answered in good time', async () => {
      const { id } = await world.group()
      for (const [contentType, body] of [
        ['application/x-www-form-urlencoded', 'a[]=&'.repeat(800_000)],
        [multipart, `${part('a[]', '').repeat(60_000)}--${boundary}--\r\n`],
      ] as const) {
        const started = performance.now()
        expect(await send('PUT', `/groups/${id}`, contentType, body)).toMatchObject({ status: 200 })
        expect(performance.now() - started).toBeLessThan(8_000)
      }
    })
  })
})
