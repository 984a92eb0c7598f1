import { doors, type Reply, through } from '../../support/doors.ts'
import { createWorld, type Json, unique, type Who } from '../../support/world.ts'

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get, call } = world
  beforeAll(() => door.open())

  const seen = async (who: Who, path: string) => {
    const { json, headers } = await get(who, `${path}/packages`)
    return { ids: (json as { id: number }[]).map(({ id }) => id), total: headers['x-total'] }
  }
  const nothing = { ids: [], total: '0' }
  const url = (reply: Reply) => reply.headers.location

  const setUp = async (visibility = 'public') => {
    const top = await world.group({ visibility })
    const sub = await world.group({ visibility, parent_id: top.id })
    const project = await world.project({ visibility, namespace_id: sub.id })
    const { id } = await world.package(project.id)
    return { top, sub, project, path: `/projects/${project.id}`, all: { ids: [id], total: '1' } }
  }

  describe('PUT /projects/:id', () => {
    it('shows another visibility at once, to everybody and in every list', async () => {
      const { top, sub, path, all } = await setUp()
      const stranger = await world.user()
      const lists = (who: Who) => Promise.all([top, sub].map(({ id }) => seen(who, `/groups/${id}`)))

      expect(await call(root, 'PUT', path, { visibility: 'private' })).toMatchObject({
        status: 200,
        json: { visibility: 'private' },
      })
      expect(await get(stranger, `${path}/packages`)).toMatchObject({ status: 404 })
      expect([await lists(anonymous), await lists(stranger), await lists(root)]).toEqual([
        [nothing, nothing],
        [nothing, nothing],
        [all, all],
      ])
      await call(root, 'PUT', path, { visibility: 'internal' })
      expect([await lists(anonymous), await lists(stranger)]).toEqual([
        [nothing, nothing],
        [all, all],
      ])
      await call(root, 'PUT', path, { visibility: 'public' })
      expect(await lists(anonymous)).toEqual([all, all])
    })

    it('lets an Owner change the visibility, within that of the group, and a Maintainer only the rest', async () => {
      const { project, path } = await setUp('internal')
      const maintainer = await world.member('projects', project.id, 40)
      const owner = await world.member('projects', project.id, 50)

      const refused = await call(maintainer, 'PUT', path, { visibility: 'private' })
      expect([refused.status, (refused.json as Json).message]).toEqual([
        403,
        '403 Forbidden - this needs the role Owner in the project',
      ])
      expect(await call(owner, 'PUT', path, { visibility: 'public' })).toMatchObject({
        status: 400,
        json: { message: { visibility_level: ['public is not allowed in a internal group.'] } },
      })
      expect((await get(root, path)).json).toMatchObject({ visibility: 'internal' })
      expect(await call(owner, 'PUT', path, { visibility: 'private' })).toMatchObject({ status: 200 })
    })

    it('gives the project another path, and the old one leads there', async () => {
      const { sub, project, path } = await setUp()
      const renamed = unique('renamed')
      const old = `/projects/${encodeURIComponent(String(project.path_with_namespace))}`
      expect(await call(root, 'PUT', path, { path: renamed })).toMatchObject({
        status: 200,
        json: { path: renamed, path_with_namespace: `${sub.full_path}/${renamed}` },
      })

      const moved = await get(anonymous, `${old}/packages?page=1&private_token=`)
      expect(moved.status).toBe(301)
      expect(url(moved)).toBe(`${door.origin}/api/v4/projects/${project.id}/packages?page=1`)
      expect(await call(root, 'DELETE', `${old}/packages/1`)).toMatchObject({
        status: 405,
        json: { message: 'Non GET methods are not allowed for moved projects' },
      })
      expect(await world.make('/projects', { path: project.path, namespace_id: sub.id })).toMatchObject({
        path: project.path,
      })
      expect((await get(root, old)).status).toBe(200)
    })

    it('refuses a path that is taken or none', async () => {
      const { sub, project, path } = await setUp()
      const other = await world.project({ namespace_id: sub.id })
      for (const wanted of [other.path, '-', 'a b', 'x'.repeat(256)]) {
        expect((await call(root, 'PUT', path, { path: wanted })).status).toBe(400)
      }
      expect((await get(root, path)).json).toMatchObject({ path: project.path })
    })
  })

  describe('PUT /projects/:id/transfer', () => {
    it('moves a project by the id or the path of its new namespace, and its packages with it', async () => {
      const { top, sub, project, path, all } = await setUp()
      const target = await world.group()
      expect(await call(root, 'PUT', `${path}/transfer`, { namespace: target.full_path })).toMatchObject({
        status: 200,
        json: { path_with_namespace: `${target.path}/${project.path}`, namespace: { id: target.id } },
      })
      const lists = await Promise.all([top, sub, target].map(({ id }) => seen(anonymous, `/groups/${id}`)))
      expect(lists).toEqual([nothing, nothing, all])
      expect(
        (await get(anonymous, `/projects/${encodeURIComponent(String(project.path_with_namespace))}`)).status,
      ).toBe(301)

      await call(root, 'PUT', `${path}/transfer`, { namespace: sub.id })
      expect(await seen(anonymous, `/groups/${top.id}`)).toEqual(all)
      expect(
        (await get(anonymous, `/projects/${encodeURIComponent(String(project.path_with_namespace))}`)).status,
      ).toBe(200)
    })

    it('opens the new private group to who has a role in the project alone, and closes the old, from the first moment', async () => {
      const [from, to] = [await world.group({ visibility: 'private' }), await world.group({ visibility: 'private' })]
      const project = await world.project({ visibility: 'private', namespace_id: from.id })
      const { id } = await world.package(project.id)
      const insider = await world.member('projects', project.id, 20)
      const { groups, transit } = door.database()
      const target = await groups.findGroup({ id: to.id })
      await groups.transferProject(project.id, target as NonNullable<typeof target>, new Date().toISOString())

      for (const hasArrived of [false, true]) {
        if (hasArrived) await transit.settle(project.id)
        expect(await seen(insider, `/groups/${to.id}`)).toEqual({ ids: [id], total: '1' })
        expect(await get(insider, `/groups/${from.id}/packages`)).toMatchObject({ status: 404 })
      }
    })

    it('makes the project as little visible as the group that it comes into', async () => {
      const { top, path, all } = await setUp()
      const hidden = await world.group({ visibility: 'private' })
      expect(await call(root, 'PUT', `${path}/transfer`, { namespace: hidden.id })).toMatchObject({
        status: 200,
        json: { visibility: 'private' },
      })
      expect(await seen(root, `/groups/${hidden.id}`)).toEqual(all)
      expect(await get({}, path)).toMatchObject({ status: 404 })
      expect(await seen({}, `/groups/${top.id}`)).toEqual(nothing)

      await call(root, 'PUT', `${path}/transfer`, { namespace: top.id })
      expect((await get(root, path)).json).toMatchObject({ visibility: 'private' })
    })

    it('is refused to whoever does not own the project or may not make one there, and for what is hidden', async () => {
      const { project, path } = await setUp()
      const owner = await world.member('projects', project.id, 50)
      const target = await world.group()
      const hidden = await world.group({ visibility: 'private' })
      const status = async (who: Who, namespace: unknown) =>
        (await call(who, 'PUT', `${path}/transfer`, { namespace })).status

      expect(await status({}, target.id)).toBe(401)
      expect(await status(await world.member('projects', project.id, 40), target.id)).toBe(403)
      expect(await status(owner, target.id)).toBe(403)
      expect(await call(owner, 'PUT', `${path}/transfer`, { namespace: hidden.id })).toMatchObject(
        await call(owner, 'PUT', `${path}/transfer`, { namespace: 999_999_999 }).then(({ status, text }) => ({
          status,
          text,
        })),
      )
      expect(await status(owner, hidden.id)).toBe(404)
      expect(await status(root, undefined)).toBe(400)
      expect((await get(root, path)).json).toMatchObject({ path_with_namespace: project.path_with_namespace })
    })
  })

  describe('DELETE /projects/:id', () => {
    it('takes the project and its packages from every list at once and frees its path', async () => {
      const { top, sub, project, path } = await setUp()
      const maintainer = await world.member('projects', project.id, 40)
      expect(await call({}, 'DELETE', path)).toMatchObject({ status: 401 })
      expect(await call(maintainer, 'DELETE', path)).toMatchObject({ status: 403 })
      expect(await call(root, 'DELETE', path)).toMatchObject({ status: 202, json: { message: '202 Accepted' } })

      for (const reply of [
        await get(root, path),
        await get(root, `${path}/packages`),
        await call(root, 'DELETE', path),
      ]) {
        expect(reply).toMatchObject({ status: 404, json: { message: '404 Project Not Found' } })
      }
      expect(await seen(root, `/groups/${top.id}`)).toEqual(nothing)
      expect((await get(root, `/projects?search=${project.path}`)).json).toEqual([])
      await world.make('/projects', { path: project.path, namespace_id: sub.id })
    })
  })

  describe('PUT /groups/:id', () => {
    it('never makes a group less visible than what is in it, nor more than what it is in', async () => {
      const { top, sub, path } = await setUp()
      const put = (id: number, visibility: string) => call(root, 'PUT', `/groups/${id}`, { visibility })

      expect(await put(sub.id, 'private')).toMatchObject({
        status: 400,
        json: {
          message: {
            visibility_level: ['private is not allowed since this group contains projects with higher visibility.'],
          },
        },
      })
      expect(await put(top.id, 'internal')).toMatchObject({
        status: 400,
        json: {
          message: { visibility_level: ['internal is not allowed since there are sub-groups with higher visibility.'] },
        },
      })
      await call(root, 'PUT', path, { visibility: 'private' })
      for (const { id } of [sub, top]) {
        expect(await put(id, 'private')).toMatchObject({ status: 200, json: { visibility: 'private' } })
        expect(await get(anonymous, `/groups/${id}`)).toMatchObject({ status: 404 })
      }
      expect(await put(sub.id, 'public')).toMatchObject({ status: 400 })
      expect(await call(root, 'PUT', path, { visibility: 'public' })).toMatchObject({ status: 400 })
      expect(await put(top.id, 'public')).toMatchObject({ status: 200 })
    })

    it('and a project that wants to be public at the same moment never end with the project above its group', async () => {
      const { sub, path } = await setUp()
      await call(root, 'PUT', path, { visibility: 'private' })
      await Promise.all([
        call(root, 'PUT', `/groups/${sub.id}`, { visibility: 'private' }),
        call(root, 'PUT', path, { visibility: 'public' }),
      ])
      const [group, project] = [(await get(root, `/groups/${sub.id}`)).json, (await get(root, path)).json] as Json[]
      expect([group?.visibility, project?.visibility]).not.toEqual(['private', 'public'])
    })
  })

  describe('PUT /groups/:id with a path', () => {
    it('gives all that is inside its new path at once, and old paths of projects lead on', async () => {
      const { top, sub, project, all } = await setUp()
      const inner = await world.group({ visibility: 'public', parent_id: sub.id })
      const path = unique('renamed')
      expect(await call(root, 'PUT', `/groups/${top.id}`, { path })).toMatchObject({
        status: 200,
        json: { path, full_path: path, web_url: `${door.origin}/groups/${path}` },
      })
      const renamed = `${path}/${sub.path}`
      expect((await get(root, `/groups/${inner.id}`)).json).toMatchObject({ full_path: `${renamed}/${inner.path}` })
      expect((await get(anonymous, `/groups/${encodeURIComponent(renamed)}/packages`)).json).toMatchObject([
        { project_path: `${renamed}/${project.path}` },
      ])
      expect(await seen(anonymous, `/projects/${encodeURIComponent(`${renamed}/${project.path}`)}`)).toEqual(all)
      const old = await get(anonymous, `/projects/${encodeURIComponent(String(project.path_with_namespace))}`)
      expect([old.status, url(old)]).toEqual([301, `${door.origin}/api/v4/projects/${project.id}`])
      for (const former of [top.full_path, sub.full_path]) {
        expect(await get(root, `/groups/${encodeURIComponent(String(former))}`)).toMatchObject({
          status: 404,
          json: { message: '404 Group Not Found' },
        })
      }
      expect(((await get(root, `/projects?search=${project.path}`)).json as Json[])[0]).toMatchObject({
        path_with_namespace: `${renamed}/${project.path}`,
        namespace: { full_path: renamed },
      })
    })

    it('refuses a path that is taken, reserved or none', async () => {
      const { top } = await setUp()
      const other = await world.group()
      for (const path of [other.path, 'api', 'a b', 'x'.repeat(256)]) {
        expect([path, (await call(root, 'PUT', `/groups/${top.id}`, { path })).status]).toEqual([path, 400])
      }
      expect((await get(root, `/groups/${top.id}`)).json).toMatchObject({ path: top.path })
    })
  })

  describe('POST /groups/:id/transfer', () => {
    it('moves a group with all that is in it below another and to the top, for every caller at once', async () => {
      const from = await world.group({ visibility: 'private' })
      const to = await world.group({ visibility: 'private' })
      const moving = await world.group({ visibility: 'private', parent_id: from.id })
      const project = await world.project({ visibility: 'private', namespace_id: moving.id })
      const { id } = await world.package(project.id)
      const all = { ids: [id], total: '1' }
      const [old, new_, inside] = await Promise.all([
        world.member('groups', from.id, 20),
        world.member('groups', to.id, 20),
        world.member('projects', project.id, 20),
      ])
      const packages = `/projects/${project.id}/packages`
      expect(await seen(old, `/groups/${moving.id}`)).toEqual(all)
      expect(await get(new_, packages)).toMatchObject({ status: 404 })

      expect(await call(root, 'POST', `/groups/${moving.id}/transfer`, { group_id: to.id })).toMatchObject({
        status: 201,
        json: { full_path: `${to.path}/${moving.path}`, parent_id: to.id, full_name: `${to.name} / ${moving.name}` },
      })
      for (const path of [`/groups/${moving.id}`, packages, `${packages}/${id}`]) {
        expect([path, (await get(old, path)).status]).toEqual([path, 404])
        expect([path, (await get(new_, path)).status]).toEqual([path, 200])
        expect([path, (await get(inside, path)).status]).toEqual([path, 200])
      }
      expect([await seen(old, `/groups/${from.id}`), await seen(new_, `/groups/${to.id}`)]).toEqual([nothing, all])
      expect(await seen(inside, `/groups/${to.id}`)).toEqual(all)
      expect(await get(inside, `/groups/${from.id}`)).toMatchObject({ status: 404 })
      expect((await get(inside, '/groups')).json).not.toContainEqual(expect.objectContaining({ id: from.id }))

      expect(await call(root, 'POST', `/groups/${moving.id}/transfer`)).toMatchObject({
        status: 201,
        json: { full_path: moving.path, parent_id: null },
      })
      expect(await get(new_, packages)).toMatchObject({ status: 404 })
      expect(await seen(root, `/groups/${to.id}`)).toEqual(nothing)
    })

    it('is right in every answer as long as what is inside has not followed', async () => {
      const [from, to] = [await world.group({ visibility: 'private' }), await world.group({ visibility: 'private' })]
      const moving = await world.group({ visibility: 'private', parent_id: from.id })
      const inner = await world.group({ visibility: 'private', parent_id: moving.id })
      const project = await world.project({ visibility: 'private', namespace_id: inner.id })
      const { id } = await world.package(project.id)
      const [old, new_] = [await world.member('groups', from.id, 40), await world.member('groups', to.id, 40)]
      await door.database().groups.transferGroup(moving.id, to.id, new Date().toISOString())

      const path = `${to.path}/${moving.path}/${inner.path}`
      expect((await get(new_, `/groups/${encodeURIComponent(path)}`)).json).toMatchObject({
        id: inner.id,
        full_path: path,
        full_name: `${to.name} / ${moving.name} / ${inner.name}`,
      })
      expect((await get(new_, `/projects/${encodeURIComponent(`${path}/${project.path}`)}`)).json).toMatchObject({
        path_with_namespace: `${path}/${project.path}`,
        permissions: { group_access: { access_level: 40 } },
      })
      expect((await get(new_, `/projects/${project.id}/members/all`)).json).toContainEqual(
        expect.objectContaining({ id: new_.id }),
      )
      expect((await get(new_, `/groups/${to.id}/projects?include_subgroups=true`)).json).toMatchObject([
        { id: project.id, path_with_namespace: `${path}/${project.path}` },
      ])
      expect((await get(old, `/groups/${from.id}/descendant_groups`)).json).toEqual([])
      expect(await get(old, `/projects/${project.id}`)).toMatchObject({ status: 404 })
      expect(await call(old, 'DELETE', `/projects/${project.id}/packages/${id}`)).toMatchObject({ status: 404 })
      expect(await call(new_, 'DELETE', `/projects/${project.id}/packages/${id}`)).toMatchObject({ status: 204 })
      await door.database().groupTransit.settle(moving.id)
    })

    it("is refused in GitLab's words", async () => {
      const { top, sub } = await setUp()
      const transfer = (who: Who, id: number, body: Json = {}) => call(who, 'POST', `/groups/${id}/transfer`, body)
      const failed = async (id: number, body: Json = {}) => {
        const { status, json } = await transfer(root, id, body)
        return [status, (json as Json).message]
      }
      expect(await failed(top.id)).toEqual([400, 'Transfer failed: Group is already a root group.'])
      expect(await failed(sub.id, { group_id: top.id })).toEqual([
        400,
        'Transfer failed: Group is already associated to the parent group.',
      ])
      expect(await failed(top.id, { group_id: sub.id })).toEqual([
        400,
        'Transfer failed: Cannot transfer group to one of its subgroup.',
      ])
      const hidden = await world.group({ visibility: 'private' })
      expect((await failed(sub.id, { group_id: hidden.id }))[0]).toBe(400)
      const target = await world.group({ visibility: 'public' })
      await world.group({ visibility: 'public', parent_id: target.id, path: sub.path })
      expect(await failed(sub.id, { group_id: target.id })).toEqual([
        400,
        'Transfer failed: The parent group already has a subgroup or a project with the same path.',
      ])
      const owner = await world.member('groups', top.id, 50)
      const maintainer = await world.member('groups', top.id, 40)
      expect(await transfer({}, sub.id)).toMatchObject({ status: 401 })
      expect(await transfer(maintainer, sub.id)).toMatchObject({ status: 403 })
      expect(await transfer(owner, sub.id, { group_id: target.id })).toMatchObject({ status: 403 })
      const missing = await transfer(owner, sub.id, { group_id: 999_999_999 })
      const unseen = await transfer(owner, sub.id, { group_id: hidden.id })
      expect([unseen.status, unseen.text]).toEqual([404, missing.text])
      expect(await transfer(owner, sub.id, { group_id: 'x' })).toMatchObject({ status: 400 })
    })
  })

  describe('DELETE /groups/:id', () => {
    it('takes the group and all that is in it from every list at once and frees its path', async () => {
      const { top, sub, project, path } = await setUp()
      const maintainer = await world.member('groups', top.id, 40)
      const member = await world.member('projects', project.id, 30)
      expect(await call({}, 'DELETE', `/groups/${top.id}`)).toMatchObject({ status: 401 })
      expect(await call(maintainer, 'DELETE', `/groups/${top.id}`)).toMatchObject({ status: 403 })
      expect(await call(root, 'DELETE', `/groups/${top.id}`)).toMatchObject({
        status: 202,
        json: { message: '202 Accepted' },
      })
      for (const who of [root, member]) {
        expect(await get(who, `/groups/${sub.id}`)).toMatchObject({
          status: 404,
          json: { message: '404 Group Not Found' },
        })
        expect(await get(who, path)).toMatchObject({ status: 404, json: { message: '404 Project Not Found' } })
      }
      expect((await get(root, `/projects?search=${project.path}`)).json).toEqual([])
      expect((await get(root, `/groups?search=${sub.path}`)).json).toEqual([])
      expect(await call(root, 'DELETE', `/groups/${top.id}`)).toMatchObject({ status: 404 })
      await world.group({ path: top.path })
    })
  })
})
