import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, type Who } from '../../support/world.ts'
import { ISO, rows } from './requests.ts'

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { it } = through(door)
  const world = createWorld(door)
  const { root, get, call } = world
  beforeAll(() => door.open())

  const tokenOf = async ({ id }: Who) => rows(await get(root, `/personal_access_tokens?user_id=${id}`))[0] as Json
  const lastUse = async (who: Who) => (await tokenOf(who)).last_used_at

  it('the first use of a token is noted, and those right after it are not', async () => {
    const user = await world.user()
    expect(await lastUse(user)).toBeNull()
    const before = new Date().toISOString()
    await get(user, '/user')
    const first = String(await lastUse(user))
    expect(first).toMatch(ISO)
    expect(first >= before && first <= new Date().toISOString()).toBe(true)
    await Promise.all(Array.from({ length: 5 }, () => get(user, '/user')))
    expect(await lastUse(user)).toBe(first)
  })

  it('every route notes it, those too that do nothing but read', async () => {
    const group = await world.group()
    const project = await world.project({ namespace_id: group.id })
    const { id } = await world.package(project.id)
    const base = `/projects/${project.id}/packages`
    for (const [method, path] of [
      ['GET', base],
      ['HEAD', base],
      ['GET', `${base}/${id}`],
      ['GET', `${base}/${id}/package_files`],
      ['GET', `/groups/${group.id}/packages`],
      ['DELETE', `${base}/${id}`],
      ['GET', `${base}/npm/nothing`],
      ['PUT', `${base}/generic/a/1/b`],
      ['GET', `/projects/${project.id}`],
      ['POST', '/groups'],
    ] as const) {
      const user = await world.user()
      await call(user, method, path)
      expect([method, path, await lastUse(user)]).toEqual([method, path, expect.stringMatching(ISO)])
    }
  })

  it('the token that asks sees the use that it makes, and all lists and answers show the same', async () => {
    const user = await world.user()
    const self = (await get(user, '/personal_access_tokens/self')).json as Json & { id: number }
    expect(self.last_used_at).toMatch(ISO)
    expect((await get(root, `/personal_access_tokens/${self.id}`)).json).toEqual(self)
    expect(rows(await get(user, '/personal_access_tokens'))).toEqual([self])
    const first = await get(root, '/personal_access_tokens?per_page=100')
    const last = await get(root, `/personal_access_tokens?per_page=100&page=${first.headers['x-total-pages']}`)
    expect([...rows(first), ...rows(last)].find(({ id }) => id === self.id)).toEqual(self)
  })

  it('a token that is refused is not used', async () => {
    const narrow = await world.user(['read_registry'])
    expect(await get(narrow, '/user')).toMatchObject({ status: 403 })
    expect(await lastUse(narrow)).toBeNull()
  })

  it('the use of a deploy token is noted too', async () => {
    const project = await world.project()
    const token = await world.deployToken('projects', project.id)
    const path = `/projects/${project.id}/deploy_tokens/${token.id}`
    expect((await get(root, path)).json).toMatchObject({ last_used_at: null })
    await get(token, `/projects/${project.id}/packages`)
    expect((await get(root, path)).json).toMatchObject({ last_used_at: expect.stringMatching(ISO) })
  })
})
