import { doors } from '../support/doors.ts'
import { createWorld } from '../support/world.ts'

describe.each(doors().map((door) => [door.name, door] as const))('HEAD %s', (_name, door) => {
  const world = createWorld(door)
  beforeAll(() => door.open())

  it('tells the totals and links of a list, and what a package answers, without the rows', async () => {
    const group = await world.group()
    const project = await world.project({ namespace_id: group.id })
    const { id } = await world.package(project.id)
    const packages = `/projects/${project.id}/packages`

    for (const path of [packages, `/groups/${group.id}/packages`, `${packages}/${id}/package_files`]) {
      const [head, get] = [await world.call(world.anonymous, 'HEAD', path), await world.get(world.anonymous, path)]
      expect(head).toMatchObject({ status: 200, headers: { 'x-total': '1', link: get.headers.link } })
    }
    expect((await world.call(world.anonymous, 'HEAD', `${packages}/${id}`)).status).toBe(200)
    expect((await world.call(world.anonymous, 'HEAD', `${packages}/0`)).status).toBe(404)
  })

  it('asks for no more than the scope to read', async () => {
    const project = await world.project({ visibility: 'private' })
    const reader = await world.member('projects', project.id, 20)
    const scoped = await world.make(`/users/${reader.id}/personal_access_tokens`, { name: 'r', scopes: ['read_api'] })
    const head = await world.call({ token: String(scoped.token) }, 'HEAD', `/projects/${project.id}/packages`)
    expect(head.status).toBe(200)
  })
})
