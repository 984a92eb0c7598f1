import type { AccessLevel } from '../../lib/domain/permissions.ts'
import { doors, through } from '../support/doors.ts'
import { createWorld, type Who, type World } from '../support/world.ts'

/**
 * The access rule as a table: who, on a project of which visibility, gets which status. Columns are the endpoints in
 * the order of `endpoints` below; `delete` is asked for a package of its own by each.
 */
const table = {
  private: {
    anonymous: [404, 404, 404, 404, 404],
    stranger: [404, 404, 404, 404, 404],
    guest: [403, 403, 403, 403, '200 []'],
    reporter: [200, 200, 200, 403, 200],
    developer: [200, 200, 200, 403, 200],
    maintainer: [200, 200, 200, 204, 200],
    owner: [200, 200, 200, 204, 200],
    administrator: [200, 200, 200, 204, 200],
    'member whose role has ended': [404, 404, 404, 404, 404],
    'maintainer inherited from the group above': [200, 200, 200, 204, 200],
    'guest above, maintainer here': [200, 200, 200, 204, 200],
    'reader with read_api': [200, 200, 200, 'insufficient_scope', 200],
    'owner without a fitting scope': Array(5).fill('insufficient_scope'),
    'unknown token': [401, 401, 401, 401, 401],
    'deploy token of the project': [200, 200, 200, 404, 404],
    'deploy token of the group': [200, 200, 200, 404, 200],
    'deploy token of the group above': [200, 200, 200, 404, 200],
    'deploy token that only writes': [200, 200, 200, 404, 200],
    'deploy token of another project': [404, 404, 404, 404, 404],
    'deploy token without a fitting scope': [...Array(3).fill('insufficient_scope'), 404, 'insufficient_scope'],
    'deploy token that was deleted': [401, 401, 401, 404, 401],
  },
  internal: {
    anonymous: [404, 404, 404, 404, 404],
    stranger: [200, 200, 200, 403, 200],
    guest: [200, 200, 200, 403, 200],
    reporter: [200, 200, 200, 403, 200],
    developer: [200, 200, 200, 403, 200],
    maintainer: [200, 200, 200, 204, 200],
    owner: [200, 200, 200, 204, 200],
    administrator: [200, 200, 200, 204, 200],
    'member whose role has ended': [200, 200, 200, 403, 200],
    'maintainer inherited from the group above': [200, 200, 200, 204, 200],
    'guest above, maintainer here': [200, 200, 200, 204, 200],
    'reader with read_api': [200, 200, 200, 'insufficient_scope', 200],
    'owner without a fitting scope': Array(5).fill('insufficient_scope'),
    'unknown token': [401, 401, 401, 401, 401],
    'deploy token of the project': [200, 200, 200, 404, 404],
    'deploy token of the group': [200, 200, 200, 404, 200],
    'deploy token of the group above': [200, 200, 200, 404, 200],
    'deploy token that only writes': [200, 200, 200, 404, 200],
    'deploy token of another project': [404, 404, 404, 404, 404],
    'deploy token without a fitting scope': [...Array(3).fill('insufficient_scope'), 404, 'insufficient_scope'],
    'deploy token that was deleted': [401, 401, 401, 404, 401],
  },
  public: {
    anonymous: [200, 200, 200, 403, 200],
    stranger: [200, 200, 200, 403, 200],
    guest: [200, 200, 200, 403, 200],
    reporter: [200, 200, 200, 403, 200],
    developer: [200, 200, 200, 403, 200],
    maintainer: [200, 200, 200, 204, 200],
    owner: [200, 200, 200, 204, 200],
    administrator: [200, 200, 200, 204, 200],
    'member whose role has ended': [200, 200, 200, 403, 200],
    'maintainer inherited from the group above': [200, 200, 200, 204, 200],
    'guest above, maintainer here': [200, 200, 200, 204, 200],
    'reader with read_api': [200, 200, 200, 'insufficient_scope', 200],
    'owner without a fitting scope': Array(5).fill('insufficient_scope'),
    'unknown token': [401, 401, 401, 401, 401],
    'deploy token of the project': [200, 200, 200, 403, 200],
    'deploy token of the group': [200, 200, 200, 403, 200],
    'deploy token of the group above': [200, 200, 200, 403, 200],
    'deploy token that only writes': [200, 200, 200, 403, 200],
    'deploy token of another project': [200, 200, 200, 403, 200],
    'deploy token without a fitting scope': [...Array(3).fill('insufficient_scope'), 403, 'insufficient_scope'],
    'deploy token that was deleted': [401, 401, 401, 403, 401],
  },
} as const

type Visibility = keyof typeof table
type Role = keyof (typeof table)['private']

const endpoints = ['listProjectPackages', 'getPackage', 'listFiles', 'deletePackage', 'listGroupPackages'] as const

type Setting = { project: number; group: number; packages: Record<string, number>; who: Record<Role, Who> }

