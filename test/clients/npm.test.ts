import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccessLevel } from '../../lib/domain/permissions.ts'
import { httpDoor } from '../support/doors.ts'
import { type NpmClient, openNpm, type Registry, run } from '../support/npmClient.ts'
import { putVersion } from '../support/npmVersions.ts'
import { createWorld, type Json } from '../support/world.ts'

const REPORTER = 20
const DEVELOPER = 30
const MAINTAINER = 40

const door = httpDoor()
const world = createWorld(door)

let client: NpmClient
beforeAll(async () => {
  client = await openNpm()
})
afterAll(() => client.remove())

const registryOf = (projectId: number, token?: string, host = 'localhost'): Registry => {
  const url = new URL(`${door.origin}/api/v4/projects/${projectId}/packages/npm/`)
  url.hostname = host
  return { url: url.href, token }
}

/** A private project in a group, with a member who publishes there. */
const setUp = async (accessLevel: AccessLevel = DEVELOPER) => {
  const group = await world.group({ visibility: 'private' })
  const project = await world.project({ namespace_id: group.id, visibility: 'private' })
  const member = await world.member('projects', project.id, accessLevel)
  const registry = registryOf(project.id, member.token)
  return { group, project, member, registry }
}

/** A package as its author has it. */
const author = (registry: Registry, packageJson: Json, files: Record<string, string> = {}) =>
  client.folder(registry, {
    'package.json': JSON.stringify(packageJson, null, 2),
    'index.js': `module.exports = ${JSON.stringify(`${packageJson.name} ${packageJson.version}`)}\n`,
    'README.md': `# ${packageJson.name}\n`,
    ...files,
  })

const publish = async (registry: Registry, name: string, version: string, ...args: string[]) =>
  client.succeed(await author(registry, { name, version }), ['publish', ...args])

/** The version of a package that is installed there. */
const installedIn = async (folder: string, name: string) =>
  JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version

