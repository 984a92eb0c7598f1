import { randomBytes } from 'node:crypto'
import { ANSWER_LIMIT_BYTES, GZIP_FROM_BYTES } from '../../../lib/document.ts'
import { doors, through } from '../../support/doors.ts'
import { testEnvironment } from '../../support/environment.ts'
import { fillVersions } from '../../support/npmVersions.ts'
import { createWorld, type Json } from '../../support/world.ts'

const VERSIONS = 3_000
const INSTALL = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*'

/** What a usual package says of itself: about 1.5 KB, of which half is needed for an install. */
const usual = (version: string) => ({
  description: `A package that has many versions, this one being ${version}`,
  main: 'dist/index.js',
  repository: { type: 'git', url: 'git+https://example.com/acme/many.git' },
  scripts: { build: 'tsc --build', test: 'jest', lint: 'biome check .', prepack: 'npm run build' },
  keywords: ['many', 'versions', 'of', 'one', 'package'],
  author: { name: 'Somebody', email: 'somebody@example.com' },
  license: 'MIT',
  engines: { node: '>=20' },
  dependencies: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`@acme/dependency-${n}`, `^${version}`])),
  gitHead: randomBytes(20).toString('hex'),
})

/** What no compression makes short. */
const random = () => ({ description: randomBytes(14_000).toString('base64') })
const RANDOM_VERSIONS = 350

/** Both ways in lead to one table, as to fill it takes time. */
const { serviceTable } = testEnvironment()
process.env.TABLE_NAME = serviceTable
const filled = new Map<string, Promise<number>>()

type Packument = { name: string; versions: Json; time: Json; 'dist-tags': Json; _rev: string }

const WANTED = {
  usual: { count: VERSIONS, manifestOf: usual },
  random: { count: RANDOM_VERSIONS, manifestOf: random },
} as const

describe.each(doors().map((door) => [door.name, door] as const))('a package of 3,000 versions %s', (_name, door) => {
  const { it } = through(door)
  const world = createWorld(door)
  beforeAll(() => door.open())

  const fill = async (name: keyof typeof WANTED) => {
    const { id } = await world.project()
    await fillVersions(serviceTable, id, name, WANTED[name].count, WANTED[name].manifestOf)
    return id
  }
  const get = async (name: keyof typeof WANTED, headers: Record<string, string>, query = '') => {
    const project = filled.get(name) ?? fill(name)
    filled.set(name, project)
    return door.call({ path: `/projects/${await project}/packages/npm/${name}${query}`, headers })
  }

  it('answers with all of them, compressed', async () => {
    const answer = await get('usual', { 'accept-encoding': 'gzip, deflate' })
    const packument = answer.json as Packument

    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-encoding': 'gzip',
        'content-type': 'application/json',
        etag: expect.stringMatching(/^W\/".{43}"$/),
        vary: expect.stringMatching(/accept-encoding/i),
      },
    })
    expect(answer.text.length).toBeGreaterThan(GZIP_FROM_BYTES)
    expect(answer.inLambda ?? 0).toBeLessThan(ANSWER_LIMIT_BYTES)
    expect(Object.keys(packument.versions)).toHaveLength(VERSIONS)
    expect(Object.keys(packument.time)).toHaveLength(VERSIONS + 2)
    expect(packument['dist-tags']).toEqual({ latest: `1.${VERSIONS - 1}.0` })
  })

  it('answers 304 to who has it, and is short for who installs or sends it back', async () => {
    const full = await get('usual', { 'accept-encoding': 'gzip' })
    const install = await get('usual', { 'accept-encoding': 'gzip', accept: INSTALL })
    const write = await get('usual', { 'accept-encoding': 'gzip' }, '?write=true')

    const known = await get('usual', { 'accept-encoding': 'gzip', 'if-none-match': full.headers.etag ?? '' })
    expect(known).toMatchObject({ status: 304, text: '', headers: { etag: full.headers.etag } })
    expect(install.headers['content-type']).toBe('application/vnd.npm.install-v1+json')
    expect(install.text.length).toBeLessThan(full.text.length * 0.8)
    expect(write.text.length).toBeLessThan(full.text.length * 0.4)
    for (const { json } of [install, write]) expect(Object.keys((json as Packument).versions)).toHaveLength(VERSIONS)
  })

  it.each([
    ['who takes no compression, when it is too long for an answer', {}],
    ['who does, when it is too long all the same', { 'accept-encoding': 'gzip' }],
  ])('leads %s to the object store', async (_who, headers) => {
    const answer = await get('random', headers)

    expect(answer).toMatchObject({ status: 302, text: '' })
    const stored = await fetch(answer.headers.location ?? '', { headers: { 'accept-encoding': 'identity' } })
    expect([stored.status, stored.headers.get('content-type')]).toEqual([200, 'application/json'])
    const { name, versions } = (await stored.json()) as Packument
    expect([name, Object.keys(versions).length]).toEqual(['random', RANDOM_VERSIONS])
  })
})
