import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { createClient } from '../../lib/repository/table.ts'
import { doors, through } from '../support/doors.ts'
import { scan } from '../support/tableCheck.ts'
import { createWorld, type Json, publishBody, type World } from '../support/world.ts'

/** As they stand in a URL: what would leave a folder, end a string, or look like a name that it is not. */
const BAD = [
  '..',
  '.',
  '%2e%2e',
  '%2e%2e%2f',
  '..%2f..%2fa',
  'a%2f..%2fb',
  '%2fa',
  '%252e%252e%252fa',
  '%5c',
  '..%5ca',
  'a%5cb',
  '%00',
  'a%00b',
  'a%0ab',
  '%ef%bc%8e%ef%bc%8e',
  '%e2%80%a4%e2%80%a4',
  '%e2%80%aea',
  '%c0%ae%c0%ae',
  'a%zz',
  'a%',
]

/** In a body they stand as a client would have decoded them. */
const decoded = BAD.map((name) => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
})

/** Every way in and out on which a client names something, below `/projects/:id/packages`. */
const places: [string, (name: string) => string][] = [
  ['GET generic/*/1.0.0/a.txt', (name) => `generic/${name}/1.0.0/a.txt`],
  ['GET generic/a/*/a.txt', (name) => `generic/a/${name}/a.txt`],
  ['GET generic/a/1.0.0/*', (name) => `generic/a/1.0.0/${name}`],
  ['GET generic/a/1.0.0/d/*/f', (name) => `generic/a/1.0.0/d/${name}/f`],
  ['GET maven/*/app/1.0/app-1.0.jar', (name) => `maven/${name}/app/1.0/app-1.0.jar`],
  ['GET maven/com/*/1.0/app-1.0.jar', (name) => `maven/com/${name}/1.0/app-1.0.jar`],
  ['GET maven/com/app/*/app-1.0.jar', (name) => `maven/com/app/${name}/app-1.0.jar`],
  ['GET maven/com/app/1.0/*', (name) => `maven/com/app/1.0/${name}`],
  ['GET npm/*', (name) => `npm/${name}`],
  ['GET npm/@*%2fa', (name) => `npm/@${name}%2fa`],
  ['GET npm/a/-/*', (name) => `npm/a/-/${name}`],
  ['GET npm/-/package/*/dist-tags', (name) => `npm/-/package/${name}/dist-tags`],
  ...['generic/*/1.0.0/a.txt', 'generic/a/*/a.txt', 'generic/a/1.0.0/*', 'generic/a/1.0.0/d/*/f'].map(put),
  ...['maven/*/app/1.0/app-1.0.jar', 'maven/com/*/1.0/app-1.0.jar', 'maven/com/app/*/app-1.0.jar'].map(put),
  ...['maven/com/app/1.0/*', 'maven/com/app/*/maven-metadata.xml', 'maven/*/maven-metadata.xml'].map(put),
  ...['npm/*', 'npm/@*%2fa', 'npm/-/package/*/dist-tags/latest', 'npm/-/package/a/dist-tags/*'].map(put),
]
function put(path: string): [string, (name: string) => string] {
  return [`PUT ${path}`, (name) => path.replace('*', name)]
}

/** Everything that is stored, as names. */
const stored = async () => {
  const rows = await scan({
    client: createClient(process.env.DYNAMODB_ENDPOINT),
    tableName: process.env.TABLE_NAME ?? '',
  })
  const s3 = new S3Client({ endpoint: process.env.S3_ENDPOINT ?? '', forcePathStyle: true })
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: process.env.BUCKET_NAME ?? '' }))
  s3.destroy()
  return [...rows.map(({ pk, sk }) => `${pk} ${sk}`), ...Contents.map(({ Key }) => String(Key))].sort()
}

const isError = (json: unknown) =>
  typeof json === 'object' && json !== null && ('message' in json || 'error' in json) ? 'an error' : json

const expectRefused = (what: string, { status, json }: { status: number; json: unknown }) =>
  expect([what, [400, 403, 404, 405, 422].includes(status) || status, isError(json)]).toEqual([what, true, 'an error'])

/** Nothing may be listed of what was refused. */
const expectNothing = async (world: World, project: number) =>
  expect((await world.get(world.root, `/projects/${project}/packages?include_versionless=true`)).json).toEqual([])

describe.each(doors().map((door) => [door.name, door] as const))('names that lead elsewhere, %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  let project: number
  let before: string[]
  beforeAll(async () => {
    await Promise.all(doors().map(({ open }) => open()))
    project = (await world.project()).id as number
    before = await stored()
  })
  afterEach(() => expectNothing(world, project))

  describe.each(['GET generic', 'GET maven', 'GET npm', 'PUT generic', 'PUT maven', 'PUT npm'])('%s', (start) => {
    it.each(places.filter(([what]) => what.startsWith(start)))('are refused in %s', async (place, pathOf) => {
      const method = place.split(' ')[0] as string
      const answers = await Promise.all(
        BAD.map(async (name) => {
          const path = `/projects/${project}/packages/${pathOf(name)}`
          const headers = { 'private-token': String(world.root.token), 'content-type': 'application/json' }
          const body = place === 'PUT npm/*' ? JSON.stringify(await publishBody('a', '1.0.0')) : '"1.0.0"'
          return [name, await door.call({ method, path, headers, ...(method === 'PUT' ? { body } : {}) })] as const
        }),
      )
      for (const [name, answer] of answers) expectRefused(name, answer)
    })
  })

  it.each(['npm', 'generic', 'maven'])('are refused in a request for a direct upload of %s', async (package_type) => {
    const paths: Record<string, (name: string) => string[]> = {
      generic: (name) => [`${name}/1.0.0/a`, `a/${name}/a`, `a/1.0.0/${name}`, `a/1.0.0/d/${name}/f`],
      maven: (name) => [`${name}/app/1.0/app-1.0.jar`, `com/app/${name}/app-1.0.jar`, `com/app/1.0/${name}`],
      npm: (name) => [name, `@${name}/a`],
    }
    const upload = { size: 3, sha256: 'a'.repeat(64) }
    for (const name of new Set([...BAD, ...decoded])) {
      for (const path of paths[package_type]?.(name) ?? []) {
        const wanted = { package_type, path, ...upload }
        expectRefused(
          path,
          await world.call(world.root, 'POST', `/projects/${project}/packages/direct_uploads`, wanted),
        )
      }
    }
  })

  it('are refused in the body of a publish, whatever its path says', async () => {
    for (const name of decoded) {
      const bodies: Json[] = [await publishBody(name, '1.0.0'), await publishBody('a', name)]
      bodies.push(await publishBody('a', '1.0.0', { tag: name === '.' ? '..' : name }))
      for (const body of bodies) {
        expectRefused(name, await world.call(world.root, 'PUT', `/projects/${project}/packages/npm/a`, body))
      }
    }
  })

  it('leave neither an item nor an object behind', async () => {
    expect(await stored()).toEqual(before)
  })
})
