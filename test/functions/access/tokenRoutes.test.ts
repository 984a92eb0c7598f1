import { doors, through } from '../../support/doors.ts'
import { createWorld, dayIn, type Json, unique, type Who } from '../../support/world.ts'
import { idsOf, row, rows, told } from './cast.ts'

const UNAUTHORIZED = { message: '401 Unauthorized' }
const REVOKED = 'Token was revoked. You have to re-authorize from the user.'
const ALREADY = { message: '400 Bad request - Token already revoked' }

describe.each(doors().map((door) => [door.name, door] as const))('%s', (_name, door) => {
  const { describe, it } = through(door)
  const world = createWorld(door)
  const { root, anonymous, get, call } = world
  const own = async (who: Who) => row(await get(who, '/personal_access_tokens/self'))
  const token = (userId: number, more: Json = {}) =>
    world.make(`/users/${userId}/personal_access_tokens`, { name: 'more', scopes: ['api'], ...more })
  const rotate = (who: Who, which: number | 'self', body?: Json) =>
    call(who, 'POST', `/personal_access_tokens/${which}/rotate`, body)
  beforeAll(() => door.open())

  describe('GET /personal_access_tokens', () => {
    it('lists the own ones by id, without a secret, filtered and paged', async () => {
      const user = await world.user()
      const first = await own(user)
      const revoked = await token(user.id, { name: 'Deploy one' })
      await call(user, 'DELETE', `/personal_access_tokens/${revoked.id}`)
      const expired = await token(user.id, { name: 'deploy two', expires_at: dayIn(0) })
      await token((await world.user()).id)
      const list = async (query = '') => {
        const reply = await get(user, `/personal_access_tokens${query}`)
        expect(reply.status).toBe(200)
        return idsOf(reply)
      }

      expect(await list()).toEqual([first.id, revoked.id, expired.id])
      expect(await list(`?user_id=${user.id}`)).toEqual([first.id, revoked.id, expired.id])
      expect(await list('?state=active')).toEqual([first.id])
      expect(await list('?state=inactive')).toEqual([revoked.id, expired.id])
      expect(await list('?revoked=true')).toEqual([revoked.id])
      expect(await list('?revoked=false&search=DEPLOY')).toEqual([expired.id])
      const page = await get(user, '/personal_access_tokens?per_page=2&page=2')
      expect([idsOf(page), page.headers['x-total']]).toEqual([[expired.id], '3'])
      const all = await get(user, '/personal_access_tokens')
      expect(all.text).not.toContain('pat-')
      expect(rows(all)[0]).toEqual(first)
      expect(await get(user, '/personal_access_tokens?state=lost')).toMatchObject({
        status: 400,
        json: { error: 'state does not have a valid value' },
      })
    })

    it('of somebody else is for administrators, and nobody else learns who is there', async () => {
      const [user, other] = [await world.user(), await world.user()]
      const mine = await own(user)
      const refused = told(await get(other, `/personal_access_tokens?user_id=${user.id}`))
      expect(refused).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
      expect(told(await get(other, '/personal_access_tokens?user_id=999999999'))).toEqual(refused)
      expect(told(await get(anonymous, '/personal_access_tokens'))).toEqual(refused)

      expect(idsOf(await get(root, `/personal_access_tokens?user_id=${user.id}`))).toEqual([mine.id])
      const name = unique('shared')
      const [one, two] = [await token(user.id, { name }), await token(other.id, { name })]
      const everybody = await get(root, `/personal_access_tokens?search=${name}`)
      expect(idsOf(everybody)).toEqual([one.id, two.id])
      await call(root, 'DELETE', `/personal_access_tokens/${one.id}`)
      const gone = rows(await get(root, `/personal_access_tokens?search=${name}`))
      expect(gone.find(({ id }) => id === one.id)).toMatchObject({ revoked: true, active: false })
    })
  })

  describe('GET /personal_access_tokens/:token_id', () => {
    it('is for whose it is and for administrators; only those learn what is missing', async () => {
      const [user, other] = [await world.user(), await world.user()]
      const { id } = await own(user)
      for (const who of [user, root]) {
        expect(await get(who, `/personal_access_tokens/${id}`)).toMatchObject({ status: 200, json: await own(user) })
      }
      const refused = told(await get(other, `/personal_access_tokens/${id}`))
      expect(refused).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
      expect(told(await get(other, '/personal_access_tokens/999999999'))).toEqual(refused)
      expect(told(await get(anonymous, `/personal_access_tokens/${id}`))).toEqual(refused)
      expect(await get(root, '/personal_access_tokens/999999999')).toMatchObject({
        status: 404,
        json: { message: '404 Not Found' },
      })
      expect(await get(user, '/personal_access_tokens/abc')).toMatchObject({
        status: 400,
        json: { error: 'token_id is invalid' },
      })
    })
  })

  describe('the token that asks', () => {
    it('sees itself', async () => {
      const user = await world.user(['api', 'read_api'])
      expect(await own(user)).toEqual({
        id: expect.any(Number),
        name: 'test',
        revoked: false,
        created_at: expect.any(String),
        description: null,
        scopes: ['api', 'read_api'],
        user_id: user.id,
        last_used_at: expect.any(String),
        active: true,
        expires_at: dayIn(365),
      })
      expect(await get(anonymous, '/personal_access_tokens/self')).toMatchObject({ status: 401, json: UNAUTHORIZED })
    })

    it.each([
      ['api', 200, 200, 204],
      ['read_api', 200, 403, 403],
      ['self_rotate', 403, 200, 403],
      ['read_registry', 403, 403, 403],
    ] as const)(
      'with the scope %s reads itself (%i), rotates itself (%i) and revokes itself (%i)',
      async (scope, ...expected) => {
        const got = []
        for (const [method, rest] of [
          ['GET', ''],
          ['POST', '/rotate'],
          ['DELETE', ''],
        ] as const) {
          const reply = await call(await world.user([scope]), method, `/personal_access_tokens/self${rest}`)
          if (reply.status === 403) {
            expect(reply.json).toMatchObject({
              error: 'insufficient_scope',
              scope: { GET: 'api read_api', POST: 'api self_rotate', DELETE: 'api' }[method],
            })
          }
          got.push(reply.status)
        }
        expect(got).toEqual(expected)
      },
    )

    it('with self_rotate rotates nothing by its id, and opens nothing else', async () => {
      const user = await world.user(['self_rotate'])
      const [id] = idsOf(await get(root, `/personal_access_tokens?user_id=${user.id}`))
      for (const [method, path] of [
        ['POST', `/personal_access_tokens/${id}/rotate`],
        ['POST', '/groups'],
        ['GET', '/user'],
      ] as const) {
        expect(await call(user, method, path)).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } })
      }
    })

    it('ends with its revocation', async () => {
      const user = await world.user()
      expect(await call(user, 'DELETE', '/personal_access_tokens/self')).toMatchObject({ status: 204, text: '' })
      for (const method of ['GET', 'DELETE']) {
        expect(await call(user, method, '/personal_access_tokens/self')).toMatchObject({
          status: 401,
          json: { error_description: REVOKED },
        })
      }
      expect(await call(anonymous, 'DELETE', '/personal_access_tokens/self')).toMatchObject({ status: 401 })
    })
  })

  describe('rotation', () => {
    it('puts a new token in the place of the old one, which ends at once', async () => {
      const user = await world.user(['api', 'read_registry'])
      const old = await own(user)
      const reply = await rotate(user, 'self', { name: 'other', scopes: ['sudo'], user_id: 1, id: 1 })
      expect(reply).toMatchObject({ status: 200 })
      const { token: secret, ...made } = reply.json as Json & { id: number; token: string }
      expect(secret).toMatch(/^pat-/)
      expect(made).toEqual({
        ...old,
        id: expect.any(Number),
        created_at: expect.any(String),
        last_used_at: null,
        expires_at: dayIn(7),
      })
      expect(made.id).toBeGreaterThan(old.id)

      expect(await own({ token: secret })).toEqual({ ...made, last_used_at: expect.any(String) })
      expect(await get(user, '/user')).toMatchObject({ status: 401, json: { error_description: REVOKED } })
      expect(await rotate(user, 'self')).toMatchObject({ status: 401, json: { error_description: REVOKED } })
      const again = await rotate({ token: secret }, old.id)
      expect([again.status, again.json]).toEqual([400, ALREADY])
      expect(rows(await get({ token: secret }, '/personal_access_tokens'))).toMatchObject([
        { id: old.id, revoked: true, active: false },
        { id: made.id, revoked: false, active: true },
      ])
    })

    it('takes an end, as JSON, as a form and as a parameter', async () => {
      const user = await world.user()
      for (const send of [
        () => rotate(user, 'self', { expires_at: dayIn(30) }),
        () =>
          door.call({
            method: 'POST',
            path: '/personal_access_tokens/self/rotate',
            headers: { 'private-token': String(user.token), 'content-type': 'application/x-www-form-urlencoded' },
            body: `expires_at=${dayIn(30)}`,
          }),
        () => call(user, 'POST', `/personal_access_tokens/self/rotate?expires_at=${dayIn(30)}`),
      ]) {
        const reply = await send()
        expect(reply).toMatchObject({ status: 200, json: { expires_at: dayIn(30) } })
        user.token = String((reply.json as Json).token)
      }
      for (const [end, json] of [
        ['soon', { error: 'expires_at is invalid' }],
        ['2020-01-01', { message: { expires_at: ['cannot be a date in the past'] } }],
      ] as const) {
        const reply = await rotate(user, 'self', { expires_at: end })
        expect([reply.status, reply.json]).toEqual([400, json])
      }
      expect(await own(user)).toMatchObject({ active: true })
      expect(await rotate(user, 'self', { expires_at: '' })).toMatchObject({ json: { expires_at: dayIn(7) } })
    })

    it('by id is for whose it is and for administrators', async () => {
      const [user, other] = [await world.user(), await world.user()]
      const spare = await token(user.id)
      const refused = told(await rotate(other, spare.id))
      expect(refused).toMatchObject({ status: 401, text: JSON.stringify(UNAUTHORIZED) })
      expect(told(await rotate(other, 999_999_999))).toEqual(refused)
      expect(told(await rotate(anonymous, spare.id))).toEqual(refused)
      expect(told(await rotate(anonymous, 'self'))).toEqual(refused)
      expect(await rotate(root, 999_999_999)).toMatchObject({ status: 404, json: { message: '404 Not Found' } })
      expect(await call(user, 'POST', '/personal_access_tokens/abc/rotate')).toMatchObject({ status: 400 })

      const one = row(await rotate(user, spare.id))
      expect(one).toMatchObject({ name: 'more', user_id: user.id })
      expect(await get({ token: String(spare.token) }, '/user')).toMatchObject({ status: 401 })
      const two = row(await rotate(root, one.id))
      expect(await get({ token: String(two.token) }, '/user')).toMatchObject({ json: { id: user.id } })
      expect(await get({ token: String(one.token) }, '/user')).toMatchObject({ status: 401 })
    })

    it('of ten who rotate one token at once, one does', async () => {
      const user = await world.user()
      const spare = await token(user.id, { name: 'contended' })
      const replies = await Promise.all(Array.from({ length: 10 }, () => rotate(user, spare.id)))
      expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(400)])
      for (const { status, json } of replies) if (status === 400) expect(json).toEqual(ALREADY)
      expect(rows(await get(user, '/personal_access_tokens?search=contended&state=active'))).toHaveLength(1)

      const selves = await Promise.all(Array.from({ length: 10 }, () => rotate(user, 'self')))
      expect(selves.filter(({ status }) => status === 200)).toHaveLength(1)
      for (const { status } of selves) expect([200, 400, 401]).toContain(status)
      const [next] = selves
        .filter(({ status }) => status === 200)
        .map(({ json }) => ({ token: String((json as Json).token) }))
      expect(rows(await get(next as Who, '/personal_access_tokens?search=test&state=active'))).toHaveLength(1)
    })

    it('and revocation at the same moment never leave two', async () => {
      const user = await world.user()
      const spare = await token(user.id, { name: 'raced' })
      const [rotated, revoked] = await Promise.all([
        rotate(user, spare.id),
        call(user, 'DELETE', `/personal_access_tokens/${spare.id}`),
      ])
      expect([200, 400]).toContain(rotated?.status)
      expect(revoked?.status).toBe(204)
      const active = rows(await get(user, '/personal_access_tokens?search=raced&state=active'))
      expect(active).toHaveLength(rotated?.status === 200 ? 1 : 0)
      expect(await get({ token: String(spare.token) }, '/user')).toMatchObject({ status: 401 })
    })
  })
})
