import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { type Outcome, run } from '../support/npmClient.ts'
import {
  type Level,
  npmrc,
  type Place,
  pnpmWorkspace,
  TOKEN_VARIABLE,
  userNpmrc,
  yarn1Npmrc,
  yarnrc,
} from '../support/npmSettings.ts'
import { putVersion } from '../support/npmVersions.ts'
import { createWorld, type Json } from '../support/world.ts'

const MAINTAINER = 40

const door = httpDoor()
const world = createWorld(door)

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'packages-api-clients-'))
})
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))

const beside = (manifest: string, path: string) => join(dirname(manifest), path)

type Client = {
  /** The program and what comes before its arguments. */
  command: string[]
  publish: string[][]
  add: string[]
  /** Installs again what the lockfile says, and nothing else. */
  reinstall: string[]
  lockfile: string
  /** Where the lockfile says what a tarball's bytes are. */
  checksum: RegExp
  /** What it says of bytes that are others. */
  mismatch: RegExp
  audits?: true
}

const clients: Record<string, Client> = {
  npm: {
    command: ['npm'],
    publish: [['publish']],
    add: ['install'],
    reinstall: ['ci'],
    lockfile: 'package-lock.json',
    checksum: /"sha512-[^"]{20}/,
    mismatch: /EINTEGRITY/,
    audits: true,
  },
  pnpm: {
    command: [process.execPath, beside(require.resolve('pnpm/package.json'), 'bin/pnpm.mjs')],
    publish: [['publish', '--no-git-checks']],
    add: ['add'],
    reinstall: ['install', '--frozen-lockfile'],
    lockfile: 'pnpm-lock.yaml',
    checksum: /sha512-.{20}/,
    mismatch: /integrity|checksum/i,
    audits: true,
  },
  'yarn 1': {
    command: [process.execPath, beside(require.resolve('yarn/package.json'), 'bin/yarn.js')],
    publish: [['publish', '--non-interactive']],
    add: ['add'],
    reinstall: ['install', '--frozen-lockfile'],
    lockfile: 'yarn.lock',
    checksum: /sha512-.{20}/,
    mismatch: /[Ii]ntegrity check failed/,
  },
  yarn: {
    command: [process.execPath, beside(require.resolve('@yarnpkg/cli-dist/package.json'), 'bin/yarn.js')],
    publish: [['install'], ['npm', 'publish']],
    add: ['add'],
    reinstall: ['install', '--immutable'],
    lockfile: 'yarn.lock',
    checksum: /checksum: .{20}/,
    mismatch: /YN0018|checksum/,
  },
}

let made = 0
/** A folder with these files and the settings of the documentation, and a home of its own: so no cache helps. */
const folderFor = async (place: Place, files: Record<string, string>) => {
  const folder = join(home, `home-${++made}`, 'work')
  await mkdir(folder, { recursive: true })
  const all = {
    '.npmrc': npmrc(place) + yarn1Npmrc(place),
    'pnpm-workspace.yaml': pnpmWorkspace(place),
    '.yarnrc.yml': `${yarnrc(place)}nodeLinker: node-modules\n`,
    ...files,
  }
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
  await writeFile(join(dirname(folder), '.npmrc'), userNpmrc(place))
  return folder
}

const environment = (folder: string, token: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: dirname(folder),
  [TOKEN_VARIABLE]: token,
  NO_COLOR: '1',
  YARN_ENABLE_TELEMETRY: '0',
  // As root, yarn 1 has one cache for everybody.
  YARN_CACHE_FOLDER: join(dirname(folder), 'cache'),
  // npm would ask its own registry, as that is where a scope is not.
  npm_config_audit: 'false',
  npm_config_update_notifier: 'false',
  npm_config_fund: 'false',
  npm_config_fetch_retries: '0',
  pnpm_config_fetch_retries: '0',
})

const start = ({ command }: Client, args: readonly string[], folder: string, token: string): Promise<Outcome> =>
  run(command[0] ?? '', [...command.slice(1), ...args], folder, environment(folder, token))

