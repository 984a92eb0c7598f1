import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/children.ts'
import { testEnvironment } from '../support/environment.ts'
import { type Json, publishBody, tarballOf } from '../support/world.ts'

const START_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 15_000
// One test starts the service twice, and other suites may have the processors.
jest.setTimeout(3 * START_WITHIN_MS)

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'packages-api-start-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const until = async (what: string, withinMs: number, isSo: () => boolean | Promise<boolean>) => {
  const deadline = Date.now() + withinMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what} took more than ${withinMs / 1000} seconds`)
    // To look at all processes takes its time too.
    await sleep(150)
  }
}

type Process = { pid: number; parent: number; command: string }

/** These processes as far as they live, and all below them. */
const family = (roots: ReadonlySet<number>): Process[] => {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , state]) => state !== undefined && !state.startsWith('Z'))
    .map(([pid, parent, , ...command]) => ({ pid: Number(pid), parent: Number(parent), command: command.join(' ') }))
  const members = all.filter(({ pid }) => roots.has(pid))
  for (const { pid } of members) {
    members.push(...all.filter((process) => process.parent === pid && !members.includes(process)))
  }
  return members
}

/** What the test started and what that started, as far as it lives. */
let living = new Set<number>()
const look = (): Process[] => {
  const found = family(living)
  living = new Set(found.map(({ pid }) => pid))
  return found
}
afterEach(() => {
  for (const { pid } of look()) process.kill(pid, 'SIGKILL')
})

/** `npm start` in a terminal of its own: nothing of the tests' environment, no more than a PATH and these settings. */
const npmStart = (settings: Record<string, string>) => {
  const path = (process.env.PATH ?? '').split(delimiter).filter((part) => !part.includes('node_modules'))
  const child = spawn('npm', ['start'], {
    cwd: resolve('.'),
    env: { PATH: path.join(delimiter), HOME: home, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let printed = ''
  let code: number | null | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  child.on('exit', (status) => {
    code = status
  })
  const pid = child.pid as number
  living.add(pid)

  return {
    printed: () => printed,
    /** The exit code, once it ended. */
    async ended() {
      await until('the end of npm start', STOP_WITHIN_MS, () => code !== undefined)
      return code
    },
    async listening() {
      await until('npm start', START_WITHIN_MS, () => {
        if (code !== undefined) throw new Error(`npm start ended with ${code}\n${printed}`)
        return printed.includes('Try:')
      })
    },
    /** Sends the signal, to npm alone or to the whole group as Ctrl-C does. @returns what is left of its processes */
    async stop(signal: 'SIGTERM' | 'SIGINT', whom: 'npm' | 'the group'): Promise<Process[]> {
      look()
      process.kill(whom === 'npm' ? pid : -pid, signal)
      await until('the end of all processes', STOP_WITHIN_MS, () => look().length === 0).catch(() => {})
      return look()
    },
  }
}

const buildFolders = () => readdir(resolve('.data')).catch(() => [])

/** A service on a port and with a folder of its own. */
const setUp = async () => {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const settings = { PORT: String(port), DATA_DIR: await mkdtemp(join(home, 'data-')) }
  const call = (token: string, method: string, path: string, body?: Json) =>
    fetch(`${url}/api/v4${path}`, {
      method,
      headers: { 'private-token': token, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const isListening = () =>
    fetch(`${url}/-/readiness`).then(
      ({ status }) => status === 200,
      () => false,
    )
  return { port, url, settings, call, isListening }
}

describe('npm start', () => {
  it('says where it listens and how to try it, keeps what it is given, and ends with all its processes', async () => {
    const { port, url, settings, call, isListening } = await setUp()
    const first = npmStart(settings)
    await first.listening()

    const token = /Administrator: root {3}Token: (\S+)/.exec(first.printed())?.[1] ?? ''
    const lines = first.printed().split('\n')
    expect(lines).toContain(`Packages API listens on ${url}`)
    expect(first.printed()).toContain(`Data: ${settings.DATA_DIR}`)
    expect(token).toMatch(/^pat-\S{20,}$/)
    expect(lines).toContain(`  TOKEN=${token}`)
    expect(lines.filter((line) => line.startsWith('  curl '))).toEqual([
      `  curl -H "PRIVATE-TOKEN: $TOKEN" -d name=demo -d visibility=public ${url}/api/v4/projects`,
      `  curl -H "PRIVATE-TOKEN: $TOKEN" ${url}/api/v4/projects/root%2Fdemo/packages`,
    ])
    expect(await isListening()).toBe(true)

    const tries = lines.filter((line) => /^ {2}(TOKEN|curl)/.test(line)).join('\n')
    const tried = execFileSync('sh', ['-c', tries.replaceAll('curl ', 'curl -sS ')], { encoding: 'utf8' })
    expect(tried).toContain('"path_with_namespace":"root/demo"')
    expect(tried.endsWith('[]')).toBe(true)

    const tarball = await tarballOf({ name: '@foo/bar', version: '1.0.3' })
    const body = await publishBody('@foo/bar', '1.0.3', { tarball })
    const published = await call(token, 'PUT', '/projects/root%2Fdemo/packages/npm/@foo%2fbar', body)
    expect(published.status).toBe(200)
    expect(await first.stop('SIGTERM', 'npm')).toEqual([])
    expect(await isListening()).toBe(false)

    const second = npmStart(settings)
    await second.listening()
    expect(second.printed()).not.toContain('Token:')
    expect(second.printed()).toContain('The administrator has a token already')
    expect(second.printed()).toContain('TOKEN=<your token>')
    const list = await call(token, 'GET', '/projects/root%2Fdemo/packages')
    const file = await call(token, 'GET', '/projects/root%2Fdemo/packages/npm/@foo/bar/-/bar-1.0.3.tgz')
    expect(await list.json()).toMatchObject([{ name: '@foo/bar', version: '1.0.3' }])
    expect(Buffer.from(await file.arrayBuffer()).equals(tarball)).toBe(true)

    expect(await second.stop('SIGINT', 'the group')).toEqual([])
    expect(await isListening()).toBe(false)
    expect(await buildFolders()).not.toContain(`build-${port}`)
  })

  it('gave the administrator the token of ROOT_TOKEN, and tells another one on its port why that cannot start', async () => {
    // What all suites use was started with a ROOT_TOKEN.
    const { service, rootToken } = testEnvironment()
    const { port } = new URL(service)
    const whoIs = (token: string) => fetch(`${service}/api/v4/user`, { headers: { 'private-token': token } })

    const second = npmStart({ PORT: port, DATA_DIR: join(home, 'never-made') })

    expect(await second.ended()).toBe(1)
    expect(second.printed()).toContain(
      `Port ${port} is in use. Stop what listens there, or choose another: PORT=3001 npm start`,
    )
    expect(second.printed()).not.toContain('    at ')
    expect(await (await whoIs(rootToken)).json()).toMatchObject({ username: 'root', is_admin: true })
    expect((await whoIs(`${rootToken}x`)).status).toBe(401)
  })

  it.each([
    ['the database', /dynoxide|DynamoDBLocal/],
    ['serverless', /offline start/],
  ])('leaves nothing behind when it is stopped while it starts %s', async (_what, command) => {
    const { port, settings } = await setUp()
    const service = npmStart(settings)
    await until('the start', START_WITHIN_MS, () => look().some((process) => command.test(process.command)))

    expect(await service.stop('SIGTERM', 'npm')).toEqual([])
    expect(service.printed()).not.toContain('Try:')
    expect(await buildFolders()).not.toContain(`build-${port}`)
  })

  it.each([
    [
      'a PORT that is no number',
      { PORT: 'http' },
      'PORT is "http", which is no port. Set it to a number from 1 to 65535.',
    ],
    ['a PORT out of range', { PORT: '65536' }, 'PORT is "65536", which is no port.'],
    [
      'a short ROOT_TOKEN',
      { ROOT_TOKEN: 'short' },
      'ROOT_TOKEN must have 20 to 255 printable characters without blanks.',
    ],
    [
      'a ROOT_TOKEN with a blank',
      { ROOT_TOKEN: 'twenty characters and more' },
      'ROOT_TOKEN must have 20 to 255 printable',
    ],
  ])('refuses %s in a sentence', async (_what, wrong, sentence) => {
    const service = npmStart({ DATA_DIR: join(home, 'never-made'), ...wrong })

    expect(await service.ended()).toBe(1)
    expect(service.printed()).toContain(sentence)
    expect(service.printed()).not.toContain('    at ')
    expect(await readdir(home)).not.toContain('never-made')
  })

  it('names a port that another program holds on one of the two addresses of localhost', async () => {
    const other = createServer()
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as AddressInfo

    const service = npmStart({ PORT: String(port), DATA_DIR: join(home, 'never-made') })

    expect(await service.ended()).toBe(1)
    expect(service.printed()).toContain(`Port ${port} is in use.`)
    await new Promise((done) => other.close(done))
  })
})
