import { createHash } from 'node:crypto'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { type Call, doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const REPORTER = 20
const DEVELOPER = 30

const hash = (algorithm: string, bytes: string | Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

describe.each(doors().map((door) => [door.name, door] as const))('generic packages, %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, get } = world
  beforeAll(() => door.open())

  const base = (project: number) => `/projects/${project}/packages/generic`
  const call = (who: Who, call: Call) =>
    door.call({ ...call, headers: { ...(who.token ? { 'private-token': who.token } : {}), ...call.headers } })
  const upload = (who: Who, project: number, path: string, body: string | Uint8Array = 'bytes') =>
    call(who, { method: 'PUT', path: `${base(project)}/${path}`, body })
  const download = (who: Who, project: number, path: string) => get(who, `${base(project)}/${path}`)
  const fetched = async (location: string | undefined, headers = {}) => {
    const answer = await fetch(String(location), { headers })
    return { status: answer.status, headers: answer.headers, bytes: new Uint8Array(await answer.arrayBuffer()) }
  }
  const packagesOf = async (project: number, query = '') =>
    (await get(root, `/projects/${project}/packages${query}`)).json as (Json & { id: number })[]
  const filesOf = async (project: number, id: number) =>
    (await get(root, `/projects/${project}/packages/${id}/package_files`)).json as Json[]

  describe('PUT …/generic/:package_name/:package_version/:file_name', () => {
    it('adds files to one version, which lists show at once', async () => {
      const project = await world.project({ visibility: 'private' })
      const developer = await world.member('projects', project.id, DEVELOPER)
      for (const name of ['tool-linux.bin', 'tool-mac.bin', 'SHA256SUMS']) {
        const reply = await upload(developer, project.id, `my.tool/1.0.0-rc_1+b/${name}`, name)
        expect([reply.status, reply.json]).toEqual([201, { message: '201 Created' }])
      }

      const [one, ...more] = await packagesOf(project.id)
      expect(more).toEqual([])
      expect(one).toMatchObject({
        name: 'my.tool',
        version: '1.0.0-rc_1+b',
        package_type: 'generic',
        status: 'default',
        tags: [],
      })
      expect(await filesOf(project.id, one?.id ?? 0)).toMatchObject(
        ['tool-linux.bin', 'tool-mac.bin', 'SHA256SUMS'].map((name) => ({
          file_name: name,
          size: name.length,
          file_md5: hash('md5', name),
          file_sha1: hash('sha1', name),
          file_sha256: hash('sha256', name),
        })),
      )
    })

    it('answers the raw record for select=package_file, and its URL leads to the file', async () => {
      const project = await world.project()
      const reply = await upload(root, project.id, 'tool/1.0/a~b@c.txt?select=package_file', 'hello')

      const [one] = await packagesOf(project.id)
      expect(reply.status).toBe(200)
      const url = `${door.origin}/api/v4${base(project.id)}/tool/1.0/a~b%40c.txt`
      expect(reply.json).toEqual({
        id: expect.any(Number),
        package_id: one?.id,
        created_at: expect.stringMatching(ISO),
        updated_at: expect.stringMatching(ISO),
        size: 5,
        file_store: 2,
        file_md5: hash('md5', 'hello'),
        file_sha1: hash('sha1', 'hello'),
        file_name: 'a~b@c.txt',
        file: { url },
        file_sha256: hash('sha256', 'hello'),
        verification_retry_at: null,
        verified_at: null,
        verification_failure: null,
        verification_retry_count: null,
        verification_checksum: null,
        verification_state: 0,
        verification_started_at: null,
        status: 'default',
        new_file_path: null,
      })
      expect((await get(root, url.slice(`${door.origin}/api/v4`.length))).status).toBe(302)
    })

    it('hides and shows the package by status, and a hidden one can be downloaded', async () => {
      const project = await world.project()
      await upload(root, project.id, 'tool/1/a?status=hidden')
      expect(await packagesOf(project.id)).toEqual([])
      expect(await packagesOf(project.id, '?status=hidden')).toMatchObject([{ name: 'tool', status: 'hidden' }])
      expect((await download(world.anonymous, project.id, 'tool/1/a')).status).toBe(302)

      await upload(root, project.id, 'tool/1/b')
      expect(await packagesOf(project.id)).toEqual([])
      await upload(root, project.id, 'tool/1/c?status=default')
      expect(await packagesOf(project.id)).toMatchObject([{ status: 'default' }])
    })

    it.everywhere('takes a multipart form with the file and its parameters, as gitbeaker sends it', async () => {
      const project = await world.project()
      const form = new FormData()
      form.set('select', 'package_file')
      form.set('status', 'hidden')
      form.set('file', new File([everyByte], 'whatever.bin'))
      const body = new Response(form)
      const headers = { 'content-type': body.headers.get('content-type') ?? '' }
      const bytes = new Uint8Array(await body.arrayBuffer())
      const reply = await call(root, {
        method: 'PUT',
        path: `${base(project.id)}/tool/1/all.bin`,
        headers,
        body: bytes,
      })

      expect(reply).toMatchObject({ status: 200, json: { size: 256, file_sha256: hash('sha256', everyByte) } })
      expect(await packagesOf(project.id, '?status=hidden')).toHaveLength(1)
      const { location } = (await download(root, project.id, 'tool/1/all.bin')).headers
      expect((await fetched(location)).bytes).toEqual(everyByte)
    })

    it.each([
      ['no form at all', 'nonsense', 'the body is not a valid multipart form'],
      [
        'a form without a file',
        '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
        'file is missing',
      ],
      [
        'text for a file',
        '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n1\r\n--b--\r\n',
        'file is invalid',
      ],
    ])('refuses %s', async (_what, body, error) => {
      const project = await world.project()
      const headers = { 'content-type': 'multipart/form-data; boundary=b' }
      const reply = await call(root, { method: 'PUT', path: `${base(project.id)}/tool/1/a`, headers, body })
      expect([reply.status, reply.json]).toEqual([400, { error }])
      expect(await packagesOf(project.id)).toEqual([])
    })

    it('lands all of twenty files that are the first of one new package', async () => {
      const project = await world.project()
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, n) => upload(root, project.id, `tool/1/file-${n}`, `content ${n}`)),
      )
      expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(201))

      const packages = await packagesOf(project.id)
      expect(packages).toHaveLength(1)
      const path = `/projects/${project.id}/packages/${packages[0]?.id}/package_files`
      expect((await get(root, path)).headers['x-total']).toBe('20')
      for (let n = 0; n < 20; n++) {
        const { location } = (await download(root, project.id, `tool/1/file-${n}`)).headers
        expect(Buffer.from((await fetched(location)).bytes).toString()).toBe(`content ${n}`)
      }
    })

    it('keeps every file of one name and serves the newest', async () => {
      const project = await world.project()
      for (const text of ['one', 'two', 'three']) await upload(root, project.id, 'tool/1/a', text)

      const [one] = await packagesOf(project.id)
      expect(await filesOf(project.id, one?.id ?? 0)).toHaveLength(3)
      const { location } = (await download(root, project.id, 'tool/1/a')).headers
      expect(Buffer.from((await fetched(location)).bytes).toString()).toBe('three')
    })

    it('starts anew after the package was deleted', async () => {
      const project = await world.project()
      await upload(root, project.id, 'tool/1/a', 'old')
      const [old] = await packagesOf(project.id)
      await world.call(root, 'DELETE', `/projects/${project.id}/packages/${old?.id}`)
      expect((await download(root, project.id, 'tool/1/a')).status).toBe(404)

      await upload(root, project.id, 'tool/1/b', 'new')
      const [found] = await packagesOf(project.id)
      expect(found?.id).not.toBe(old?.id)
      expect((await download(root, project.id, 'tool/1/a')).status).toBe(404)
    })

    it.each([
      ['my%20tool/1/a', 'package_name is invalid'],
      ['my@tool/1/a', 'package_name is invalid'],
      ['group%2Ftool/1/a', 'package_name is invalid'],
      [`${'a'.repeat(256)}/1/a`, 'package_name is too long (maximum is 255 characters)'],
      [`tool/${'1'.repeat(256)}/a`, 'package_version is too long (maximum is 255 characters)'],
      [`tool/1/dir/${'a'.repeat(252)}`, 'file_name is too long (maximum is 255 characters)'],
      ['tool/1..0/a', 'package_version is invalid'],
      ['tool/1%2F0/a', 'package_version is invalid'],
      ['tool/1~0/a', 'package_version is invalid'],
      ['tool/1/~a', 'file_name is invalid'],
      ['tool/1/a~', 'file_name is invalid'],
      ['tool/1/%C3%A4', 'file_name is invalid'],
      ['tool/1/a%5Cb', 'file_name is invalid'],
      ['tool/1/dir//a', 'file_name is invalid'],
      ['tool/1/dir%2F%2E%2E%2Fa', 'file_name is invalid'],
      ['tool/1/dir%252Fa', 'file_name is invalid'],
      ['tool/1/a%00', 'file_name is invalid'],
      ['tool/1/%E2%80%A4%E2%80%A4/a', 'file_name is invalid'],
      ['a%20b/1..0/~', 'package_name is invalid, package_version is invalid, file_name is invalid'],
      ['tool/1/a?status=processing', 'status does not have a valid value'],
      ['tool/1/a?select=all', 'select does not have a valid value'],
    ])('refuses %s', async (path, error) => {
      const project = await world.project()
      const reply = await upload(root, project.id, path)
      expect([reply.status, reply.json]).toEqual([400, { error }])
    })

    it.everywhere('keeps files in directories apart, by slashes that are plain or encoded', async () => {
      const project = await world.project()
      const paths = ['docs/index.html', 'docs/en/index.html', 'index.html']
      for (const path of paths) {
        expect((await upload(root, project.id, `site/1.0/${path}`, path)).status).toBe(201)
      }
      const record = await upload(root, project.id, 'site/1.0/docs%2Fen%2Fmore.html?select=package_file', 'more')
      expect(record.json).toMatchObject({
        file_name: 'docs%2Fen%2Fmore.html',
        file: { url: `${door.origin}/api/v4${base(project.id)}/site/1.0/docs/en/more.html` },
      })
      const [one] = await packagesOf(project.id)
      expect((await filesOf(project.id, one?.id ?? 0)).map(({ file_name }) => file_name)).toEqual([
        'docs%2Findex.html',
        'docs%2Fen%2Findex.html',
        'index.html',
        'docs%2Fen%2Fmore.html',
      ])
      for (const path of [...paths, 'docs%2Fen%2Findex.html']) {
        const { headers } = await download(root, project.id, `site/1.0/${path}`)
        const got = await fetched(headers.location)
        expect(Buffer.from(got.bytes).toString()).toBe(decodeURIComponent(path))
        expect(got.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''index.html")
        expect(headers['x-checksum-sha256']).toBe(hash('sha256', decodeURIComponent(path)))
      }
    })

    it('holds sixty files in one package, ten at a time', async () => {
      const project = await world.project()
      const names = Array.from({ length: 60 }, (_, n) => `file-${n}`)
      for (let from = 0; from < 60; from += 10) {
        const some = names.slice(from, from + 10)
        const replies = await Promise.all(some.map((name) => upload(root, project.id, `many/1/${name}`, name)))
        expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201))
      }
      const [one, ...more] = await packagesOf(project.id)
      expect(more).toEqual([])
      const path = `/projects/${project.id}/packages/${one?.id}/package_files?per_page=50&order_by=file_name`
      const pages = await Promise.all([1, 2].map((page) => get(root, `${path}&page=${page}`)))
      expect(pages.map(({ headers }) => headers['x-total'])).toEqual(['60', '60'])
      const listed = pages.flatMap(({ json }) => (json as Json[]).map(({ file_name }) => file_name))
      expect(listed).toEqual([...names].sort())
    })

    it.everywhere('takes a body up to the limit and names the limit above it', async () => {
      const project = await world.project()
      const reply = await upload(root, project.id, 'tool/1/big', new Uint8Array(BODY_LIMIT_BYTES))
      expect(reply.status).toBe(201)

      expect(await upload(root, project.id, 'tool/1/bigger', new Uint8Array(BODY_LIMIT_BYTES + 1))).toMatchObject({
        status: 413,
        json: { message: `413 Content Too Large - the body may have at most ${BODY_LIMIT_BYTES} bytes` },
      })
      expect((await download(root, project.id, 'tool/1/bigger')).status).toBe(404)
    })

    it('asks for a login where the caller is unknown, and for a role where it is too small', async () => {
      const [open, closed] = [await world.project(), await world.project({ visibility: 'private' })]
      const reporter = await world.member('projects', closed.id, REPORTER)
      const stranger = await world.user()
      const status = async (who: Who, id: number) => (await upload(who, id, 'tool/1/a')).status

      expect(await status(world.anonymous, open.id)).toBe(401)
      expect(await status(world.anonymous, closed.id)).toBe(401)
      expect(await status(world.anonymous, 999_999_999)).toBe(401)
      expect(await status(stranger, open.id)).toBe(403)
      expect(await status(stranger, closed.id)).toBe(404)
      expect(await status(reporter, closed.id)).toBe(403)
      expect(await status({ token: 'pat-nobody-has-this-one' }, open.id)).toBe(401)
      expect(await upload(reporter, closed.id, 'bad%20name/1/a')).toMatchObject({ status: 403 })
    })
  })

  describe('GET and HEAD …/generic/:package_name/:package_version/:file_name', () => {
    it('redirects to the bytes as they came, as an attachment and in parts', async () => {
      const project = await world.project()
      await upload(root, project.id, 'tool/1/all.bin', everyByte)
      const reply = await download(world.anonymous, project.id, 'tool/1/all.bin')

      expect(reply).toMatchObject({ status: 302, text: '' })
      const whole = await fetched(reply.headers.location)
      expect([whole.status, whole.bytes]).toEqual([200, everyByte])
      expect(whole.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''all.bin")
      const part = await fetched(reply.headers.location, { range: 'bytes=10-19' })
      expect([part.status, part.bytes]).toEqual([206, everyByte.slice(10, 20)])
    })

    it.everywhere('describes a file to HEAD without a redirect', async () => {
      const project = await world.project()
      await upload(root, project.id, 'tool/1/all.bin', everyByte)
      const reply = await call(root, { method: 'HEAD', path: `${base(project.id)}/tool/1/all.bin` })

      expect(reply).toMatchObject({ status: 200, text: '' })
      expect(reply.headers).toMatchObject({
        'content-length': '256',
        'content-type': 'application/octet-stream',
        'content-disposition': "attachment; filename*=UTF-8''all.bin",
        'accept-ranges': 'bytes',
        etag: `"${hash('md5', everyByte)}"`,
        'last-modified': expect.stringContaining('GMT'),
        'x-checksum-sha256': hash('sha256', everyByte),
      })
      expect((await call(root, { method: 'HEAD', path: `${base(project.id)}/tool/1/none` })).status).toBe(404)
      expect((await call(root, { method: 'HEAD', path: `${base(project.id)}/tool/1/~` })).status).toBe(400)
    })

    it.everywhere('takes an empty file for a file', async () => {
      const project = await world.project()
      expect((await call(root, { method: 'PUT', path: `${base(project.id)}/tool/1/empty` })).status).toBe(201)

      const head = await call(root, { method: 'HEAD', path: `${base(project.id)}/tool/1/empty` })
      expect(head.headers).toMatchObject({ 'content-length': '0', 'x-checksum-sha256': hash('sha256', '') })
      const { location } = (await download(root, project.id, 'tool/1/empty')).headers
      expect(await fetched(location)).toMatchObject({ status: 200, bytes: new Uint8Array() })
    })

    it('answers 404 for what is not there, and for packages of other types', async () => {
      const project = await world.project()
      await upload(root, project.id, 'tool/1/a')
      await world.package(project.id, { name: 'other', version: '1', type: 'maven', files: ['a'] })
      for (const path of ['tool/1/b', 'tool/2/a', 'tools/1/a', 'other/1/a']) {
        expect([path, await download(root, project.id, path)]).toMatchObject([
          path,
          { status: 404, json: { message: '404 Not found' } },
        ])
      }
      expect(await download(root, project.id, 'tool/1/b%20c')).toMatchObject({ status: 400 })
    })

    it('withholds packages in processing or in error', async () => {
      const project = await world.project()
      for (const status of ['processing', 'error'] as const) {
        await world.package(project.id, { name: status, version: '1', files: ['a'], status })
        expect((await download(root, project.id, `${status}/1/a`)).status).toBe(404)
      }
    })

    it('asks an anonymous caller to log in, also where nothing is', async () => {
      const project = await world.project({ visibility: 'private' })
      await upload(root, project.id, 'tool/1/a')
      const reporter = await world.member('projects', project.id, REPORTER)
      const guest = await world.member('projects', project.id, 10)

      const [closed, missing] = [
        await download(world.anonymous, project.id, 'tool/1/a'),
        await download(world.anonymous, 999_999_999, 'tool/1/a'),
      ]
      expect(closed).toMatchObject({ status: 401, json: { message: '401 Unauthorized' } })
      expect([missing.status, missing.text]).toEqual([closed.status, closed.text])
      expect((await download(await world.user(), project.id, 'tool/1/a')).status).toBe(404)
      expect((await download(guest, project.id, 'tool/1/a')).status).toBe(403)
      expect((await download(reporter, project.id, 'tool/1/a')).status).toBe(302)
    })

    it('takes a token as the password of HTTP Basic, with any user name, and asks for it', async () => {
      const project = await world.project({ visibility: 'private' })
      const { token } = await world.member('projects', project.id, DEVELOPER)
      const path = `${base(project.id)}/tool/1/a`
      const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

      const asked = await door.call({ path })
      expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="Packages API"'])
      expect((await door.call({ method: 'PUT', path, headers: basic(`anybody:${token}`), body: 'a' })).status).toBe(201)
      expect((await door.call({ path, headers: basic(`:${token}`) })).status).toBe(302)
      expect((await door.call({ path, headers: basic(`${token}:`) })).status).toBe(401)
      expect((await door.call({ path, headers: basic('anybody:pat-of-nobody') })).status).toBe(401)
      expect((await door.call({ path, headers: { authorization: 'Basic nonsense' } })).status).toBe(401)
      const elsewhere = `/projects/${project.id}`
      expect((await door.call({ path: elsewhere, headers: basic(`anybody:${token}`) })).status).toBe(404)
    })

    it('sets last_downloaded_at of the package, in lists of project and group too', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await upload(root, project.id, 'tool/1/a')
      const [before] = await packagesOf(project.id)
      expect(before?.last_downloaded_at).toBeNull()
      await call(root, { method: 'HEAD', path: `${base(project.id)}/tool/1/a` })
      expect(await packagesOf(project.id)).toEqual([before])

      const path = unique('never-there')
      expect((await download(root, project.id, `tool/1/${path}`)).status).toBe(404)
      const deadline = Date.now() + 20_000
      do {
        expect((await download(root, project.id, 'tool/1/a')).status).toBe(302)
      } while ((await packagesOf(project.id))[0]?.last_downloaded_at === null && Date.now() < deadline)

      const [after] = await packagesOf(project.id)
      expect(after).toEqual({ ...before, last_downloaded_at: expect.stringMatching(ISO) })
      const [inGroup] = (await get(root, `/groups/${group.id}/packages`)).json as Json[]
      expect(inGroup?.last_downloaded_at).toBe(after?.last_downloaded_at)
    })
  })
})