const succeed = async (client: Client, args: readonly string[], folder: string, token: string): Promise<string> => {
  const { code, stdout, stderr } = await start(client, args, folder, token)
  if (code !== 0) throw new Error(`${[...client.command, ...args].join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

const packageJson = (more: Json) => JSON.stringify({ license: 'MIT', ...more })
const user = (more: Json = {}) => packageJson({ name: 'user', version: '1.0.0', private: true, ...more })

/** The code of a package as it is installed there. */
const installedIn = (folder: string, name: string) => readFile(join(folder, 'node_modules', name, 'index.js'), 'utf8')
const codeOf = (name: string, version: string) => `module.exports = '${name} ${version}'\n`

/** A private group at the top, whose path is the scope, with a project in it. */
const setUp = async () => {
  const group = await world.group({ visibility: 'private' })
  const project = await world.project({ visibility: 'private', namespace_id: group.id })
  const member = await world.member('projects', project.id, MAINTAINER)
  const path = String(group.path)
  const at = (level: Level): Place => ({
    api: `${door.origin}/api/v4`,
    projectId: project.id,
    group: path,
    scope: path,
    level,
  })
  return { project, at, scope: `@${path}`, token: member.token }
}
type Setting = Awaited<ReturnType<typeof setUp>>

const publish = async (client: Client, { at, token }: Setting, name: string, version = '1.0.0') => {
  const folder = await folderFor(at('project'), {
    'package.json': packageJson({ name, version }),
    'index.js': codeOf(name, version),
    'yarn.lock': '',
  })
  for (const args of client.publish) await succeed(client, args, folder, token)
}

const listed = async ({ project }: Setting) => {
  const { json } = await world.get(world.root, `/projects/${project.id}/packages?order_by=version`)
  return (json as Json[]).map(({ version, status }) => `${version} ${status}`)
}

describe.each(Object.entries(clients))('%s', (_name, client) => {
  it('publishes to a project and installs from it, from its group and from the instance; its lockfile installs again', async () => {
    const setting = await setUp()
    const { at, scope, token } = setting
    const name = `${scope}/hello`
    await publish(client, setting, name)
    expect(await listed(setting)).toEqual(['1.0.0 default'])

    const yarnLock = client.lockfile === 'yarn.lock' ? { 'yarn.lock': '' } : {}
    const levels = ['project', 'group', 'instance'] as const
    const installed = await Promise.all(
      levels.map(async (level) => {
        const folder = await folderFor(at(level), { 'package.json': user(), ...yarnLock })
        await succeed(client, [...client.add, name], folder, token)
        return { level, code: await installedIn(folder, name), folder }
      }),
    )
    expect(installed.map(({ level, code }) => [level, code])).toEqual(
      levels.map((level) => [level, codeOf(name, '1.0.0')]),
    )

    const [first = ''] = installed.map(({ folder }) => folder)
    const lock = await readFile(join(first, client.lockfile), 'utf8')
    const files = { 'package.json': await readFile(join(first, 'package.json'), 'utf8') }
    expect(lock).toMatch(client.checksum)

    const again = await folderFor(at('project'), { ...files, [client.lockfile]: lock })
    await succeed(client, client.reinstall, again, token)
    expect(await installedIn(again, name)).toBe(codeOf(name, '1.0.0'))
    if (client.audits) {
      await succeed(
        client,
        ['audit', `--registry=${door.origin}/api/v4/projects/${setting.project.id}/packages/npm/`],
        again,
        token,
      )
    }

    const wrong = lock.replace(client.checksum, (found) => `${found.slice(0, -20)}${'A'.repeat(20)}`)
    const damaged = await folderFor(at('project'), { ...files, [client.lockfile]: wrong })
    const { code, stdout, stderr } = await start(client, client.reinstall, damaged, token)
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(client.mismatch)
  })
})

describe('npm and pnpm', () => {
  const npm = clients.npm as Client
  const pnpm = clients.pnpm as Client

  it.each([
    ['npm', npm, ['deprecate', '']],
    ['pnpm', pnpm, ['undeprecate']],
  ])(
    '%s deprecates, takes it back, and unpublishes a version and a package',
    async (_name, client, [back = '', ...none]) => {
      const setting = await setUp()
      const { at, scope, token } = setting
      const name = `${scope}/hello`
      for (const version of ['1.0.0', '1.1.0', '2.0.0'])
        await putVersion(world, { token }, setting.project.id, name, version)
      const folder = await folderFor(at('project'), { 'package.json': user() })
      const does = (...args: string[]) => succeed(client, args, folder, token)

      await does('deprecate', `${name}@1.x`, 'use 2')
      expect(await listed(setting)).toEqual(['1.0.0 deprecated', '1.1.0 deprecated', '2.0.0 default'])
      await does(back, `${name}@1.1.0`, ...none)
      expect(await listed(setting)).toEqual(['1.0.0 deprecated', '1.1.0 default', '2.0.0 default'])
      const warned = await start(npm, ['install', `${name}@1.0.0`, '--no-audit'], folder, token)
      expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining('use 2') })

      await does('unpublish', `${name}@2.0.0`)
      expect(await listed(setting)).toEqual(['1.0.0 deprecated', '1.1.0 default'])
      const { json } = await world.get(
        { token },
        `/projects/${setting.project.id}/packages/npm/${encodeURIComponent(name)}`,
      )
      expect((json as Json)['dist-tags']).toEqual({ latest: '1.1.0' })

      await does('unpublish', name, '--force')
      expect(await listed(setting)).toEqual([])
    },
  )

  it('npm searches the names of a project', async () => {
    const setting = await setUp()
    const { at, scope, project, token } = setting
    for (const name of ['hello-one', 'hello-two', 'other'])
      await putVersion(world, { token }, project.id, `${scope}/${name}`)
    const registry = `${door.origin}/api/v4/projects/${project.id}/packages/npm/`
    const folder = await folderFor(at('project'), { 'package.json': user() })
    const search = (...args: string[]) => succeed(npm, ['search', `--registry=${registry}`, ...args], folder, token)

    const found = JSON.parse(await search('--json', 'HELLO')) as Json[]
    expect(found.map(({ name, version }) => [name, version])).toEqual([
      [`${scope}/hello-one`, '1.0.0'],
      [`${scope}/hello-two`, '1.0.0'],
    ])
    expect(await search('two', 'hello')).toContain(`${scope}/hello-two`)
    expect(await search('nothing-of-this')).toContain('No matches found')
  })

  it('say what is not offered', async () => {
    const { at, project, token } = await setUp()
    const registry = `${door.origin}/api/v4/projects/${project.id}/packages/npm/`
    const folder = await folderFor(at('project'), { 'package.json': user() })

    for (const [args, what] of [
      [['token', 'list'], 'npm token is not offered'],
      [['owner', 'add', 'joe', 'hello'], 'npm login is not offered'],
    ] as const) {
      const { code, stderr } = await start(npm, [...args, `--registry=${registry}`], folder, token)
      expect({ args, code, stderr }).toEqual({ args, code: 1, stderr: expect.stringContaining(what) })
    }
  })
})

describe('docs/npm.md', () => {
  it('has the settings that these tests use', async () => {
    const text = await readFile('docs/npm.md', 'utf8')
    const place = { api: 'http://localhost:3000/api/v4', projectId: 1, group: 'acme', scope: 'acme' }
    for (const level of ['project', 'group', 'instance'] as const) expect(text).toContain(npmrc({ ...place, level }))
    expect(text).toContain(userNpmrc({ ...place, level: 'project' }))
    expect(text).toContain(yarn1Npmrc({ ...place, level: 'project' }))
    expect(text).toContain(pnpmWorkspace({ ...place, level: 'project' }))
    expect(text).toContain(yarnrc({ ...place, level: 'project' }))
  })
})