const build = async (world: World, visibility: Visibility): Promise<Setting> => {
  const above = await world.group({ visibility })
  const group = await world.group({ visibility, parent_id: above.id })
  const project = await world.project({ visibility, namespace_id: group.id })
  const packages = Object.fromEntries(
    await Promise.all(
      Object.keys(table[visibility]).map(async (role) => [role, (await world.package(project.id)).id] as const),
    ),
  )
  const member = (level: AccessLevel) => world.member('projects', project.id, level)
  const [guest, reporter, developer, maintainer, owner, stranger, ended, inherited, both, scopeless, reader] =
    await Promise.all([
      member(10),
      member(20),
      member(30),
      member(40),
      member(50),
      world.user(),
      world.user(),
      world.member('groups', above.id, 40),
      world.member('groups', above.id, 10),
      world.user(['read_registry']),
      world.user(['read_api']),
    ])
  await world.make(`/projects/${project.id}/members`, { user_id: both.id, access_level: 40 })
  await world.make(`/projects/${project.id}/members`, { user_id: scopeless.id, access_level: 50 })
  await world.make(`/projects/${project.id}/members`, { user_id: reader.id, access_level: 50 })
  await world.door.database().members.add({
    userId: ended.id,
    source: { kind: 'project', id: project.id },
    within: [above.id, group.id],
    accessLevel: 50,
    expiresOn: '2020-01-01',
    createdAt: new Date().toISOString(),
  })
  const [ofProject, ofGroup, ofAbove, writing, ofAnother, narrow, deleted] = await Promise.all([
    world.deployToken('projects', project.id),
    world.deployToken('groups', group.id),
    world.deployToken('groups', above.id),
    world.deployToken('groups', group.id, ['write_package_registry']),
    world.deployToken('projects', (await world.project()).id),
    world.deployToken('groups', group.id, ['read_registry']),
    world.deployToken('groups', group.id),
  ])
  await world.call(world.root, 'DELETE', `/groups/${group.id}/deploy_tokens/${deleted.id}`)
  return {
    project: project.id,
    group: group.id,
    packages,
    who: {
      anonymous: {},
      stranger,
      guest,
      reporter,
      developer,
      maintainer,
      owner,
      administrator: world.root,
      'member whose role has ended': ended,
      'maintainer inherited from the group above': inherited,
      'guest above, maintainer here': both,
      'reader with read_api': reader,
      'owner without a fitting scope': scopeless,
      'unknown token': { token: 'pat-nobody-has-this-one' },
      'deploy token of the project': ofProject,
      'deploy token of the group': ofGroup,
      'deploy token of the group above': ofAbove,
      'deploy token that only writes': writing,
      'deploy token of another project': ofAnother,
      'deploy token without a fitting scope': narrow,
      'deploy token that was deleted': deleted,
    },
  }
}

const requests = ({ project, group, packages }: Setting, role: Role) => {
  const one = `/projects/${project}/packages/${packages[role]}`
  return {
    listProjectPackages: ['GET', `/projects/${project}/packages`],
    getPackage: ['GET', one],
    listFiles: ['GET', `${one}/package_files`],
    deletePackage: ['DELETE', one],
    listGroupPackages: ['GET', `/groups/${group}/packages`],
  } as const
}

const bodies: Record<number, unknown> = {
  401: { message: '401 Unauthorized' },
}

for (const door of doors()) {
  const { describe, it } = through(door)
  describe(`the access table, ${door.name}`, () => {
    const world = createWorld(door)
    const settings = new Map<Visibility, Promise<Setting>>()
    beforeAll(async () => {
      await door.open()
      for (const visibility of ['private', 'internal', 'public'] as const)
        settings.set(visibility, build(world, visibility))
      await Promise.all(settings.values())
    })

    for (const [visibility, roles] of Object.entries(table) as [Visibility, Record<Role, readonly unknown[]>][]) {
      const itInBrief = visibility === 'private' ? it.everywhere : it
      itInBrief.each(Object.entries(roles) as [Role, readonly unknown[]][])(
        `${visibility}: %s`,
        async (role, outcomes) => {
          const setting = (await settings.get(visibility)) as Setting
          const got: unknown[] = []
          for (const [place, endpoint] of endpoints.entries()) {
            const [method, path] = requests(setting, role)[endpoint]
            const { status, json, text } = await world.call(setting.who[role], method, path)
            if (bodies[status]) expect(json).toEqual(bodies[status])
            if (status === 404) {
              expect(json).toEqual({
                message: endpoint === 'listGroupPackages' ? '404 Group Not Found' : '404 Project Not Found',
              })
            }
            const error = (json as { error?: string } | undefined)?.error
            got.push(error ?? (outcomes[place] === '200 []' ? `${status} ${text}` : status))
          }
          expect(got).toEqual(outcomes)
        },
      )
    }

    it.everywhere('answers for what is hidden and for what is missing alike, byte for byte', async () => {
      const { project, group, packages } = (await settings.get('private')) as Setting
      const stranger = await world.user()
      const pairs = [
        [`/projects/${project}/packages`, '/projects/999999999/packages'],
        [`/projects/${project}/packages?package_type=foo`, '/projects/999999999/packages?package_type=foo'],
        [`/projects/${project}/packages/${packages.guest}`, '/projects/999999999/packages/1'],
        [`/projects/${project}/packages/abc`, '/projects/nobody%2Fnothing/packages/abc'],
        [`/groups/${group}/packages?page=a`, '/groups/nothing-here/packages?page=a'],
      ] as const
      for (const who of [stranger, world.anonymous]) {
        for (const [hidden, missing] of pairs) {
          const [one, other] = [await world.get(who, hidden), await world.get(who, missing)]
          const visible = ({
            status,
            text,
            headers: { date: _date, 'x-request-id': _id, ...headers },
          }: typeof one) => ({
            status,
            text,
            headers,
          })
          expect(visible(one)).toEqual(visible(other))
          expect(one.status).toBe(404)
        }
      }
    })
  })
}
