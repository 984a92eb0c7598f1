import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Context } from 'aws-lambda'
import { pack } from 'tar-stream'
import { npmWrite } from '../../../functions/npm/npmWrite.ts'
import { createStore, type ObjectStore } from '../../../lib/files/store.ts'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { MANIFEST_LIMIT } from '../../../lib/npm/publish.ts'
import { PACKAGE_JSON_LIMIT_BYTES, UNPACKED_LIMIT_BYTES } from '../../../lib/npm/tarball.ts'
import { type Door, doors, eventFor, lambdaDoor, type Reply, through } from '../../support/doors.ts'
import { testEnvironment } from '../../support/environment.ts'
import { createWorld, type Json, publishBody, tarballOf, type Who, type World } from '../../support/world.ts'

const GUEST = 10
const REPORTER = 20
const DEVELOPER = 30
const MAINTAINER = 40

const bucket = process.env.BUCKET_NAME ?? ''
const { objectStore, rootToken } = testEnvironment()
const s3 = new S3Client({ endpoint: objectStore, forcePathStyle: true })
afterAll(() => s3.destroy())

const countObjects = async (projectId: number) => {
  const found = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `projects/${projectId}/` }))
  return found.Contents?.length ?? 0
}

type Body = Awaited<ReturnType<typeof publishBody>>
type Packument = {
  name: string
  'dist-tags': Record<string, string>
  versions: Record<string, Json & { dist: { shasum: string; integrity: string; tarball: string } }>
  time: Record<string, string>
}

