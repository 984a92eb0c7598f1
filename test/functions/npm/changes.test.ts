import { gzipSync } from 'node:zlib'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { DEPRECATION_LIMIT } from '../../../lib/npm/changes.ts'
import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, publishBody, type Who } from '../../support/world.ts'

const DEVELOPER = 30
const MAINTAINER = 40
const INSTALL = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*'

type Packument = {
  _rev: string
  name: string
  'dist-tags': Record<string, string>
  versions: Record<string, Json & { deprecated?: string; dist: { tarball: string } }>
  time: Record<string, string>
}

const refusal = (status: number, text: unknown) => ({ status, json: { message: text, error: text } })

describe.each(doors().map((door) => [door.name, door] as const))('npm %s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous } = world
  beforeAll(() => door.open())

  const base = (projectId: number) => `/projects/${projectId}/packages/npm`
  const escaped = (name: string) => name.replace('/', '%2f')

  const publish = async (projectId: number, name: string, version: string, more = {}, who: Who = root) => {
    const path = `${base(projectId)}/${escaped(name)}`
    const reply = await world.call(who, 'PUT', path, await publishBody(name, version, more))
    if (reply.status !== 200) throw new Error(`the publish answered ${reply.status}: ${reply.text}`)
    return (reply.json as { id: number }).id
  }

  /** A project with these versions of a package. */
  const setUp = async (name: string, ...versions: string[]) => {
    const project = await world.project({ visibility: 'private' })
    const developer = await world.member('projects', project.id, DEVELOPER)
    const maintainer = await world.member('projects', project.id, MAINTAINER)
    for (const version of versions) await publish(project.id, name, version)
    return { id: project.id, name, developer, maintainer }
  }
  type Place = Awaited<ReturnType<typeof setUp>>

  const read = async ({ id, name }: Pick<Place, 'id' | 'name'>, query = '?write=true') =>
    (await world.get(root, `${base(id)}/${escaped(name)}${query}`)).json as Packument

  /** What a list shows: versions with their status and tags. */
  const listed = async ({ id }: Pick<Place, 'id'>) => {
    const { json, headers } = await world.get(root, `/projects/${id}/packages?order_by=version`)
    const rows = (json as Json[]).map(({ version, status, tags }) => {
      const names = (tags as Json[]).map((tag) => tag.name)
      return [version, status, ...names].join(' ')
    })
    expect(headers['x-total']).toBe(String(rows.length))
    return rows
  }

  const NPM = { 'npm-command': 'deprecate' }
  const deprecate = (who: Who, { id, name }: Place, body: unknown, headers: Record<string, string> = NPM) =>
    world.call(who, 'PUT', `${base(id)}/${escaped(name)}`, body as Json, headers)

  describe('npm deprecate', () => {
    const saying = async (place: Place, messages: Record<string, string>) => {
      const packument = await read(place)
      for (const [version, deprecated] of Object.entries(messages)) {
        Object.assign(packument.versions[version] ?? {}, { deprecated })
      }
      return packument
    }

    it('shows what it says at once, in lists and packuments, and takes it back for an empty message', async () => {
      const place = await setUp('@foo/bar', '1.0.0', '1.1.0', '2.0.0')

      const body = await saying(place, { '1.0.0': 'it "leaks"', '1.1.0': 'so does it' })
      expect(await deprecate(place.maintainer, place, body)).toMatchObject({ status: 200 })
      expect(await listed(place)).toEqual(['1.0.0 deprecated', '1.1.0 deprecated', '2.0.0 default latest'])
      for (const [query, accept] of [
        ['', '*/*'],
        ['', INSTALL],
        ['?write=true', '*/*'],
      ] as const) {
        const reply = await world.call(root, 'GET', `${base(place.id)}/@foo%2fbar${query}`, undefined, { accept })
        const { versions, ...packument } = reply.json as Packument
        const said = Object.entries(versions).map(([version, { deprecated }]) => [version, deprecated])
        expect(said.sort()).toEqual([
          ['1.0.0', 'it "leaks"'],
          ['1.1.0', 'so does it'],
          ['2.0.0', undefined],
        ])
        expect(packument['dist-tags']).toEqual({ latest: '2.0.0' })
      }
      const list = await world.get(root, `/projects/${place.id}/packages?status=deprecated`)
      expect(list.headers['x-total']).toBe('2')

      const undo = await saying(place, { '1.0.0': '' })
      expect(await deprecate(place.maintainer, place, undo, { 'npm-command': 'undeprecate' })).toMatchObject({
        status: 200,
      })
      expect(await listed(place)).toEqual(['1.0.0 default', '1.1.0 deprecated', '2.0.0 default latest'])
      expect((await read(place)).versions['1.0.0']).not.toHaveProperty('deprecated')
    })

    it('works for npm 6, which names the command in Referer only', async () => {
      const place = await setUp('bar', '1.0.0')
      const body = await saying(place, { '1.0.0': 'old' })

      const answer = await deprecate(place.maintainer, place, body, { referer: 'deprecate [REDACTED] old' })

      expect(answer).toMatchObject({ status: 200 })
      expect(await listed(place)).toEqual(['1.0.0 deprecated latest'])
    })

    it('is done once when it is sent again, and by many at once', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      const body = await saying(place, { '1.0.0': 'old', '2.0.0': 'older' })

      const answers = await Promise.all(Array.from({ length: 10 }, () => deprecate(root, place, body)))

      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
      expect(await listed(place)).toEqual(['1.0.0 deprecated', '2.0.0 deprecated latest'])
    })

    it('needs the right to delete, and tells nobody else what is there', async () => {
      const place = await setUp('bar', '1.0.0')
      const body = await saying(place, { '1.0.0': 'old' })
      const role = '403 Forbidden - this needs the role Maintainer in the project'

      expect(await deprecate(place.developer, place, body)).toMatchObject(refusal(403, role))
      expect(await deprecate(place.developer, place, body, { referer: 'deprecate bar' })).toMatchObject({ status: 403 })
      expect(await deprecate(anonymous, place, body)).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await deprecate(await world.user(), place, body)).toMatchObject(refusal(404, '404 Project Not Found'))
      expect(await listed(place)).toEqual(['1.0.0 default latest'])
    })

    it.each<[what: string, body: unknown, status: number, text: string]>([
      ['no versions', { name: 'bar' }, 400, 'Validation failed: versions is missing or empty'],
      ['an empty list of versions', { versions: {} }, 400, 'Validation failed: versions is missing or empty'],
      ['versions that are a list', { versions: ['1.0.0'] }, 400, 'Validation failed: versions is missing or empty'],
      ['no message', { versions: { '1.0.0': {} } }, 400, '"package versions to deprecate" not given'],
      [
        'another name',
        { name: 'baz', versions: { '1.0.0': {} } },
        400,
        'Validation failed: Name in the body is not bar',
      ],
      [
        'a message that is no text',
        { versions: { '1.0.0': { deprecated: true } } },
        400,
        'Validation failed: deprecated of version 1.0.0 is not text',
      ],
      [
        'a message that is half a character',
        { versions: { '1.0.0': { deprecated: '\ud800' } } },
        400,
        'Validation failed: deprecated of version 1.0.0 is not text',
      ],
      [
        'a message that is too long',
        { versions: { '1.0.0': { deprecated: 'x'.repeat(DEPRECATION_LIMIT + 1) } } },
        400,
        `Validation failed: deprecated may have at most ${DEPRECATION_LIMIT} characters`,
      ],
      ['versions that are not there', { versions: { '9.9.9': { deprecated: 'x' } } }, 404, '404 Package Not Found'],
      ['a star instead', { users: { root: true } }, 404, '404 Not Found - npm star is not offered'],
      [
        'more than a body may hold',
        { versions: { '1.0.0': { deprecated: 'x'.repeat(BODY_LIMIT_BYTES) } } },
        413,
        `413 Content Too Large - the body may have at most ${BODY_LIMIT_BYTES} bytes`,
      ],
    ])('is refused with %s, and changes nothing', async (_what, body, status, text) => {
      const place = await setUp('bar', '1.0.0')

      expect(await deprecate(root, place, body)).toMatchObject(refusal(status, text))
      expect(await listed(place)).toEqual(['1.0.0 default latest'])
    })
  })

  describe('npm unpublish', () => {
    const remove = (who: Who, { id, name }: Place, revision: string, body: unknown) =>
      world.call(who, 'PUT', `${base(id)}/${escaped(name)}/-rev/${revision}`, body as Json)
    const removeAll = (who: Who, { id, name }: Place, revision: string) =>
      world.call(who, 'DELETE', `${base(id)}/${escaped(name)}/-rev/${revision}`)
    const removeTarball = (who: Who, { id }: Pick<Place, 'id'>, path: string) =>
      world.call(who, 'DELETE', `${base(id)}/${path}`)

    const without = ({ versions, ...packument }: Packument, ...removed: string[]) => ({
      ...packument,
      versions: Object.fromEntries(Object.entries(versions).filter(([version]) => !removed.includes(version))),
    })

    it('removes the version that the packument comes back without, and latest falls to the highest that is left', async () => {
      const place = await setUp('@foo/bar', '1.0.0', '1.9.0', '1.10.0', '2.0.0')
      const packument = await read(place)

      expect(await remove(place.maintainer, place, packument._rev, without(packument, '2.0.0'))).toMatchObject({
        status: 200,
      })

      expect(await listed(place)).toEqual(['1.0.0 default', '1.10.0 default', '1.9.0 default'])
      const left = await read(place)
      expect(left['dist-tags']).toEqual({ latest: '1.10.0' })
      expect(Object.keys(left.versions)).toHaveLength(3)
      // npm's last step finds it gone.
      const tarball = `@foo/bar/-/@foo/bar-2.0.0.tgz/-rev/${left._rev}`
      expect(await removeTarball(place.maintainer, place, tarball)).toMatchObject({ status: 200 })
      expect(await world.get(root, `${base(place.id)}/@foo/bar/-/@foo/bar-2.0.0.tgz`)).toMatchObject({ status: 404 })
      // The version is free again.
      await publish(place.id, '@foo/bar', '2.0.0')
      expect((await read(place))['dist-tags']).toEqual({ latest: '2.0.0' })
    })

    it('removes one version by its tarball, also at the path that npm 6 makes', async () => {
      const place = await setUp('@foo/bar', '1.0.0', '2.0.0', '3.0.0')

      for (const path of [
        '@foo/bar/-/@foo/bar-3.0.0.tgz/-rev/undefined',
        `api/v4${base(place.id)}/@foo/bar/-/@foo/bar-2.0.0.tgz/-rev/undefined`,
      ]) {
        expect(await removeTarball(place.maintainer, place, path)).toMatchObject({ status: 200, json: { ok: true } })
      }

      expect(await listed(place)).toEqual(['1.0.0 default'])
    })

    it('removes a package with all its versions, and nothing else', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      await publish(place.id, 'bar-too', '1.0.0')

      expect(await removeAll(place.maintainer, place, (await read(place))._rev)).toMatchObject({ status: 200 })

      expect(await listed(place)).toEqual(['1.0.0 default latest'])
      expect(await world.get(root, `${base(place.id)}/bar`)).toMatchObject(refusal(404, '404 Packages Not Found'))
      expect(await removeAll(root, place, '1')).toMatchObject(refusal(404, '404 Packages Not Found'))
      expect(await removeTarball(root, place, 'bar/-/bar-1.0.0.tgz/-rev/1')).toMatchObject({ status: 404 })
    })

    it('leaves what was published since the packument was read', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      const packument = await read(place)
      await publish(place.id, 'bar', '3.0.0')

      expect(await remove(root, place, packument._rev, without(packument, '2.0.0'))).toMatchObject({ status: 200 })
      expect(await listed(place)).toEqual(['1.0.0 default', '3.0.0 default latest'])

      expect(await removeAll(root, place, packument._rev)).toMatchObject({ status: 200 })
      expect(await listed(place)).toEqual(['3.0.0 default latest'])
    })

    it('comes out the same for many who do it at once', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      const packument = await read(place)
      const body = without(packument, '2.0.0')

      const answers = await Promise.all(Array.from({ length: 10 }, () => remove(root, place, packument._rev, body)))

      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
      expect(await listed(place)).toEqual(['1.0.0 default'])
    })

    it('needs the right to delete', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      const packument = await read(place)
      const body = without(packument, '2.0.0')
      const tarball = 'bar/-/bar-1.0.0.tgz/-rev/1'

      for (const [who, status, text] of [
        [place.developer, 403, '403 Forbidden - this needs the role Maintainer in the project'],
        [anonymous, 401, '401 Unauthorized'],
        [await world.user(), 404, '404 Project Not Found'],
      ] as const) {
        expect(await remove(who, place, packument._rev, body)).toMatchObject(refusal(status, text))
        expect(await removeAll(who, place, packument._rev)).toMatchObject(refusal(status, text))
        expect(await removeTarball(who, place, tarball)).toMatchObject(refusal(status, text))
      }
      expect(await listed(place)).toEqual(['1.0.0 default', '2.0.0 default latest'])
    })

    it('is refused without a revision, without versions and with versions that are not there, and removes nothing', async () => {
      const place = await setUp('bar', '1.0.0', '2.0.0')
      const { _rev, versions } = await read(place)
      const rev = expect.stringContaining('-rev is not followed by the _rev of the package')
      const gone = expect.stringMatching(/^409 Conflict - version 9\.9\.9 is not there/)
      const missing = 'Validation failed: versions is missing or empty'

      for (const revision of ['undefined', '0', 'abc', '1.5', '-1']) {
        expect(await remove(root, place, revision, { versions })).toMatchObject(refusal(400, rev))
        expect(await removeAll(root, place, revision)).toMatchObject(refusal(400, rev))
      }
      expect(await remove(root, place, _rev, { versions: {} })).toMatchObject(refusal(400, missing))
      expect(await remove(root, place, _rev, { versions: 'all' })).toMatchObject(refusal(400, missing))
      expect(await remove(root, place, _rev, { versions: { '9.9.9': {} } })).toMatchObject(refusal(409, gone))
      expect(await remove(root, place, _rev, { maintainers: [] })).toMatchObject(
        refusal(404, expect.stringContaining('npm owner is not offered')),
      )
      const nothing = { ...place, name: 'nothing' }
      expect(await remove(root, nothing, _rev, { versions })).toMatchObject(refusal(404, '404 Packages Not Found'))
      expect(await remove(root, nothing, _rev, {})).toMatchObject(refusal(400, missing))
      expect(await removeTarball(root, place, 'bar/-/bar-1.0.0.tgz')).toMatchObject({ status: 404 })
      expect(await removeTarball(root, place, '..%2f..%2fbar/-rev/1')).toMatchObject({ status: 404 })
      expect(await listed(place)).toEqual(['1.0.0 default', '2.0.0 default latest'])
    })
  })

  describe('GET /projects/:id/packages/npm/:package_name', () => {
    it('answers in the form that an install asks for, and 304 to who has it', async () => {
      const manifest = { description: 'long', dependencies: { baz: '^1.0.0' }, scripts: { postinstall: 'node a' } }
      const place = await setUp('bar')
      await publish(place.id, 'bar', '1.0.0', { manifest })
      const get = (headers: Record<string, string>) =>
        world.call(root, 'GET', `${base(place.id)}/bar`, undefined, headers)

      const full = await get({ accept: 'application/json' })
      const install = await get({ accept: INSTALL })
      expect(full).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
      expect(install).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/vnd.npm.install-v1+json' },
        json: { modified: expect.any(String), time: { '1.0.0': expect.any(String) } },
      })
      const version = (install.json as Packument).versions['1.0.0'] as Json
      expect(Object.keys(version).sort()).toEqual(['dependencies', 'dist', 'hasInstallScript', 'name', 'version'])
      expect(full.headers.etag).not.toBe(install.headers.etag)

      const [etag = '', other = ''] = [full.headers.etag, install.headers.etag]
      for (const known of [etag, etag.replace('W/', ''), `"x", ${etag}`, '*']) {
        const reply = await get({ accept: 'application/json', 'if-none-match': known })
        expect({ known, ...reply }).toMatchObject({ known, status: 304, text: '', headers: { etag } })
      }
      for (const unknown of [other, '"x"', 'x', '']) {
        const reply = await get({ accept: 'application/json', 'if-none-match': unknown })
        expect({ unknown, status: reply.status }).toEqual({ unknown, status: 200 })
      }

      await publish(place.id, 'bar', '2.0.0')
      expect(await get({ accept: 'application/json', 'if-none-match': etag })).toMatchObject({ status: 200 })
    })
  })

  describe('/groups/:id/-/packages/npm and /packages/npm', () => {
    const name = (scope: unknown) => `@${String(scope)}/bar`
    const inGroup = (group: number, path: string) => `/groups/${group}/-/packages/npm/${path}`

    /** A private group with a project in it and one in a subgroup, which share a package. */
    const setUpGroup = async (visibility = 'private') => {
      const top = await world.group({ visibility })
      const sub = await world.group({ visibility, parent_id: top.id })
      const [one, other] = [
        await world.project({ visibility, namespace_id: top.id }),
        await world.project({ visibility, namespace_id: sub.id }),
      ]
      const bar = name(top.path)
      await publish(one.id, bar, '1.0.0')
      await publish(other.id, bar, '1.0.0', { tag: 'next' })
      await publish(other.id, bar, '2.0.0', { tag: 'beta' })
      return { top, sub, one, other, bar, reporter: await world.member('groups', top.id, 20) }
    }

    it('show what the projects have together; of equal versions the newest, and tarballs of the projects', async () => {
      const { top, other, bar, reporter } = await setUpGroup()
      const { id } = top
      const tarball = (version: string) => `${door.origin}/api/v4${base(other.id)}/${bar}/-/${bar}-${version}.tgz`

      for (const path of [
        inGroup(id, escaped(bar)),
        inGroup(id, bar),
        `/groups/${encodeURIComponent(String(top.full_path))}/-/packages/npm/${escaped(bar)}`,
        `/packages/npm/${escaped(bar)}`,
        `/packages/npm/${bar}`,
      ]) {
        const reply = await world.get(reporter, path)
        const { versions, ...packument } = reply.json as Packument
        expect({ path, status: reply.status }).toEqual({ path, status: 200 })
        expect(packument).toMatchObject({ name: bar, 'dist-tags': { next: '1.0.0', beta: '2.0.0', latest: '2.0.0' } })
        expect(versions['1.0.0']?.dist.tarball).toBe(tarball('1.0.0'))
        expect(versions['2.0.0']?.dist.tarball).toBe(tarball('2.0.0'))
        const known = { 'if-none-match': reply.headers.etag ?? '' }
        expect(await world.call(reporter, 'GET', path, undefined, known)).toMatchObject({ status: 304 })
      }
      for (const path of [inGroup(id, '-/package'), '/packages/npm/-/package']) {
        expect(await world.get(reporter, `${path}/${escaped(bar)}/dist-tags`)).toMatchObject({
          status: 200,
          json: { next: '1.0.0', beta: '2.0.0', latest: '2.0.0' },
        })
      }
    })

    it('show of each project what the caller may read there', async () => {
      const { top, sub, other, one, bar } = await setUpGroup()
      const ask = (who: Who) =>
        Promise.all([world.get(who, inGroup(top.id, escaped(bar))), world.get(who, `/packages/npm/${escaped(bar)}`)])
      const tarballs = ({ json }: { json: unknown }) =>
        Object.values((json as Packument).versions).map(({ dist }) => /projects\/(\d+)/.exec(dist.tarball)?.[1])

      for (const inside of [await world.member('projects', one.id, 20)]) {
        for (const reply of await ask(inside)) expect(tarballs(reply)).toEqual([String(one.id)])
      }
      for (const inside of [await world.member('groups', sub.id, 20)]) {
        for (const reply of await ask(inside)) expect(tarballs(reply)).toEqual([String(other.id), String(other.id)])
      }
      for (const reply of await ask(await world.member('groups', top.id, 10))) {
        expect(reply).toMatchObject(refusal(404, '404 Packages Not Found'))
      }
      const [ofGroup, ofInstance] = await ask(await world.user())
      expect(ofGroup).toMatchObject(refusal(404, '404 Group Not Found'))
      expect(ofInstance).toMatchObject(refusal(404, '404 Packages Not Found'))
      for (const reply of await ask(anonymous)) expect(reply).toMatchObject(refusal(401, '401 Unauthorized'))
      for (const reply of await ask({ token: 'unknown' })) expect(reply).toMatchObject({ status: 401 })
    })

    it('answer for what is hidden as for what is missing', async () => {
      const { top, bar } = await setUpGroup()
      const open = await setUpGroup('public')
      const told = async (who: Who, path: string) => {
        const { status, text } = await world.get(who, path)
        return { status, text }
      }

      for (const who of [anonymous, await world.user()]) {
        expect(await told(who, inGroup(top.id, escaped(bar)))).toEqual(await told(who, inGroup(99_999_999, 'bar')))
        expect(await told(who, `/packages/npm/${escaped(bar)}`)).toEqual(await told(who, '/packages/npm/@no%2fbar'))
        expect(await told(who, inGroup(open.top.id, 'nothing'))).toEqual(await told(who, '/packages/npm/nothing'))
        expect(await told(who, `/packages/npm/${escaped(open.bar)}`)).toMatchObject({ status: 200 })
      }
    })

    it('follow a project that changes its visibility or its group, at once', async () => {
      const { top, one, other, bar, reporter } = await setUpGroup()
      await world.call(root, 'DELETE', `/projects/${one.id}`)
      const elsewhere = await world.group({ visibility: 'private' })
      const ask = (who: Who) => world.get(who, inGroup(top.id, escaped(bar)))

      expect(await ask(reporter)).toMatchObject({ status: 200 })
      const moved = await world.call(root, 'PUT', `/projects/${other.id}/transfer`, { namespace: elsewhere.id })
      expect(moved.status).toBe(200)
      expect(await ask(reporter)).toMatchObject({ status: 404 })
      expect(await world.get(root, inGroup(elsewhere.id, escaped(bar)))).toMatchObject({ status: 200 })
      expect(await world.get(root, `/packages/npm/${escaped(bar)}`)).toMatchObject({ status: 404 })
    })

    it('find a project whose names are still on their way to its new group', async () => {
      const { top, other, bar } = await setUpGroup()
      const target = await world.group({ visibility: 'private' })
      const { groups } = door.database()
      const group = await groups.findGroup({ id: target.id })
      if (!group) throw new Error('the group is not there')

      // Without the steps that follow, as when the mover stops here.
      await groups.transferProject(other.id, group, new Date().toISOString())

      const found = await world.get(root, inGroup(target.id, escaped(bar)))
      expect(found).toMatchObject({ status: 200, json: { versions: { '2.0.0': {} } } })
      const left = await world.get(root, inGroup(top.id, escaped(bar)))
      expect(Object.keys((left.json as Packument).versions)).toEqual(['1.0.0'])
    })

    it('find what is inside a group that is still on its way, by where it is now and by no scope that it left', async () => {
      const { top, sub, one, bar } = await setUpGroup()
      const target = await world.group({ visibility: 'private' })
      const { groups, groupTransit } = door.database()
      const versionsAt = async (path: string) => {
        const { status, json } = await world.get(root, path)
        return status === 200 ? Object.keys((json as Packument).versions).sort() : status
      }
      const everywhere = () => Promise.all([top, target, sub].map(({ id }) => versionsAt(inGroup(id, escaped(bar)))))
      const inScope = () => versionsAt(`/packages/npm/${escaped(bar)}`)

      // Without the steps that follow, as when the mover stops here.
      await groups.transferGroup(sub.id, target.id, new Date().toISOString())
      expect([await everywhere(), await inScope()]).toEqual([
        [['1.0.0'], ['1.0.0', '2.0.0'], ['1.0.0', '2.0.0']],
        ['1.0.0'],
      ])
      while (!(await groupTransit.settle(sub.id)));
      expect([await everywhere(), await inScope()]).toEqual([
        [['1.0.0'], ['1.0.0', '2.0.0'], ['1.0.0', '2.0.0']],
        ['1.0.0'],
      ])

      await groups.renameGroup(top.id, `${top.path}-renamed`, new Date().toISOString())
      expect([await versionsAt(inGroup(top.id, escaped(bar))), await inScope()]).toEqual([['1.0.0'], 404])
      await publish(one.id, name(`${top.path}-renamed`), '3.0.0')
      expect(await versionsAt(`/packages/npm/${escaped(name(`${top.path}-renamed`))}`)).toEqual(['3.0.0'])
    })

    it('are the namespace of a user as well', async () => {
      const owner = await world.user()
      const project = await world.make('/projects', { name: 'mine', visibility: 'private' }, owner)
      const own = name(owner.username)
      await publish(project.id, own, '1.0.0', {}, owner)

      expect(await world.get(owner, `/packages/npm/${escaped(own)}`)).toMatchObject({
        status: 200,
        json: { name: own },
      })
      expect(await world.get(await world.user(), `/packages/npm/${escaped(own)}`)).toMatchObject({ status: 404 })
    })

    it('have no names without a scope at the top, and no names that none can have', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await publish(project.id, 'plain', '1.0.0')

      expect(await world.get(root, inGroup(group.id, 'plain'))).toMatchObject({ status: 200 })
      for (const path of ['plain', '@no%2fbar', '.hidden', '@foo', 'a%20b', 'plain/-/plain-1.0.0.tgz']) {
        expect(await world.get(root, `/packages/npm/${path}`)).toMatchObject(refusal(404, '404 Packages Not Found'))
      }
      expect(await world.get(root, inGroup(group.id, 'plain/-/plain-1.0.0.tgz'))).toMatchObject({ status: 404 })
    })
  })

  describe('npm audit', () => {
    const audit = (who: Who, path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
      door.call({
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          ...(who.token === undefined ? {} : { authorization: `Bearer ${who.token}` }),
          ...headers,
        },
        body,
      })
    const GZIP = { 'content-encoding': 'gzip' }
    const bulk = '-/npm/v1/security/advisories/bulk'
    const asked = JSON.stringify({ bar: ['1.0.0'] })

    it('is told that nothing is known, compressed or not, at every level', async () => {
      const { id, developer } = await setUp('bar')
      const group = await world.group()

      for (const at of [base(id), `/groups/${group.id}/-/packages/npm`, '/packages/npm']) {
        for (const [body, headers] of [
          [gzipSync(asked), GZIP],
          [asked, {}],
        ] as const) {
          expect(await audit(developer, `${at}/${bulk}`, body, headers)).toMatchObject({ status: 200, json: {} })
          for (const path of ['audits', 'audits/quick']) {
            expect(await audit(developer, `${at}/-/npm/v1/security/${path}`, body, headers)).toMatchObject({
              status: 200,
              json: { actions: [], advisories: {}, muted: [], metadata: { vulnerabilities: { critical: 0 } } },
            })
          }
        }
      }
    })

    it('is for those who read the packages', async () => {
      const { id } = await setUp('bar')
      const guest = await world.member('projects', id, 10)
      const at = `${base(id)}/${bulk}`

      expect(await audit(anonymous, at, asked)).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await audit(await world.user(), at, asked)).toMatchObject(refusal(404, '404 Project Not Found'))
      expect(await audit(guest, at, asked)).toMatchObject({ status: 403 })
      const group = await world.group({ visibility: 'private' })
      const atGroup = `/groups/${group.id}/-/packages/npm/${bulk}`
      expect(await audit(anonymous, atGroup, asked)).toMatchObject(refusal(401, '401 Unauthorized'))
      expect(await audit(await world.user(), atGroup, asked)).toMatchObject(refusal(404, '404 Group Not Found'))
    })

    it('is refused with a body that is none', async () => {
      const { id } = await setUp('bar')
      const at = `${base(id)}/${bulk}`

      for (const body of ['', '{', '[]', gzipSync('{'), gzipSync(asked).subarray(0, 20)]) {
        const reply = await audit(root, at, body)
        expect({ body, status: reply.status }).toEqual({ body, status: 400 })
      }
      const bomb = gzipSync(Buffer.alloc(33 * 1024 * 1024))
      expect(await audit(root, at, bomb)).toMatchObject({
        status: 413,
        json: { error: expect.stringContaining('the unpacked body may have at most 33554432 bytes') },
      })
    })
  })

  describe('what is not offered', () => {
    it.each<[method: string, path: string, what: string]>([
      ['GET', '-/all', 'npm search is offered by projects alone'],
      ['POST', '-/v1/login', 'npm login is not offered; set a personal access token as _authToken'],
      ['PUT', '-/user/org.couchdb.user:joe', 'npm login is not offered'],
      ['GET', '-/user/org.couchdb.user:joe', 'npm login is not offered'],
      ['DELETE', '-/user/token/abc', 'npm login is not offered'],
      ['GET', '-/npm/v1/tokens', 'npm token is not offered; GET /personal_access_tokens'],
      ['POST', '-/npm/v1/tokens', 'npm token is not offered'],
      ['DELETE', '-/npm/v1/tokens/token/abc', 'npm token is not offered'],
      ['GET', '-/npm/v1/user', 'npm profile is not offered'],
      ['POST', '-/package/@foo%2fbar/access', 'npm access is not offered'],
      ['GET', '-/package/@foo%2fbar/visibility', 'npm access is not offered'],
      ['GET', '-/package/@foo%2fbar/collaborators', 'npm access is not offered'],
      ['GET', '-/org/acme/team?format=cli', 'npm org and npm team are not offered'],
      ['PUT', '-/team/acme/developers/package', 'npm org and npm team are not offered'],
      ['GET', '-/_view/starredByUser?key=%22joe%22', 'npm star is not offered'],
      ['POST', '-/stage/package/bar', "this part of npm's registry is not offered"],
      ['GET', '-/%zz', "this part of npm's registry is not offered"],
    ])('is told to %s %s', async (method, path, what) => {
      const { id } = await world.project()
      const told = { message: expect.stringContaining(what), error: expect.stringContaining(what) }

      const reply = await world.call(root, method, `${base(id)}/${path}`, method === 'POST' ? {} : undefined)

      // The local entrance refuses a path that is no percent-encoding by itself.
      if (path.includes('%zz')) expect([400, 404]).toContain(reply.status)
      else expect(reply).toMatchObject({ status: 404, json: told })
    })

    it('is told to npm star and npm owner too, which send a package without versions', async () => {
      const { id } = await world.project()

      for (const [field, what] of [
        ['users', 'npm star is not offered'],
        ['maintainers', 'npm owner is not offered'],
      ] as const) {
        expect(await world.call(root, 'PUT', `${base(id)}/bar`, { _id: 'bar', [field]: {} })).toMatchObject(
          refusal(404, expect.stringContaining(what)),
        )
      }
    })

    it('is told at the other levels as well', async () => {
      const group = await world.group()
      for (const at of [`/groups/${group.id}/-/packages/npm`, '/packages/npm']) {
        expect(await world.get(root, `${at}/-/v1/search?text=foo`)).toMatchObject(
          refusal(404, expect.stringContaining('npm search is offered by projects alone')),
        )
        expect(await world.call(root, 'POST', `${at}/-/v1/login`, {})).toMatchObject({ status: 404 })
        expect(await world.get(root, `${at}/-/whoami`)).toMatchObject({ status: 200, json: { username: 'root' } })
        expect(await world.get(root, `${at}/-/ping`)).toMatchObject({ status: 200, json: {} })
        expect(await world.get({ token: 'unknown' }, `${at}/-/ping`)).toMatchObject({ status: 401 })
      }
    })
  })
})
