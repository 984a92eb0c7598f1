import { lambdaDoor } from '../../support/doors.ts'
import { now } from '../../support/store.ts'
import { createWorld, type Json, unique } from '../../support/world.ts'

const door = lambdaDoor()
describe('groups on their way', () => {
  const world = createWorld(door)
  const { root, get, call } = world
  beforeAll(() => door.open())
  const ids = async (who: Parameters<typeof get>[0], path: string) => {
    const { json, headers, status } = await get(who, path)
    return [status, headers['x-total'], status === 200 ? (json as Json[]).map(({ id }) => id) : json]
  }

  it.each(['/projects', '/projects?include_subgroups=true', '/subgroups', '/descendant_groups'])(
    'GET /groups/:id%s of a group on its way asks for roles around it where it is now',
    async (list) => {
      const [from, to] = [await world.group(), await world.group()]
      const moving = await world.group({ parent_id: from.id })
      const inner = await world.group({ parent_id: moving.id, visibility: 'private' })
      const project = await world.project({ namespace_id: moving.id, visibility: 'private' })
      const [old, new_] = [await world.member('groups', from.id, 40), await world.member('groups', to.id, 40)]
      await door.database().groups.transferGroup(moving.id, to.id, now())
      const wanted = list.startsWith('/projects') ? project.id : inner.id
      const seen = async () => [
        await ids(old, `/groups/${moving.id}${list}`),
        await ids(new_, `/groups/${moving.id}${list}`),
      ]
      const inTransit = await seen()
      await door.database().groupTransit.settle(moving.id)
      const after = await seen()
      expect(after).toEqual([
        [200, '0', []],
        [200, '1', [wanted]],
      ])
      expect(inTransit).toEqual(after)
    },
  )

  it('GET /groups/:id/projects of a group that has moved one level up shows nothing to who had a role by the old place', async () => {
    const top = await world.group()
    const mid = await world.group({ parent_id: top.id })
    const moving = await world.group({ parent_id: mid.id })
    const project = await world.project({ namespace_id: moving.id, visibility: 'private' })
    const old = await world.member('groups', mid.id, 20)
    await door.database().groups.transferGroup(moving.id, top.id, now())
    expect(await get(old, `/projects/${project.id}`)).toMatchObject({ status: 404 })
    const seen = await ids(old, `/groups/${moving.id}/projects`)
    await door.database().groupTransit.settle(moving.id)
    expect(seen).toEqual([200, '0', []])
  })

  it('POST /groups/:id/transfer hides a target that something of the caller has left', async () => {
    const target = await world.group({ visibility: 'private' })
    const left = await world.group({ visibility: 'private', parent_id: target.id })
    const caller = await world.member('groups', left.id, 50)
    const own = await world.make('/groups', { name: unique('own'), path: unique('own') }, caller)
    await door.database().groups.transferGroup(left.id, { ownerId: caller.id ?? 0 }, now())
    expect(await get(caller, `/groups/${target.id}`)).toMatchObject({ status: 404 })
    const missing = await call(caller, 'POST', `/groups/${own.id}/transfer`, { group_id: 999_999_999 })
    const hidden = await call(caller, 'POST', `/groups/${own.id}/transfer`, { group_id: target.id })
    await door.database().groupTransit.settle(left.id)
    expect([hidden.status, hidden.text]).toEqual([missing.status, missing.text])
  })

  it('PUT /groups/:id that is refused for its path changes nothing', async () => {
    const [group, other] = [await world.group(), await world.group()]
    const refused = await call(root, 'PUT', `/groups/${group.id}`, { path: other.path, visibility: 'private' })
    expect(refused.status).toBe(400)
    expect((await get(root, `/groups/${group.id}`)).json).toMatchObject({ visibility: 'public' })
  })

  it('a group that moves to the top has an owner', async () => {
    const top = await world.group({ visibility: 'private' })
    const owner = await world.member('groups', top.id, 50)
    const sub = await world.group({ visibility: 'private', parent_id: top.id })
    const { json } = await get(root, `/groups/${sub.id}/members`)
    for (const { id } of json as Json[]) await call(root, 'DELETE', `/groups/${sub.id}/members/${id}`)
    expect(await call(owner, 'POST', `/groups/${sub.id}/transfer`)).toMatchObject({ status: 201 })
    expect((await get(owner, `/groups/${sub.id}`)).status).toBe(200)
  })
})