const hash = (algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(bytes).digest(encoding)

const times = <Made>(count: number, make: (position: number) => Made) =>
  Array.from({ length: count }, (_, n) => make(n))

/** The routes of npm through one door. */
const npmThrough = (door: Door, world: World) => {
  const base = (projectId: number) => `/projects/${projectId}/packages/npm`
  const npm = {
    base,
    put: (who: Who, projectId: number, name: string, body: Json) =>
      world.call(who, 'PUT', `${base(projectId)}/${name.replace('/', '%2f')}`, body),

    publish: async (
      who: Who,
      projectId: number,
      name: string,
      version: string,
      more: Parameters<typeof publishBody>[2] = {},
    ) => npm.put(who, projectId, name, await publishBody(name, version, more)),

    get: (who: Who, projectId: number, path: string) => world.get(who, `${base(projectId)}/${path}`),

    packument: async (projectId: number, name: string) =>
      (await npm.get(world.root, projectId, name.replace('/', '%2f'))).json as Packument,

    /** The bytes that a client has when it follows the redirect. */
    download: async (projectId: number, path: string): Promise<Buffer> => {
      const { status, headers, text } = await npm.get(world.root, projectId, path)
      if (status !== 302) throw new Error(`GET ${path} answered ${status}: ${text}`)
      const file = await fetch(headers.location ?? '')
      if (file.status !== 200) throw new Error(`the object store answered ${file.status}`)
      return Buffer.from(await file.arrayBuffer())
    },

    putTag: (who: Who, projectId: number, name: string, tag: string, body: string) =>
      door.call({
        method: 'PUT',
        path: `${base(projectId)}/-/package/${name.replace('/', '%2f')}/dist-tags/${tag}`,
        headers: {
          'content-type': 'application/json',
          ...(who.token === undefined ? {} : { authorization: `Bearer ${who.token}` }),
        },
        body,
      }),

    deleteTag: (who: Who, projectId: number, name: string, tag: string) =>
      world.call(who, 'DELETE', `${base(projectId)}/-/package/${name.replace('/', '%2f')}/dist-tags/${tag}`),

    total: async (kind: 'projects' | 'groups', id: number) =>
      (await world.get(world.root, `/${kind}/${id}/packages`)).headers['x-total'],
  }
  return npm
}

const refusal = (status: number, text: string) => ({ status, json: { message: text, error: text } })

describe.each(doors().map((door) => [door.name, door] as const))('npm %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const npm = npmThrough(door, world)
  const { root } = world
  const isLambda = door.origin !== testEnvironment().service

  beforeAll(() => door.open())

  const projectInGroup = async () => {
    const group = await world.group()
    return { group, project: await world.project({ namespace_id: group.id }) }
  }

  describe('publishers at the same moment', () => {
    it('lands one of twenty that want one version, and tells the others that it exists', async () => {
      const { group, project } = await projectInGroup()
      const tarballs = await Promise.all(
        times(20, (n) => tarballOf({ name: 'one', version: '1.0.0', description: `try ${n}` })),
      )

      const answers = await Promise.all(
        tarballs.map((tarball) => npm.publish(root, project.id, 'one', '1.0.0', { tarball })),
      )

      const refused = answers.filter(({ status }) => status !== 200)
      expect(refused).toHaveLength(19)
      for (const answer of refused) expect(answer).toMatchObject(refusal(403, 'Package already exists.'))
      expect(await npm.total('projects', project.id)).toBe('1')
      expect(await npm.total('groups', group.id)).toBe('1')

      const winner = tarballs[answers.findIndex(({ status }) => status === 200)]
      expect((await npm.download(project.id, 'one/-/one-1.0.0.tgz')).equals(winner as Buffer)).toBe(true)
      if (isLambda) expect(await countObjects(project.id)).toBe(1)
    })

    it('lands fifteen versions of one package, each with its own bytes', async () => {
      const { group, project } = await projectInGroup()
      const name = '@foo/bar'
      const wanted = await Promise.all(
        times(15, async (n) => {
          const version = `1.${n}.0`
          return { version, tarball: await tarballOf({ name, version, description: `number ${n}` }) }
        }),
      )

      const answers = await Promise.all(
        wanted.map(({ version, tarball }) => npm.publish(root, project.id, name, version, { tarball })),
      )

      expect(answers.map(({ status }) => status)).toEqual(times(15, () => 200))
      expect(await npm.total('projects', project.id)).toBe('15')
      expect(await npm.total('groups', group.id)).toBe('15')
      const packument = await npm.packument(project.id, name)
      expect(Object.keys(packument.versions)).toHaveLength(15)
      expect(packument['dist-tags']).toEqual({ latest: expect.stringMatching(/^1\.\d+\.0$/) })
      for (const { version, tarball } of wanted) {
        expect(packument.versions[version]?.dist.integrity).toBe(`sha512-${hash('sha512', tarball, 'base64')}`)
        const bytes = await npm.download(project.id, `${name}/-/${name}-${version}.tgz`)
        expect({ version, same: bytes.equals(tarball) }).toEqual({ version, same: true })
      }
    })

    it('lands fifty packages, and the totals of project and group are exact', async () => {
      const { group, project } = await projectInGroup()

      const answers = await Promise.all(times(50, (n) => npm.publish(root, project.id, `package-${n}`, '1.0.0')))

      expect(answers.map(({ status }) => status)).toEqual(times(50, () => 200))
      for (const [kind, id] of [
        ['projects', project.id],
        ['groups', group.id],
      ] as const) {
        const list = await world.get(root, `/${kind}/${id}/packages?per_page=100&order_by=name`)
        const names = (list.json as Json[]).map((row) => row.name)
        expect({ kind, total: list.headers['x-total'] }).toEqual({ kind, total: '50' })
        expect(names).toEqual(times(50, (n) => `package-${n}`).sort())
      }
    })
  })

  describe('PUT /projects/:id/packages/npm/:package_name', () => {
    it('answers the record, and the version is listed and installable at once', async () => {
      const { project } = await projectInGroup()
      const developer = await world.member('projects', project.id, DEVELOPER)

      const answer = await npm.publish(developer, project.id, '@foo/bar', '1.0.3', { tag: 'beta' })

      expect(answer).toMatchObject({
        status: 200,
        json: {
          id: expect.any(Number),
          project_id: project.id,
          name: '@foo/bar',
          version: '1.0.3',
          package_type: 'npm',
          status: 'default',
          creator_id: developer.id,
        },
      })
      expect((await world.get(root, `/projects/${project.id}/packages`)).json).toMatchObject([
        { id: (answer.json as Json).id, name: '@foo/bar', version: '1.0.3', tags: [{ name: 'beta' }] },
      ])
      expect(Object.keys((await npm.packument(project.id, '@foo/bar')).versions)).toEqual(['1.0.3'])
    })

    it('takes the same version again once it is deleted, with other bytes', async () => {
      const { project } = await projectInGroup()
      const { json } = await npm.publish(root, project.id, 'again', '1.0.0')
      await world.call(root, 'DELETE', `/projects/${project.id}/packages/${(json as Json).id}`)
      expect(await npm.get(root, project.id, 'again')).toMatchObject(refusal(404, '404 Packages Not Found'))
      expect(await npm.get(root, project.id, 'again/-/again-1.0.0.tgz')).toMatchObject(
        refusal(404, '404 Package Not Found'),
      )

      const tarball = await tarballOf({ name: 'again', version: '1.0.0', description: 'second' })
      expect(await npm.publish(root, project.id, 'again', '1.0.0', { tarball })).toMatchObject({ status: 200 })
      expect((await npm.download(project.id, 'again/-/again-1.0.0.tgz')).equals(tarball)).toBe(true)
    })

    it('takes the version that npm makes of a v and build metadata in package.json', async () => {
      const { project } = await projectInGroup()
      const tarball = await tarballOf({ name: 'built', version: 'v1.2.3+build.7' })

      expect(await npm.publish(root, project.id, 'built', '1.2.3', { tarball })).toMatchObject({ status: 200 })
    })
  })

  describe('a publish that is refused', () => {
    const name = '@foo/bar'
    const version = '1.0.0'
    let projectId: number
    let good: Body
    beforeAll(async () => {
      const project = await world.project()
      projectId = project.id
    })
    beforeEach(async () => {
      good = await publishBody(name, version)
    })

    const expectNothing = async () => {
      expect(await npm.total('projects', projectId)).toBe('0')
      expect(await npm.get(root, projectId, '@foo%2fbar')).toMatchObject({ status: 404 })
      if (isLambda) expect(await countObjects(projectId)).toBe(0)
    }

    const manifestOf = (body: Body) => body.versions[version] as Body['versions'][string]
    const attachmentOf = (body: Body) => body._attachments[`${name}-${version}.tgz`] as Body['_attachments'][string]
    const withTarball = (tarball: Buffer) => publishBody(name, version, { tarball })
    const tarballWith = async (files: Record<string, string>) => {
      const archive = pack()
      for (const [path, text] of Object.entries(files)) archive.entry({ name: path }, text)
      archive.finalize()
      const chunks: Buffer[] = []
      for await (const chunk of archive) chunks.push(chunk as Buffer)
      return gzipSync(Buffer.concat(chunks))
    }
    const damaged = (bytes: Buffer) => {
      const middle = Math.floor(bytes.length / 2)
      return Buffer.concat([
        bytes.subarray(0, middle),
        Buffer.from([~(bytes[middle] ?? 0) & 0xff]),
        bytes.subarray(middle + 1),
      ])
    }
    const packageJson = JSON.stringify({ name, version })

    it.each<[what: string, body: (good: Body) => Body | Promise<Body>, text: string | RegExp]>([
      [
        'its shasum is not that of the tarball',
        (body) => {
          manifestOf(body).dist.shasum = '0'.repeat(40)
          return body
        },
        'Validation failed: dist.shasum is not the SHA-1 of the attachment',
      ],
      [
        'its integrity is not that of the tarball',
        (body) => {
          manifestOf(body).dist.integrity = `sha512-${hash('sha512', Buffer.from('other'), 'base64')}`
          return body
        },
        'Validation failed: dist.integrity is not the SHA-512 of the attachment',
      ],
      [
        'its manifest has another version',
        (body) => {
          manifestOf(body).version = '1.0.1'
          return body
        },
        'Validation failed: the version in the manifest is not 1.0.0',
      ],
      [
        'its manifest has another name',
        (body) => {
          manifestOf(body).name = '@foo/baz'
          return body
        },
        'Validation failed: the name in the manifest is not @foo/bar',
      ],
      [
        'its tarball has another version',
        async () => withTarball(await tarballOf({ name, version: '1.0.1' })),
        "Validation failed: the version in the tarball's package.json is not 1.0.0",
      ],
      [
        'its tarball has another name',
        async () => withTarball(await tarballOf({ name: 'bar', version })),
        "Validation failed: the name in the tarball's package.json is not @foo/bar",
      ],
      [
        'its tarball has a second package.json with another name, which unpacking would leave',
        async () =>
          withTarball(
            await tarballWith({
              'package/package.json': packageJson,
              'other/package.json': JSON.stringify({ name: 'evil', version }),
            }),
          ),
        "Validation failed: the name in the tarball's package.json is not @foo/bar",
      ],
      [
        'the body has another name than the path',
        (body) => ({ ...body, name: 'bar' }),
        'Validation failed: Name in the body is not @foo/bar',
      ],
      [
        'its attachment is not base64',
        (body) => {
          attachmentOf(body).data = `${attachmentOf(body).data.slice(0, -4)}-_?=`
          return body
        },
        'Validation failed: Attachment data is not base64',
      ],
      [
        'its attachment is cut off inside base64',
        (body) => {
          attachmentOf(body).data = attachmentOf(body).data.slice(0, 41)
          return body
        },
        'Validation failed: Attachment data is not base64',
      ],
      [
        'its attachment is empty',
        (body) => {
          attachmentOf(body).data = ''
          return body
        },
        'Attachment data is empty.',
      ],
      [
        'its attachment has another name',
        (body) => ({ ...body, _attachments: { 'other.tgz': attachmentOf(body) } }) as Body,
        'Attachment data is empty.',
      ],
      ['it has no version', (body) => ({ ...body, versions: {} }), 'Version is empty.'],
      ['it has no versions at all', ({ versions: _, ...body }) => body as Body, 'Version is empty.'],
      [
        'its version has a blank at the end',
        (body) => ({ ...body, versions: { '1.0.0 ': { ...manifestOf(body), version: '1.0.0 ' } } }),
        'Validation failed: Version is invalid',
      ],
      [
        'its version is no semantic version',
        (body) => ({ ...body, versions: { '1.0': { ...manifestOf(body), version: '1.0' } } }),
        'Validation failed: Version is invalid',
      ],
      [
        'its tag is a range',
        (body) => ({ ...body, 'dist-tags': { '1.x': version } }),
        'Validation failed: Tag name is invalid',
      ],
      [
        'its tarball is cut off',
        async () => withTarball((await tarballOf({ name, version })).subarray(0, 120)),
        /^Validation failed: the tarball cannot be read: /,
      ],
      [
        'its tarball lacks only its last bytes',
        async () => withTarball((await tarballOf({ name, version })).subarray(0, -1)),
        /^Validation failed: the tarball cannot be read: /,
      ],
      [
        'its tarball is damaged',
        async () => withTarball(damaged(await tarballOf({ name, version }))),
        /^Validation failed: the tarball cannot be read: /,
      ],
      [
        'its tarball is not compressed',
        async () => withTarball(gunzipSync(await tarballOf({ name, version }))),
        /^Validation failed: the tarball cannot be read: /,
      ],
      [
        'its archive ends inside a file',
        async () => {
          const archive = gunzipSync(
            await tarballWith({ 'package/package.json': packageJson, 'package/index.js': 'x'.repeat(2_000) }),
          )
          return withTarball(gzipSync(archive.subarray(0, 2_500)))
        },
        /^Validation failed: the tarball cannot be read: /,
      ],
      [
        'its tarball has no package.json',
        async () =>
          withTarball(
            await tarballWith({
              'package/index.js': '',
              'package/lib/package.json': packageJson,
              'package.json': packageJson,
            }),
          ),
        'Validation failed: the tarball cannot be read: it has no package.json',
      ],
      [
        'its package.json is not JSON',
        async () => withTarball(await tarballWith({ 'package/package.json': '{ "name": ' })),
        'Validation failed: the tarball cannot be read: its package.json is no JSON object',
      ],
      [
        'its package.json is a JSON array',
        async () => withTarball(await tarballWith({ 'package/package.json': '[]' })),
        'Validation failed: the tarball cannot be read: its package.json is no JSON object',
      ],
      [
        'its package.json is larger than a package.json may be',
        async () =>
          withTarball(await tarballWith({ 'package/package.json': packageJson.padEnd(PACKAGE_JSON_LIMIT_BYTES + 1) })),
        `Validation failed: the tarball cannot be read: its package.json has more than ${PACKAGE_JSON_LIMIT_BYTES} bytes`,
      ],
      [
        'its tarball unpacks to more than a package may be',
        // Members of a gzip file may stand one after another: this is a mebibyte of zeros, again and again.
        async () => {
          const mebibyte = gzipSync(Buffer.alloc(1024 * 1024))
          return withTarball(Buffer.concat(times(UNPACKED_LIMIT_BYTES / (1024 * 1024) + 1, () => mebibyte)))
        },
        `Validation failed: the tarball cannot be read: it unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes`,
      ],
      [
        'its manifest is larger than GitLab keeps',
        async () => publishBody(name, version, { manifest: { description: 'x'.repeat(MANIFEST_LIMIT) } }),
        `Validation failed: Package json is too large. The maximum is ${MANIFEST_LIMIT} characters`,
      ],
    ])('answers 400 when %s, and keeps nothing', async (_what, change, text) => {
      const answer = await npm.put(root, projectId, name, await change(good))

      expect(answer.status).toBe(400)
      const words = typeof text === 'string' ? text : expect.stringMatching(text)
      expect(answer.json).toEqual({ message: words, error: words })
      expect((answer.json as Json).message).toBe((answer.json as Json).error)
      await expectNothing()
    })

    it.each([
      ['is not JSON', '{ "name": ', 'the body is not valid JSON'],
      ['is empty', '', 'the body is not valid JSON'],
      ['is a JSON array', '[]', 'the body is not a JSON object'],
    ])('answers 400 when the body %s, and keeps nothing', async (_what, body, text) => {
      const answer = await door.call({
        method: 'PUT',
        path: `${npm.base(projectId)}/@foo%2fbar`,
        headers: { authorization: `Bearer ${rootToken}`, 'content-type': 'application/json' },
        body,
      })

      expect(answer).toMatchObject(refusal(400, text))
      await expectNothing()
    })

    it('tells the limit of a name, a version and a tag that is too long', async () => {
      const long = `1.0.0-${'x'.repeat(250)}`
      const text = (field: string) => `Validation failed: ${field} is too long (maximum is 255 characters)`

      const answers = [
        await npm.put(root, projectId, 'x'.repeat(256), good),
        await npm.put(root, projectId, '@foo%2fbar', { ...good, versions: { [long]: { version: long } } }),
        await npm.put(root, projectId, '@foo%2fbar', { ...good, 'dist-tags': { ['t'.repeat(256)]: '1.0.0' } }),
      ]

      expect(answers).toMatchObject(['Name', 'Version', 'Tag name'].map((field) => refusal(400, text(field))))
      await expectNothing()
    })

    it.each(['.hidden', 'a%20b', '@foo'])('answers 400 for the name %s', async (path) => {
      const answer = await npm.put(root, projectId, path, good)

      expect(answer).toMatchObject(refusal(400, 'Validation failed: Name is invalid'))
      await expectNothing()
    })

    it('answers 413 and names the limit when the body is larger than that', async () => {
      const answer = await npm.put(root, projectId, name, { ...good, description: 'x'.repeat(BODY_LIMIT_BYTES) })

      expect(answer).toMatchObject(
        refusal(413, `413 Content Too Large - the body may have at most ${BODY_LIMIT_BYTES} bytes`),
      )
      await expectNothing()
    })
  })

  describe('GET /projects/:id/packages/npm/:package_name', () => {
    it('answers a packument with hashes, times, tags and tarball URLs', async () => {
      const { project } = await projectInGroup()
      const name = '@foo/bar'
      const manifest = { description: 'a bar', dependencies: { baz: '^1.0.0' }, bin: { bar: 'bar.js' } }
      const tarball = await tarballOf({ name, version: '1.0.3', ...manifest })
      await npm.publish(root, project.id, name, '1.0.3', { tarball, manifest })
      await npm.publish(root, project.id, name, '1.1.0-beta.1', {
        tag: 'beta',
        manifest: { scripts: { postinstall: 'node build.js' }, readme: '# A bar' },
      })

      const { status, json } = await npm.get(root, project.id, '@foo%2fbar')
      const { versions, time, ...packument } = json as Packument

      expect(status).toBe(200)
      expect(packument).toEqual({
        _id: name,
        _rev: expect.stringMatching(/^\d+$/),
        name,
        'dist-tags': { latest: '1.0.3', beta: '1.1.0-beta.1' },
      })
      expect(versions['1.0.3']).toEqual({
        _id: '@foo/bar@1.0.3',
        name,
        version: '1.0.3',
        ...manifest,
        dist: {
          shasum: hash('sha1', tarball),
          integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
          tarball: `${door.origin}/api/v4/projects/${project.id}/packages/npm/@foo/bar/-/@foo/bar-1.0.3.tgz`,
        },
      })
      expect(versions['1.1.0-beta.1']).toMatchObject({ hasInstallScript: true })
      expect(versions['1.1.0-beta.1']).not.toHaveProperty('readme')
      expect(Object.keys(time).sort()).toEqual(['1.0.3', '1.1.0-beta.1', 'created', 'modified'])
      expect(time.created).toBe(time['1.0.3'])
      expect(time.modified).toBe(time['1.1.0-beta.1'])
      expect(new Date(time.created ?? '').toJSON()).toBe(time.created)
    })

    it('shows the highest version as latest when no version has that tag', async () => {
      const { project } = await projectInGroup()
      for (const version of ['1.9.0', '1.10.0', '1.2.0']) await npm.publish(root, project.id, 'tagless', version)
      expect((await npm.packument(project.id, 'tagless'))['dist-tags']).toEqual({ latest: '1.2.0' })

      expect(await npm.deleteTag(root, project.id, 'tagless', 'latest')).toMatchObject({ status: 204 })

      expect((await npm.packument(project.id, 'tagless'))['dist-tags']).toEqual({ latest: '1.10.0' })
    })

    it('finds a scoped name however its slash is written', async () => {
      const { project } = await projectInGroup()
      const body = await publishBody('@scope/name', '1.0.0')
      const path = `${npm.base(project.id)}/@scope%2Fname`
      expect(await world.call(root, 'PUT', path, body)).toMatchObject({ status: 200 })

      for (const written of ['@scope%2fname', '@scope%2Fname', '%40scope%2fname', '@scope/name']) {
        const { status, json } = await npm.get(root, project.id, written)
        expect({ written, status, name: (json as Json).name }).toEqual({ written, status: 200, name: '@scope/name' })
      }
    })

    it('answers 404 for a package that is not there, and for a name that none can have', async () => {
      const { project } = await projectInGroup()

      for (const path of ['nothing', '@no%2fthing', '@no/thing', '.hidden']) {
        expect(await npm.get(root, project.id, path)).toMatchObject(refusal(404, '404 Packages Not Found'))
      }
    })

    it('answers npm the same with its bearer token as others with theirs', async () => {
      const project = await world.project({ visibility: 'private' })
      await npm.publish(root, project.id, 'mine', '1.0.0')

      const answer = await door.call({
        path: `${npm.base(project.id)}/mine`,
        headers: { authorization: `Bearer ${rootToken}`, accept: 'application/vnd.npm.install-v1+json' },
      })

      expect(answer).toMatchObject({ status: 200, json: { name: 'mine' } })
    })
  })

  describe('GET /projects/:id/packages/npm/:package_name/-/:file', () => {
    it('leads to the bytes under both forms of the file name', async () => {
      const { project } = await projectInGroup()
      const scoped = await tarballOf({ name: '@foo/bar', version: '1.0.0-rc.1' })
      const plain = await tarballOf({ name: 'bar', version: '1.0.0' })
      await npm.publish(root, project.id, '@foo/bar', '1.0.0-rc.1', { tarball: scoped })
      await npm.publish(root, project.id, 'bar', '1.0.0', { tarball: plain })

      for (const [path, bytes] of [
        ['@foo/bar/-/@foo/bar-1.0.0-rc.1.tgz', scoped],
        ['@foo/bar/-/bar-1.0.0-rc.1.tgz', scoped],
        ['@foo%2fbar/-/bar-1.0.0-rc.1.tgz', scoped],
        ['@foo%2Fbar/-/@foo%2Fbar-1.0.0-rc.1.tgz', scoped],
        ['bar/-/bar-1.0.0.tgz', plain],
      ] as const) {
        expect({ path, same: (await npm.download(project.id, path)).equals(bytes) }).toEqual({ path, same: true })
      }
    })

    it('has the object store name the file', async () => {
      const { project } = await projectInGroup()
      await npm.publish(root, project.id, '@foo/bar', '1.0.0')

      const { headers } = await npm.get(root, project.id, '@foo/bar/-/bar-1.0.0.tgz')
      const file = await fetch(headers.location ?? '')

      expect(file.headers.get('content-type')).toBe('application/octet-stream')
      expect(file.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''bar-1.0.0.tgz")
    })

    it('answers 404 for a version or a file that is not there', async () => {
      const { project } = await projectInGroup()
      await npm.publish(root, project.id, 'bar', '1.0.0')

      for (const path of ['bar/-/bar-1.0.1.tgz', 'bar/-/baz-1.0.0.tgz', 'bar/-/bar-1.0.0.zip', 'bar/-/bar-.tgz']) {
        expect(await npm.get(root, project.id, path)).toMatchObject(refusal(404, '404 Package Not Found'))
      }
    })
  })

  describe('/projects/:id/packages/npm/-/package/:package_name/dist-tags', () => {
    const name = '@foo/bar'
    let projectId: number
    let developer: Who
    beforeAll(async () => {
      projectId = (await world.project()).id
      developer = await world.member('projects', projectId, DEVELOPER)
      await npm.publish(root, projectId, name, '1.0.0')
      await npm.publish(root, projectId, name, '2.0.0')
    })

    const tags = async () => (await npm.get(root, projectId, '-/package/@foo%2fbar/dist-tags')).json

    it('lists, adds, moves and removes tags', async () => {
      expect(await tags()).toEqual({ latest: '2.0.0' })
      expect(await npm.putTag(developer, projectId, name, 'stable', '"1.0.0"')).toMatchObject({ status: 204, text: '' })
      expect(await npm.putTag(developer, projectId, name, 'stable', '"1.0.0"')).toMatchObject({ status: 204 })
      expect(await tags()).toEqual({ latest: '2.0.0', stable: '1.0.0' })
      expect(await npm.putTag(developer, projectId, name, 'stable', '"2.0.0"')).toMatchObject({ status: 204 })
      expect(await npm.putTag(developer, projectId, name, 'latest', '"1.0.0"')).toMatchObject({ status: 204 })
      expect(await tags()).toEqual({ latest: '1.0.0', stable: '2.0.0' })
      expect(await npm.deleteTag(root, projectId, name, 'stable')).toMatchObject({ status: 204, text: '' })
      expect(await tags()).toEqual({ latest: '1.0.0' })
      const rows = (await world.get(root, `/projects/${projectId}/packages?order_by=version`)).json as Json[]
      expect(rows).toMatchObject([
        { version: '1.0.0', tags: [{ name: 'latest' }] },
        { version: '2.0.0', tags: [] },
      ])
    })

    it.everywhere('lists them too where the slash of the scope stands plain', async () => {
      expect(await npm.get(root, projectId, '-/package/@foo/bar/dist-tags')).toMatchObject({
        status: 200,
        json: { latest: expect.any(String) },
      })
    })

    it('answers 404 for what is not there', async () => {
      const missing = refusal(404, '404 Package Not Found')

      expect(await npm.get(root, projectId, '-/package/nothing/dist-tags')).toMatchObject(missing)
      expect(await npm.putTag(root, projectId, name, 'stable', '"9.9.9"')).toMatchObject(missing)
      expect(await npm.putTag(root, projectId, 'nothing', 'stable', '"1.0.0"')).toMatchObject(missing)
      expect(await npm.deleteTag(root, projectId, name, 'nothing')).toMatchObject(
        refusal(404, '404 Package tag Not Found'),
      )
      expect(await npm.deleteTag(root, projectId, 'nothing', 'latest')).toMatchObject(
        refusal(404, '404 Package tag Not Found'),
      )
    })

    it('answers 400 for a tag that is a range and a body that is no version', async () => {
      const noVersion = 'Validation failed: the body is not a version as a JSON string, such as "1.2.3"'

      for (const body of ['', '""', '1.0.0', '"1.0"', '"latest"', '{}', '[]', '3', 'null']) {
        const answer = await npm.putTag(root, projectId, name, 'stable', body)
        expect({ body, ...answer }).toMatchObject({ body, ...refusal(400, noVersion) })
      }
      for (const tag of ['1.x', 'v1', '%3E1', 'a%20b']) {
        const answer = await npm.putTag(root, projectId, name, tag, '"1.0.0"')
        expect({ tag, ...answer }).toMatchObject({ tag, ...refusal(400, 'Validation failed: Tag name is invalid') })
      }
    })

    it('answers 403 to a Developer who deletes a tag, and 401 to the anonymous who write', async () => {
      const { anonymous } = world

      expect(await npm.deleteTag(developer, projectId, name, 'latest')).toMatchObject(
        refusal(403, '403 Forbidden - this needs the role Maintainer in the project'),
      )
      expect(await npm.deleteTag(anonymous, projectId, name, 'latest')).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await npm.putTag(anonymous, projectId, name, 'mine', '"1.0.0"')).toMatchObject(
        refusal(401, '401 Unauthorized'),
      )
    })
  })

  describe('GET /projects/:id/packages/npm/-/ping and /-/whoami', () => {
    it('answer who is there', async () => {
      const project = await world.project({ visibility: 'private' })
      const reporter = await world.member('projects', project.id, REPORTER)

      expect(await npm.get(reporter, project.id, '-/ping')).toMatchObject({ status: 200, json: {} })
      expect(await npm.get(reporter, project.id, '-/whoami')).toMatchObject({
        status: 200,
        json: { username: reporter.username },
      })
      expect(await npm.get(world.anonymous, project.id, '-/ping')).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await npm.get(world.anonymous, project.id, '-/whoami')).toMatchObject(refusal(401, '401 Unauthorized'))
    })
  })

  describe('who may do what', () => {
    const name = '@foo/bar'
    type Case = { read: number; download: number; publish: number; deleteTag: number }
    const projects: Record<string, number> = {}
    const who: Record<string, Who> = {}

    beforeAll(async () => {
      for (const visibility of ['private', 'internal', 'public']) {
        const project = await world.project({ visibility })
        projects[visibility] = project.id
        await npm.publish(root, project.id, name, '1.0.0')
      }
      Object.assign(who, { anonymous: world.anonymous, stranger: await world.user() })
      const roles = { Guest: GUEST, Reporter: REPORTER, Developer: DEVELOPER, Maintainer: MAINTAINER }
      for (const [role, access_level] of Object.entries(roles)) {
        const user = await world.user()
        who[role] = user
        for (const id of Object.values(projects)) {
          await world.make(`/projects/${id}/members`, { user_id: user.id, access_level })
        }
      }
    })

    it.each<[visibility: string, role: string, expected: Case]>([
      ['private', 'anonymous', { read: 401, download: 401, publish: 401, deleteTag: 401 }],
      ['private', 'stranger', { read: 404, download: 404, publish: 404, deleteTag: 404 }],
      ['private', 'Guest', { read: 403, download: 403, publish: 403, deleteTag: 403 }],
      ['private', 'Reporter', { read: 200, download: 302, publish: 403, deleteTag: 403 }],
      ['private', 'Developer', { read: 200, download: 302, publish: 200, deleteTag: 403 }],
      ['private', 'Maintainer', { read: 200, download: 302, publish: 200, deleteTag: 204 }],
      ['internal', 'anonymous', { read: 401, download: 401, publish: 401, deleteTag: 401 }],
      ['internal', 'stranger', { read: 200, download: 302, publish: 403, deleteTag: 403 }],
      ['public', 'anonymous', { read: 200, download: 302, publish: 401, deleteTag: 401 }],
      ['public', 'stranger', { read: 200, download: 302, publish: 403, deleteTag: 403 }],
      ['public', 'Guest', { read: 200, download: 302, publish: 403, deleteTag: 403 }],
      ['public', 'Developer', { read: 200, download: 302, publish: 200, deleteTag: 403 }],
    ])(
      'where the project is %s, answers as %s: %j',
      async (visibility, role, { read, download, publish, deleteTag }) => {
        const id = projects[visibility] as number
        const caller = who[role] as Who
        const tag = `tag-of-${role.toLowerCase()}`
        await npm.putTag(root, id, name, tag, '"1.0.0"')
        const package_ = `by-${role.toLowerCase()}`

        expect({
          packument: (await npm.get(caller, id, '@foo%2fbar')).status,
          tags: (await npm.get(caller, id, '-/package/@foo%2fbar/dist-tags')).status,
          ping: (await npm.get(caller, id, '-/ping')).status,
          download: (await npm.get(caller, id, '@foo/bar/-/bar-1.0.0.tgz')).status,
          publish: (await npm.publish(caller, id, package_, '1.0.0')).status,
          putTag: (await npm.putTag(caller, id, name, 'moving', '"1.0.0"')).status,
          deleteTag: (await npm.deleteTag(caller, id, name, tag)).status,
        }).toEqual({
          packument: read,
          tags: read,
          ping: read,
          download,
          publish,
          putTag: publish === 200 ? 204 : publish,
          deleteTag,
        })
        expect((await world.get(root, `/projects/${id}/packages?package_name=${package_}`)).headers['x-total']).toBe(
          publish === 200 ? '1' : '0',
        )
      },
    )

    it('answers the same for a private project as for none, to the anonymous and to strangers', async () => {
      const hidden = projects.private as number
      const none = 99_999_999
      const asked = (caller: Who, id: number): Promise<Reply>[] => [
        npm.get(caller, id, '@foo%2fbar'),
        npm.get(caller, id, '@foo/bar/-/bar-1.0.0.tgz'),
        npm.get(caller, id, '-/package/@foo%2fbar/dist-tags'),
        npm.get(caller, id, '-/ping'),
        npm.publish(caller, id, name, '2.0.0'),
        npm.putTag(caller, id, name, 'mine', '"1.0.0"'),
        npm.deleteTag(caller, id, name, 'latest'),
      ]

      for (const [caller, text, status] of [
        [world.anonymous, '401 Unauthorized', 401],
        [who.stranger as Who, '404 Project Not Found', 404],
      ] as const) {
        const [ofHidden, ofNone] = await Promise.all([
          Promise.all(asked(caller, hidden)),
          Promise.all(asked(caller, none)),
        ])
        expect(ofHidden.map((answer) => [answer.status, answer.text])).toEqual(
          ofNone.map((answer) => [answer.status, answer.text]),
        )
        for (const answer of ofHidden) expect(answer).toMatchObject(refusal(status, text))
      }
    })

    it('lets a token with read_api install but not publish', async () => {
      const id = projects.private as number
      const { id: user_id, token } = await world.user(['read_api'])
      await world.make(`/projects/${id}/members`, { user_id, access_level: MAINTAINER })

      expect(await npm.get({ token }, id, '@foo%2fbar')).toMatchObject({ status: 200 })
      for (const refused of [
        await npm.publish({ token }, id, 'narrow', '1.0.0'),
        await npm.putTag({ token }, id, name, 'narrow', '"1.0.0"'),
        await npm.deleteTag({ token }, id, name, 'latest'),
      ]) {
        expect(refused).toMatchObject({
          status: 403,
          json: {
            error: 'The request requires higher privileges than provided by the access token.',
            message: 'The request requires higher privileges than provided by the access token.',
            scope: 'api',
          },
        })
      }
    })

    it('refuses an unknown token in a public project too', async () => {
      const id = projects.public as number

      expect(await npm.get({ token: 'unknown' }, id, '@foo%2fbar')).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await npm.publish({ token: 'unknown' }, id, name, '3.0.0')).toMatchObject(refusal(401, '401 Unauthorized'))
    })
  })
})

