import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, type Who } from '../../support/world.ts'

const DUPLICATE = { message: '400 Bad request - Duplicate package is not allowed' }
const INHERITED = {
  maven_duplicates_allowed: null,
  maven_duplicate_exception_regex: null,
  generic_duplicates_allowed: null,
  generic_duplicate_exception_regex: null,
}

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, call, get } = world
  beforeAll(() => door.open())

  const set = (group: { id: number }, settings: Json, who: Who = root) =>
    call(who, 'PUT', `/groups/${group.id}`, settings)
  const upload = (project: { id: number }, name: string, version: string, file = 'a.txt', query = '') =>
    door.call({
      method: 'PUT',
      path: `/projects/${project.id}/packages/generic/${name}/${version}/${file}${query}`,
      headers: { 'private-token': String(root.token) },
      body: 'bytes',
    })
  const twice = async (project: { id: number }, name: string, version = '1.0.0') => {
    await upload(project, name, version)
    return (await upload(project, name, version)).status
  }

  describe('what a group sets about duplicates', () => {
    it('is shown to those who may change it and to nobody else, and stays until it is changed', async () => {
      const group = await world.group()
      expect((await get(root, `/groups/${group.id}`)).json).toMatchObject(INHERITED)
      const given = { generic_duplicates_allowed: false, generic_duplicate_exception_regex: '.*-rc' }
      const changed = await set(group, given)
      expect([changed.status, changed.json]).toEqual([200, expect.objectContaining({ ...INHERITED, ...given })])
      await set(group, { maven_duplicates_allowed: false, description: 'strict' })
      const all = { ...INHERITED, ...given, maven_duplicates_allowed: false }
      expect((await get(root, `/groups/${group.id}`)).json).toMatchObject(all)

      const [owner, maintainer] = [
        await world.member('groups', group.id, 50),
        await world.member('groups', group.id, 40),
      ]
      expect((await get(owner, `/groups/${group.id}`)).json).toMatchObject(all)
      for (const who of [maintainer, await world.user(), world.anonymous]) {
        expect((await get(who, `/groups/${group.id}`)).text).not.toContain('duplicate')
      }
      expect(await set(group, { generic_duplicates_allowed: true }, maintainer)).toMatchObject({ status: 403 })
      expect((await set(group, { generic_duplicates_allowed: null })).json).toMatchObject({
        ...all,
        generic_duplicates_allowed: null,
      })
    })

    it.each([
      [{ generic_duplicates_allowed: 'maybe' }, { error: 'generic_duplicates_allowed is invalid' }],
      [{ maven_duplicate_exception_regex: {} }, { error: 'maven_duplicate_exception_regex is invalid' }],
      [
        { maven_duplicate_exception_regex: '[' },
        { message: { maven_duplicate_exception_regex: [expect.stringMatching(/^not valid RE2 syntax: .*\[/)] } },
      ],
      [
        { generic_duplicate_exception_regex: '(a)\\1' },
        { message: { generic_duplicate_exception_regex: [expect.stringContaining('not valid RE2 syntax')] } },
      ],
      [
        { generic_duplicate_exception_regex: 'a'.repeat(256) },
        { message: { generic_duplicate_exception_regex: ['is too long (maximum is 255 characters)'] } },
      ],
    ])('is refused with what is wrong, and nothing changes: %j', async (settings, json) => {
      const group = await world.group()
      const reply = await set(group, { ...settings, name: 'Renamed' })
      expect([reply.status, reply.json]).toEqual([400, json])
      expect((await get(root, `/groups/${group.id}`)).json).toMatchObject({ name: group.name, ...INHERITED })
    })
  })

  describe('a file of a generic package that is there already', () => {
    it('joins as a newer one where nobody set anything', async () => {
      const project = await world.project({ namespace_id: (await world.group()).id })
      expect(await twice(project, 'tool')).toBe(201)
    })

    it('is refused where duplicates are, without a trace, and other files join', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await set(group, { generic_duplicates_allowed: false })
      await upload(project, 'tool', '1.0.0')
      for (const query of ['', '?status=hidden']) {
        const refused = await upload(project, 'tool', '1.0.0', 'a.txt', query)
        expect([refused.status, refused.json]).toEqual([400, DUPLICATE])
      }
      expect(await upload(project, 'tool', '1.0.0', 'b.txt')).toMatchObject({ status: 201 })
      expect(await upload(project, 'tool', '1.0.1')).toMatchObject({ status: 201 })
      const [{ id }] = (await get(root, `/projects/${project.id}/packages`)).json as [{ id: number }]
      const files = (await get(root, `/projects/${project.id}/packages/${id}/package_files`)).json as Json[]
      expect(files.map(({ file_name }) => file_name)).toEqual(['a.txt', 'b.txt'])
    })

    it('lands once when ten arrive at once, and the others are refused', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await set(group, { generic_duplicates_allowed: false })
      const replies = await Promise.all(Array.from({ length: 10 }, () => upload(project, 'tool', '1.0.0')))
      expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(400)])
      for (const { status, json } of replies) if (status === 400) expect(json).toEqual(DUPLICATE)
    })

    it('is allowed for names and versions that the exceptions match as a whole', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await set(group, { generic_duplicates_allowed: false, generic_duplicate_exception_regex: 'nightly|.*-SNAPSHOT' })
      expect(await twice(project, 'nightly')).toBe(201)
      expect(await twice(project, 'tool', '1.0-SNAPSHOT')).toBe(201)
      expect(await twice(project, 'nightly-tool')).toBe(400)
      expect(await twice(project, 'tool', '1.0')).toBe(400)
    })

    it('is refused for the exceptions where duplicates are allowed', async () => {
      const group = await world.group()
      const project = await world.project({ namespace_id: group.id })
      await set(group, { generic_duplicates_allowed: true, generic_duplicate_exception_regex: 'release-.*' })
      expect(await twice(project, 'release-tool')).toBe(400)
      expect(await twice(project, 'tool')).toBe(201)
    })

    it('is decided by the nearest group that set something, and by another format not at all', async () => {
      const top = await world.group()
      const middle = await world.group({ parent_id: top.id })
      const inner = await world.group({ parent_id: middle.id })
      const project = await world.project({ namespace_id: inner.id })
      await set(top, { generic_duplicates_allowed: false })
      expect(await twice(project, 'one')).toBe(400)
      await set(middle, { generic_duplicates_allowed: true, maven_duplicates_allowed: false })
      expect(await twice(project, 'two')).toBe(201)
      await set(inner, { maven_duplicates_allowed: false })
      expect(await twice(project, 'three')).toBe(201)
      await set(middle, { generic_duplicates_allowed: null })
      expect(await twice(project, 'four')).toBe(400)
    })
  })
})
