import { createHash } from 'node:crypto'
import { routeNames } from '../../support/accessRules.ts'
import { lambdaDoor, type Reply } from '../../support/doors.ts'
import { unguardedWrites } from '../../support/guarded.ts'
import { createWorld, publishBody, tarballOf, type Who } from '../../support/world.ts'

const door = lambdaDoor()
const world = createWorld(door)

/** A project with a package of each format, an Owner, and a rule that lets only administrators change them. */
const setUp = async () => {
  const project = await world.project()
  const base = `/projects/${project.id}/packages`
  for (const version of ['1.0.0', '2.0.0']) {
    await world.call(world.root, 'PUT', `${base}/npm/guarded`, await publishBody('guarded', version))
  }
  const uploaded = await upload(world.root, `${base}/generic/guarded/1.0.0/a.txt?select=package_file`)
  const { id, package_id } = uploaded.json as { id: number; package_id: number }
  await upload(world.root, `${base}/maven/guarded/app/1.0/app-1.0.jar`)
  await upload(world.root, `${base}/maven/guarded/app/maven-metadata.xml`)
  const owner = await world.member('projects', project.id, 50)
  const sent = await requestUpload(world.root, base, 'generic', 'guarded/1.0.0/sent.txt', Buffer.from('sent'))
  await send(sent, Buffer.from('sent'))
  for (const package_type of ['npm', 'generic', 'maven']) {
    await world.make(`${base}/protection/rules`, {
      package_name_pattern: 'guard*',
      package_type,
      minimum_access_level_for_push: 'admin',
      minimum_access_level_for_delete: 'admin',
    })
  }
  return { base, owner, sent, file: `${base}/${package_id}/package_files/${id}`, generic: `${base}/${package_id}` }
}
type Place = Awaited<ReturnType<typeof setUp>>

const upload = (who: Who, path: string, body = 'bytes') =>
  door.call({ method: 'PUT', path, headers: { 'private-token': String(who.token) }, body })

const requestUpload = (who: Who, base: string, package_type: string, path: string, bytes: Buffer) =>
  world.call(who, 'POST', `${base}/direct_uploads`, {
    package_type,
    path,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })

const send = async ({ json }: Reply, bytes: Buffer) => {
  const { upload: wanted } = json as { upload: { url: string } }
  expect((await fetch(wanted.url, { method: 'PUT', body: new Uint8Array(bytes) })).status).toBe(200)
}

const confirm = (who: Who, base: string, { json }: Reply) =>
  world.call(who, 'POST', `${base}/direct_uploads/${(json as { id: string }).id}/confirm`)

/** What npm sends back when it changes a package: what it has read, with a change. */
const packument = async ({ base }: Place) =>
  (await world.get(world.root, `${base}/npm/guarded?write=true`)).json as {
    _rev: string
    versions: Record<string, Record<string, unknown>>
  }

const tag = (who: Who, path: string, method: string, version?: string) =>
  door.call({
    method,
    path,
    headers: { 'private-token': String(who.token), 'content-type': 'application/json' },
    ...(version === undefined ? {} : { body: JSON.stringify(version) }),
  })

type Path = { change: 'push' | 'delete'; ask: (place: Place, who: Who) => Promise<Reply> }