describe('a publish whose object store fails', () => {
  const door = lambdaDoor()
  const world = createWorld(door)
  const npm = npmThrough(door, world)
  const resource = '/api/v4/projects/{id}/packages/npm/{package_name}'
  const working = createStore(bucket, objectStore)

  beforeAll(() => door.open())

  const publishWith = async (store: ObjectStore, projectId: number) => {
    const body = JSON.stringify(await publishBody('bar', '1.0.0'))
    const headers = { authorization: `Bearer ${rootToken}` }
    const event = eventFor({ method: 'PUT', path: `${npm.base(projectId)}/bar`, headers, body }, resource)
    return npmWrite(door.database, () => store)(event, { awsRequestId: 'test' } as Context)
  }

  it.each<[when: string, put: ObjectStore['put']]>([
    ['before the bytes are there', () => Promise.reject(new Error('the store is out of order'))],
    [
      'after the bytes are there',
      async (id, bytes) => {
        await working.put(id, bytes, async () => undefined)
        throw new Error('the store is out of order')
      },
    ],
  ])('answers 500 without detail and lists nothing when it fails %s', async (_when, put) => {
    const project = await world.project()
    const errors = jest.spyOn(console, 'error').mockImplementation(() => {})

    const answer = await publishWith({ ...working, put }, project.id)
    const logged = errors.mock.calls.map(([line]) => JSON.parse(String(line)) as Json)
    errors.mockRestore()

    const text = '500 Internal Server Error'
    expect(answer.statusCode).toBe(500)
    expect(JSON.parse(answer.body)).toEqual({ message: text, error: text })
    expect(logged).toMatchObject([
      {
        level: 'error',
        endpoint: 'publishPackage',
        status: 500,
        error: expect.stringContaining('the store is out of order'),
      },
    ])
    expect(await npm.total('projects', project.id)).toBe('0')
    expect(await npm.get(world.root, project.id, 'bar')).toMatchObject({ status: 404 })

    expect((await publishWith(working, project.id)).statusCode).toBe(200)
    expect(await npm.total('projects', project.id)).toBe('1')
  })
})
