import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { listGroupPackages } from '../../functions/listGroupPackages.ts'
import { listProjectPackages } from '../../functions/listProjectPackages.ts'
import { ACCESS_LEVELS } from '../../lib/domain/permissions.ts'
import { type Database, openDatabase } from '../../lib/repository/database.ts'
import { createClient } from '../../lib/repository/table.ts'
import { eventFor } from '../support/doors.ts'
import { now, openStore } from '../support/store.ts'
import { watchTraffic } from '../support/traffic.ts'

type Endpoint = (db: () => Database) => (event: APIGatewayProxyEvent, context: never, options: never) => unknown

const setUp = async () => {
  const store = await openStore()
  const top = await store.group(undefined, 'private')
  const sub = await store.group(top, 'private')
  const project = await store.project(sub, 'private')
  for (let n = 0; n < 30; n++) await store.publish(project, { name: `name-${n % 3}` })
  const people = ['reporter', 'insider'] as const
  const secrets: Record<string, string> = {}
  for (const username of people) {
    const user = await store.db.users.create(
      { username, name: username, email: `${username}@example.com`, admin: false },
      now(),
    )
    const place =
      username === 'reporter'
        ? ({ kind: 'group', id: top.id } as const)
        : ({ kind: 'project', id: project.id } as const)
    const within = username === 'reporter' ? [] : project.ancestorIds
    await store.db.members.add({
      userId: user.id,
      source: place,
      within,
      accessLevel: ACCESS_LEVELS.reporter,
      expiresOn: null,
      createdAt: now(),
    })
    secrets[username] = `pat-secret-of-the-${username}`
    const token = { userId: user.id, name: 'test', scopes: ['api' as const], expiresOn: null }
    await store.db.tokens.create(secrets[username], token, now())
  }
  return { store, top, project, secrets }
}

let world: Awaited<ReturnType<typeof setUp>>
beforeAll(async () => {
  world = await setUp()
})

const traffic = async (endpoint: Endpoint, resource: string, path: string, who: string) => {
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  const db = openDatabase(client, world.store.tableName)
  const event = eventFor({ path, headers: { 'private-token': world.secrets[who] ?? '' } }, resource)
  return watchTraffic(client, async () => {
    const answer = (await endpoint(() => db)(event, { awsRequestId: 'test' } as Context as never, {} as never)) as {
      statusCode: number
      body: string
    }
    expect([answer.statusCode, JSON.parse(answer.body).length]).toEqual([200, 20])
  })
}

describe('the round trips of a list, one after another', () => {
  const byProject = (id: string | number, query = '', who = 'reporter') =>
    traffic(listProjectPackages, '/api/v4/projects/{id}/packages', `/projects/${id}/packages${query}`, who)
  const byGroup = (path: string, who = 'reporter') =>
    traffic(listGroupPackages, '/api/v4/groups/{id}/packages', `/groups/${path}/packages`, who)

  it('are two for a project by id, in every order, and three by path', async () => {
    const { id, fullPath } = world.project
    for (const order of ['created_at', 'name', 'version', 'type']) {
      expect([order, (await byProject(id, `?order_by=${order}`)).rounds]).toEqual([order, 2])
    }
    expect((await byProject(encodeURIComponent(fullPath))).rounds).toBe(3)
  })

  it('are three for a group by id and four by path, for a member of it or of a project inside', async () => {
    for (const who of ['reporter', 'insider']) {
      expect([who, (await byGroup(String(world.top.id), who)).rounds]).toEqual([who, 3])
      expect([who, (await byGroup(world.top.fullPath, who)).rounds]).toEqual([who, 4])
    }
  })

  it('come with a bounded number of calls', async () => {
    expect((await byProject(world.project.id)).calls).toBeLessThanOrEqual(6)
    expect((await byGroup(String(world.top.id))).calls).toBeLessThanOrEqual(13)
    expect((await byGroup(String(world.top.id), 'insider')).calls).toBeLessThanOrEqual(16)
  })
})
