import { createHash } from 'node:crypto'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { type Call, doors, type Reply, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'

const [GUEST, REPORTER, DEVELOPER, MAINTAINER] = [10, 20, 30, 40] as const
const APP = 'com/mycompany/my-app'
const METADATA = 'maven-metadata.xml'
const HASHES = ['md5', 'sha1', 'sha256', 'sha512'] as const

const hash = (algorithm: string, bytes: string | Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** The metadata of an artifact as Maven writes it. */
const metadataOf = (versions: string[], more = '') => `<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>com.mycompany</groupId>
  <artifactId>my-app</artifactId>
  <versioning>${more}
    <versions>
${versions.map((version) => `      <version>${version}</version>\n`).join('')}    </versions>
    <lastUpdated>20200101000000</lastUpdated>
  </versioning>
</metadata>
`

const versionsIn = (xml: string) => [...xml.matchAll(/<version>(.*?)<\/version>/g)].map(([, version]) => version)
const elementIn = (xml: string, name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(xml)?.[1]

describe.each(doors().map((door) => [door.name, door] as const))('Maven, %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous } = world
  beforeAll(() => door.open())

  const base = (project: number) => `/projects/${project}/packages/maven`
  const call = (who: Who, call: Call) =>
    door.call({ ...call, headers: { ...(who.token ? { 'private-token': who.token } : {}), ...call.headers } })
  const put = (who: Who, project: number, path: string, body: string | Uint8Array = 'bytes') =>
    call(who, { method: 'PUT', path: `${base(project)}/${path}`, body })
  const get = (who: Who, project: number, path: string) => call(who, { path: `${base(project)}/${path}` })
  const bytesOf = async ({ status, headers }: Reply) => {
    expect(status).toBe(302)
    return new Uint8Array(await (await fetch(String(headers.location))).arrayBuffer())
  }
  const textOf = async (reply: Reply) => Buffer.from(await bytesOf(reply)).toString('utf8')
  const packagesOf = async (project: number, query = '') =>
    (await world.get(root, `/projects/${project}/packages?include_versionless=true${query}`)).json as (Json & {
      id: number
    })[]
  const filesOf = async (project: number, id: number) =>
    (await world.get(root, `/projects/${project}/packages/${id}/package_files?per_page=100`)).json as Json[]
  const namesOf = async (project: number) => (await packagesOf(project)).map(({ name, version }) => [name, version])

  /** A version with a jar, and metadata that lists it with those before it. */
  const deploy = async (project: number, versions: string[], more = '') => {
    const version = versions.at(-1)
    await put(root, project, `${APP}/${version}/my-app-${version}.jar`, `jar ${version}`)
    await put(root, project, `${APP}/${METADATA}`, metadataOf(versions, more))
  }
  const remove = async (project: number, version: string | null) => {
    const found = (await packagesOf(project)).find((one) => one.version === version)
    return world.call(root, 'DELETE', `/projects/${project}/packages/${found?.id}`)
  }

  describe('PUT …/maven/*path/:file_name', () => {
    it('adds files to a version, and metadata of the artifact to a versionless package', async () => {
      const project = await world.project({ visibility: 'private' })
      const developer = await world.member('projects', project.id, DEVELOPER)
      const files: [string, string | Uint8Array][] = [
        [`${APP}/1.0/my-app-1.0.jar`, everyByte],
        [`${APP}/1.0/my-app-1.0.pom`, '<project/>'],
        [`${APP}/${METADATA}`, metadataOf(['1.0'])],
      ]
      for (const [path, bytes] of files) {
        const reply = await put(developer, project.id, path, bytes)
        expect([reply.status, reply.text]).toEqual([200, ''])
        for (const name of HASHES) {
          const sidecar = await put(developer, project.id, `${path}.${name}`, hash(name, bytes))
          expect([name, sidecar.status, sidecar.text]).toEqual([name, name === 'md5' ? 200 : 204, ''])
        }
      }

      const [version, versionless, ...more] = await packagesOf(project.id)
      expect(more).toEqual([])
      expect(version).toMatchObject({ name: APP, version: '1.0', package_type: 'maven', status: 'default' })
      expect(versionless).toMatchObject({ name: APP, version: null, package_type: 'maven', status: 'default' })
      expect((await world.get(root, `/projects/${project.id}/packages`)).json).toMatchObject([{ version: '1.0' }])
      const shown = [version, version, versionless].map((one, place) => {
        const [path = '', bytes = ''] = files[place] ?? []
        return {
          id: expect.any(Number),
          package_id: one?.id,
          created_at: expect.any(String),
          file_name: path.slice(path.lastIndexOf('/') + 1),
          size: Buffer.byteLength(bytes),
          file_md5: hash('md5', bytes),
          file_sha1: hash('sha1', bytes),
          file_sha256: hash('sha256', bytes),
        }
      })
      expect(await filesOf(project.id, version?.id ?? 0)).toEqual(shown.slice(0, 2))
      expect(await filesOf(project.id, versionless?.id ?? 0)).toEqual(shown.slice(2))
      expect((await world.get(root, `/projects/${project.id}/packages/${versionless?.id}`)).json).toMatchObject({
        version: null,
        versions: [{ id: version?.id, version: '1.0' }],
      })
      expect((await world.get(root, `/projects/${project.id}/packages/${version?.id}`)).json).toMatchObject({
        version: '1.0',
        versions: [],
      })
    })

    it('refuses the hash of other bytes, and one without its file, and stores neither', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      expect(await put(root, project.id, `${jar}.sha1`, hash('sha1', 'bytes'))).toMatchObject({
        status: 404,
        json: { message: '404 Package Not Found' },
      })
      expect(await packagesOf(project.id)).toEqual([])

      await put(root, project.id, jar)
      for (const name of HASHES) {
        for (const wrong of [hash(name, 'others'), hash('sha1', 'bytes').slice(1), '', everyByte]) {
          const reply = await put(root, project.id, `${jar}.${name}`, wrong)
          expect([reply.status, reply.json]).toEqual([
            409,
            { message: `409 Conflict - this is not the ${name} of my-app-1.0.jar as it arrived` },
          ])
        }
      }
      const pom = await put(root, project.id, `${APP}/1.0/my-app-1.0.pom.sha1`, hash('sha1', 'bytes'))
      expect(pom.status).toBe(404)
      const [one] = await packagesOf(project.id)
      expect(await filesOf(project.id, one?.id ?? 0)).toHaveLength(1)
    })

    it('takes a hash in capitals and with the name of the file behind it', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      await put(root, project.id, jar)
      const body = `${hash('sha256', 'bytes').toUpperCase()}  my-app-1.0.jar\n`
      expect((await put(root, project.id, `${jar}.sha256`, body)).status).toBe(204)
    })

    it('takes the hash of any file of the name, as two builds of a snapshot send theirs at once', async () => {
      const project = await world.project()
      const path = `${APP}/1.0-SNAPSHOT/${METADATA}`
      for (const text of ['one', 'two', 'three']) await put(root, project.id, path, text)

      for (const text of ['one', 'two', 'three']) {
        expect((await put(root, project.id, `${path}.sha1`, hash('sha1', text))).status).toBe(204)
      }
      expect((await put(root, project.id, `${path}.sha1`, hash('sha1', 'four'))).status).toBe(409)
      expect(await textOf(await get(root, project.id, path))).toBe('three')
    })

    it("makes the version with the snapshot's metadata when that comes first, as Gradle sends it", async () => {
      const project = await world.project()
      const build = `${APP}/1.0-SNAPSHOT/my-app-1.0-20261125.015750-1`
      const uploads = [
        `${APP}/1.0-SNAPSHOT/${METADATA}`,
        `${build}.jar`,
        `${build}.pom`,
        `${build}.module`,
        `${APP}/${METADATA}`,
      ]
      for (const path of uploads) {
        const body = path.endsWith('.xml') ? metadataOf(['1.0-SNAPSHOT']) : path
        expect((await put(root, project.id, path, body)).status).toBe(200)
        for (const name of HASHES) {
          expect((await put(root, project.id, `${path}.${name}`, hash(name, body))).status).toBeLessThan(205)
        }
      }

      expect(await namesOf(project.id)).toEqual([
        [APP, '1.0-SNAPSHOT'],
        [APP, null],
      ])
      const [version] = await packagesOf(project.id)
      expect((await filesOf(project.id, version?.id ?? 0)).map((file) => file.file_name)).toEqual(
        uploads.slice(0, 4).map((path) => path.slice(path.lastIndexOf('/') + 1)),
      )
    })

    it('lands all files of many modules, and all of one version, that arrive at once', async () => {
      const project = await world.project()
      const paths = [
        ...Array.from({ length: 6 }, (_, n) => `com/mycompany/module-${n}/1.0/module-${n}-1.0.jar`),
        ...Array.from({ length: 6 }, (_, n) => `com/mycompany/module-${n}/${METADATA}`),
        ...Array.from({ length: 12 }, (_, n) => `${APP}/1.0/my-app-1.0-part${n}.jar`),
      ]
      const replies = await Promise.all(paths.map((path) => put(root, project.id, path, path)))

      expect(replies.map(({ status }) => status)).toEqual(paths.map(() => 200))
      expect(await packagesOf(project.id, '&per_page=100')).toHaveLength(13)
      for (const path of paths) expect(await textOf(await get(root, project.id, path))).toBe(path)
    })

    it('starts anew after the version was deleted', async () => {
      const project = await world.project()
      await put(root, project.id, `${APP}/1.0/my-app-1.0.jar`, 'old')
      await remove(project.id, '1.0')
      expect((await get(root, project.id, `${APP}/1.0/my-app-1.0.jar`)).status).toBe(404)

      await put(root, project.id, `${APP}/1.0/my-app-1.0.jar`, 'new')
      expect(await textOf(await get(root, project.id, `${APP}/1.0/my-app-1.0.jar`))).toBe('new')
    })

    it('refuses every path that is none, says what is wrong with it, and stores nothing', async () => {
      const project = await world.project()
      const paths: [string, RegExp][] = [
        ['com/mycompany/my-app/1.0/%2e%2e%2fmy-app.jar', /^Validation failed: Version is invalid/],
        ['com/mycompany/my-app/1.0/..%2f..%2fmy-app.jar', /^Validation failed: Name is invalid/],
        ['com/mycompany/../my-app/1.0/my-app.jar', /^(Validation failed: Name is invalid|400 Bad Request$)/],
        ['com/mycompany/%2e%2e/my-app/1.0/my-app.jar', /^(Validation failed: Name is invalid|400 Bad Request$)/],
        ['com/mycompany/..%2fmy-app/1.0/my-app.jar', /^Validation failed: Name is invalid/],
        ['com/mycompany/my-app/1..0/my-app.jar', /^Validation failed: Version is invalid/],
        ['com/mycompany/my-app/1.0%5C..%5C/my-app.jar', /^Validation failed: Version is invalid/],
        ['com/mycompany/my-app/1.0/my%5Capp.jar', /^file_name is invalid/],
        ['com/mycompany/my-app/1.0/my-app%00.jar', /^file_name is invalid/],
        ['com/mycompany%00/my-app/1.0/my-app.jar', /^Validation failed: Name is invalid/],
        ['com/mycompany/%E2%80%A4%E2%80%A4/1.0/my-app.jar', /^Validation failed: Name is invalid/],
        ['com/mycompany/my-app/1.0/%EF%BC%8E%EF%BC%8E', /^file_name is invalid/],
        ['com/mycompany/my-app/1.0/my%20app.jar', /^file_name is invalid/],
        [`com/mycompany/my-app/1.0/${'a'.repeat(256)}`, /^file_name is invalid/],
        [`${'a'.repeat(250)}/my-app/1.0/my-app.jar`, /^Validation failed: Name is invalid/],
        [`com/mycompany/my-app/${'1'.repeat(256)}/my-app.jar`, /^Validation failed: Version is invalid/],
        ['my-app/1.0/my-app.jar', /^Validation failed: Name is invalid/],
        ['my-app.jar', /^Validation failed: Name is invalid/],
        ['com/mycompany/my-app/1.0/%zz.jar', /^(path is invalid|400 Bad Request)$/],
        ['com/mycompany/my-app/1.0/%C0%AE%C0%AE', /^(path is invalid|400 Bad Request)$/],
      ]
      for (const [path, problem] of paths) {
        const reply = await put(root, project.id, path)
        const { error, message } = reply.json as { error?: string; message?: string }
        expect([path, reply.status, error ?? message]).toEqual([path, 400, expect.stringMatching(problem)])
      }
      expect(await packagesOf(project.id)).toEqual([])
    })

    it.everywhere('takes a body up to the limit and names the limit above it', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      expect((await put(root, project.id, jar, new Uint8Array(BODY_LIMIT_BYTES))).status).toBe(200)
      expect(
        await put(root, project.id, `${APP}/2.0/my-app-2.0.jar`, new Uint8Array(BODY_LIMIT_BYTES + 1)),
      ).toMatchObject({
        status: 413,
        json: { message: `413 Content Too Large - the body may have at most ${BODY_LIMIT_BYTES} bytes` },
      })
      expect(await namesOf(project.id)).toEqual([[APP, '1.0']])
    })

    it('asks for a login where the caller is unknown, and for a role where it is too small', async () => {
      const [open, closed] = [await world.project(), await world.project({ visibility: 'private' })]
      const reporter = await world.member('projects', closed.id, REPORTER)
      const stranger = await world.user()
      const status = async (who: Who, id: number) => (await put(who, id, `${APP}/1.0/a.jar`)).status

      expect(await status(anonymous, open.id)).toBe(401)
      expect(await status(anonymous, closed.id)).toBe(401)
      expect(await status(anonymous, 999_999_999)).toBe(401)
      expect(await status(stranger, open.id)).toBe(403)
      expect(await status(stranger, closed.id)).toBe(404)
      expect(await status(reporter, closed.id)).toBe(403)
      expect(await status({ token: 'pat-nobody-has-this-one' }, open.id)).toBe(401)
      expect((await put(reporter, closed.id, '../..')).status).not.toBe(200)
    })
  })

  describe('GET and HEAD …/maven/*path/:file_name', () => {
    it('redirects to the bytes as they came, and tells their hashes as text', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      await put(root, project.id, jar, everyByte)

      const reply = await get(anonymous, project.id, jar)
      expect(reply.headers).toMatchObject({ 'x-checksum-sha1': hash('sha1', everyByte) })
      expect(await bytesOf(reply)).toEqual(everyByte)
      for (const name of HASHES) {
        const sidecar = await get(anonymous, project.id, `${jar}.${name}`)
        expect([sidecar.status, sidecar.text]).toEqual([200, hash(name, everyByte)])
        expect(sidecar.headers['content-type']).toMatch(/^text\/plain/)
      }
    })

    it.everywhere('describes a file to HEAD without a redirect', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      await put(root, project.id, jar, everyByte)
      const head = (path: string) => call(root, { method: 'HEAD', path: `${base(project.id)}/${path}` })

      expect(await head(jar)).toMatchObject({
        status: 200,
        text: '',
        headers: {
          'content-length': '256',
          'x-checksum-md5': hash('md5', everyByte),
          'x-checksum-sha1': hash('sha1', everyByte),
          'x-checksum-sha256': hash('sha256', everyByte),
        },
      })
      expect((await head(`${jar}.sha1`)).status).toBe(200)
      expect((await head(`${APP}/1.0/none.jar`)).status).toBe(404)
    })

    it('answers 404 for what is not there, and for what cannot be, so that the next repository is asked', async () => {
      const project = await world.project()
      await put(root, project.id, `${APP}/1.0/my-app-1.0.jar`)
      await world.call(root, 'PUT', `/projects/${project.id}/packages/generic/tool/1.0/tool.txt`, {})
      const paths = [
        `${APP}/1.0/my-app-1.0.pom`,
        `${APP}/1.0/my-app-1.0.pom.sha1`,
        `${APP}/2.0/my-app-2.0.jar`,
        `${APP}/${METADATA}`,
        `${APP}/1.0/my%20app.jar`,
        'tool/1.0/tool.txt',
        '..%2f..%2fetc%2fpasswd',
        'a.jar',
      ]
      for (const path of paths) {
        expect([path, await get(root, project.id, path)]).toMatchObject([
          path,
          { status: 404, json: { message: '404 Package Not Found' } },
        ])
      }
    })

    it('withholds packages in processing or in error', async () => {
      const project = await world.project()
      for (const status of ['processing', 'error'] as const) {
        await world.package(project.id, { name: `a/${status}`, version: '1', type: 'maven', files: ['a.jar'], status })
        expect((await get(root, project.id, `a/${status}/1/a.jar`)).status).toBe(404)
      }
    })

    it('asks an anonymous caller to log in where the project is not public, also where there is none', async () => {
      const project = await world.project({ visibility: 'private' })
      const jar = `${APP}/1.0/my-app-1.0.jar`
      await put(root, project.id, jar)
      const [closed, missing] = [await get(anonymous, project.id, jar), await get(anonymous, 999_999_999, jar)]

      expect(closed).toMatchObject({ status: 401, json: { message: '401 Unauthorized' } })
      expect([missing.status, missing.text]).toEqual([closed.status, closed.text])
      expect((await get(await world.user(), project.id, jar)).status).toBe(404)
      expect((await get(await world.member('projects', project.id, GUEST), project.id, jar)).status).toBe(403)
      expect((await get(await world.member('projects', project.id, REPORTER), project.id, jar)).status).toBe(302)
    })

    it.everywhere('takes a token as the password of HTTP Basic, and asks for it', async () => {
      const project = await world.project({ visibility: 'private' })
      const { token } = await world.member('projects', project.id, DEVELOPER)
      const path = `${base(project.id)}/${APP}/1.0/my-app-1.0.jar`
      const headers = { authorization: `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}` }

      const asked = await door.call({ path })
      expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="Packages API"'])
      expect((await door.call({ method: 'PUT', path, headers, body: 'jar' })).status).toBe(200)
      expect((await door.call({ path, headers })).status).toBe(302)
    })

    it('sets last_downloaded_at for a file, and not for its hash', async () => {
      const project = await world.project()
      const jar = `${APP}/1.0/my-app-1.0.jar`
      await put(root, project.id, jar)
      await get(root, project.id, `${jar}.sha1`)
      expect(await packagesOf(project.id)).toMatchObject([{ last_downloaded_at: null }])
      await get(root, project.id, jar)
      expect(await packagesOf(project.id)).toMatchObject([{ last_downloaded_at: expect.any(String) }])
    })
  })

  describe('the metadata of an artifact', () => {
    const metadata = async (project: number) => textOf(await get(root, project, `${APP}/${METADATA}`))

    it('is what the client sent, byte for byte, as long as it fits', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'], '\n<release>1.1</release>')

      expect(await metadata(project.id)).toBe(metadataOf(['1.0', '1.1'], '\n<release>1.1</release>'))
      const versionless = (await packagesOf(project.id)).find(({ version }) => version === null)
      expect(await filesOf(project.id, versionless?.id ?? 0)).toHaveLength(2)
    })

    it('is rewritten when a version was deleted, with hashes that agree and a file that is listed', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      await deploy(project.id, ['1.0', '1.1', '1.2'], '<latest>1.2</latest><release>1.2</release>')
      expect((await remove(project.id, '1.2')).status).toBe(204)

      const sha1 = (await get(root, project.id, `${APP}/${METADATA}.sha1`)).text
      const xml = await metadata(project.id)
      expect([versionsIn(xml), elementIn(xml, 'latest'), elementIn(xml, 'release')]).toEqual([
        ['1.0', '1.1'],
        '1.1',
        '1.1',
      ])
      expect(elementIn(xml, 'lastUpdated')).toMatch(/^20(2[1-9]|[3-9]\d)\d{10}$/)
      expect(sha1).toBe(hash('sha1', xml))
      const versionless = (await packagesOf(project.id)).find(({ version }) => version === null)
      expect((await filesOf(project.id, versionless?.id ?? 0)).at(-1)).toMatchObject({
        file_name: METADATA,
        file_sha1: sha1,
        size: Buffer.byteLength(xml),
      })
    })

    it('goes with the last version, at once and from lists too, and comes back with the next', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      await remove(project.id, '1.0')
      expect(versionsIn(await metadata(project.id))).toEqual(['1.1'])
      await remove(project.id, '1.1')

      expect(await packagesOf(project.id)).toEqual([])
      expect((await get(root, project.id, `${APP}/${METADATA}`)).status).toBe(404)
      await deploy(project.id, ['1.0', '1.1', '1.2'])
      expect(versionsIn(await metadata(project.id))).toEqual(['1.2'])
    })

    it('goes when the last versions are deleted at once', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      await deploy(project.id, ['1.0', '1.1', '1.2'])
      const versions = (await packagesOf(project.id)).filter(({ version }) => version !== null)
      await Promise.all(versions.map(({ id }) => world.call(root, 'DELETE', `/projects/${project.id}/packages/${id}`)))

      expect(await packagesOf(project.id)).toEqual([])
    })

    it('does not list again what was deleted while its client was at work', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      const known = versionsIn(await metadata(project.id)) as string[]
      await remove(project.id, '1.0')
      expect(versionsIn(await metadata(project.id))).toEqual(['1.1'])
      await deploy(project.id, [...known, '1.2'])

      expect(versionsIn(await metadata(project.id))).toEqual(['1.1', '1.2'])
      const sent = metadataOf([...known, '1.2'])
      expect((await put(root, project.id, `${APP}/${METADATA}.sha1`, hash('sha1', sent))).status).toBe(204)
    })

    it('lists all versions whose clients knew nothing of each other', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      const versions = ['1.1', '1.2', '1.3', '1.4']
      await Promise.all(versions.map((version) => deploy(project.id, ['1.0', version])))

      expect(versionsIn(await metadata(project.id)).sort()).toEqual(['1.0', ...versions])
    })

    it('is right after deletes and deploys at the same moment', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      await deploy(project.id, ['1.0', '1.1', '1.2'])
      const known = ['1.0', '1.1', '1.2']
      await Promise.all([
        remove(project.id, '1.0'),
        remove(project.id, '1.2'),
        deploy(project.id, [...known, '1.3']),
        deploy(project.id, [...known, '1.4']),
        metadata(project.id),
      ])

      expect(versionsIn(await metadata(project.id)).sort()).toEqual(['1.1', '1.3', '1.4'])
    })

    it('is that of before when its newest file was deleted, without what was deleted since', async () => {
      const project = await world.project()
      await deploy(project.id, ['1.0'])
      await deploy(project.id, ['1.0', '1.1'])
      await remove(project.id, '1.0')
      await metadata(project.id)
      const versionless = (await packagesOf(project.id)).find(({ version }) => version === null)
      const newest = (await filesOf(project.id, versionless?.id ?? 0)).at(-1)
      const files = `/projects/${project.id}/packages/${versionless?.id}/package_files`
      expect((await world.call(root, 'DELETE', `${files}/${newest?.id}`)).status).toBe(204)

      expect(versionsIn(await metadata(project.id))).toEqual(['1.1'])
    })

    it('stays as it is when it is not about versions, or about none that is here', async () => {
      const project = await world.project()
      const plugins = '<metadata><plugins><plugin><name>My</name></plugin></plugins></metadata>'
      await put(root, project.id, `com/mycompany/${METADATA}`, plugins)
      await put(root, project.id, `com/other/${METADATA}`, metadataOf(['1.0']))

      expect(await textOf(await get(root, project.id, `com/mycompany/${METADATA}`))).toBe(plugins)
      expect(await textOf(await get(root, project.id, `com/other/${METADATA}`))).toBe(metadataOf(['1.0']))
    })
  })

  describe('GET and HEAD /groups/:id/-/packages/maven/*path/:file_name', () => {
    const inGroup = (who: Who, group: unknown, path: string, method = 'GET') =>
      call(who, { method, path: `/groups/${group}/-/packages/maven/${path}` })
    const jar = `${APP}/1.0/my-app-1.0.jar`

    it('finds the newest file among the projects, by id and by path of the group, also from the groups above', async () => {
      const top = await world.group()
      const group = await world.group({ parent_id: top.id })
      const [one, other] = [
        await world.project({ namespace_id: group.id }),
        await world.project({ namespace_id: top.id }),
      ]
      await put(root, one.id, jar, 'one')
      expect(await textOf(await inGroup(anonymous, top.id, jar))).toBe('one')
      await put(root, other.id, jar, 'other')

      expect(await textOf(await inGroup(anonymous, top.id, jar))).toBe('other')
      expect(await textOf(await inGroup(anonymous, group.id, jar))).toBe('one')
      expect(await textOf(await inGroup(anonymous, encodeURIComponent(String(group.full_path)), jar))).toBe('one')
      expect((await inGroup(anonymous, top.id, `${jar}.sha256`)).text).toBe(hash('sha256', 'other'))
      expect((await inGroup(anonymous, top.id, jar, 'HEAD')).headers['content-length']).toBe('5')
      await put(root, one.id, jar, 'one again')
      expect(await textOf(await inGroup(anonymous, top.id, jar))).toBe('one again')
      expect((await inGroup(anonymous, top.id, `${APP}/2.0/my-app-2.0.jar`)).status).toBe(404)
    })

    it('passes over projects that the caller may not read', async () => {
      const group = await world.group()
      const open = await world.project({ namespace_id: group.id })
      const closed = await world.project({ namespace_id: group.id, visibility: 'private' })
      await put(root, open.id, jar, 'open')
      await put(root, closed.id, jar, 'closed')
      await put(root, closed.id, `${APP}/2.0/my-app-2.0.jar`, 'only closed')
      const insider = await world.member('projects', closed.id, REPORTER)
      const guest = await world.member('projects', closed.id, GUEST)

      for (const who of [anonymous, guest, await world.user()]) {
        expect(await textOf(await inGroup(who, group.id, jar))).toBe('open')
        expect((await inGroup(who, group.id, `${APP}/2.0/my-app-2.0.jar`)).status).toBe(404)
      }
      expect(await textOf(await inGroup(insider, group.id, jar))).toBe('closed')
      expect(await textOf(await inGroup(insider, group.id, `${APP}/2.0/my-app-2.0.jar`))).toBe('only closed')
    })

    it('asks an anonymous caller to log in where the group is not public, also where there is none', async () => {
      const group = await world.group({ visibility: 'private' })
      const project = await world.project({ namespace_id: group.id, visibility: 'private' })
      await put(root, project.id, jar)
      const [closed, missing] = [await inGroup(anonymous, group.id, jar), await inGroup(anonymous, 'nothing-here', jar)]

      expect([closed.status, closed.json]).toEqual([401, { message: '401 Unauthorized' }])
      expect([missing.status, missing.text]).toEqual([closed.status, closed.text])
      expect(await inGroup(await world.user(), group.id, jar)).toMatchObject({
        status: 404,
        json: { message: '404 Group Not Found' },
      })
      expect((await inGroup(await world.member('groups', group.id, REPORTER), group.id, jar)).status).toBe(302)
      expect((await inGroup(await world.member('projects', project.id, REPORTER), group.id, jar)).status).toBe(302)
    })

    it('follows a project that comes, goes or shows itself', async () => {
      const [here, there] = [await world.group(), await world.group()]
      const project = await world.project({ namespace_id: here.id, visibility: 'private' })
      await put(root, project.id, jar, 'moving')
      expect((await inGroup(anonymous, here.id, jar)).status).toBe(404)

      await world.call(root, 'PUT', `/projects/${project.id}`, { visibility: 'public' })
      expect(await textOf(await inGroup(anonymous, here.id, jar))).toBe('moving')
      await world.call(root, 'PUT', `/projects/${project.id}/transfer`, { namespace: there.id })
      expect((await inGroup(root, here.id, jar)).status).toBe(404)
      expect(await textOf(await inGroup(anonymous, there.id, jar))).toBe('moving')
    })

    it('has metadata that fits, of the project that sent it last', async () => {
      const group = await world.group()
      const [one, other] = [
        await world.project({ namespace_id: group.id }),
        await world.project({ namespace_id: group.id }),
      ]
      await deploy(one.id, ['1.0'])
      await deploy(other.id, ['1.0'])
      await deploy(other.id, ['1.0', '1.1'])
      await remove(other.id, '1.0')
      const metadata = async () => versionsIn(await textOf(await inGroup(root, group.id, `${APP}/${METADATA}`)))

      expect(await metadata()).toEqual(['1.1'])
      await remove(other.id, '1.1')
      expect(await metadata()).toEqual(['1.0'])
    })
  })

  describe('GET and HEAD /packages/maven/*path/:file_name', () => {
    const anywhere = (who: Who, path: string, method = 'GET') => call(who, { method, path: `/packages/maven/${path}` })

    it('finds the project with whose path the path begins', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      const path = String(project.path_with_namespace)
      await put(root, project.id, `${path}/1.0/a-1.0.jar`, 'same name')
      await put(root, project.id, `${path}/sub/tool/1.0/tool-1.0.jar`, 'longer name')
      await put(root, project.id, `${path}/${METADATA}`, metadataOf(['1.0']))

      expect(await textOf(await anywhere(anonymous, `${path}/1.0/a-1.0.jar`))).toBe('same name')
      expect(await textOf(await anywhere(anonymous, `${path}/sub/tool/1.0/tool-1.0.jar`))).toBe('longer name')
      expect(await textOf(await anywhere(anonymous, `${path}/${METADATA}`))).toBe(metadataOf(['1.0']))
      expect((await anywhere(anonymous, `${path}/1.0/a-1.0.jar.sha1`)).text).toBe(hash('sha1', 'same name'))
      expect((await anywhere(anonymous, `${path}/1.0/a-1.0.jar`, 'HEAD')).headers['content-length']).toBe('9')
      expect((await anywhere(anonymous, `${path}/2.0/a-2.0.jar`)).status).toBe(404)
    })

    it('answers 403 where there is no such project and where it is hidden, alike, and asks anonymous callers to log in', async () => {
      const group = await world.group({ visibility: 'private' })
      const project = await world.project({ namespace_id: group.id, visibility: 'private' })
      const jarOf = (path: unknown) => `${path}/1.0/a-1.0.jar`
      const hidden = jarOf(project.path_with_namespace)
      await put(root, project.id, hidden)
      const [stranger, guest, reporter] = [
        await world.user(),
        await world.member('projects', project.id, GUEST),
        await world.member('projects', project.id, REPORTER),
      ]

      for (const who of [stranger, anonymous]) {
        const [one, other] = [
          await anywhere(who, hidden),
          await anywhere(who, jarOf(`${unique('no')}/${unique('no')}`)),
        ]
        expect([one.status, one.text]).toEqual([who === anonymous ? 401 : 403, other.text])
        expect(other.status).toBe(one.status)
      }
      expect(await anywhere(guest, hidden)).toMatchObject({
        status: 403,
        json: { message: '403 Forbidden - this needs the role Reporter in the project' },
      })
      expect((await anywhere(reporter, hidden)).status).toBe(302)
      expect((await anywhere(reporter, '..%2f..%2fetc%2fpasswd')).status).toBe(403)
    })
  })

  it('keeps the rights of a Maintainer to delete what was deployed', async () => {
    const project = await world.project({ visibility: 'private' })
    const maintainer = await world.member('projects', project.id, MAINTAINER)
    await put(maintainer, project.id, `${APP}/1.0/my-app-1.0.jar`)
    const [one] = await packagesOf(project.id)
    expect((await world.call(maintainer, 'DELETE', `/projects/${project.id}/packages/${one?.id}`)).status).toBe(204)
  })
})