const hash = (algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(bytes).digest(encoding)

/** The tarball that npm makes of a folder. */
const pack = async (folder: string) => {
  const [packed] = JSON.parse(await client.succeed(folder, ['pack', '--json'])) as [{ filename: string }]
  const path = join(folder, packed.filename)
  const bytes = await readFile(path)
  await rm(path)
  return { bytes, integrity: `sha512-${hash('sha512', bytes, 'base64')}` }
}

const view = async (folder: string, ...args: string[]): Promise<unknown> =>
  JSON.parse(await client.succeed(folder, ['view', '--json', ...args]))

/** What Node makes of an expression in that folder. */
const evaluate = async (folder: string, expression: string): Promise<unknown> => {
  const { stdout, stderr } = await run(process.execPath, ['-p', `JSON.stringify(${expression})`], folder, {})
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

const listed = async (projectId: number) => {
  const { headers, json } = await world.get(world.root, `/projects/${projectId}/packages`)
  const packages = (json as Json[]).map(({ name, version }) => `${name}@${version}`)
  return { total: headers['x-total'], packages: packages.sort() }
}

describe('npm publish, view, install and ci', () => {
  it('carry scoped and unscoped packages from their authors to their users', async () => {
    const { registry, project } = await setUp()
    const bar = await author(
      registry,
      {
        name: '@foo/bar',
        version: '1.0.3',
        description: 'Does what bars do',
        license: 'MIT',
        main: 'lib/main.js',
        dependencies: { plain: '^0.1.0' },
        bin: { bar: 'cli.js' },
      },
      { 'lib/main.js': "module.exports = ['bar', require('plain')]\n", 'cli.js': '#!/usr/bin/env node\n' },
    )
    const plain = await author(registry, { name: 'plain', version: '0.1.0' })
    const [{ bytes, integrity }, plainTarball] = await Promise.all([pack(bar), pack(plain)])

    const [published] = await Promise.all([
      client.succeed(bar, ['publish']),
      client.succeed(plain, ['publish']),
      publish(registry, '@foo/bar', '1.1.0-beta.1', '--tag', 'beta'),
    ])

    expect(published).toContain('+ @foo/bar@1.0.3')
    expect(await listed(project.id)).toEqual({
      total: '3',
      packages: ['@foo/bar@1.0.3', '@foo/bar@1.1.0-beta.1', 'plain@0.1.0'],
    })

    const user = await client.folder(registry, { 'package.json': '{ "name": "user", "version": "1.0.0" }' })
    const [viewed, beta, text] = await Promise.all([
      view(user, '@foo/bar'),
      view(user, '@foo/bar@beta', 'version'),
      client.succeed(user, ['view', '@foo/bar']),
    ])
    expect(viewed).toMatchObject({
      name: '@foo/bar',
      version: '1.0.3',
      versions: ['1.0.3', '1.1.0-beta.1'],
      'dist-tags': { latest: '1.0.3', beta: '1.1.0-beta.1' },
      description: 'Does what bars do',
      license: 'MIT',
      main: 'lib/main.js',
      dependencies: { plain: '^0.1.0' },
      bin: { bar: 'cli.js' },
      dist: { integrity, shasum: hash('sha1', bytes), tarball: `${registry.url}@foo/bar/-/@foo/bar-1.0.3.tgz` },
      time: { created: expect.any(String), modified: expect.any(String), '1.0.3': expect.any(String) },
    })
    expect(beta).toBe('1.1.0-beta.1')
    expect(text).toContain('@foo/bar@1.0.3')

    await client.succeed(user, ['install', '@foo/bar'])
    const lockfile = await readFile(join(user, 'package-lock.json'), 'utf8')
    expect(JSON.parse(lockfile).packages).toMatchObject({
      'node_modules/@foo/bar': { version: '1.0.3', integrity },
      'node_modules/plain': { version: '0.1.0', integrity: plainTarball.integrity },
    })
    const buildServer = await client.folder(registry, {
      'package.json': await readFile(join(user, 'package.json'), 'utf8'),
      'package-lock.json': lockfile,
    })
    await client.succeed(buildServer, ['ci'])

    const files = [
      [bar, '@foo/bar', ['package.json', 'index.js', 'README.md', 'lib/main.js', 'cli.js']],
      [plain, 'plain', ['package.json', 'index.js', 'README.md']],
    ] as const
    for (const installed of [user, buildServer]) {
      expect(await evaluate(installed, "require('@foo/bar')")).toEqual(['bar', 'plain 0.1.0'])
      for (const [source, name, paths] of files) {
        for (const path of paths) {
          const text = await readFile(join(installed, 'node_modules', name, path), 'utf8')
          expect({ path, text }).toEqual({ path, text: await readFile(join(source, path), 'utf8') })
        }
      }
    }
  })

  it('agree on a version with a v and build metadata, which npm publishes without them', async () => {
    const { registry, project } = await setUp()
    const user = await client.folder(registry, {})

    await publish(registry, 'built', 'v1.2.3+build.7')
    await client.succeed(user, ['install', 'built'])

    expect(await listed(project.id)).toEqual({ total: '1', packages: ['built@1.2.3'] })
    expect(await evaluate(user, "require('built')")).toBe('built v1.2.3+build.7')
  })

  it('work under the names localhost and 127.0.0.1, of which npm sends its token along the redirect to the latter', async () => {
    const { project, member } = await setUp()
    const local = registryOf(project.id, member.token)
    const numeric = registryOf(project.id, member.token, '127.0.0.1')
    const [one, other] = await Promise.all([client.folder(local, {}), client.folder(numeric, {})])

    await Promise.all([publish(local, 'one', '1.0.0'), publish(numeric, 'other', '1.0.0')])
    await Promise.all([
      client.succeed(one, ['install', 'one', 'other']),
      // Links have the registry's configured name; this has npm look for tarballs where its own configuration points.
      client.succeed(other, ['install', 'one', 'other', '--replace-registry-host=always']),
    ])

    for (const folder of [one, other]) {
      expect([await installedIn(folder, 'one'), await installedIn(folder, 'other')]).toEqual(['1.0.0', '1.0.0'])
    }
  })
})

describe('npm dist-tag, ping and whoami', () => {
  it('list, add, move and remove tags', async () => {
    const { registry, project } = await setUp(MAINTAINER)
    await putVersion(world, world.root, project.id, '@foo/bar', '1.0.0')
    await putVersion(world, world.root, project.id, '@foo/bar', '2.0.0')
    const folder = await client.folder(registry, {})
    const tags = async () => (await client.succeed(folder, ['dist-tag', 'ls', '@foo/bar'])).trim().split('\n').sort()

    await client.succeed(folder, ['dist-tag', 'add', '@foo/bar@1.0.0', 'stable'])
    expect(await tags()).toEqual(['latest: 2.0.0', 'stable: 1.0.0'])
    await client.succeed(folder, ['dist-tag', 'add', '@foo/bar@2.0.0', 'stable'])
    await client.succeed(folder, ['dist-tag', 'add', '@foo/bar@1.0.0', 'latest'])
    expect(await tags()).toEqual(['latest: 1.0.0', 'stable: 2.0.0'])
    await client.succeed(folder, ['dist-tag', 'rm', '@foo/bar', 'stable'])
    expect(await view(folder, '@foo/bar', 'dist-tags')).toEqual({ latest: '1.0.0' })
  })

  it('answer whether the registry is there, and who the caller is', async () => {
    const { registry, member } = await setUp(REPORTER)
    const folder = await client.folder(registry, {})

    const [ping, whoami] = await Promise.all([client.npm(folder, ['ping']), client.succeed(folder, ['whoami'])])

    expect(ping).toMatchObject({ code: 0, stderr: expect.stringContaining('PONG') })
    expect(whoami.trim()).toBe(member.username)
  })
})

describe('what npm shows of a refusal', () => {
  it('says that a version is there already, and nothing changes', async () => {
    const { registry, project } = await setUp()
    await putVersion(world, world.root, project.id, '@foo/bar', '1.0.3')
    const packument = async () => (await world.get(world.root, `/projects/${project.id}/packages/npm/@foo%2fbar`)).text
    const before = await packument()
    const again = await author(registry, { name: '@foo/bar', version: '1.0.3', description: 'another' })

    const [asUsual, forced] = await Promise.all([
      client.npm(again, ['publish']),
      // Without npm's own look at what is there.
      client.npm(again, ['publish', '--force']),
    ])

    expect(asUsual).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot publish over|Package already exists/),
    })
    expect(forced).toMatchObject({ code: 1, stderr: expect.stringContaining('E403') })
    expect(forced.stderr).toContain('Package already exists.')
    expect(await packument()).toEqual(before)
    expect(await listed(project.id)).toEqual({ total: '1', packages: ['@foo/bar@1.0.3'] })
  })

  it('tells a Reporter which role publishing needs', async () => {
    const { registry, project } = await setUp(REPORTER)
    const folder = await author(registry, { name: '@foo/bar', version: '1.0.3' })

    const { code, stderr } = await client.npm(folder, ['publish'])

    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('E403') })
    expect(stderr).toContain('403 Forbidden - this needs the role Developer in the project')
    expect(await listed(project.id)).toEqual({ total: '0', packages: [] })
  })

  it('asks for a login where the project is private, and lets a token in', async () => {
    const { registry, project } = await setUp()
    await putVersion(world, world.root, project.id, '@foo/bar', '1.0.3')
    const [anonymous, user] = await Promise.all([client.folder({ url: registry.url }, {}), client.folder(registry, {})])

    const [refused] = await Promise.all([
      client.npm(anonymous, ['install', '@foo/bar']),
      client.succeed(user, ['install', '@foo/bar']),
    ])

    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('E401') })
    expect(await installedIn(user, '@foo/bar')).toBe('1.0.3')
  })

  it('needs no token to install from a public project', async () => {
    const project = await world.project({ visibility: 'public' })
    await putVersion(world, world.root, project.id, '@foo/bar', '1.0.3')
    const user = await client.folder(registryOf(project.id), {})

    await client.succeed(user, ['install', '@foo/bar'])

    expect(await installedIn(user, '@foo/bar')).toBe('1.0.3')
  })
})

