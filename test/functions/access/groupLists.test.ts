import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'
import { addExpired, type Cast, castOf, rows, statuses, told } from './cast.ts'

const NOT_FOUND = { message: '404 Group Not Found' }
const LISTS = ['subgroups', 'descendant_groups', 'projects'] as const

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { anonymous, get } = world
  beforeAll(() => door.open())

  describe.each(LISTS)('GET /groups/:id/%s', (list) => {
    it.each([
      ['public', [200, 200, 200, 200, 200, 200, 200]],
      ['internal', [404, 200, 200, 200, 200, 200, 200]],
      ['private', [404, 404, 200, 200, 200, 200, 200]],
    ])('of a %s group answers who may see it', async (visibility, expected) => {
      const { id } = await world.group({ visibility })
      const cast = await castOf(world, 'groups', id)
      expect(await statuses(cast, (who) => get(who, `/groups/${id}/${list}`))).toEqual(expected)
      const ended = await world.user()
      await addExpired(world, ended.id, { kind: 'group', id }, [])
      expect(await get(ended, `/groups/${id}/${list}`)).toMatchObject({ status: expected[1] })
    })

    it('answers for a hidden and a missing group, and for a personal namespace, alike', async () => {
      const { id } = await world.group({ visibility: 'private' })
      const stranger = await world.user()
      const { namespace_id: personal } = (await get(stranger, '/user')).json as { namespace_id: number }
      for (const who of [stranger, anonymous]) {
        const missing = told(await get(who, `/groups/999999999/${list}?page=a`))
        expect(missing).toMatchObject({ status: 404, text: JSON.stringify(NOT_FOUND) })
        for (const group of [id, personal, 'no-such-group', stranger.username]) {
          expect(told(await get(who, `/groups/${group}/${list}?page=a`))).toEqual(missing)
        }
      }
      expect(await get({ token: 'pat-nobody' }, `/groups/${id}/${list}`)).toMatchObject({ status: 401 })
    })

    it.each([
      ['page=a', 'page is invalid'],
      ['per_page=0', 'per_page has a value not allowed'],
      ['order_by=size', 'order_by does not have a valid value'],
      ['sort=up', 'sort does not have a valid value'],
      ['visibility=open', 'visibility does not have a valid value'],
      ['min_access_level=11', 'min_access_level does not have a valid value'],
      ['owned=maybe', 'owned is invalid'],
    ])('refuses %s', async (query, error) => {
      const { id } = await world.group()
      expect(await get(anonymous, `/groups/${id}/${list}?${query}`)).toMatchObject({ status: 400, json: { error } })
    })
  })

  describe('the groups inside a group', () => {
    const tag = `${unique('tree')}-tree`
    let top: number
    let member: Who
    let ids: Record<string, number>
    beforeAll(async () => {
      const group = (name: string, parent: number | undefined, visibility: string) =>
        world.group({ name, path: `${tag}-${name}`, visibility, parent_id: parent })
      top = (await group('top', undefined, 'public')).id
      const b = await group('b', top, 'public')
      const a = await group('a', top, 'internal')
      const c = await group('c', top, 'private')
      const d = await group('d', b.id, 'public')
      const e = await group('e', c.id, 'private')
      const f = await group('f', c.id, 'private')
      ids = { a: a.id, b: b.id, c: c.id, d: d.id, e: e.id, f: f.id }
      member = await world.member('groups', e.id, 30)
      await world.make(`/groups/${b.id}/members`, { user_id: member.id, access_level: 50 })
    })
    const names = async (who: Who, path: string) => {
      const reply = await get(who, `/groups/${top}/${path}`)
      expect([reply.status, reply.headers['x-total']]).toEqual([200, String(rows(reply).length)])
      return rows(reply)
        .map(({ name }) => name)
        .join('')
    }

    it.each([
      ['subgroups', 'b', 'ab', 'abc', 'abc'],
      ['descendant_groups', 'bd', 'abd', 'abcde', 'abcdef'],
      ['descendant_groups?visibility=private', '', '', 'ce', 'cef'],
      ['descendant_groups?owned=true', '', '', 'bd', ''],
      ['descendant_groups?min_access_level=30', '', '', 'bde', ''],
      ['descendant_groups?search=-TREE-C', '', '', 'c', 'c'],
      ['descendant_groups?all_available=false', 'bd', '', 'bcde', ''],
      ['descendant_groups?top_level_only=true', '', '', '', ''],
      ['descendant_groups?order_by=path&sort=desc', 'db', 'dba', 'edcba', 'fedcba'],
    ])('%s: anonymous %j, stranger %j, member %j, administrator %j', async (path, ...expected) => {
      const stranger = await world.user()
      const administrator = await world.user(['api'], { admin: true })
      const got = []
      for (const who of [anonymous, stranger, member, administrator]) got.push(await names(who, path))
      expect(got).toEqual(expected)
    })

    it('skip the ids that are named', async () => {
      expect(await names(member, `descendant_groups?skip_groups[]=${ids.b}&skip_groups[]=${ids.c}`)).toBe('ade')
      expect(await names(member, `descendant_groups?skip_groups=${ids.b},${ids.d}`)).toBe('ace')
      const reply = await get(member, `/groups/${top}/descendant_groups?skip_groups=x`)
      expect(reply).toMatchObject({ status: 400, json: { error: 'skip_groups is invalid' } })
    })

    it('tell the names of all the groups around them, page by page', async () => {
      const first = await get(member, `/groups/${top}/descendant_groups?per_page=2&page=2`)
      expect(rows(first).map(({ full_name }) => full_name)).toEqual(['top / c', 'top / b / d'])
      expect(first.headers).toMatchObject({ 'x-total': '5', 'x-total-pages': '3', 'x-next-page': '3' })
      expect(first.headers.link).toContain(`/api/v4/groups/${top}/descendant_groups?id=${top}&order_by=name&page=3`)
    })

    it('are left out of GET /groups by top_level_only, skip_groups and all_available', async () => {
      const all = async (query: string) =>
        rows(await get(member, `/groups?search=${tag}${query}`))
          .map(({ name }) => name)
          .join('')
      expect(await all('')).toBe('abcdetop')
      expect(await all('&top_level_only=true')).toBe('top')
      expect(await all(`&skip_groups[]=${ids.a}&skip_groups[]=${top}`)).toBe('bcde')
      expect(await all('&all_available=false')).toBe('bcdetop')
      expect(await all('&all_available=true')).toBe('abcdetop')
    })
  })

  describe('the projects of a group', () => {
    let group: number
    let insider: Who
    beforeAll(async () => {
      group = (await world.group({ name: 'Acme' })).id
      const sub = await world.group({ name: 'Sub', parent_id: group })
      const project = (name: string, namespace: number, visibility: string) =>
        world.project({ name: `the ${name}`, path: unique('p'), namespace_id: namespace, visibility })
      await project('a', group, 'public')
      await project('b', group, 'internal')
      const hidden = await project('c', group, 'private')
      await project('d', sub.id, 'public')
      await project('e', sub.id, 'private')
      insider = await world.member('projects', hidden.id, 40)
    })

    it.each([
      ['', 'a', 'ba', 'cba', 'cba'],
      ['?include_subgroups=true', 'da', 'dba', 'dcba', 'edcba'],
      ['?include_subgroups=true&order_by=name&sort=asc', 'ad', 'abd', 'abcd', 'abcde'],
      ['?include_subgroups=true&visibility=public', 'da', 'da', 'da', 'da'],
      ['?include_subgroups=true&search=THE%20C', '', '', 'c', 'c'],
      ['?include_subgroups=true&owned=true', '', '', '', ''],
      ['?min_access_level=40', '', '', 'c', ''],
    ])('%s: anonymous %j, stranger %j, member %j, administrator %j', async (query, ...expected) => {
      const callers = [anonymous, await world.user(), insider, await world.user(['api'], { admin: true })]
      const got = []
      for (const who of callers) {
        const reply = await get(who, `/groups/${group}/projects${query}`)
        expect(reply.headers['x-total']).toBe(String(rows(reply).length))
        got.push(
          rows(reply)
            .map(({ name }) => name.slice(-1))
            .join(''),
        )
      }
      expect(got).toEqual(expected)
    })

    it('are shown as everywhere else, and with fewer fields when asked', async () => {
      const [shown] = rows(await get(insider, `/groups/${group}/projects`)) as (Json & { id: number })[]
      expect(shown).toEqual((await get(insider, `/projects/${shown?.id}`)).json)
      expect(shown).toMatchObject({
        name_with_namespace: 'Acme / the c',
        permissions: { project_access: { access_level: 40 } },
      })

      for (const path of [`/groups/${group}/projects?simple=true`, '/projects?simple=1&search=the']) {
        const [simple] = rows(await get(insider, path)).filter(({ id }) => id === shown?.id)
        expect(simple).toMatchObject({ name_with_namespace: 'Acme / the c', namespace: { id: group } })
        expect(Object.keys(simple as Json)).not.toContain('permissions')
        expect(Object.keys(simple as Json)).not.toContain('_links')
      }
    })
  })

  describe('a page of groups', () => {
    it('shows the caller what he sees by any way in', async () => {
      const { id } = await world.group({ visibility: 'private' })
      const project = await world.project({ namespace_id: id, visibility: 'private' })
      const cast: Cast = await castOf(world, 'projects', project.id)
      expect(await statuses(cast, (who) => get(who, `/groups/${id}/projects`))).toEqual([
        404, 404, 200, 200, 200, 200, 200,
      ])
      expect(rows(await get(cast.guest, `/groups/${id}/projects`))).toMatchObject([{ id: project.id }])
    })
  })
})
