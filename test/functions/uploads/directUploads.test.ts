import { createHash } from 'node:crypto'
import type { ScheduledEvent } from 'aws-lambda'
import { sweepUploads } from '../../../functions/jobs/sweepUploads.ts'
import { objectStore } from '../../../lib/deps.ts'
import { CONFIRM_WITHIN_HOURS, DIRECT_UPLOAD_LIMIT_BYTES } from '../../../lib/domain/directUpload.ts'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { TARBALL_LIMIT_BYTES } from '../../../lib/npm/publish.ts'
import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, tarballOf, type Who } from '../../support/world.ts'

const DEVELOPER = 30
const hash = (algorithm: string, bytes: Uint8Array | string) => createHash(algorithm).update(bytes).digest('hex')

type Signed = { id: string; upload: { method: string; url: string; headers: Record<string, string> } }

describe.each(doors().map((door) => [door.name, door] as const))('direct uploads, %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, call, get } = world
  beforeAll(() => door.open())

  const uploads = (project: number) => `/projects/${project}/packages/direct_uploads`
  const ask = (who: Who, project: number, path: string, bytes: Uint8Array | string, more: Json = {}) =>
    call(who, 'POST', uploads(project), {
      package_type: 'generic',
      path,
      size: bytes.length,
      sha256: hash('sha256', bytes),
      ...more,
    })
  const send = async ({ upload: { method, url, headers } }: Signed, bytes: Uint8Array | string) => {
    const { 'Content-Length': _length, ...rest } = headers
    return fetch(url, { method, headers: rest, body: new Uint8Array(Buffer.from(bytes)) })
  }
  const confirm = (who: Who, project: number, id: string) => call(who, 'POST', `${uploads(project)}/${id}/confirm`)
  const packagesOf = async (project: number) =>
    (await get(root, `/projects/${project}/packages`)).json as (Json & { id: number })[]

  it('brings a file past the limit of a body into its package, as the own route of its format would', async () => {
    const project = await world.project({ visibility: 'private' })
    const developer = await world.member('projects', project.id, DEVELOPER)
    const bytes = Buffer.alloc(BODY_LIMIT_BYTES + 1, 'direct ')
    const asked = await ask(developer, project.id, 'tool/1.0.0/tool.bin', bytes, { status: 'hidden' })
    expect([asked.status, asked.json]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9a-f]{40}$/),
        package_type: 'generic',
        path: 'tool/1.0.0/tool.bin',
        size: bytes.length,
        sha256: hash('sha256', bytes),
        created_at: expect.any(String),
        expires_at: expect.any(String),
        upload: {
          method: 'PUT',
          url: expect.stringContaining('content-length%3Bhost%3Bx-amz-checksum-sha256'),
          headers: {
            'Content-Length': String(bytes.length),
            'x-amz-checksum-sha256': createHash('sha256').update(bytes).digest('base64'),
          },
        },
        confirm_url: `${door.origin}/api/v4${uploads(project.id)}/${(asked.json as Signed).id}/confirm`,
      },
    ])
    expect(await packagesOf(project.id)).toEqual([])
    expect((await send(asked.json as Signed, bytes)).status).toBe(200)
    expect(await packagesOf(project.id)).toEqual([])

    const confirmed = await confirm(developer, project.id, (asked.json as Signed).id)
    expect([confirmed.status, confirmed.json]).toEqual([
      201,
      expect.objectContaining({
        file_name: 'tool.bin',
        size: bytes.length,
        file_md5: hash('md5', bytes),
        file_sha1: hash('sha1', bytes),
        file_sha256: hash('sha256', bytes),
      }),
    ])
    expect((await get(root, `/projects/${project.id}/packages?status=hidden`)).json).toMatchObject([
      { name: 'tool', version: '1.0.0', package_type: 'generic' },
    ])
    const { headers } = await get(developer, `/projects/${project.id}/packages/generic/tool/1.0.0/tool.bin`)
    const got = new Uint8Array(await (await fetch(String(headers.location))).arrayBuffer())
    expect(hash('sha256', got)).toBe(hash('sha256', bytes))
  })

  it('is confirmed once, however often and by however many it is asked for', async () => {
    const project = await world.project()
    const { json } = await ask(root, project.id, 'tool/1/a', 'once')
    await send(json as Signed, 'once')
    const answers = await Promise.all(Array.from({ length: 5 }, () => confirm(root, project.id, (json as Signed).id)))
    answers.push(await confirm(root, project.id, (json as Signed).id))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(201)

    const [one] = await packagesOf(project.id)
    expect((await get(root, `/projects/${project.id}/packages/${one?.id}/package_files`)).json).toHaveLength(1)
  })

  it('is refused when nothing was sent or something else, and may then be sent again', async () => {
    const project = await world.project()
    const { json } = await ask(root, project.id, 'tool/1/a', 'right')
    const refusal = async () => {
      const { status, json: body } = await confirm(root, project.id, (json as Signed).id)
      return [status, (body as Json).message]
    }
    expect(await refusal()).toEqual([400, '400 Bad request - no file has been sent to the URL of this upload'])
    await send(json as Signed, 'righ')
    expect(await refusal()).toEqual([400, '400 Bad request - the file that was sent has 4 bytes, and not 5'])
    await send(json as Signed, 'wrong')
    expect(await refusal()).toEqual([
      400,
      `400 Bad request - the file that was sent has the SHA-256 ${hash('sha256', 'wrong')}, and not ${hash('sha256', 'right')}`,
    ])
    expect((await refusal())[1]).toMatch(/no file has been sent/)
    expect(await packagesOf(project.id)).toEqual([])
    await send(json as Signed, 'right')
    expect((await confirm(root, project.id, (json as Signed).id)).status).toBe(201)
  })

  it('tells before anything is sent what cannot be', async () => {
    const project = await world.project()
    const refusal = async (path: string, more: Json = {}) => {
      const { status, json } = await ask(root, project.id, path, 'bytes', more)
      return [status, (json as Json).error ?? (json as Json).message]
    }
    expect(await refusal('tool/1/../a')).toEqual([400, expect.stringContaining('file_name is invalid')])
    expect(await refusal('to ol/1..2/a')).toEqual([400, 'package_name is invalid, package_version is invalid'])
    expect(await refusal('tool/1/a', { package_type: 'conan' })).toEqual([
      400,
      'package_type does not have a valid value',
    ])
    expect(await refusal('tool/1/a', { status: 'error' })).toEqual([400, 'status does not have a valid value'])
    expect(await refusal('tool/1/a', { sha256: 'abc' })).toEqual([
      400,
      'sha256 is invalid: it has 64 hexadecimal digits',
    ])
    expect(await refusal('tool/1/a', { size: -1 })).toEqual([400, 'size does not have a valid value'])
    expect(await call(root, 'POST', uploads(project.id), {})).toMatchObject({
      status: 400,
      json: { error: 'size is missing, sha256 is missing, package_type is missing, path is missing' },
    })
    expect(await refusal('tool/1/a', { size: DIRECT_UPLOAD_LIMIT_BYTES + 1 })).toEqual([
      413,
      `413 Content Too Large - a direct upload may have at most ${DIRECT_UPLOAD_LIMIT_BYTES} bytes`,
    ])
  })

  it('belongs to its project, and to those who may publish there', async () => {
    const [project, other] = [await world.project({ visibility: 'private' }), await world.project()]
    const { json } = await ask(root, project.id, 'tool/1/a', 'mine')
    await send(json as Signed, 'mine')
    const { id } = json as Signed
    const reporter = await world.member('projects', project.id, 20)
    const status = async (who: Who, place = project.id) => (await confirm(who, place, id)).status
    expect(await Promise.all([status({}), status(await world.user()), status(reporter)])).toEqual([401, 404, 403])
    const [elsewhere, missing] = [await confirm(root, other.id, id), await confirm(root, other.id, 'nothing')]
    expect([elsewhere.status, elsewhere.text]).toEqual([404, missing.text])
    expect(await status(root)).toBe(201)
  })

  /** Asked for, sent and confirmed in one go: the answer that was a refusal, or that of the end. */
  const bring = async (who: Who, project: number, path: string, bytes: Uint8Array | string, more: Json) => {
    const asked = await ask(who, project, path, bytes, more)
    if (asked.status !== 201) return asked
    expect((await send(asked.json as Signed, bytes)).status).toBe(200)
    return confirm(who, project, (asked.json as Signed).id)
  }
  const told = ({ status, json }: { status: number; json: unknown }) => [
    status,
    (json as Json).message ?? (json as Json).error,
  ]

  describe('of Maven', () => {
    const maven = { package_type: 'maven' }
    const APP = 'com/mycompany/my-app'
    const metadata = (...versions: string[]) =>
      `<metadata><versioning><versions>${versions.map((one) => `<version>${one}</version>`).join('')}</versions></versioning></metadata>`
    const text = async (project: number, path: string) => {
      const reply = await get(root, `/projects/${project}/packages/maven/${path}`)
      return reply.status === 302 ? (await fetch(String(reply.headers.location))).text() : reply.text
    }

    it('are files of the version that their path names, with every hash that clients ask for', async () => {
      const project = await world.project({ visibility: 'private' })
      const developer = await world.member('projects', project.id, DEVELOPER)
      const bytes = Buffer.alloc(BODY_LIMIT_BYTES + 1, 'a jar ')
      const jar = `${APP}/1.0/my-app-1.0.jar`
      expect(await bring(developer, project.id, jar, bytes, maven)).toMatchObject({
        status: 201,
        json: { file_name: 'my-app-1.0.jar', size: bytes.length, file_sha1: hash('sha1', bytes) },
      })
      expect(await packagesOf(project.id)).toMatchObject([{ name: APP, version: '1.0', package_type: 'maven' }])
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
        expect(await text(project.id, `${jar}.${algorithm}`)).toBe(hash(algorithm, bytes))
      }
      expect(hash('sha256', await text(project.id, jar))).toBe(hash('sha256', bytes))
    })

    it('join what came by the route of Maven, and metadata fits the versions that are there', async () => {
      const project = await world.project()
      const headers = { 'private-token': String(root.token) }
      const own = `/projects/${project.id}/packages/maven/${APP}`
      await door.call({ method: 'PUT', path: `${own}/1.0/my-app-1.0.pom`, headers, body: 'a pom' })
      expect((await bring(root, project.id, `${APP}/1.0/my-app-1.0.jar`, 'a jar', maven)).status).toBe(201)
      expect((await bring(root, project.id, `${APP}/1.1/my-app-1.1.jar`, 'a jar', maven)).status).toBe(201)
      const versionless = await bring(root, project.id, `${APP}/maven-metadata.xml`, metadata('1.1'), maven)
      expect(versionless.status).toBe(201)

      const listed = await text(project.id, `${APP}/maven-metadata.xml`)
      expect([...listed.matchAll(/<version>(.*?)<\/version>/g)].map(([, version]) => version).sort()).toEqual([
        '1.0',
        '1.1',
      ])
      const [{ id }] = (await packagesOf(project.id)) as [{ id: number }]
      const files = (await get(root, `/projects/${project.id}/packages/${id}/package_files`)).json as Json[]
      expect(files.map(({ file_name }) => file_name)).toEqual(['my-app-1.0.pom', 'my-app-1.0.jar'])
    })

    it('are refused where the route of Maven refuses: a path, a hash, a duplicate, a protected name', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      const developer = await world.member('projects', project.id, DEVELOPER)
      const refusal = async (path: string) => told(await bring(developer, project.id, path, 'bytes', maven))
      expect(await refusal(`${APP}/1.0/a b.jar`)).toEqual([400, expect.stringContaining('file_name is invalid')])
      expect(await refusal(`${APP}/1..0/a.jar`)).toEqual([400, expect.stringContaining('Version is invalid')])
      expect(await refusal(`${APP}/1.0/my-app-1.0.jar.sha1`)).toEqual([
        400,
        '400 Bad request - the hash of a file is no direct upload: it is sent by the route of Maven',
      ])

      await call(root, 'PUT', `/groups/${group.id}`, { maven_duplicates_allowed: false })
      for (const path of [
        `${APP}/1.0/my-app-1.0.jar`,
        `${APP}/1.1-SNAPSHOT/my-app-1.1-20260724.101530-1.jar`,
        `${APP}/maven-metadata.xml`,
      ]) {
        expect((await bring(developer, project.id, path, 'one', maven)).status).toBe(201)
      }
      const duplicate = [400, '400 Bad request - Duplicate package is not allowed']
      expect(await refusal(`${APP}/1.0/my-app-1.0.jar`)).toEqual(duplicate)
      expect(await refusal(`${APP}/1.1-SNAPSHOT/my-app-1.1-20260724.111213-2.jar`)).toEqual(duplicate)
      expect((await bring(developer, project.id, `${APP}/maven-metadata.xml`, 'other', maven)).status).toBe(201)

      const late = (await ask(developer, project.id, `${APP}/2.0/my-app-2.0.jar`, 'late', maven)).json as Signed
      await send(late, 'late')
      await world.make(`/projects/${project.id}/packages/protection/rules`, {
        package_name_pattern: 'com/mycompany/*',
        package_type: 'maven',
        minimum_access_level_for_push: 'maintainer',
      })
      const isProtected = [403, '403 Forbidden - Package protected.']
      expect(told(await confirm(developer, project.id, late.id))).toEqual(isProtected)
      expect(told(await ask(developer, project.id, `${APP}/2.0/my-app-2.0.jar`, 'late', maven))).toEqual(isProtected)
      expect((await packagesOf(project.id)).map(({ version }) => version)).toEqual(['1.0', '1.1-SNAPSHOT'])
      expect((await confirm(root, project.id, late.id)).status).toBe(201)
    })
  })

  describe('of npm', () => {
    const npm = { package_type: 'npm' }
    type Packument = { 'dist-tags': Json; versions: Record<string, Json & { dist: Json }> }
    const packument = async (project: number, name: string) =>
      (await get(root, `/projects/${project}/packages/npm/${name.replace('/', '%2f')}`)).json as Packument

    it('are versions as npm publishes them, with the manifest that is in the tarball', async () => {
      const project = await world.project({ visibility: 'private' })
      const developer = await world.member('projects', project.id, DEVELOPER)
      const bytes = await tarballOf({
        name: '@foo/bar',
        version: 'v1.0.0',
        dependencies: { baz: '^1' },
        scripts: { install: 'make' },
        readme: 'long',
      })
      const answer = await bring(developer, project.id, '@foo/bar', bytes, npm)
      expect(answer).toMatchObject({ status: 201, json: { file_name: '@foo/bar-1.0.0.tgz', size: bytes.length } })
      const next = await tarballOf({ name: '@foo/bar', version: '2.0.0' })
      expect((await bring(developer, project.id, '@foo/bar', next, { ...npm, tag: 'next' })).status).toBe(201)

      const { 'dist-tags': tags, versions } = await packument(project.id, '@foo/bar')
      expect(tags).toEqual({ latest: '1.0.0', next: '2.0.0' })
      const { dist, ...manifest } = versions['1.0.0'] as Packument['versions'][string]
      expect(manifest).toEqual({
        _id: '@foo/bar@1.0.0',
        name: '@foo/bar',
        version: '1.0.0',
        dependencies: { baz: '^1' },
        scripts: { install: 'make' },
        hasInstallScript: true,
      })
      expect(dist).toMatchObject({
        shasum: hash('sha1', bytes),
        integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      })
      const tarball = String(dist.tarball).slice(`${door.origin}/api/v4`.length)
      const { headers } = await get(developer, tarball)
      const got = new Uint8Array(await (await fetch(String(headers.location))).arrayBuffer())
      expect(hash('sha256', got)).toBe(hash('sha256', bytes))
    })

    it('are refused where npm publish is refused, and leave nothing', async () => {
      const project = await world.project()
      const developer = await world.member('projects', project.id, DEVELOPER)
      const bytes = await tarballOf({ name: 'bar', version: '1.0.0' })
      const refusal = async (path: string, sent: Uint8Array | string, more: Json = npm) =>
        told(await bring(developer, project.id, path, sent, more))
      expect(await refusal('.bar', bytes)).toEqual([400, 'Validation failed: Name is invalid'])
      expect(await refusal('bar', bytes, { ...npm, tag: '1.x' })).toEqual([
        400,
        'Validation failed: Tag name is invalid',
      ])
      expect(await refusal('bar', bytes, { ...npm, size: TARBALL_LIMIT_BYTES + 1 })).toEqual([
        413,
        `413 Content Too Large - a direct upload of an npm package may have at most ${TARBALL_LIMIT_BYTES} bytes`,
      ])
      expect(await refusal('baz', bytes)).toEqual([
        400,
        "Validation failed: the name in the tarball's package.json is not baz",
      ])
      expect(await refusal('bar', await tarballOf({ name: 'bar', version: 'one' }))).toEqual([
        400,
        'Validation failed: Version is invalid',
      ])
      const long = `1.0.0-${'a'.repeat(300)}`
      expect(await refusal('bar', await tarballOf({ name: 'bar', version: long }))).toEqual([
        400,
        'Validation failed: Version is too long (maximum is 255 characters)',
      ])
      expect(await refusal('bar', 'no tarball')).toEqual([400, expect.stringContaining('the tarball cannot be read')])
      expect(await refusal('bar', bytes.subarray(0, -9))).toEqual([
        400,
        expect.stringContaining('the tarball cannot be read'),
      ])
      expect(await packagesOf(project.id)).toEqual([])

      expect((await bring(developer, project.id, 'bar', bytes, npm)).status).toBe(201)
      expect(await refusal('bar', bytes)).toEqual([403, expect.stringContaining('Package already exists')])
      expect(await packagesOf(project.id)).toHaveLength(1)
      await world.make(`/projects/${project.id}/packages/protection/rules`, {
        package_name_pattern: 'bar',
        package_type: 'npm',
        minimum_access_level_for_push: 'maintainer',
      })
      expect(await refusal('bar', bytes)).toEqual([403, '403 Forbidden - Package protected.'])
    })

    it('are confirmed once, and of two that bring one version one lands', async () => {
      const project = await world.project()
      const tarballs = [
        await tarballOf({ name: 'bar', version: '1.0.0', from: 'one' }),
        await tarballOf({ name: 'bar', version: '1.0.0', from: 'other' }),
      ]
      const signed = await Promise.all(
        tarballs.map(async (bytes) => {
          const asked = (await ask(root, project.id, 'bar', bytes, npm)).json as Signed
          await send(asked, bytes)
          return asked
        }),
      )
      const answers = await Promise.all(
        [...signed, ...signed].map(async ({ id }) => (await confirm(root, project.id, id)).status),
      )
      expect(answers.sort()).toEqual([201, 201, 403, 403])
      expect(await packagesOf(project.id)).toHaveLength(1)
    })
  })

  it('takes a deploy token that writes', async () => {
    const project = await world.project({ visibility: 'private' })
    const [writing, reading] = [
      await world.deployToken('projects', project.id, ['write_package_registry']),
      await world.deployToken('projects', project.id, ['read_package_registry']),
    ]
    expect((await bring(writing, project.id, 'tool/1/a', 'bytes', {})).status).toBe(201)
    expect((await ask(reading, project.id, 'tool/1/a', 'bytes')).status).toBe(403)
  })

  it('is swept with what was sent when nobody has confirmed it in time, and what was confirmed stays', async () => {
    const project = await world.project()
    const [kept, left, never] = await Promise.all(
      ['kept', 'left', 'never'].map(
        async (name) => (await ask(root, project.id, `tool/1/${name}`, name)).json as Signed,
      ),
    )
    for (const [signed, bytes] of [
      [kept, 'kept'],
      [left, 'left'],
    ] as const)
      await send(signed as Signed, bytes)
    expect((await confirm(root, project.id, kept?.id ?? '')).status).toBe(201)

    const sweep = (hours: number) => {
      const at = new Date(Date.now() + hours * 60 * 60 * 1000).toISOString()
      return sweepUploads(
        door.database,
        objectStore,
        () => at,
      )({} as ScheduledEvent, {
        getRemainingTimeInMillis: () => 60_000,
      })
    }
    await sweep(CONFIRM_WITHIN_HOURS - 1)
    expect((await send(never as Signed, 'never')).status).toBe(200)
    await Promise.all([sweep(CONFIRM_WITHIN_HOURS + 1), sweep(CONFIRM_WITHIN_HOURS + 1)])
    await sweep(CONFIRM_WITHIN_HOURS + 1)
    for (const signed of [left, never]) {
      expect(await confirm(root, project.id, signed?.id ?? '')).toMatchObject({
        status: 404,
        json: { message: '404 Direct Upload Not Found' },
      })
      expect((await send(signed as Signed, '')).ok).toBe(true)
    }
    const { headers } = await get(root, `/projects/${project.id}/packages/generic/tool/1/kept`)
    expect(await (await fetch(String(headers.location))).text()).toBe('kept')
  })
})
