import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { httpDoor } from '../support/doors.ts'
import { openNpm, run } from '../support/npmClient.ts'
import { runUpload } from '../support/uploadTool.ts'
import { createWorld } from '../support/world.ts'

const DEVELOPER = 30
const SIZE = 100_000_000

const door = httpDoor()
const world = createWorld(door)

let folder: string
let bytes: Buffer
let sha256: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-api-direct-'))
  const block = randomBytes(1_000_000)
  bytes = Buffer.concat(Array.from({ length: SIZE / block.length }, () => block))
  sha256 = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(folder, 'large.bin'), bytes)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const sha256Of = async (file: string) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(join(folder, file)), hash)
  return hash.digest('hex')
}

const setUp = async () => {
  const project = await world.project({ visibility: 'private' })
  const { token = '' } = await world.member('projects', project.id, DEVELOPER)
  return { id: String(project.id), token, packages: `${door.origin}/api/v4/projects/${project.id}/packages` }
}

const curl = async (...args: string[]) => {
  const { code, stdout, stderr } = await run('curl', ['--disable', '--silent', '--show-error', ...args], folder, {
    PATH: process.env.PATH,
  })
  if (code !== 0) throw new Error(`curl ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

const upload = (token: string, ...args: string[]) => runUpload(folder, door.origin, token, ...args)

describe('a file of 100 MB', () => {
  it('is sent and fetched by curl alone', async () => {
    const { packages, token } = await setUp()
    const login = ['--header', `PRIVATE-TOKEN: ${token}`]
    const wanted = ['package_type=generic', 'path=large/1.0/large.bin', `size=${SIZE}`, `sha256=${sha256}`]
    const asked = await curl(...login, ...wanted.flatMap((one) => ['--data', one]), `${packages}/direct_uploads`)
    const { upload: signed, confirm_url } = JSON.parse(asked)
    const checksum = `x-amz-checksum-sha256: ${signed.headers['x-amz-checksum-sha256']}`
    await curl('--fail', '--upload-file', 'large.bin', '--header', checksum, signed.url)
    expect(JSON.parse(await curl(...login, '--request', 'POST', confirm_url))).toMatchObject({ size: SIZE })

    await curl(...login, '--fail', '--location', '--output', 'back.bin', `${packages}/generic/large/1.0/large.bin`)
    expect(await sha256Of('back.bin')).toBe(sha256)
  })

  it('is sent by npm run upload, which shows how far it has come', async () => {
    const { id, packages, token } = await setUp()
    const { code, stdout, stderr } = await upload(token, '--project', id, 'large/2.0/large.bin', 'large.bin')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^large\/2\.0\/large\.bin is file \d+ of package \d+\n$/)])
    expect(stderr).toContain('Hashing [########################################] 100 %  100.0 of 100.0 MB')
    expect(stderr).toContain('Sending [########################################] 100 %  100.0 of 100.0 MB')
    const [one] = JSON.parse(await curl('--header', `PRIVATE-TOKEN: ${token}`, packages))
    expect(one).toMatchObject({ name: 'large', version: '2.0' })
  })
})

describe('a tarball of npm past the limit of a body', () => {
  it('is sent by npm run upload, and installed by npm with its integrity checked', async () => {
    const { id, packages, token } = await setUp()
    const npm = await openNpm()
    try {
      const registry = { url: `${packages}/npm/`, token }
      const author = await npm.folder(registry, {
        'package.json': JSON.stringify({ name: '@acme/large', version: '1.0.0' }),
        'large.txt': randomBytes(4_000_000).toString('base64'),
      })
      const [{ filename, integrity }] = JSON.parse(await npm.succeed(author, ['pack', '--json']))
      const file = join(author, filename)
      const { code, stdout } = await upload(token, '--project', id, '--type', 'npm', '@acme/large', file)
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^@acme\/large is file \d+ of package \d+\n$/)])

      const user = await npm.folder(registry, { 'package.json': JSON.stringify({ name: 'user', version: '1.0.0' }) })
      await npm.succeed(user, ['install', '@acme/large'])
      const lock = JSON.parse(await readFile(join(user, 'package-lock.json'), 'utf8'))
      expect(lock.packages['node_modules/@acme/large']).toMatchObject({ version: '1.0.0', integrity })
      const installed = await readFile(join(user, 'node_modules/@acme/large/large.txt'))
      expect(installed.equals(await readFile(join(author, 'large.txt')))).toBe(true)
    } finally {
      await npm.remove()
    }
  })
})

describe('npm run upload', () => {
  it('says how it is used, and what the service said', async () => {
    const { id, token } = await setUp()
    expect(await upload(token, '--project', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('Usage: ') })
    await writeFile(join(folder, 'small'), 'small')
    const refused = await upload(token, '--project', id, 'to ol/1/a', 'small')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('package_name is invalid') })
    const unknown = await upload('pat-nobody-has-this-one', '--project', id, 'tool/1/a', 'small')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('401') })
  })
})
