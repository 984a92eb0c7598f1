import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { run } from '../support/npmClient.ts'
import { createWorld } from '../support/world.ts'

const DEVELOPER = 30

const door = httpDoor()
const world = createWorld(door)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-api-curl-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** `curl …args` in the folder, with no configuration but its arguments. @returns what it printed */
const curl = async (...args: string[]): Promise<string> => {
  const given = ['--disable', '--silent', '--show-error', '--max-time', '30', ...args]
  const { code, stdout, stderr } = await run('curl', given, folder, { PATH: process.env.PATH })
  if (code !== 0) throw new Error(`curl ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

const setUp = async () => {
  const project = await world.project({ visibility: 'private' })
  const { token } = await world.member('projects', project.id, DEVELOPER)
  const base = `${door.origin}/api/v4/projects/${project.id}/packages/generic`
  return { base, login: ['--header', `PRIVATE-TOKEN: ${token}`] }
}

const local = (name: string) => join(folder, name)
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

describe('curl', () => {
  it('uploads a file and gets it back byte for byte', async () => {
    const { base, login } = await setUp()
    // Large enough that curl waits for 100 Continue, with bytes that no text encoding would leave alone.
    const bytes = Buffer.concat(Array.from({ length: 8_000 }, () => everyByte))
    await writeFile(local('all.bin'), bytes)
    const url = `${base}/bytes/1.0/all.bin`

    expect(await curl(...login, '--upload-file', 'all.bin', url)).toBe('{"message":"201 Created"}')
    await curl(...login, '--location', '--output', 'back.bin', url)
    expect((await readFile(local('back.bin'))).equals(bytes)).toBe(true)
  })

  it('appends the name of the file to a URL that ends in a slash, and reads the record', async () => {
    const { base, login } = await setUp()
    await writeFile(local('tool.txt'), 'hello')
    const record = await curl(...login, '--upload-file', 'tool.txt', `${base}/tool/1.0/tool.txt?select=package_file`)

    expect(JSON.parse(record)).toMatchObject({ file_name: 'tool.txt', size: 5 })
    expect(await curl(...login, '--location', JSON.parse(record).file.url)).toBe('hello')
    expect(await curl(...login, '--upload-file', 'tool.txt', `${base}/tool/2.0/`)).toBe('{"message":"201 Created"}')
    expect(await curl(...login, '--location', `${base}/tool/2.0/tool.txt`)).toBe('hello')
  })

  it('sends a form as well, and any type of content', async () => {
    const { base, login } = await setUp()
    await writeFile(local('form.bin'), everyByte)
    await curl(...login, '--request', 'PUT', '--form', 'file=@form.bin', `${base}/tool/1/form`)
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain; charset=utf-16']) {
      const header = ['--header', `Content-Type: ${type}`]
      await curl(...login, ...header, '--request', 'PUT', '--data-binary', '@form.bin', `${base}/tool/1/data`)
      for (const name of ['form', 'data']) {
        await curl(...login, '--location', '--output', 'back.bin', `${base}/tool/1/${name}`)
        expect((await readFile(local('back.bin'))).equals(everyByte)).toBe(true)
      }
    }
  })

  it('gets a part of a file where the redirect leads', async () => {
    const { base, login } = await setUp()
    await writeFile(local('all.bin'), everyByte)
    await curl(...login, '--upload-file', 'all.bin', `${base}/bytes/1/all.bin`)
    const part = ['--location', '--range', '250-', '--output', 'part.bin', '--write-out', '%{http_code}']

    expect(await curl(...login, ...part, `${base}/bytes/1/all.bin`)).toBe('206')
    expect((await readFile(local('part.bin'))).equals(everyByte.subarray(250))).toBe(true)
  })

  it('sends and gets a file that is empty', async () => {
    const { base, login } = await setUp()
    await writeFile(local('empty'), '')
    expect(await curl(...login, '--upload-file', 'empty', `${base}/tool/1/empty`)).toBe('{"message":"201 Created"}')
    await curl(...login, '--location', '--output', 'nothing', '--fail', `${base}/tool/1/empty`)
    expect(await readFile(local('nothing'), 'utf8')).toBe('')
  })

  it('asks for the head of a file with -I', async () => {
    const { base, login } = await setUp()
    await writeFile(local('all.bin'), everyByte)
    await curl(...login, '--upload-file', 'all.bin', `${base}/bytes/1/all.bin`)
    const head = (await curl(...login, '--head', `${base}/bytes/1/all.bin`)).toLowerCase()

    expect(head).toMatch(/^http\/1\.1 200 /)
    expect(head).toContain('content-length: 256\r\n')
    expect(head).toContain(`x-checksum-sha256: ${createHash('sha256').update(everyByte).digest('hex')}\r\n`)
  })

  it('is told a limit and a missing login in words', async () => {
    const { base, login } = await setUp()
    await writeFile(local('large.bin'), Buffer.alloc(5_000_000))
    const url = `${base}/tool/1/large.bin`
    expect(await curl(...login, '--upload-file', 'large.bin', url)).toContain('may have at most 4400000 bytes')
    expect(await curl('--upload-file', 'large.bin', url)).toBe('{"message":"401 Unauthorized"}')
  })
})
