import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { freePort, startChild, untilReady } from '../local/children.ts'
import { publishBody } from '../test/support/world.ts'
import { machine, table, writeSection } from './report.ts'
import { ROOT_TOKEN, startService } from './service.ts'
import { inTurns, milliseconds } from './timing.ts'

const VERDACCIO = '6.10'
const REQUESTS = 60
const PACKAGES = 100
const PUBLISHERS = 10

const execute = promisify(execFile)

/** Installs Verdaccio beside the project, once. */
const verdaccioProgram = async () => {
  const home = resolve('.data', 'verdaccio')
  const manifest = { private: true, dependencies: { verdaccio: VERDACCIO }, overrides: { 'node-fetch': '2.7.0' } }
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'package.json'), JSON.stringify(manifest))
  await execute('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: home })
  const program = join(home, 'node_modules', 'verdaccio')
  const { bin } = JSON.parse(await readFile(join(program, 'package.json'), 'utf8')) as { bin: string }
  return join(program, bin)
}

type Registry = { base: string; token: string; stop: () => Promise<void> }

const startVerdaccio = async (directory: string): Promise<Registry> => {
  const program = await verdaccioProgram()
  const port = await freePort()
  const config = join(directory, 'verdaccio.yaml')
  const settings = {
    storage: join(directory, 'verdaccio'),
    auth: { htpasswd: { file: join(directory, 'htpasswd') } },
    packages: { '**': { access: '$all', publish: '$authenticated' } },
    log: { type: 'stdout', format: 'json', level: 'error' },
  }
  // JSON is YAML too.
  await writeFile(config, JSON.stringify(settings))
  const child = startChild('Verdaccio', process.execPath, [
    program,
    '--config',
    config,
    '--listen',
    `127.0.0.1:${port}`,
  ])
  const base = `http://127.0.0.1:${port}/`
  await untilReady('Verdaccio', child, async () => (await fetch(`${base}-/ping`)).status === 200)
  const made = await fetch(`${base}-/user/org.couchdb.user:bench`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', password: 'a password of the benches' }),
  })
  const { token } = (await made.json()) as { token: string }
  return { base, token, stop: child.stop }
}

const startOurs = async (directory: string): Promise<Registry> => {
  const { url, stop } = await startService(directory)
  const made = await fetch(`${url}/api/v4/projects`, {
    method: 'POST',
    headers: { 'private-token': ROOT_TOKEN, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', visibility: 'public' }),
  })
  const { id } = (await made.json()) as { id: number }
  return { base: `${url}/api/v4/projects/${id}/packages/npm/`, token: ROOT_TOKEN, stop }
}

const get = async (url: string, headers = {}) => {
  const answer = await fetch(url, { headers })
  if (!answer.ok) throw new Error(`GET ${url} answered ${answer.status}`)
  return answer.arrayBuffer()
}

/** The jobs of an npm client, each against one registry. */
const jobsOf = ({ base, token }: Registry, directory: string) => {
  const { host, pathname } = new URL(base)
  const npmrc = `registry=${base}\n//${host}${pathname}:_authToken=${token}\nupdate-notifier=false\nfund=false\naudit=false\n`
  const put = async (name: string, version: string) => {
    const body = JSON.stringify(await publishBody(name, version))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${base}${name}`, { method: 'PUT', headers, body })
    if (!answer.ok) throw new Error(`PUT ${base}${name} answered ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
  }
  const npm = async (place: string, manifest: object, args: string[]) => {
    const home = join(directory, place)
    await mkdir(home, { recursive: true })
    await writeFile(join(home, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(home, '.npmrc'), npmrc)
    await execute('npm', [...args, '--cache', join(home, 'cache'), '--userconfig', join(home, '.npmrc')], { cwd: home })
  }
  const packages = Array.from({ length: PACKAGES }, (_, n) => `part-${n}`)
  return {
    /** Twenty versions of one package, to read. */
    async prepare() {
      for (let n = 0; n < 20; n++) await put('much-read', `1.0.${n}`)
    },
    release: async (round: number) => {
      const left = [...packages]
      const publish = async () => {
        for (let name = left.pop(); name; name = left.pop()) await put(name, `1.0.${round}`)
      }
      await Promise.all(Array.from({ length: PUBLISHERS }, publish))
    },
    publish: (round: number) => npm(`publish-${round}`, { name: 'published', version: `1.0.${round}` }, ['publish']),
    packument: () => get(`${base}much-read`),
    abbreviated: () => get(`${base}much-read`, { accept: 'application/vnd.npm.install-v1+json' }),
    tarball: () => get(`${base}much-read/-/much-read-1.0.7.tgz`),
    install: async (round: number) => {
      const dependencies = Object.fromEntries(packages.map((name) => [name, '^1.0.0']))
      await npm(`install-${round}`, { name: 'all', version: '1.0.0', dependencies }, ['install'])
    },
  }
}

const ROWS = [
  ['publish', '`npm publish`', 3],
  ['packument', 'Packument of 20 versions', REQUESTS],
  ['abbreviated', 'Short packument of 20 versions', REQUESTS],
  ['tarball', 'Tarball', REQUESTS],
  ['release', `Release of ${PACKAGES} packages, ${PUBLISHERS} at once`, 3],
  ['install', `\`npm install\` of ${PACKAGES} packages, empty cache`, 3],
] as const

/** The same jobs of npm against `npm start` and Verdaccio, both over loopback, in turns. */
export const run = async (): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'packages-api-peers-'))
  const stops: (() => Promise<void>)[] = []
  try {
    const verdaccio = await startVerdaccio(directory)
    stops.push(verdaccio.stop)
    const ours = await startOurs(directory)
    stops.push(ours.stop)
    const [we, they] = [jobsOf(ours, join(directory, 'we')), jobsOf(verdaccio, join(directory, 'they'))]
    for (const { prepare, packument, abbreviated, tarball } of [we, they]) {
      await prepare()
      for (let n = 0; n < 20; n++) await Promise.all([packument(), abbreviated(), tarball()])
    }
    const rows: (string | number)[][] = []
    for (const [job, name, rounds] of ROWS) {
      const times = await inTurns(rounds, { we: we[job], they: they[job] })
      rows.push([name, milliseconds(times.we), milliseconds(times.they), (times.they / times.we).toFixed(2)])
    }
    writeSection(
      'peers',
      [
        `Medians in milliseconds, in turns, both over loopback on ${machine()}: \`npm start\` (serverless-offline, ` +
          `dynoxide, s3rver) and Verdaccio ${VERDACCIO} with its files on disk. The last column is Verdaccio's time ` +
          'over ours: above 1 we are ahead.',
        table(['Job', 'Packages API', 'Verdaccio', 'Verdaccio ÷ ours'], rows),
      ].join('\n\n'),
    )
  } finally {
    for (const stop of stops) await stop()
    await rm(directory, { recursive: true, force: true })
  }
}
