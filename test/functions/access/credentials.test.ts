import { doors, through } from '../../support/doors.ts'
import { createWorld, publishBody } from '../../support/world.ts'

const UNAUTHORIZED = '401 Unauthorized'
const JOB_TOKENS =
  '401 Unauthorized - job tokens are not offered here: use a deploy token in the header Deploy-Token, or a personal access token in the header PRIVATE-TOKEN'

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, call } = world
  /** A private project with a package of each format, and a token of each kind that reads it. */
  const setUp = async () => {
    const group = await world.group({ visibility: 'private' })
    const project = await world.project({ visibility: 'private', namespace_id: group.id })
    const base = `/projects/${project.id}/packages`
    await call(root, 'PUT', `${base}/npm/pkg`, await publishBody('pkg', '1.0.0'))
    const uploaded = await call(root, 'PUT', `${base}/generic/tool/1.0.0/a.txt?select=package_file`, {})
    const { id, package_id } = uploaded.json as { id: number; package_id: number }
    const personal = await world.member('projects', project.id, 20)
    return {
      personal: { secret: personal.token, username: personal.username },
      deploy: await world.deployToken('projects', project.id).then(({ deployToken, username }) => ({
        secret: deployToken,
        username,
      })),
      routes: {
        list: `${base}`,
        get: `${base}/${package_id}`,
        files: `${base}/${package_id}/package_files`,
        download: `${base}/${package_id}/package_files/${id}/download`,
        npm: `${base}/npm/pkg`,
        generic: `${base}/generic/tool/1.0.0/a.txt`,
        'group list': `/groups/${group.id}/packages`,
        pipelines: `${base}/${package_id}/pipelines`,
        project: `/projects/${project.id}`,
      },
    }
  }
  let place: Awaited<ReturnType<typeof setUp>>
  beforeAll(async () => {
    await door.open()
    place = await setUp()
  })

  type Shown = { secret: string; username: string }
  /** Where a token may stand. */
  const places: Record<string, (shown: Shown) => { headers?: Record<string, string>; query?: string }> = {
    'PRIVATE-TOKEN': ({ secret }) => ({ headers: { 'private-token': secret } }),
    private_token: ({ secret }) => ({ query: `?private_token=${secret}` }),
    'Deploy-Token': ({ secret }) => ({ headers: { 'deploy-token': secret } }),
    Bearer: ({ secret }) => ({ headers: { authorization: `Bearer ${secret}` } }),
    access_token: ({ secret }) => ({ query: `?access_token=${secret}` }),
    Basic: ({ secret, username }) => ({ headers: { authorization: basic(username, secret) } }),
    'Basic with another name': ({ secret }) => ({ headers: { authorization: basic('somebody', secret) } }),
  }

  const clients = ['npm', 'generic'] as const
  const packages = ['list', 'get', 'files', 'download', ...clients] as const
  const others = ['pipelines', 'project'] as const
  const fine = [200, 302]
  /** What a stranger to the private project hears: GitLab asks package clients for a login. */
  const nothing = (route: string) => [(clients as readonly string[]).includes(route) ? 401 : 404]

  it.everywhere.each([
    ['personal', 'PRIVATE-TOKEN', [...packages, ...others], []],
    ['personal', 'private_token', [...packages, ...others], []],
    ['personal', 'Bearer', [...packages, ...others], []],
    ['personal', 'access_token', [...packages, ...others], []],
    ['personal', 'Basic', packages, []],
    ['personal', 'Basic with another name', packages, []],
    ['personal', 'Deploy-Token', [], packages],
    ['deploy', 'Deploy-Token', packages, []],
    ['deploy', 'Bearer', packages, others],
    ['deploy', 'access_token', packages, others],
    ['deploy', 'Basic', packages, []],
    ['deploy', 'Basic with another name', [], packages],
    ['deploy', 'PRIVATE-TOKEN', [], [...packages, ...others]],
    ['deploy', 'private_token', [], [...packages, ...others]],
  ] as const)('a %s token in %s opens %j and is a bad token on %j', async (kind, where, opens, bad) => {
    const { headers = {}, query = '' } = places[where]?.(place[kind]) ?? {}
    for (const route of [...packages, ...others]) {
      const { status } = await door.call({ path: `${place.routes[route]}${query}`, headers })
      const expected = (opens as readonly string[]).includes(route)
        ? fine
        : (bad as readonly string[]).includes(route)
          ? [401]
          : nothing(route)
      expect([route, expected.includes(status), status]).toEqual([route, true, status])
    }
  })

  it('a group has its packages listed for a deploy token of its own, and for none of a project inside', async () => {
    const { json } = await call(root, 'GET', place.routes['group list'])
    const [{ project_id }] = json as [{ project_id: number }]
    const groupId = Number(/\d+/.exec(place.routes['group list'])?.[0])
    const reader = await world.deployToken('groups', groupId)
    const reply = await world.get(reader, place.routes['group list'])
    expect(reply).toMatchObject({ status: 200, headers: { 'x-total': '2' } })
    expect((reply.json as { project_id: number }[]).map((row) => row.project_id)).toEqual([project_id, project_id])
    expect(reply.text).not.toContain('delete_api_path')
    const inside = { deployToken: place.deploy.secret }
    expect(await world.get(inside, place.routes['group list'])).toMatchObject({ status: 404 })
  })

  it.each([
    ['the header JOB-TOKEN', { headers: { 'job-token': 'secret' } }],
    ['the parameter job_token', { query: '?job_token=secret' }],
    ['the user gitlab-ci-token', { headers: { authorization: basic('gitlab-ci-token', 'secret') } }],
  ])('a job token in %s is told what to use instead, on every route', async (_where, sent) => {
    const { headers = {}, query = '' } = sent as { headers?: Record<string, string>; query?: string }
    for (const [name, route] of Object.entries(place.routes)) {
      const { status, json } = await door.call({ path: `${route}${query}`, headers })
      const body = name === 'npm' ? { message: JOB_TOKENS, error: JOB_TOKENS } : { message: JOB_TOKENS }
      expect([name, status, json]).toEqual([name, 401, body])
    }
  })

  it('a bad token is refused wherever it stands, also where everybody may read', async () => {
    const project = await world.project()
    const path = `/projects/${project.id}/packages`
    for (const show of Object.values(places)) {
      const { headers = {}, query = '' } = show({ secret: 'dt-nobody-has-this-one', username: 'somebody' })
      const { status, json } = await door.call({ path: `${path}${query}`, headers })
      expect([status, json]).toEqual([401, { message: UNAUTHORIZED }])
    }
  })

  it('of two credentials the first in the order of GitLab counts', async () => {
    const { personal, deploy, routes } = place
    const ask = async (headers: Record<string, string>, query = '') =>
      (await door.call({ path: `${routes.list}${query}`, headers })).status
    const token = { 'private-token': personal.secret }
    expect(await ask({ ...token, 'deploy-token': 'wrong' })).toBe(401)
    expect(await ask({ 'private-token': 'wrong', 'deploy-token': deploy.secret })).toBe(200)
    expect(await ask(token, '?private_token=wrong')).toBe(401)
    expect(await ask({ ...token, 'job-token': 'job' })).toBe(200)
    expect(await ask({ ...token, authorization: basic('gitlab-ci-token', 'job') })).toBe(200)
    expect(await ask({ 'deploy-token': ' ', ...token })).toBe(200)
  })

  describe('a deploy token', () => {
    const publish = async (who: { deployToken: string }, project: { id: number }, version = '1.0.0') =>
      call(who, 'PUT', `/projects/${project.id}/packages/npm/pkg`, await publishBody('pkg', version))
    const upload = (who: { deployToken: string }, project: { id: number }, name = 'tool') =>
      call(who, 'PUT', `/projects/${project.id}/packages/generic/${name}/1.0.0/a.txt`, {})

    it('that writes publishes where it belongs, nowhere else, and deletes nothing', async () => {
      const group = await world.group({ visibility: 'private' })
      const inner = await world.group({ visibility: 'private', parent_id: group.id })
      const [inside, deep, outside] = [
        await world.project({ visibility: 'private', namespace_id: group.id }),
        await world.project({ visibility: 'private', namespace_id: inner.id }),
        await world.project({ visibility: 'private' }),
      ]
      const open = await world.project({ visibility: 'public' })
      const writer = await world.deployToken('groups', group.id, ['write_package_registry'])
      const own = await world.deployToken('projects', inside.id, ['write_package_registry'])
      for (const [who, project, expected] of [
        [writer, inside, 200],
        [writer, deep, 200],
        [writer, outside, 404],
        [writer, open, 403],
        [own, inside, 200],
        [own, deep, 404],
      ] as const) {
        expect((await publish(who, project, `1.0.${who.id}`)).status).toBe(expected)
        expect((await upload(who, project)).status).toBe(expected === 200 ? 201 : expected)
      }
      const [found] = (await world.get(own, `/projects/${inside.id}/packages`)).json as [{ id: number }]
      expect(await call(own, 'DELETE', `/projects/${inside.id}/packages/${found.id}`)).toMatchObject({ status: 404 })
      expect(
        await call(own, 'DELETE', `/projects/${inside.id}/packages/npm/-/package/pkg/dist-tags/latest`),
      ).toMatchObject({ status: 403 })
      expect(await world.get(root, `/projects/${inside.id}/packages/${found.id}`)).toMatchObject({ status: 200 })
    })

    it('that reads publishes nothing, and is told which scope it lacks', async () => {
      const project = await world.project()
      const reader = await world.deployToken('projects', project.id)
      const refused = await upload(reader, project)
      expect([refused.status, refused.json]).toEqual([
        403,
        {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'write_package_registry',
        },
      ])
    })

    it('without a scope for packages opens nothing, not even what is public', async () => {
      const project = await world.project()
      const token = await world.deployToken('projects', project.id, ['read_repository', 'write_registry'])
      expect(await world.get(token, `/projects/${project.id}/packages`)).toMatchObject({
        status: 403,
        json: { error: 'insufficient_scope', scope: 'read_package_registry write_package_registry' },
      })
    })

    it('that has expired is told so', async () => {
      const project = await world.project()
      const token = await world.deployToken('projects', project.id, ['read_package_registry'], {
        expires_at: '2020-01-01',
      })
      expect(await world.get(token, `/projects/${project.id}/packages`)).toMatchObject({
        status: 401,
        json: { error: 'invalid_token', error_description: expect.stringContaining('Token is expired') },
      })
    })

    it('publishes nothing that a rule protects, whichever role the rule asks for', async () => {
      const project = await world.project()
      const writer = await world.deployToken('projects', project.id, ['write_package_registry'])
      await world.make(`/projects/${project.id}/packages/protection/rules`, {
        package_name_pattern: 'kept*',
        package_type: 'generic',
        minimum_access_level_for_push: 'maintainer',
      })
      expect(await upload(writer, project, 'kept-tool')).toMatchObject({
        status: 403,
        json: { message: '403 Forbidden - Package protected.' },
      })
      expect(await upload(writer, project, 'tool')).toMatchObject({ status: 201 })
    })

    it('leaves with its project the group that it is of, at once', async () => {
      const [group, target] = [
        await world.group({ visibility: 'private' }),
        await world.group({ visibility: 'private' }),
      ]
      const project = await world.project({ visibility: 'private', namespace_id: group.id })
      const reader = await world.deployToken('groups', group.id)
      const path = `/projects/${project.id}/packages`
      expect(await world.get(reader, path)).toMatchObject({ status: 200 })
      await call(root, 'PUT', `/projects/${project.id}/transfer`, { namespace: target.id })
      expect(await world.get(reader, path)).toMatchObject({ status: 404 })
    })

    it('has a name, which npm whoami shows', async () => {
      const project = await world.project({ visibility: 'private' })
      const reader = await world.deployToken('projects', project.id)
      const { status, json } = await door.call({
        path: `/projects/${project.id}/packages/npm/-/whoami`,
        headers: { authorization: `Bearer ${reader.deployToken}` },
      })
      expect([status, json]).toEqual([200, { username: reader.username }])
    })
  })
})