describe('the five endpoints after npm publish', () => {
  it('show the package and its file, and after a delete neither they nor npm find it until it is published again', async () => {
    const { registry, group, project, member } = await setUp(MAINTAINER)
    const folder = await author(registry, { name: '@foo/bar', version: '1.0.3' })
    const { bytes } = await pack(folder)
    await client.succeed(folder, ['publish'])

    const packages = `/projects/${project.id}/packages`
    const list = await world.get(member, packages)
    const [{ id }] = list.json as [{ id: number }]
    const shown = { id, name: '@foo/bar', version: '1.0.3', package_type: 'npm', status: 'default' }
    expect(list).toMatchObject({ status: 200, headers: { 'x-total': '1' }, json: [shown] })
    expect(await world.get(member, `/groups/${group.id}/packages`)).toMatchObject({
      headers: { 'x-total': '1' },
      json: [{ ...shown, project_id: project.id, project_path: project.path_with_namespace }],
    })
    expect(await world.get(member, `${packages}/${id}`)).toMatchObject({
      status: 200,
      json: { ...shown, tags: [{ package_id: id, name: 'latest' }], versions: [] },
    })
    expect(await world.get(member, `${packages}/${id}/package_files`)).toMatchObject({
      status: 200,
      json: [
        {
          package_id: id,
          file_name: '@foo/bar-1.0.3.tgz',
          size: bytes.length,
          file_md5: hash('md5', bytes),
          file_sha1: hash('sha1', bytes),
          file_sha256: hash('sha256', bytes),
        },
      ],
    })

    expect(await world.call(member, 'DELETE', `${packages}/${id}`)).toMatchObject({ status: 204, text: '' })
    expect(await world.get(member, `${packages}/${id}`)).toMatchObject({ status: 404 })
    expect(await listed(project.id)).toEqual({ total: '0', packages: [] })
    const user = await client.folder(registry, {})
    expect(await client.npm(user, ['install', '@foo/bar'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('E404'),
    })

    await client.succeed(folder, ['publish'])
    await client.succeed(user, ['install', '@foo/bar'])
    expect(await installedIn(user, '@foo/bar')).toBe('1.0.3')
  })
})
