import { createHash } from 'node:crypto'
import { doors, type Reply, through } from '../support/doors.ts'
import { createWorld, type Json, unique } from '../support/world.ts'

const rows = ({ json }: Reply) => json as (Json & { id: number; name: string; version: string | null })[]
const ids = (reply: Reply) => rows(reply).map(({ id }) => id)
/** Links as they are without the cursor, which is nobody's to read. */
const withoutCursors = (links: string | undefined) => links?.replace(/cursor=[\w-]+&/g, '')
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, get } = world
  beforeAll(() => door.open())

  describe("the examples of GitLab 12.5's documentation", () => {
    const setUp = async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      const maven = await world.package(project.id, {
        name: 'com/mycompany/my-app',
        version: '1.0-SNAPSHOT',
        type: 'maven',
        files: ['my-app-1.5-20181107.152550-1.jar', 'my-app-1.5-20181107.152550-1.pom', 'maven-metadata.xml'],
      })
      const npm = await world.package(project.id, { name: '@foo/bar', version: '1.0.3', type: 'npm' })
      return { group, project, maven, npm }
    }

    it('lists a Maven and an npm package of a project with all their fields', async () => {
      const { project, maven, npm } = await setUp()
      const reply = await get(root, `/projects/${project.id}/packages`)

      expect(reply.status).toBe(200)
      const one = (id: number, name: string, version: string, type: string) => ({
        id,
        name,
        version,
        package_type: type,
        status: 'default',
        _links: {
          web_path: `/${project.path_with_namespace}/-/packages/${id}`,
          delete_api_path: `${door.origin}/api/v4/projects/${project.id}/packages/${id}`,
        },
        created_at: expect.stringMatching(ISO),
        last_downloaded_at: null,
        tags: [],
      })
      expect(reply.json).toEqual([
        one(maven.id, 'com/mycompany/my-app', '1.0-SNAPSHOT', 'maven'),
        one(npm.id, '@foo/bar', '1.0.3', 'npm'),
      ])
    })

    it('lists them in their group, with the project they are in', async () => {
      const { group, project, maven, npm } = await setUp()
      const reply = await get(world.anonymous, `/groups/${group.id}/packages`)

      const inProject = { project_id: project.id, project_path: project.path_with_namespace }
      expect(reply.json).toEqual([
        expect.objectContaining({ id: maven.id, ...inProject, _links: { web_path: expect.any(String) } }),
        expect.objectContaining({ id: npm.id, ...inProject, _links: { web_path: expect.any(String) } }),
      ])
    })

    it('lists the three files of a package with size and hashes', async () => {
      const { project, maven } = await setUp()
      const reply = await get(root, `/projects/${project.id}/packages/${maven.id}/package_files`)

      const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex')
      expect(reply.status).toBe(200)
      expect(reply.headers['x-total']).toBe('3')
      expect(reply.json).toEqual(
        ['my-app-1.5-20181107.152550-1.jar', 'my-app-1.5-20181107.152550-1.pom', 'maven-metadata.xml'].map((name) => ({
          id: expect.any(Number),
          package_id: maven.id,
          created_at: expect.stringMatching(ISO),
          file_name: name,
          size: name.length,
          file_md5: hash('md5', name),
          file_sha1: hash('sha1', name),
          file_sha256: hash('sha256', name),
        })),
      )
    })

    it('deletes a package: 204 without a body, and then 404 on every route', async () => {
      const { group, project, maven, npm } = await setUp()
      const path = `/projects/${project.id}/packages/${maven.id}`
      expect(await world.call(root, 'DELETE', path)).toMatchObject({ status: 204, text: '' })

      for (const [method, url] of [
        ['DELETE', path],
        ['GET', path],
        ['GET', `${path}/package_files`],
      ] as const) {
        expect(await world.call(root, method, url)).toMatchObject({ status: 404, json: { message: '404 Not found' } })
      }
      for (const list of [`/projects/${project.id}/packages`, `/groups/${group.id}/packages`]) {
        const reply = await get(root, list)
        expect([ids(reply), reply.headers['x-total']]).toEqual([[npm.id], '1'])
      }
    })
  })

  describe('GET /projects/:id/packages', () => {
    it('finds a project by its full path, however deep and in any case, with the slashes encoded', async () => {
      const top = await world.group()
      const sub = await world.group({ parent_id: top.id })
      const deep = await world.group({ parent_id: sub.id })
      const project = await world.project({ namespace_id: deep.id })
      const one = await world.package(project.id)
      const path = String(project.path_with_namespace)

      for (const id of [path, path.toUpperCase()].map(encodeURIComponent)) {
        expect(ids(await get(world.anonymous, `/projects/${id}/packages`))).toEqual([one.id])
      }
      expect(await get(root, `/projects/${encodeURIComponent(path).replaceAll('%2F', '%2f')}/packages`)).toMatchObject({
        status: 200,
      })
      expect(await get(root, `/projects/${project.path}/packages`)).toMatchObject({ status: 404 })
    })

    it('lists by default what is displayable, has a version and is no Terraform module', async () => {
      const project = await world.project()
      const shown = [
        await world.package(project.id),
        await world.package(project.id, { status: 'deprecated' }),
        await world.package(project.id, { status: 'error' }),
      ]
      const hidden = await world.package(project.id, { status: 'hidden' })
      const processing = await world.package(project.id, { status: 'processing' })
      const versionless = await world.package(project.id, { type: 'maven', version: null })
      const terraform = await world.package(project.id, { type: 'terraform_module' })
      const list = async (query: string) => ids(await get(root, `/projects/${project.id}/packages${query}`))

      expect(await list('')).toEqual(shown.map(({ id }) => id))
      expect(await list('?status=hidden')).toEqual([hidden.id])
      expect(await list('?status=processing')).toEqual([processing.id])
      expect(await list('?status=error')).toEqual([shown[2]?.id])
      expect(await list('?status=pending_destruction')).toEqual([])
      expect(await list('?package_type=terraform_module')).toEqual([terraform.id])
      expect(await list('?include_versionless=true')).toEqual([...shown.map(({ id }) => id), versionless.id])
      expect(await list('?include_versionless=True&package_type=maven')).toEqual([versionless.id])
      expect(await list('?include_versionless=true&package_version=1.0.0')).toEqual(shown.map(({ id }) => id))
    })

    it('says of a package in error nothing but that it is there: listed, its files too, but not opened', async () => {
      const project = await world.project()
      const { id } = await world.package(project.id, { status: 'error' })
      const path = `/projects/${project.id}/packages`
      const reporter = await world.member('projects', project.id, 20)

      expect(rows(await get(reporter, path))).toMatchObject([{ id, status: 'error', _links: {} }])
      expect(rows(await get(reporter, path))[0]?._links).toEqual({})
      expect(await get(root, `${path}/${id}`)).toMatchObject({ status: 404, json: { message: 'Package not found' } })
      expect(await get(root, `${path}/${id}/package_files`)).toMatchObject({ status: 200 })
      expect(await world.call(root, 'DELETE', `${path}/${id}`)).toMatchObject({ status: 204 })
    })

    it('searches names by part and in any case, and versions exactly', async () => {
      const project = await world.project()
      const one = await world.package(project.id, { name: 'com/Acme/tool', version: '1.0', type: 'maven' })
      const two = await world.package(project.id, { name: 'tool-belt', version: '1.0.0' })
      const list = async (query: string) => get(root, `/projects/${project.id}/packages?${query}`)

      expect(ids(await list('package_name=TOOL'))).toEqual([one.id, two.id])
      expect(ids(await list('package_name=acme'))).toEqual([one.id])
      expect(ids(await list('package_name=belt%20tool'))).toEqual([two.id])
      expect(ids(await list('package_name=%25'))).toEqual([])
      expect(ids(await list('package_name='))).toEqual([one.id, two.id])
      expect(ids(await list('package_version=1.0'))).toEqual([one.id])
      expect((await list('package_name=tool&per_page=1')).headers['x-total']).toBe('2')
    })

    it('sorts versions as text and types by their number, ties by id', async () => {
      const project = await world.project()
      const make = (name: string, version: string, type: 'npm' | 'maven' | 'generic') =>
        world.package(project.id, { name, version, type })
      const a = await make('b', '2.0.0', 'generic')
      const b = await make('a', '10.0.0', 'npm')
      const c = await make('c', '2.0.0', 'maven')
      const list = async (query: string) => ids(await get(root, `/projects/${project.id}/packages?${query}`))

      expect(await list('order_by=version')).toEqual([b.id, a.id, c.id])
      expect(await list('order_by=version&sort=desc')).toEqual([c.id, a.id, b.id])
      expect(await list('order_by=type')).toEqual([c.id, b.id, a.id])
      expect(await list('order_by=name&sort=desc')).toEqual([c.id, a.id, b.id])
      expect(await list('sort=desc')).toEqual([c.id, b.id, a.id])
    })

    it.everywhere('pages with exact totals and links that repeat every parameter but the token', async () => {
      const project = await world.project()
      for (let n = 0; n < 5; n++) await world.package(project.id)
      const path = `/projects/${project.id}/packages`
      const page = (query: string) => get(root, `${path}?${query}`)
      const url = (number: number) =>
        `${door.origin}/api/v4${path}?id=${project.id}&order_by=name&page=${number}&per_page=2&sort=asc`

      const second = await page(`order_by=name&per_page=2&page=2&private_token=${root.token}`)
      expect(second.headers).toMatchObject({
        'x-page': '2',
        'x-per-page': '2',
        'x-next-page': '3',
        'x-prev-page': '1',
        'x-total': '5',
        'x-total-pages': '3',
      })
      expect(withoutCursors(second.headers.link)).toBe(
        `<${url(1)}>; rel="prev", <${url(3)}>; rel="next", <${url(1)}>; rel="first", <${url(3)}>; rel="last"`,
      )
      expect(JSON.stringify(second)).not.toContain(root.token)
      expect((await page('order_by=name&per_page=2&page=1')).headers).toMatchObject({
        'x-prev-page': '',
        'x-next-page': '2',
      })
      expect((await page('order_by=name&per_page=2&page=3')).headers).toMatchObject({
        'x-prev-page': '2',
        'x-next-page': '',
      })

      const past = await page('order_by=name&per_page=2&page=9')
      expect(past).toMatchObject({ status: 200, json: [] })
      expect(past.headers).toMatchObject({ 'x-page': '9', 'x-next-page': '', 'x-prev-page': '', 'x-total': '5' })
      expect(withoutCursors(past.headers.link)).toBe(`<${url(1)}>; rel="first", <${url(3)}>; rel="last"`)
    })

    it('takes odd sizes as GitLab does', async () => {
      const project = await world.project()
      const path = `/projects/${project.id}/packages`
      const empty = await get(root, path)
      expect(empty.headers).toMatchObject({ 'x-total': '0', 'x-total-pages': '1', 'x-page': '1', 'x-per-page': '20' })

      const capped = await get(root, `${path}?per_page=500`)
      expect(capped.headers['x-per-page']).toBe('100')
      expect(capped.headers.link).toContain('per_page=500')
      for (const query of ['page=0', 'page=-10', 'per_page=-1']) {
        const { headers } = await get(root, `${path}?${query}`)
        expect([headers['x-page'], headers['x-per-page']]).toEqual(['1', '20'])
      }
    })

    it.each([
      ['per_page=0', 'per_page has a value not allowed'],
      ['per_page=a', 'per_page is invalid'],
      ['page=a', 'page is invalid'],
      ['page=99999999999999999999', 'page is invalid'],
      ['package_type=foo', 'package_type does not have a valid value'],
      ['package_type[]=npm', 'package_type is invalid'],
      ['status=gone', 'status does not have a valid value'],
      ['order_by=project_path', 'order_by does not have a valid value'],
      ['sort=up', 'sort does not have a valid value'],
      ['include_versionless=maybe', 'include_versionless is invalid'],
      ['package_name=a%00b', 'package_name is invalid'],
      [
        'page=a&package_type=foo&status=',
        'page is invalid, package_type does not have a valid value, status does not have a valid value',
      ],
    ])('refuses %s', async (query, error) => {
      const project = await world.project()
      expect(await get(root, `/projects/${project.id}/packages?${query}`)).toMatchObject({
        status: 400,
        json: { error },
      })
    })

    it.each([
      ['page=90000000000&per_page=100', '1'],
      [`package_version=${'9'.repeat(2_000)}`, '0'],
      ['package_version=1%200', '0'],
    ])('answers an empty page to %.40s', async (query, total) => {
      const project = await world.project()
      await world.package(project.id)
      const reply = await get(root, `/projects/${project.id}/packages?${query}`)
      expect([reply.status, reply.json, reply.headers['x-total']]).toEqual([200, [], total])
    })

    it.everywhere('ignores parameters that it does not know and bodies that a GET has no use for', async () => {
      const project = await world.project()
      const headers = { 'content-type': 'application/json' }
      const reply = await world.call(
        world.anonymous,
        'GET',
        `/projects/${project.id}/packages?foo=1&bar[]=2`,
        undefined,
        headers,
      )
      expect(reply).toMatchObject({ status: 200, json: [] })
    })
  })

  describe('GET /groups/:id/packages', () => {
    it('lists and counts for each caller what he may see', async () => {
      const top = await world.group({ visibility: 'public' })
      const sub = await world.group({ visibility: 'private', parent_id: top.id })
      const deep = await world.group({ visibility: 'private', parent_id: sub.id })
      const project = (namespace: number, visibility: string) => world.project({ namespace_id: namespace, visibility })
      const [open, inner, closed, secret, deepest] = [
        await project(top.id, 'public'),
        await project(top.id, 'internal'),
        await project(top.id, 'private'),
        await project(sub.id, 'private'),
        await project(deep.id, 'private'),
      ]
      const all = []
      for (const { id } of [open, inner, closed, secret, deepest]) all.push(await world.package(id))
      const [a, b, c, d, e] = all.map(({ id }) => id)

      const seen = async (who: Parameters<typeof get>[0], query = '', group = top.id) => {
        const reply = await get(who, `/groups/${group}/packages${query}`)
        expect(reply.headers['x-total']).toBe(String(ids(reply).length))
        return ids(reply)
      }
      expect(await seen(world.anonymous)).toEqual([a])
      expect(await seen(await world.user())).toEqual([a, b])
      expect(await seen(root)).toEqual([a, b, c, d, e])
      expect(await seen(root, '?exclude_subgroups=true')).toEqual([a, b, c])
      expect(await seen(await world.member('groups', top.id, 20))).toEqual([a, b, c, d, e])
      expect(await seen(await world.member('groups', top.id, 10))).toEqual([a, b])
      expect(await seen(await world.member('groups', sub.id, 20))).toEqual([a, b, d, e])
      expect(await seen(await world.member('groups', sub.id, 20), '?exclude_subgroups=true')).toEqual([a, b])
      expect(await seen(await world.member('projects', closed.id, 20))).toEqual([a, b, c])
      expect(await seen(await world.member('projects', closed.id, 20), '?exclude_subgroups=true')).toEqual([a, b, c])
      expect(await seen(await world.member('projects', open.id, 20))).toEqual([a, b])

      const both = await world.member('groups', sub.id, 20)
      await world.make(`/groups/${deep.id}/members`, { user_id: both.id, access_level: 30 })
      await world.make(`/projects/${deepest.id}/members`, { user_id: both.id, access_level: 40 })
      expect(await seen(both)).toEqual([a, b, d, e])
      const links = rows(await get(both, `/groups/${top.id}/packages`)).map(({ id, _links }) => [
        id,
        Object.keys(_links as Json),
      ])
      expect(links).toEqual([
        [a, ['web_path']],
        [b, ['web_path']],
        [d, ['web_path']],
        [e, ['web_path', 'delete_api_path']],
      ])

      const insider = await world.member('projects', deepest.id, 20)
      expect(await seen(insider, '', sub.id)).toEqual([e])
      const outsider = await world.member('projects', deepest.id, 10)
      expect(await seen(outsider, '', sub.id)).toEqual([])
      expect(await get(await world.user(), `/groups/${sub.id}/packages`)).toMatchObject({ status: 404 })
    })

    it('finds a group by its path, pages, filters and orders like a project', async () => {
      const group = await world.group()
      const one = await world.project({ namespace_id: group.id, name: unique('b'), path: unique('b') })
      const two = await world.project({ namespace_id: group.id, name: unique('a'), path: unique('a') })
      const [p, q, r] = [
        await world.package(one.id, { name: 'zeta', type: 'npm' }),
        await world.package(two.id, { name: 'beta', type: 'maven' }),
        await world.package(one.id, { name: 'alpha', type: 'npm' }),
      ].map(({ id }) => id)
      const path = `/groups/${encodeURIComponent(String(group.full_path))}/packages`
      const list = async (query: string) => ids(await get(root, `${path}?${query}`))

      expect(await list('')).toEqual([p, q, r])
      expect(await list('order_by=name')).toEqual([r, q, p])
      expect(await list('package_type=npm&sort=desc')).toEqual([r, p])
      expect(await list('package_name=eta')).toEqual([p, q])
      expect(await list('order_by=project_path')).toEqual([q, r, p])
      expect(await list('order_by=project_path&sort=desc')).toEqual([r, p, q])
      expect(await list('order_by=project_path&per_page=1&page=2')).toEqual([r])

      const reply = await get(root, `${path}?per_page=2`)
      expect(reply.headers).toMatchObject({ 'x-total': '3', 'x-next-page': '2' })
      const link = `${door.origin}/api/v4${path}?exclude_subgroups=false&id=${group.path}&order_by=created_at&page=2&per_page=2&sort=asc`
      expect(withoutCursors(reply.headers.link)).toContain(`<${link}>; rel="next"`)
      expect(await get(root, `${path}?exclude_subgroups=x`)).toMatchObject({
        status: 400,
        json: { error: 'exclude_subgroups is invalid' },
      })
    })

    it('is no list of a personal namespace', async () => {
      const user = await world.user()
      expect(await get(user, `/groups/${user.username}/packages`)).toMatchObject({ status: 404 })
    })
  })

  describe('GET /projects/:id/packages/:package_id', () => {
    it('shows the other versions of the same name and type, by version as text, with their tags', async () => {
      const project = await world.project()
      const make = (version: string, more = {}) =>
        world.package(project.id, { name: 'many', version, type: 'npm', ...more })
      const ten = await make('10.0.0')
      const two = await make('2.0.0', { tags: ['latest'] })
      const one = await make('1.0.0')
      await make('3.0.0', { status: 'hidden' })
      await world.package(project.id, { name: 'many', version: '1.0.0', type: 'generic' })

      const reply = await get(root, `/projects/${project.id}/packages/${one.id}`)
      expect(reply.status).toBe(200)
      expect(reply.json).toMatchObject({ id: one.id, name: 'many', version: '1.0.0', tags: [] })
      expect((reply.json as Json).versions).toEqual([
        { id: ten.id, version: '10.0.0', created_at: expect.stringMatching(ISO), tags: [] },
        {
          id: two.id,
          version: '2.0.0',
          created_at: expect.stringMatching(ISO),
          tags: [
            {
              id: expect.any(Number),
              package_id: two.id,
              name: 'latest',
              created_at: expect.stringMatching(ISO),
              updated_at: expect.stringMatching(ISO),
            },
          ],
        },
      ])
      expect(rows(await get(root, `/projects/${project.id}/packages`))[0]).not.toHaveProperty('versions')
    })

    it('opens versionless packages and Terraform modules, which default lists leave out', async () => {
      const project = await world.project()
      const metadata = await world.package(project.id, { type: 'maven', version: null })
      const terraform = await world.package(project.id, { type: 'terraform_module', name: 'vpc/aws' })
      const path = `/projects/${project.id}/packages`

      expect((await get(root, `${path}/${metadata.id}`)).json).toMatchObject({ version: null, versions: [] })
      expect((await get(root, `${path}/${terraform.id}`)).json).toMatchObject({
        _links: { web_path: `/${project.path_with_namespace}/-/terraform_module_registry/${terraform.id}` },
      })
    })

    it('answers 404 for what is hidden, in processing, of another project, or never was', async () => {
      const [project, other] = [await world.project(), await world.project()]
      const path = `/projects/${project.id}/packages`
      const hidden = await world.package(project.id, { status: 'hidden' })
      const processing = await world.package(project.id, { status: 'processing' })
      const elsewhere = await world.package(other.id)

      for (const id of [
        hidden.id,
        processing.id,
        elsewhere.id,
        0,
        -1,
        999_999_999,
        '9007199254740993',
        '9'.repeat(40),
      ]) {
        for (const [method, url] of [
          ['GET', `${path}/${id}`],
          ['GET', `${path}/${id}/package_files`],
          ['DELETE', `${path}/${id}`],
        ] as const) {
          expect([id, await world.call(root, method, url)]).toMatchObject([
            id,
            { status: 404, json: { message: '404 Not found' } },
          ])
        }
      }
      for (const id of ['abc', '1.5', '%20', '1%00']) {
        expect(await get(root, `${path}/${id}`)).toMatchObject({
          status: 400,
          json: { error: 'package_id is invalid' },
        })
      }
    })
  })

  describe('GET /projects/:id/packages/:package_id/package_files', () => {
    it('pages through the files, oldest first', async () => {
      const project = await world.project()
      const files = Array.from({ length: 5 }, (_, n) => `file-${n}`)
      const { id } = await world.package(project.id, { files })
      const path = `/projects/${project.id}/packages/${id}/package_files`

      const reply = await get(root, `${path}?per_page=2&page=2`)
      expect(rows(reply).map(({ file_name }) => file_name)).toEqual(['file-2', 'file-3'])
      expect(reply.headers).toMatchObject({ 'x-total': '5', 'x-total-pages': '3', 'x-next-page': '3' })
      expect(reply.headers.link).toContain(`id=${project.id}`)
      expect(await get(root, `${path}?page=a`)).toMatchObject({ status: 400 })
    })
  })

  describe('DELETE /projects/:id/packages/:package_id', () => {
    it('asks for the right before it looks for the package', async () => {
      const project = await world.project()
      const developer = await world.member('projects', project.id, 30)
      for (const id of [0, 999_999_999, 'abc']) {
        const reply = await world.call(developer, 'DELETE', `/projects/${project.id}/packages/${id}`)
        expect(reply.status).toBe(403)
        expect((reply.json as Json).message).toMatch(/^403 Forbidden - .*Maintainer/)
      }
    })

    it('heeds If-Unmodified-Since', async () => {
      const project = await world.project()
      const { id } = await world.package(project.id)
      const path = `/projects/${project.id}/packages/${id}`
      const remove = (date: Date) =>
        world.call(root, 'DELETE', path, undefined, { 'if-unmodified-since': date.toUTCString() })

      expect(await remove(new Date(Date.now() - 3_600_000))).toMatchObject({
        status: 412,
        json: { message: '412 Precondition Failed' },
      })
      expect((await get(root, path)).status).toBe(200)
      expect(await remove(new Date(Date.now() + 1_000))).toMatchObject({ status: 204 })
    })

    it.everywhere('takes a body that a client sends with it for nothing', async () => {
      const project = await world.project()
      const { id } = await world.package(project.id)
      expect(await world.call(root, 'DELETE', `/projects/${project.id}/packages/${id}`, {})).toMatchObject({
        status: 204,
      })
    })
  })

  describe('tokens', () => {
    it.everywhere('come as header, bearer or parameter, the parameter first', async () => {
      const project = await world.project({ visibility: 'private' })
      const path = `/projects/${project.id}/packages`
      const call = (query: string, headers: Record<string, string>) => door.call({ path: `${path}${query}`, headers })

      expect(await call('', { 'Private-Token': String(root.token) })).toMatchObject({ status: 200 })
      expect(await call('', { Authorization: `Bearer ${root.token}` })).toMatchObject({ status: 200 })
      expect(await call(`?private_token=${root.token}`, {})).toMatchObject({ status: 200 })
      expect(await call('?private_token=wrong', { 'private-token': String(root.token) })).toMatchObject({ status: 401 })
      expect(await call('', { 'private-token': '' })).toMatchObject({ status: 404 })
    })

    it('that expired or were revoked are refused with their own words, on public projects too', async () => {
      const project = await world.project()
      const path = `/projects/${project.id}/packages`
      const user = await world.user()
      const { tokens } = door.database()
      const secret = unique('pat-expired')
      const day = {
        userId: user.id,
        name: 'old',
        scopes: ['api' as const],
        expiresOn: new Date().toISOString().slice(0, 10),
      }
      await tokens.create(secret, day, new Date().toISOString())
      expect(await get({ token: secret }, path)).toMatchObject({
        status: 401,
        json: {
          error: 'invalid_token',
          error_description: 'Token is expired. You can either do re-authorization or token refresh.',
        },
      })

      const made = await world.make(`/users/${user.id}/personal_access_tokens`, { name: 'x', scopes: ['api'] })
      const revocable = { token: String(made.token) }
      expect(await get(revocable, path)).toMatchObject({ status: 200 })
      expect(await world.call(root, 'DELETE', `/personal_access_tokens/${made.id}`)).toMatchObject({ status: 204 })
      expect(await get(revocable, path)).toMatchObject({
        status: 401,
        json: {
          error: 'invalid_token',
          error_description: 'Token was revoked. You have to re-authorize from the user.',
        },
      })
    })

    it('without a fitting scope name the scopes that would do', async () => {
      const project = await world.project()
      const reader = await world.user(['read_api'])
      const reply = await world.call(reader, 'DELETE', `/projects/${project.id}/packages/1`)
      expect(reply).toMatchObject({
        status: 403,
        json: {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api',
        },
      })
    })
  })

  it.everywhere('sends the same headers with answers and refusals', async () => {
    const project = await world.project()
    for (const path of [`/projects/${project.id}/packages`, '/projects/999999999/packages']) {
      expect((await get(root, path)).headers).toMatchObject({
        'content-type': expect.stringContaining('application/json'),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'cache-control': 'max-age=0, private, must-revalidate',
      })
    }
  })

  it.everywhere('answers an unknown route with an error of its own', async () => {
    expect(await get(root, '/projects/1/nothing')).toMatchObject({ status: 404, json: { error: '404 Not Found' } })
  })
})
