import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, publishBody, type Who } from '../../support/world.ts'
import { castOf, statuses } from '../access/cast.ts'

const TAKEN = { message: { error: ['Package name pattern has already been taken'] } }

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, call, get, make } = world
  beforeAll(() => door.open())

  const rulesOf = ({ id }: { id: number }) => `/projects/${id}/packages/protection/rules`
  const rule = (more: Json = {}) => ({
    package_name_pattern: 'my-*',
    package_type: 'npm',
    minimum_access_level_for_push: 'maintainer',
    ...more,
  })
  const publish = async (who: Who, { id }: { id: number }, name: string, version = '1.0.0') =>
    call(who, 'PUT', `/projects/${id}/packages/npm/${encodeURIComponent(name)}`, await publishBody(name, version))

  describe('the rules of a project', () => {
    it("are made, listed, changed and taken away with GitLab's fields", async () => {
      const project = await world.project()
      const made = await call(root, 'POST', rulesOf(project), rule({ minimum_access_level_for_delete: 'owner' }))
      const one = {
        id: expect.any(Number),
        project_id: project.id,
        package_name_pattern: 'my-*',
        package_type: 'npm',
        minimum_access_level_for_delete: 'owner',
        minimum_access_level_for_push: 'maintainer',
      }
      expect([made.status, made.json]).toEqual([201, one])
      const two = await make(rulesOf(project), rule({ package_type: 'maven', package_name_pattern: 'com/acme/*' }))
      expect(two).toMatchObject({ minimum_access_level_for_delete: null })
      expect((await get(root, rulesOf(project))).json).toEqual([made.json, two])

      const path = `${rulesOf(project)}/${two.id}`
      const changed = await call(root, 'PATCH', path, {
        minimum_access_level_for_push: null,
        minimum_access_level_for_delete: 'admin',
      })
      const after = { ...two, minimum_access_level_for_push: null, minimum_access_level_for_delete: 'admin' }
      expect([changed.status, changed.json]).toEqual([200, after])
      expect(await call(root, 'PATCH', path, {})).toMatchObject({ status: 200, json: after })

      expect(await call(root, 'DELETE', path)).toMatchObject({ status: 204, text: '' })
      expect(await call(root, 'DELETE', path)).toMatchObject({ status: 404, json: { message: '404 Not found' } })
      expect(await call(root, 'PATCH', path, {})).toMatchObject({ status: 404, json: { message: '404 Not found' } })
      expect((await get(root, rulesOf(project))).json).toEqual([made.json])
    })

    it('are of that project alone', async () => {
      const [project, other] = [await world.project(), await world.project()]
      const { id } = await make(rulesOf(project), rule())
      expect(await call(root, 'DELETE', `${rulesOf(other)}/${id}`)).toMatchObject({ status: 404 })
      expect((await get(root, rulesOf(other))).json).toEqual([])
    })

    it.each([
      [{ package_type: 'docker' }, 400, { error: 'package_type does not have a valid value' }],
      [{ package_type: undefined }, 400, { error: 'package_type is missing' }],
      [{ package_name_pattern: undefined }, 400, { error: 'package_name_pattern is missing' }],
      [
        { minimum_access_level_for_push: 'developer' },
        400,
        { error: 'minimum_access_level_for_push does not have a valid value' },
      ],
      [
        { minimum_access_level_for_delete: 'maintainer' },
        400,
        { error: 'minimum_access_level_for_delete does not have a valid value' },
      ],
      [
        { minimum_access_level_for_push: null },
        400,
        {
          error:
            'minimum_access_level_for_push, minimum_access_level_for_delete are missing, at least one parameter must be provided',
        },
      ],
      [{ package_name_pattern: ' ' }, 422, { message: { error: ["Package name pattern can't be blank"] } }],
      [
        { package_name_pattern: 'a'.repeat(256) },
        422,
        { message: { error: ['Package name pattern is too long (maximum is 255 characters)'] } },
      ],
      [
        { package_name_pattern: 'not a name' },
        422,
        {
          message: {
            error: ['Package name pattern should be a valid NPM package name with optional wildcard characters.'],
          },
        },
      ],
    ])('are refused with what is wrong: %j', async (more, status, json) => {
      const project = await world.project()
      const reply = await call(root, 'POST', rulesOf(project), rule(more))
      expect([reply.status, reply.json]).toEqual([status, json])
      expect((await get(root, rulesOf(project))).json).toEqual([])
    })

    it('are never two alike, and never protect from nothing', async () => {
      const project = await world.project()
      await make(rulesOf(project), rule())
      expect(await call(root, 'POST', rulesOf(project), rule())).toMatchObject({ status: 422, json: TAKEN })
      const { id } = await make(rulesOf(project), rule({ package_name_pattern: 'other' }))
      const alike = await call(root, 'PATCH', `${rulesOf(project)}/${id}`, { package_name_pattern: 'my-*' })
      expect([alike.status, alike.json]).toEqual([422, TAKEN])
      const empty = await call(root, 'PATCH', `${rulesOf(project)}/${id}`, { minimum_access_level_for_push: null })
      expect([empty.status, empty.json]).toEqual([
        422,
        { message: { error: ['A rule must have at least a minimum access role for push or delete.'] } },
      ])
    })

    it('are for Maintainers', async () => {
      const project = await world.project({ visibility: 'private' })
      const cast = await castOf(world, 'projects', project.id)
      expect(await statuses(cast, (who) => get(who, rulesOf(project)))).toEqual([401, 404, 403, 403, 200, 200, 200])
      let n = 0
      const make = (who: Who) => call(who, 'POST', rulesOf(project), rule({ package_name_pattern: `p-${n++}` }))
      expect(await statuses(cast, make)).toEqual([401, 404, 403, 403, 201, 201, 201])
    })
  })

  describe('a protected package', () => {
    it.each([
      ['maintainer', [403, 200, 200, 200]],
      ['owner', [403, 403, 200, 200]],
      ['admin', [403, 403, 403, 200]],
    ])('is published from the role %s on', async (level, expected) => {
      const project = await world.project()
      await make(rulesOf(project), rule({ minimum_access_level_for_push: level }))
      const people = [
        await world.member('projects', project.id, 30),
        await world.member('projects', project.id, 40),
        await world.member('projects', project.id, 50),
        root,
      ]
      const got = []
      for (const [n, who] of people.entries()) got.push((await publish(who, project, 'my-package', `1.0.${n}`)).status)
      expect(got).toEqual(expected)
      expect(await publish(people[0] as Who, project, 'another')).toMatchObject({ status: 200 })
    })

    it('is what the pattern matches, in either case and in its own format', async () => {
      const project = await world.project()
      await make(rulesOf(project), rule({ package_name_pattern: '@Acme/*-core' }))
      const developer = await world.member('projects', project.id, 30)
      const outcome = async (name: string) => (await publish(developer, project, name)).status
      expect(
        await Promise.all(['@acme/web-core', '@acme/-core', '@acme/core', '@acme/web-core-x'].map(outcome)),
      ).toEqual([403, 403, 200, 200])
    })

    it('may be published again as soon as the rule is gone', async () => {
      const project = await world.project()
      const { id } = await make(rulesOf(project), rule())
      const developer = await world.member('projects', project.id, 30)
      expect(await publish(developer, project, 'my-app')).toMatchObject({ status: 403 })
      await call(root, 'DELETE', `${rulesOf(project)}/${id}`)
      expect(await publish(developer, project, 'my-app')).toMatchObject({ status: 200 })
    })

    it('against deletion is deleted by whom the rule names', async () => {
      const project = await world.project()
      const { id } = await world.package(project.id, { name: 'kept', type: 'generic' })
      await make(rulesOf(project), {
        package_name_pattern: 'kept',
        package_type: 'generic',
        minimum_access_level_for_delete: 'owner',
      })
      const path = `/projects/${project.id}/packages/${id}`
      const maintainer = await world.member('projects', project.id, 40)
      const refused = await call(maintainer, 'DELETE', path)
      expect([refused.status, refused.json]).toEqual([
        403,
        { message: '403 Forbidden - Package is deletion protected.' },
      ])
      expect(await get(root, path)).toMatchObject({ status: 200 })
      expect(await call(await world.member('projects', project.id, 50), 'DELETE', path)).toMatchObject({ status: 204 })
    })
  })
})