/** Every way to change packages, by its route. */
const paths: Record<string, Path[]> = {
  'PUT /projects/{id}/packages/npm/{package_name}': [
    {
      change: 'push',
      ask: async ({ base }, who) =>
        world.call(who, 'PUT', `${base}/npm/guarded`, await publishBody('guarded', '3.0.0', { tag: 'next' })),
    },
    {
      change: 'delete',
      ask: async (place, who) => {
        const body = await packument(place)
        Object.assign(body.versions['1.0.0'] ?? {}, { deprecated: 'old' })
        return world.call(who, 'PUT', `${place.base}/npm/guarded`, body, { 'npm-command': 'deprecate' })
      },
    },
  ],
  'PUT /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': [
    {
      change: 'push',
      ask: ({ base }, who) => tag(who, `${base}/npm/-/package/guarded/dist-tags/stable`, 'PUT', '1.0.0'),
    },
  ],
  'DELETE /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': [
    { change: 'delete', ask: ({ base }, who) => tag(who, `${base}/npm/-/package/guarded/dist-tags/latest`, 'DELETE') },
  ],
  'PUT /projects/{id}/packages/npm/{package_name}/{rest+}': [
    {
      change: 'delete',
      ask: async (place, who) => {
        const { versions, ...body } = await packument(place)
        const kept = { ...body, versions: { '1.0.0': versions['1.0.0'] } }
        return world.call(who, 'PUT', `${place.base}/npm/guarded/-rev/${body._rev}`, kept)
      },
    },
  ],
  'DELETE /projects/{id}/packages/npm/{package_name}/{rest+}': [
    {
      change: 'delete',
      ask: async (place, who) =>
        world.call(who, 'DELETE', `${place.base}/npm/guarded/-rev/${(await packument(place))._rev}`),
    },
  ],
  'PUT /projects/{id}/packages/maven/{path+}': [
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/maven/guarded/app/2.0/app-2.0.jar`) },
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/maven/guarded/app/1.0/app-1.0.pom`) },
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/maven/guarded/app/maven-metadata.xml`) },
  ],
  'POST /projects/{id}/packages/direct_uploads': Object.entries({
    generic: 'guarded/3.0.0/a.txt',
    maven: 'guarded/app/3.0/app-3.0.jar',
    npm: 'guarded',
  }).map(([type, path]) => ({
    change: 'push',
    ask: async ({ base }, who) => {
      const bytes = type === 'npm' ? await tarballOf({ name: 'guarded', version: '4.0.0' }) : Buffer.from('bytes')
      const requested = await requestUpload(who, base, type, path, bytes)
      if (requested.status !== 201) return requested
      await send(requested, bytes)
      return confirm(who, base, requested)
    },
  })),
  'POST /projects/{id}/packages/direct_uploads/{upload_id}/confirm': [
    { change: 'push', ask: ({ base, sent }, who) => confirm(who, base, sent) },
  ],
  'PUT /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': [
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/generic/guarded/2.0.0/new.txt`) },
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/generic/guarded/1.0.0/b.txt`) },
    { change: 'push', ask: ({ base }, who) => upload(who, `${base}/generic/guarded/1.0.0/c.txt?status=hidden`) },
  ],
  'DELETE /projects/{id}/packages/{package_id}/package_files/{package_file_id}': [
    { change: 'delete', ask: ({ file }, who) => world.call(who, 'DELETE', file) },
  ],
  'DELETE /projects/{id}/packages/{package_id}': [
    { change: 'delete', ask: ({ generic }, who) => world.call(who, 'DELETE', generic) },
  ],
}

/** Where an npm registry is asked for what is not offered here, and where `npm audit` hears that nothing is known. */
const CHANGES_NOTHING =
  /^(PUT|POST|DELETE) \/projects\/\{id\}\/packages\/npm\/-\/(package\/\{package_name\}\/)?\{rest\+\}$/

const words = (route: string, change: Path['change']) => {
  const text = change === 'push' ? 'Package protected.' : 'Package is deletion protected.'
  return route.includes('/npm/') ? { message: text, error: text } : { message: `403 Forbidden - ${text}` }
}

/** Everything that can be seen of the project's packages. */
const seen = async ({ base, generic }: Place) => {
  const lists = ['default', 'hidden', 'pending_destruction'].map((status) => `${base}?status=${status}`)
  const all = await Promise.all(
    [...lists, `${generic}/package_files`, `${base}/npm/guarded`, `${base}?include_versionless=true`].map((path) =>
      world.get(world.root, path),
    ),
  )
  return all.map(({ status, text }) => [status, text])
}

describe('the rules about packages', () => {
  beforeAll(() => door.open())

  it('stand in the way of every route that changes packages: whoever adds one lists it here', () => {
    const changing = routeNames().filter(
      (route) =>
        /^(PUT|POST|PATCH|DELETE) \/projects\/\{id\}\/packages\//.test(route) &&
        !route.includes('/protection/') &&
        !CHANGES_NOTHING.test(route),
    )
    expect(changing.sort()).toEqual(Object.keys(paths).sort())
  })

  it.each(Object.entries(paths))(
    'refuse an Owner, change nothing and let an administrator do it: %s',
    async (route, ways) => {
      const place = await setUp()
      const before = await seen(place)
      for (const { change, ask } of ways) {
        const refused = await ask(place, place.owner)
        expect([refused.status, refused.json]).toEqual([403, words(route, change)])
      }
      expect(await seen(place)).toEqual(before)

      for (const { ask } of ways) expect((await ask(place, world.root)).status).toBeLessThan(300)
      expect(await seen(place)).not.toEqual(before)
    },
  )

  it('are checked in every transaction that writes a package, which the door sees to in all suites', () => {
    const put = { Put: { Item: { pk: 'PACKAGE#0000000000000001', sk: 'META' } } }
    const check = { ConditionCheck: { Key: { pk: 'PROJECT#0000000000000001#RULES', sk: '3' } } }
    const sent = (...TransactItems: object[]) => ({
      constructor: { name: 'TransactWriteCommand' },
      input: { TransactItems },
    })

    expect(unguardedWrites('npmWrite', sent(put))).toEqual(['PACKAGE#0000000000000001'])
    expect(unguardedWrites('npmWrite', sent(put, check))).toEqual([])
    expect(unguardedWrites('npmRead', sent(put))).toEqual([])
    const update = { constructor: { name: 'UpdateCommand' }, input: { Key: { pk: 'PACKAGE#0000000000000001' } } }
    expect(unguardedWrites('files', update)).toEqual(['PACKAGE#0000000000000001'])
  })
})
