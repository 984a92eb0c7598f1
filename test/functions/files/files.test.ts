import { doors, type Reply, through } from '../../support/doors.ts'
import { createWorld, type Json, publishBody, type Who } from '../../support/world.ts'

const MAINTAINER = 40
const NOT_FOUND = { status: 404, json: { message: '404 Not found' } }
const FILE_NOT_FOUND = { status: 404, json: { message: '404 Not Found' } }

describe.each(doors().map((door) => [door.name, door] as const))('below a package, %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, get } = world
  beforeAll(() => door.open())

  type Made = { id: number; file_name: string } & Json
  const rows = ({ json }: Reply) => json as Made[]
  const packagePath = (project: number, id: number) => `/projects/${project}/packages/${id}`
  const filesOf = async (path: string, query = '') => rows(await get(root, `${path}/package_files${query}`))
  const remove = (who: Who, path: string, headers = {}) => world.call(who, 'DELETE', path, undefined, headers)

  const setUp = async (visibility = 'public', files = ['a', 'b']) => {
    const project = await world.project({ visibility })
    const { id } = await world.package(project.id, { files })
    const path = packagePath(project.id, id)
    const [first] = await filesOf(path)
    return { project, id, path, file: `${path}/package_files/${first?.id}` }
  }

  const publishNpm = async (name: string) => {
    const project = await world.project()
    const npm = `/projects/${project.id}/packages/npm/${encodeURIComponent(name)}`
    const reply = await world.call(root, 'PUT', npm, await publishBody(name, '1.0.3'))
    expect(reply.status).toBe(200)
    const path = packagePath(project.id, (reply.json as Made).id)
    const [file] = await filesOf(path)
    return { path, npm, file, tarball: `${npm}/-/bar-1.0.3.tgz` }
  }

  describe('GET …/package_files', () => {
    it('orders by id, by creation and by name, in both directions', async () => {
      const { path } = await setUp('public', ['b', 'a', 'c'])
      const names = async (query: string) => (await filesOf(path, query)).map(({ file_name }) => file_name)

      expect(await names('')).toEqual(['b', 'a', 'c'])
      expect(await names('?sort=desc')).toEqual(['c', 'a', 'b'])
      expect(await names('?order_by=created_at&sort=desc')).toEqual(['c', 'a', 'b'])
      expect(await names('?order_by=file_name')).toEqual(['a', 'b', 'c'])
      expect(await names('?order_by=file_name&sort=desc&per_page=1&page=2')).toEqual(['b'])
      expect((await get(root, `${path}/package_files?per_page=1`)).headers.link).toMatch(
        /id=\d+&order_by=id&page=2&per_page=1&sort=asc>; rel="next"/,
      )
    })

    it.each([
      ['order_by=size', 'order_by does not have a valid value'],
      ['sort=up', 'sort does not have a valid value'],
      ['per_page=0&order_by=x', 'per_page has a value not allowed, order_by does not have a valid value'],
    ])('refuses %s', async (query, error) => {
      const { path } = await setUp()
      expect(await get(root, `${path}/package_files?${query}`)).toMatchObject({ status: 400, json: { error } })
    })

    it('names the tarball of a scoped npm package with its scope, as GitLab does', async () => {
      const { file } = await publishNpm('@foo/bar')
      expect(file?.file_name).toBe('@foo/bar-1.0.3.tgz')
    })
  })

  describe('DELETE …/package_files/:package_file_id', () => {
    it('removes one file and keeps the package, also without files', async () => {
      const { path, file } = await setUp()
      expect(await remove(root, file)).toMatchObject({ status: 204, text: '' })

      const left = await filesOf(path)
      expect(left.map(({ file_name }) => file_name)).toEqual(['b'])
      expect((await get(root, `${path}/package_files`)).headers['x-total']).toBe('1')
      expect(await remove(root, file)).toMatchObject(FILE_NOT_FOUND)
      expect(await get(root, `${file}/download`)).toMatchObject(FILE_NOT_FOUND)

      expect((await remove(root, `${path}/package_files/${left[0]?.id}`)).status).toBe(204)
      expect(await filesOf(path)).toEqual([])
      expect((await get(root, path)).status).toBe(200)
    })

    it('takes the tarball from npm, and with it the version', async () => {
      const { path, npm, file, tarball } = await publishNpm('@foo/bar')
      expect((await get(root, tarball)).status).toBe(302)
      expect((await remove(root, `${path}/package_files/${file?.id}`)).status).toBe(204)

      expect(await get(root, tarball)).toMatchObject({ status: 404, json: { message: '404 Package Not Found' } })
      expect((await get(root, npm)).status).toBe(404)
    })

    it('serves the older file of a name again', async () => {
      const project = await world.project()
      const base = `/projects/${project.id}/packages/generic/tool/1/a`
      const upload = async (body: string) => {
        const headers = { 'private-token': String(root.token) }
        const reply = await door.call({ method: 'PUT', path: `${base}?select=package_file`, headers, body })
        return reply.json as Made & { package_id: number }
      }
      const [older, newer] = [await upload('older'), await upload('newer')]
      const path = `${packagePath(project.id, newer.package_id)}/package_files`
      const served = async () => (await fetch(String((await get(root, base)).headers.location))).text()

      expect(await served()).toBe('newer')
      await remove(root, `${path}/${newer.id}`)
      expect(await served()).toBe('older')
      await remove(root, `${path}/${older.id}`)
      expect(await get(root, base)).toMatchObject(NOT_FOUND)
    })

    it('asks for the right before it looks for anything', async () => {
      const { path, file, project } = await setUp()
      const maintainer = await world.member('projects', project.id, MAINTAINER)
      const developer = await world.member('projects', project.id, 30)
      for (const who of [world.anonymous, await world.user(), developer]) {
        for (const url of [file, `${path}/package_files/0`, `${path}/package_files/abc`]) {
          const reply = await remove(who, url)
          expect([reply.status, (reply.json as Json).message]).toEqual([403, expect.stringMatching(/^403 Forbidden/)])
        }
      }
      expect((await remove(maintainer, file)).status).toBe(204)
      expect((await remove(world.anonymous, (await setUp('private')).file)).status).toBe(404)
    })

    it('answers 404 for other packages and files, 400 for what is no id', async () => {
      const { path, file, project } = await setUp()
      const other = await setUp()
      const hidden = await world.package(project.id, { status: 'hidden' })
      const id = Number(file.split('/').at(-1))

      for (const unknown of [0, -1, 999_999_999, Number(other.file.split('/').at(-1))]) {
        expect(await remove(root, `${path}/package_files/${unknown}`)).toMatchObject(FILE_NOT_FOUND)
      }
      for (const unknown of [0, 999_999_999, other.id, hidden.id]) {
        const elsewhere = `${packagePath(project.id, unknown)}/package_files/${id}`
        expect(await remove(root, elsewhere)).toMatchObject(NOT_FOUND)
        expect(await get(root, `${elsewhere}/download`)).toMatchObject(NOT_FOUND)
      }
      expect(await remove(root, `${path}/package_files/abc`)).toMatchObject({
        status: 400,
        json: { error: 'package_file_id is invalid' },
      })
      expect(await remove(root, `/projects/${project.id}/packages/abc/package_files/1`)).toMatchObject({
        status: 400,
        json: { error: 'package_id is invalid' },
      })
    })

    it('heeds If-Unmodified-Since', async () => {
      const { file } = await setUp()
      const since = (date: number) => ({ 'if-unmodified-since': new Date(date).toUTCString() })
      expect(await remove(root, file, since(Date.now() - 3_600_000))).toMatchObject({
        status: 412,
        json: { message: '412 Precondition Failed' },
      })
      expect((await remove(root, file, since(Date.now() + 1_000))).status).toBe(204)
    })
  })

  describe('GET …/package_files/:package_file_id/download', () => {
    it('redirects to the file, which is saved without its scope', async () => {
      const { path, file } = await publishNpm('@foo/bar')
      const reply = await get(world.anonymous, `${path}/package_files/${file?.id}/download`)

      expect(reply.status).toBe(302)
      const stored = await fetch(String(reply.headers.location))
      expect(stored.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''bar-1.0.3.tgz")
      expect((await stored.arrayBuffer()).byteLength).toBe(file?.size)
    })

    it('is hidden from whom the project is hidden from, and refused to a Guest', async () => {
      const { file, project } = await setUp('private')
      const guest = await world.member('projects', project.id, 10)
      const hidden = { status: 404, json: { message: '404 Project Not Found' } }
      for (const who of [world.anonymous, await world.user()]) {
        expect(await get(who, `${file}/download`)).toMatchObject(hidden)
      }
      expect((await get(guest, `${file}/download`)).status).toBe(403)
      expect((await get(root, `${file}/download`)).status).toBe(302)
    })

    it('sets last_downloaded_at of the package and leaves the time of its last change', async () => {
      const { path, file, id } = await setUp()
      const { packages } = door.database()
      const before = await packages.find(id)
      const deadline = Date.now() + 20_000
      do {
        expect((await get(root, `${file}/download`)).status).toBe(302)
      } while ((await packages.find(id))?.lastDownloadedAt === null && Date.now() < deadline)

      const after = await packages.find(id)
      expect(after).toMatchObject({ lastDownloadedAt: expect.any(String), updatedAt: before?.updatedAt })
      expect((await get(root, path)).json).toMatchObject({ last_downloaded_at: after?.lastDownloadedAt })
    })
  })

  describe('GET /projects/:id/packages/:package_id/pipelines', () => {
    const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

    it('is an empty page by cursor: no totals, no links', async () => {
      const { path } = await setUp()
      for (const query of ['', '?per_page=1', '?per_page=20', `?cursor=${cursor({ id: '81', _kd: 'n' })}`]) {
        const reply = await get(world.anonymous, `${path}/pipelines${query}`)
        expect([reply.status, reply.json]).toEqual([200, []])
        expect(
          Object.keys(reply.headers).filter((name) => /^(link|x-(total|page|per|next|prev).*)$/.test(name)),
        ).toEqual([])
      }
    })

    it.each([
      ['per_page=0', 'per_page does not have a valid value'],
      ['per_page=-1', 'per_page does not have a valid value'],
      ['per_page=21', 'per_page does not have a valid value'],
      ['per_page=a', 'per_page is invalid'],
      ['cursor=nonsense', 'cursor is invalid'],
      [`cursor=${cursor({ id: 'x', _kd: 'n' })}`, 'cursor is invalid'],
      [`cursor=${cursor(null)}&per_page=0`, 'per_page does not have a valid value, cursor is invalid'],
    ])('refuses %s', async (query, error) => {
      const { path } = await setUp()
      expect(await get(root, `${path}/pipelines?${query}`)).toMatchObject({ status: 400, json: { error } })
    })

    it('answers 404 where the package does, with words of its own for one that is not opened', async () => {
      const project = await world.project()
      const status = async (status: 'hidden' | 'error') =>
        get(root, `${packagePath(project.id, (await world.package(project.id, { status })).id)}/pipelines`)

      expect(await get(root, `${packagePath(project.id, 999_999_999)}/pipelines`)).toMatchObject(NOT_FOUND)
      expect(await status('hidden')).toMatchObject(NOT_FOUND)
      expect(await status('error')).toMatchObject({
        status: 404,
        json: { message: '404 Package not found Not Found' },
      })
      const closed = await setUp('private')
      expect(await get(world.anonymous, `${closed.path}/pipelines?per_page=0`)).toMatchObject({
        status: 404,
        json: { message: '404 Project Not Found' },
      })
    })
  })

  it('npm: a download of the tarball sets last_downloaded_at', async () => {
    const { path, tarball } = await publishNpm('@foo/bar')
    const noted = async () => ((await get(root, path)).json as Json).last_downloaded_at
    expect(await noted()).toBeNull()
    const deadline = Date.now() + 20_000
    do {
      expect((await get(root, tarball)).status).toBe(302)
    } while ((await noted()) === null && Date.now() < deadline)
    expect(await noted()).toEqual(expect.any(String))
  })
})
