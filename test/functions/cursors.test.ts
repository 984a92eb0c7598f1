import { openCursor, sealCursor } from '../../lib/http/cursors.ts'
import { doors, type Reply, through } from '../support/doors.ts'
import { createWorld, type Json } from '../support/world.ts'

const ids = ({ json }: Reply) => (json as Json[]).map(({ id }) => id as number)
const links = ({ headers }: Reply) =>
  Object.fromEntries(
    [...(headers.link ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url = '', rel = '']) => [rel, new URL(url)]),
  )
const PAGING = ['x-total', 'x-total-pages', 'x-page', 'x-per-page', 'x-next-page', 'x-prev-page']

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, get } = world
  beforeAll(() => door.open())

  const setUp = async (count: number) => {
    const group = await world.group()
    const projects = [await world.project({ namespace_id: group.id }), await world.project({ namespace_id: group.id })]
    const made: number[] = []
    for (let n = 0; n < count; n++) made.push((await world.package(projects[n % 2]?.id as number)).id)
    const lists = [`/projects/${projects[0]?.id}/packages`, `/groups/${group.id}/packages`] as const
    return { projects, made, lists, inProject: made.filter((_, n) => n % 2 === 0) }
  }
  const follow = (url: URL | undefined) => {
    if (!url) throw new Error('no such link')
    return get(root, `${url.pathname.slice(url.pathname.indexOf('/api/v4') + '/api/v4'.length)}${url.search}`)
  }

  describe('links beside page numbers', () => {
    it('lead from page to page and back, whatever is published and deleted on the way', async () => {
      const { projects, made, lists } = await setUp(8)
      const first = await get(root, `${lists[1]}?per_page=3`)
      expect(ids(first)).toEqual(made.slice(0, 3))
      await world.call(root, 'DELETE', `/projects/${projects[0]?.id}/packages/${made[0]}`)
      const late = await world.package(projects[0]?.id as number)

      const second = await follow(links(first).next)
      expect(ids(second)).toEqual(made.slice(3, 6))
      expect(second.headers).toMatchObject({ 'x-page': '2', 'x-total': '8', 'x-prev-page': '1', 'x-next-page': '3' })
      const third = await follow(links(second).next)
      expect(ids(third)).toEqual([...made.slice(6), late.id])
      expect(links(third).next).toBeUndefined()
      expect(ids(await follow(links(third).prev))).toEqual(made.slice(3, 6))
      expect(ids(await follow(links(second).last))).toEqual([...made.slice(7), late.id])
    })

    it('say what a client that only counts gets too, when nothing changed', async () => {
      const { lists } = await setUp(7)
      for (const list of lists) {
        for (const order of ['order_by=name&sort=desc', 'order_by=version', 'order_by=type', 'sort=desc']) {
          const first = await get(root, `${list}?${order}&per_page=2`)
          for (const rel of ['next', 'last'] as const) {
            const url = links(first)[rel] as URL
            const counted = new URL(url)
            counted.searchParams.delete('cursor')
            expect(url.searchParams.has('cursor')).toBe(true)
            expect(ids(await follow(url))).toEqual(ids(await follow(counted)))
          }
        }
      }
    })

    it('are not held to a cursor that does not belong to the rest of the URL', async () => {
      const { lists, inProject } = await setUp(8)
      const first = await get(root, `${lists[0]}?per_page=1`)
      const cursor = links(first).next?.searchParams.get('cursor')
      for (const query of [
        `per_page=1&page=3&cursor=${cursor}`,
        `per_page=1&page=3&cursor=nonsense`,
        `per_page=1&page=3&cursor[]=${cursor}`,
        `per_page=1&page=3&cursor=`,
      ]) {
        expect(ids(await get(root, `${lists[0]}?${query}`))).toEqual(inProject.slice(2, 3))
      }
      expect(ids(await get(root, `${lists[0]}?per_page=1&page=2&sort=desc&cursor=${cursor}`))).toEqual([inProject[2]])
    })
  })

  describe('pagination=keyset', () => {
    it('gives each package once by its one link, in every order, and no numbers', async () => {
      const { lists, made, inProject } = await setUp(7)
      const orders = ['', 'order_by=name', 'order_by=version&sort=desc', 'order_by=type&sort=desc', 'sort=desc']
      for (const [list, all] of [
        [lists[0], inProject],
        [lists[1], made],
      ] as const) {
        for (const order of [...orders, ...(list === lists[1] ? ['order_by=project_path'] : [])]) {
          const whole = ids(await get(root, `${list}?${order}&per_page=100`))
          expect([...whole].sort((one, other) => one - other)).toEqual(all)
          const seen: number[] = []
          let page = await get(root, `${list}?${order}&per_page=3&pagination=keyset&page=5`)
          for (;;) {
            expect([page.status, ...PAGING.filter((name) => name in page.headers)]).toEqual([200])
            seen.push(...ids(page))
            const { next, ...others } = links(page)
            expect(others).toEqual({})
            if (!next) break
            expect(Object.fromEntries(next.searchParams)).toMatchObject({ pagination: 'keyset', per_page: '3' })
            expect(next.searchParams.has('page')).toBe(false)
            page = await follow(next)
          }
          expect(seen).toEqual(whole)
        }
      }
    })

    it('refuses a cursor that was changed, or that belongs to other parameters', async () => {
      const { lists } = await setUp(6)
      const start = `pagination=keyset&per_page=1`
      const next = links(await get(root, `${lists[0]}?${start}`)).next as URL
      const cursor = next.searchParams.get('cursor') as string
      const changed = `${cursor[0] === 'a' ? 'b' : 'a'}${cursor.slice(1)}`
      const beside = Buffer.from(cursor, 'base64url').toString().replace(/\d+/, '1')
      for (const query of [
        `${start}&cursor=${changed}`,
        `${start}&cursor=${cursor}%3D`,
        `${start}&cursor=${Buffer.from(beside).toString('base64url')}`,
        `${start}&cursor[]=${cursor}`,
        `${start}&cursor=a%00b`,
        `${start}&sort=desc&cursor=${cursor}`,
        `${start}&order_by=name&cursor=${cursor}`,
        `${start}&package_type=npm&cursor=${cursor}`,
        `${start}&package_name=a&cursor=${cursor}`,
      ]) {
        expect([query, await get(root, `${lists[0]}?${query}`)]).toMatchObject([
          query,
          { status: 400, json: { error: 'cursor is invalid' } },
        ])
      }
      expect(await get(root, `${lists[1]}?${start}&cursor=${cursor}`)).toMatchObject({ status: 400 })
      expect(await get(root, `${lists[0]}?${start}&cursor=${cursor}`)).toMatchObject({ status: 200 })
      expect(await get(root, `${lists[0]}?${start}&cursor=`)).toMatchObject({ status: 200 })
    })

    it('tells nobody of a project that he may not see whether a cursor fits', async () => {
      const project = await world.project({ visibility: 'private' })
      const list = `/projects/${project.id}/packages?pagination=keyset&cursor=x`
      expect(await get(world.anonymous, list)).toMatchObject({ status: 404 })
    })
  })
})

describe('a cursor', () => {
  it('opens only where it was made, in the one spelling it has', () => {
    for (const start of ['last', { after: { id: 3, value: null } }, { before: { id: 9, value: '@a/b' } }] as const) {
      const cursor = sealCursor('a list', start)
      expect(openCursor('a list', cursor)).toEqual(start)
      expect(openCursor('another', cursor)).toBeUndefined()
      expect(openCursor('a list', `${cursor}=`)).toBeUndefined()
    }
  })
})
