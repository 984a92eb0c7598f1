import { doors, through } from '../../support/doors.ts'
import { createWorld, dayIn, type Json } from '../../support/world.ts'
import { castOf, idsOf, statuses, told } from './cast.ts'

const NOT_FOUND = { message: '404 Not found' }

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get, call, make } = world
  beforeAll(() => door.open())

  describe.each(['groups', 'projects'] as const)('deploy tokens of %s', (kind) => {
    const place = async (visibility = 'public') => {
      const { id } = await (kind === 'groups' ? world.group({ visibility }) : world.project({ visibility }))
      return { id, path: `/${kind}/${id}/deploy_tokens` }
    }
    const wanted = (more: Json = {}) => ({ name: 'ci', scopes: ['read_package_registry'], ...more })

    it("are made with GitLab's fields and the secret, which no other answer shows", async () => {
      const { id, path } = await place()
      const made = await call(root, 'POST', path, wanted())
      const { token: secret, ...shown } = made.json as Json & { id: number }
      expect(made.status).toBe(201)
      expect(secret).toMatch(/^dt-[\w-]{34}$/)
      expect(shown).toEqual({
        id: expect.any(Number),
        name: 'ci',
        username: `gitlab+deploy-token-${shown.id}`,
        expires_at: null,
        scopes: ['read_package_registry'],
        revoked: false,
        expired: false,
        last_used_at: null,
      })
      expect((await get(root, `${path}/${shown.id}`)).json).toEqual(shown)
      expect((await get(root, path)).json).toEqual([shown])
      const stored = await door.database().deployTokens.list({ kind: kind === 'groups' ? 'group' : 'project', id })
      expect(JSON.stringify(stored)).not.toContain(secret)
    })

    it('take a user name, an end and all scopes of GitLab, as JSON and as a form', async () => {
      const { path } = await place()
      const scopes = [
        'read_repository',
        'read_registry',
        'write_registry',
        'read_package_registry',
        'write_package_registry',
        'read_virtual_registry',
        'write_virtual_registry',
      ]
      const full = await make(
        path,
        wanted({ scopes, username: 'me+you.1_2-3', expires_at: '2999-12-31T08:30:00+01:00' }),
      )
      expect(full).toMatchObject({ scopes, username: 'me+you.1_2-3', expires_at: '2999-12-31T07:30:00.000Z' })
      const day = await make(path, wanted({ expires_at: '2999-12-31', username: '', scopes: 'read_registry' }))
      expect(day).toMatchObject({ expires_at: '2999-12-31T00:00:00.000Z', username: `gitlab+deploy-token-${day.id}` })
      const reply = await door.call({
        method: 'POST',
        path,
        headers: { 'private-token': String(root.token), 'content-type': 'application/x-www-form-urlencoded' },
        body: 'name=form&scopes[]=read_package_registry&scopes[]=write_package_registry&expires_at=',
      })
      expect(reply).toMatchObject({ status: 201, json: { name: 'form', expires_at: null } })
    })

    it.each([
      [{ name: undefined }, { error: 'name is missing' }],
      [{ scopes: undefined }, { error: 'scopes is missing' }],
      [{ scopes: ['api'] }, { error: 'scopes does not have a valid value' }],
      [{ expires_at: '2999-02-30' }, { error: 'expires_at is invalid' }],
      [{ expires_at: 'soon' }, { error: 'expires_at is invalid' }],
      [{ expires_at: '2999-12-31T99:00' }, { error: 'expires_at is invalid' }],
      [{ scopes: [], name: ' ' }, { message: "Scopes can't be blank and Name can't be blank" }],
      [{ name: 'a'.repeat(256) }, { message: 'Name is too long (maximum is 255 characters)' }],
      [
        { username: 'a b' },
        {
          message:
            "Username can contain only letters, digits, '_', '-', '+', and '.', and is not longer than 255 characters",
        },
      ],
    ])('are refused with what is wrong: %j', async (more, json) => {
      const { path } = await place()
      const reply = await call(root, 'POST', path, wanted(more))
      expect([reply.status, reply.json]).toEqual([400, json])
      expect((await get(root, path)).json).toEqual([])
    })

    it('are listed by id, paged, and by whether they are active', async () => {
      const { path } = await place()
      const [one, two, ended] = [
        await make(path, wanted()),
        await make(path, wanted({ expires_at: dayIn(1) })),
        await make(path, wanted({ expires_at: '2020-01-01' })),
      ]
      expect(ended).toMatchObject({ expired: true })
      expect(idsOf(await get(root, path))).toEqual([one.id, two.id, ended.id])
      expect(idsOf(await get(root, `${path}?active=true`))).toEqual([one.id, two.id])
      expect(idsOf(await get(root, `${path}?active=false`))).toEqual([ended.id])
      const page = await get(root, `${path}?per_page=2&page=2`)
      expect([idsOf(page), page.headers['x-total']]).toEqual([[ended.id], '3'])
      expect(await get(root, `${path}?active=perhaps`)).toMatchObject({
        status: 400,
        json: { error: 'active is invalid' },
      })
    })

    it('are gone with their deletion, at once', async () => {
      const { id, path } = await place()
      const token = await world.deployToken(kind, id)
      const reads = () => get(token, `/${kind}/${id}/packages`)
      expect(await reads()).toMatchObject({ status: 200 })
      expect(await call(root, 'DELETE', `${path}/${token.id}`)).toMatchObject({ status: 204, text: '' })
      expect(await reads()).toMatchObject({ status: 401, json: { message: '401 Unauthorized' } })
      expect(await call(root, 'DELETE', `${path}/${token.id}`)).toMatchObject({ status: 404, json: NOT_FOUND })
      expect(await get(root, `${path}/${token.id}`)).toMatchObject({ status: 404, json: NOT_FOUND })
      expect((await get(root, path)).json).toEqual([])
    })

    it('are deleted once of ten times at once', async () => {
      const { id, path } = await place()
      const token = await world.deployToken(kind, id)
      const replies = await Promise.all(Array.from({ length: 10 }, () => call(root, 'DELETE', `${path}/${token.id}`)))
      expect(replies.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(404)])
    })

    it('of another place are not there', async () => {
      const [one, other] = [await place(), await place()]
      const token = await world.deployToken(kind, one.id)
      for (const method of ['GET', 'DELETE']) {
        expect(told(await call(root, method, `${other.path}/${token.id}`))).toEqual(
          told(await call(root, method, `${other.path}/999999999`)),
        )
        expect(await call(root, method, `${other.path}/abc`)).toMatchObject({
          status: 400,
          json: { error: 'token_id is invalid' },
        })
      }
    })

    it(`are seen by Maintainers and changed by ${kind === 'groups' ? 'Owners' : 'Maintainers'}`, async () => {
      const { id, path } = await place('private')
      const cast = await castOf(world, kind, id)
      expect(await statuses(cast, (who) => get(who, path))).toEqual([404, 404, 403, 403, 200, 200, 200])
      const maintainer = kind === 'groups' ? 403 : 201
      expect(await statuses(cast, (who) => call(who, 'POST', path, wanted()))).toEqual([
        ...[404, 404, 403, 403, maintainer],
        ...[201, 201],
      ])
      const open = await place('public')
      expect((await get(anonymous, open.path)).status).toBe(403)
    })
  })

  it('all stand in the list of the instance, for administrators', async () => {
    const group = await world.group()
    const project = await world.project()
    const [one, two] = [await world.deployToken('groups', group.id), await world.deployToken('projects', project.id)]
    const all: number[] = []
    for (let page = 1, pages = 1; page <= pages; page++) {
      const reply = await get(root, `/deploy_tokens?per_page=100&page=${page}`)
      expect(reply.text).not.toContain('dt-')
      all.push(...idsOf(reply))
      pages = Number(reply.headers['x-total-pages'])
    }
    expect(all).toEqual(all.toSorted((a, b) => a - b))
    expect(all).toEqual(expect.arrayContaining([one.id, two.id]))
    expect(await get(await world.user(), '/deploy_tokens')).toMatchObject({ status: 403 })
    expect(await get(anonymous, '/deploy_tokens')).toMatchObject({ status: 401 })
  })
})
