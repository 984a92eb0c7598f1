import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { deletePackage } from '../../functions/deletePackage.ts'
import { listGroupPackages } from '../../functions/listGroupPackages.ts'
import { listProjectPackages } from '../../functions/listProjectPackages.ts'
import { downloadFromAnywhere, downloadFromGroup, downloadFromProject } from '../../functions/maven/download.ts'
import { objectStore } from '../../lib/deps.ts'
import { ACCESS_LEVELS } from '../../lib/domain/permissions.ts'
import type { Group, Project, Visibility } from '../../lib/domain/project.ts'
import { type Database, openDatabase } from '../../lib/repository/database.ts'
import { createClient } from '../../lib/repository/table.ts'
import { newSecret } from '../../lib/repository/tokens.ts'
import { type Call, eventFor } from '../support/doors.ts'
import { countAll } from '../support/jobs.ts'
import { now, openStore, writerOf } from '../support/store.ts'
import { watchTraffic } from '../support/traffic.ts'

type Endpoint = (db: () => Database) => (event: APIGatewayProxyEvent, context: never, options: never) => unknown

const setUp = async () => {
  const store = await openStore()
  const top = await store.group(undefined, 'private')
  const sub = await store.group(top, 'private')
  const project = await store.project(sub, 'private')
  await store.fill(project, 30, (n) => ({ name: `name-${n % 3}` }))
  const people = ['reporter', 'insider', 'neighbour', 'maintainer', 'stranger'] as const
  const secrets: Record<string, string> = {}
  const ids: Record<string, number> = {}
  for (const username of people) {
    const user = await store.db.users.create(
      { username, name: username, email: `${username}@example.com`, admin: false },
      now(),
    )
    const secret = newSecret(user.id)
    secrets[username] = secret
    ids[username] = user.id
    const token = { userId: user.id, name: 'test', scopes: ['api' as const], expiresOn: null }
    await store.db.tokens.create(secret, token, now())
    if (username === 'neighbour' || username === 'stranger') continue
    const place =
      username === 'insider' ? ({ kind: 'project', id: project.id } as const) : ({ kind: 'group', id: top.id } as const)
    const within = username === 'insider' ? project.ancestorIds : []
    await store.db.members.add({
      userId: user.id,
      source: place,
      within,
      accessLevel: username === 'maintainer' ? ACCESS_LEVELS.maintainer : ACCESS_LEVELS.reporter,
      expiresOn: null,
      createdAt: now(),
    })
  }
  return { store, top, project, secrets, ids }
}

let world: Awaited<ReturnType<typeof setUp>>
beforeAll(async () => {
  world = await setUp()
})

type Answer = { statusCode: number; body: string; headers: Record<string, string> }

const traffic = async (
  endpoint: Endpoint,
  resource: string,
  call: Call,
  who: string,
  check: (answer: Answer) => void = ({ statusCode, body }) =>
    expect([statusCode, JSON.parse(body).length]).toEqual([200, 20]),
) => {
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  const db = openDatabase(client, world.store.tableName)
  const event = eventFor({ ...call, headers: { 'private-token': world.secrets[who] ?? '' } }, resource)
  return watchTraffic(client, async () => {
    check((await endpoint(() => db)(event, { awsRequestId: 'test' } as Context as never, {} as never)) as Answer)
  })
}

describe('the round trips of a list, one after another', () => {
  const byProject = (id: string | number, query = '', who = 'reporter') =>
    traffic(listProjectPackages, '/api/v4/projects/{id}/packages', { path: `/projects/${id}/packages${query}` }, who)
  const byGroup = (path: string, who = 'reporter', query = '', check?: (answer: Answer) => void) =>
    traffic(listGroupPackages, '/api/v4/groups/{id}/packages', { path: `/groups/${path}/packages${query}` }, who, check)

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

  it('are one less for a group by the paths of its projects, however many of them are on the page', async () => {
    const { store, top } = world
    const seen = [
      ['reporter', await store.group(top, 'private'), 'private'],
      // Has no role there.
      ['insider', await store.group(), 'public'],
    ] as const
    for (const [who, group, visibility] of seen) {
      for (let n = 0; n < 10; n++) await store.fill(await store.project(group, visibility), 4)
      for (const [more, expected] of [
        ['asc', 2],
        ['desc', 2],
        ['asc&page=2', 3],
        ['asc&package_type=npm', 2],
        ['asc&package_name=name', 3],
      ] as const) {
        const query = `?order_by=project_path&sort=${more}`
        expect([who, more, (await byGroup(String(group.id), who, query)).rounds]).toEqual([who, more, expected])
        const byPath = await byGroup(group.fullPath, who, query)
        expect([who, more, byPath.rounds]).toEqual([who, more, expected + 1])
      }
    }
  })

  it('are no more where a type or status is asked for, in every order, also where others are on half of the shelves', async () => {
    const { store } = world
    const group = await store.group()
    const ofBoth = [await store.project(group), await store.project(group, 'internal')]
    await store.fillAll(ofBoth, 60, (n) => ({ name: `name-${n % 7}`, type: n % 2 === 0 ? 'npm' : 'generic' }))
    await store.fill(await store.project(group, 'private'), 60, () => ({ type: 'generic' }))
    for (const order of ['created_at', 'name', 'version', 'type']) {
      for (const filter of ['package_type=npm', 'status=default', 'package_type=npm&status=default']) {
        const query = `?order_by=${order}&${filter}`
        expect([query, (await byGroup(String(group.id), 'reporter', query)).rounds]).toEqual([query, 3])
        expect([query, (await byProject(ofBoth[0]?.id ?? 0, query)).rounds]).toEqual([query, 2])
      }
    }
  })

  const giveRole = async (who: 'insider' | 'neighbour', kind: 'group' | 'project', place: Group | Project) => {
    const role = { userId: world.ids[who] ?? 0, accessLevel: ACCESS_LEVELS.reporter, expiresOn: null, createdAt: now() }
    await world.store.db.members.add({ ...role, source: { kind, id: place.id }, within: place.ancestorIds })
  }
  const manyProjects = async (group: Group, visibilities: readonly Visibility[], prefix: string, count: number) => {
    const made = []
    for (let n = 0; n < count; n++) {
      made.push(await world.store.project(group, visibilities[n % visibilities.length] ?? 'private', `${prefix}-${n}`))
    }
    return made
  }

  it('are one less by the paths of projects where all of the first are hidden, also from a member of some further on', async () => {
    const { store } = world
    const group = await store.group()
    // More than are read at first.
    const before = await manyProjects(group, ['private'], 'a', 45)
    const shown = await manyProjects(group, ['public', 'internal'], 'b', 24)
    const after = await manyProjects(group, ['private'], 'c', 45)
    const inside = [...before, ...shown, ...after]
    await store.fillAll(inside, 4)
    for (const place of [40, 45, 46, 80]) await giveRole('insider', 'project', inside[place] as Project)
    for (const who of ['insider', 'reporter', 'nobody']) {
      for (const sort of ['asc', 'desc']) {
        const query = `?order_by=project_path&sort=${sort}`
        let next = ''
        const first = await byGroup(String(group.id), who, query, ({ statusCode, headers }) => {
          expect(statusCode).toBe(200)
          next = /[?&](cursor=[^&>]+)[^>]*>; rel="next"/.exec(headers.Link ?? '')?.[1] ?? ''
        })
        expect(next).not.toBe('')
        const second = await byGroup(String(group.id), who, `${query}&page=2&${next}`, () => {})
        expect([who, sort, first.rounds, second.rounds]).toEqual([who, sort, 2, 2])
      }
    }
  })

  it('are no more for whoever has roles in many projects, of which one after another was filled, or in some that all may see', async () => {
    const { store } = world
    const group = await store.group()
    const closed = await manyProjects(group, ['private'], 'a', 45)
    const open = await manyProjects(group, ['public'], 'b', 2)
    for (const project of [...closed, ...open]) {
      await store.fill(project, 8)
      await giveRole('insider', 'project', project)
    }
    const orders = ['created_at', 'name', 'version', 'type', 'project_path']
    for (const order of orders) {
      for (const size of [20, 100]) {
        const query = `?order_by=${order}&per_page=${size}`
        const full = ({ body }: Answer) => expect(JSON.parse(body)).toHaveLength(size)
        const { rounds } = await byGroup(String(group.id), 'insider', query, full)
        expect([query, rounds <= 3]).toEqual([query, true])
      }
    }
  })

  it('are no more to the last page', async () => {
    const { store } = world
    const group = await store.group()
    const [open, closed] = [await store.project(group), await store.project(group, 'private')]
    await store.fillAll([open, closed], 21)
    for (const project of [open, closed]) await giveRole('insider', 'project', project)
    for (const order of ['created_at', 'name', 'version', 'type', 'project_path']) {
      let last = ''
      await byGroup(String(group.id), 'insider', `?order_by=${order}`, ({ headers }) => {
        last = /[?&](cursor=[^&>]+)[^>]*>; rel="last"/.exec(headers.Link ?? '')?.[1] ?? ''
      })
      const two = ({ body }: Answer) => expect(JSON.parse(body)).toHaveLength(2)
      const { rounds } = await byGroup(String(group.id), 'insider', `?order_by=${order}&page=3&${last}`, two)
      expect([order, last !== '', rounds <= 3]).toEqual([order, true, true])
    }
  })

  it('are one less by the paths of projects where the first have nothing but what is not asked for', async () => {
    const { store, top } = world
    const modules = { ask: '&package_type=terraform_module', wanted: { type: 'terraform_module' } } as const
    const versionless = { ask: '&include_versionless=true', wanted: { type: 'maven', version: null } } as const
    for (const { ask, wanted } of [modules, versionless]) {
      const group = await store.group(top, 'private')
      await store.fillAll(await manyProjects(group, ['private'], 'a', 30), 1, () => wanted)
      await store.fillAll(await manyProjects(group, ['private'], 'b', 8), 3)
      for (const filter of ['', ask]) {
        const { rounds } = await byGroup(String(group.id), 'reporter', `?order_by=project_path${filter}`)
        expect([filter, rounds]).toEqual([filter, filter === '' ? 2 : 3])
      }
    }
  })

  it('are no more by the paths of projects of one package each by a link, or where many have one path', async () => {
    const { store, top } = world
    const group = await store.group(top, 'private')
    await store.fillAll(await manyProjects(group, ['private'], 'p', 45), 1)
    const alike = await store.group(top, 'private')
    const api = []
    for (let n = 0; n < 23; n++) {
      api.push(await store.project(await store.group(alike, 'private'), 'private', 'api'))
    }
    await store.fillAll([...api, await store.project(alike, 'private', 'z')], 2)
    for (const { id } of [group, alike]) {
      for (const size of [1, 20]) {
        const query = `?order_by=project_path&per_page=${size}`
        let next = ''
        const first = await byGroup(String(id), 'reporter', query, ({ headers }) => {
          next = /[?&](cursor=[^&>]+)[^>]*>; rel="next"/.exec(headers.Link ?? '')?.[1] ?? ''
        })
        const second = await byGroup(String(id), 'reporter', `${query}&page=2&${next}`, () => {})
        expect([size, first.rounds <= 3, second.rounds <= 3]).toEqual([size, true, true])
      }
    }
  })

  it('are one less by the paths of projects for whoever has a role in one that all may see, where the list ends before its page', async () => {
    const { store } = world
    const group = await store.group()
    const [open, closed] = [await store.project(group), await store.project(group, 'private')]
    await store.fillAll([open, closed], 4)
    for (const project of [open, closed]) await giveRole('insider', 'project', project)
    for (const sort of ['asc', 'desc']) {
      const all = ({ body }: Answer) => expect(JSON.parse(body)).toHaveLength(8)
      const { rounds } = await byGroup(String(group.id), 'insider', `?order_by=project_path&sort=${sort}`, all)
      expect([sort, rounds]).toEqual([sort, 2])
    }
  })

  it('are no more by the paths of projects for a page of a hundred, of which several projects have many each', async () => {
    const { store, top } = world
    const group = await store.group(top, 'private')
    await store.fillAll(await manyProjects(group, ['private'], 'a', 5), 3)
    await store.fillAll(await manyProjects(group, ['private'], 'b', 3), 60)
    const whole = ({ body }: Answer) => expect(JSON.parse(body)).toHaveLength(100)
    const query = '?order_by=project_path&per_page=100'
    expect((await byGroup(String(group.id), 'reporter', query, whole)).rounds).toBe(3)
  })

  it('are no more by the paths of projects for a member of a group inside that has none of the first private ones', async () => {
    const { store } = world
    const group = await store.group()
    const sub = await store.group(group, 'private')
    const [first, last] = [await store.group(group, 'private'), await store.group(group, 'private')]
    await store.fillAll(await manyProjects(sub, ['private'], 'b', 45), 4)
    await store.fillAll(await manyProjects(first, ['private'], 'a', 12), 4)
    await store.fillAll(await manyProjects(last, ['private'], 'c', 12), 4)
    const query = '?order_by=project_path'
    await giveRole('insider', 'group', first)
    expect((await byGroup(String(group.id), 'insider', query)).rounds).toBe(3)
    await giveRole('neighbour', 'group', last)
    expect((await byGroup(String(group.id), 'neighbour', query)).rounds).toBe(3)
  })

  it('are no more by the paths of projects of one package each, most of which never had any', async () => {
    const { store, top } = world
    const group = await store.group(top, 'private')
    const filled = []
    for (let n = 0; n < 24; n++) {
      filled.push(await store.project(group, 'private', `one-${n}`))
      await store.project(group, 'private', `${n % 2 === 0 ? 'a' : 'p'}-${n}`)
    }
    await store.fillAll(filled, 1)
    for (const sort of ['asc', 'desc']) {
      const { rounds } = await byGroup(String(group.id), 'reporter', `?order_by=project_path&sort=${sort}`)
      expect([sort, rounds]).toEqual([sort, 3])
    }
  })

  it('are no more by the paths of projects where the first have nothing any more, and one less when the job has come by', async () => {
    const { store, top } = world
    const group = await store.group(top, 'private')
    for (let n = 0; n < 9; n++) {
      const emptied = await store.project(group, 'private', `a-${n}`)
      await store.db.packages.delete(writerOf(emptied), (await store.publish(emptied)).id, now())
    }
    const filled = []
    for (let n = 0; n < 8; n++) filled.push(await store.project(group, 'private', `b-${n}`))
    // More than are read at first: nobody knows how many there are.
    for (let n = 0; n < 12; n++) filled.push(await store.project(group, 'private', `c-${n}`))
    await store.fillAll(filled, 3)
    const rounds = async () => (await byGroup(String(group.id), 'reporter', '?order_by=project_path')).rounds
    expect(await rounds()).toBe(3)
    await countAll(store.db)
    expect(await rounds()).toBe(2)
  })

  it('end before anything is read of a group that the caller may not see', async () => {
    const refused = (who: string) => {
      const call = { path: `/groups/${world.top.id}/packages` }
      const missing = ({ statusCode }: Answer) => expect(statusCode).toBe(404)
      return traffic(listGroupPackages, '/api/v4/groups/{id}/packages', call, who, missing)
    }
    expect(await refused('nobody')).toMatchObject({ rounds: 1, calls: 1 })
    // The token, his roles and the group; then, as it was not used lately, a note of that.
    expect(await refused('stranger')).toMatchObject({ rounds: 2, calls: 4 })
    expect(await refused('stranger')).toMatchObject({ rounds: 1, calls: 3 })
  })

  it('are not made twice for a page far down, where a project in which he has a role is shown to all', async () => {
    const { store } = world
    const group = await store.group()
    const inside = [await store.project(group), await store.project(group, 'private'), await store.project(group)]
    await store.fillAll(inside, 60)
    for (const project of inside.slice(0, 2)) await giveRole('insider', 'project', project)
    const read = async (query: string) => {
      let found: number[] = []
      const call = { path: `/groups/${group.id}/packages${query}` }
      const { rounds, calls } = await traffic(
        listGroupPackages,
        '/api/v4/groups/{id}/packages',
        call,
        'insider',
        ({ body }) => {
          found = (JSON.parse(body) as { id: number }[]).map(({ id }) => id)
        },
      )
      return { rounds, calls, found }
    }
    const all = [...(await read('?per_page=90')).found, ...(await read('?per_page=90&page=2')).found]
    expect(new Set(all).size).toBe(180)
    await countAll(store.db)
    const near = await read('')
    const far = await read('?page=5')
    expect(far.found).toEqual(all.slice(80, 100))
    expect(near.rounds).toBe(3)
    expect(far.rounds).toBeLessThanOrEqual(6)
    expect(far.calls).toBeLessThanOrEqual(near.calls + 4)
  })

  it('come with a bounded number of calls', async () => {
    expect((await byProject(world.project.id)).calls).toBeLessThanOrEqual(6)
    expect((await byGroup(String(world.top.id))).calls).toBeLessThanOrEqual(11)
    expect((await byGroup(String(world.top.id), 'insider')).calls).toBeLessThanOrEqual(11)
  })
})

describe("the round trips to find one of Maven's files", () => {
  const addFile = async (projectId: number, name: string) => {
    const { db } = world.store
    const id = await db.packages.nextFileId()
    const file = { id, fileName: 'app.jar', size: id, md5: 'm', sha1: 's', sha256: 'h', createdAt: now() }
    const upload = { writer: writerOf({ id: projectId }), matches: async () => false }
    await db.files.add({ type: 'maven', name, version: '1.0' }, file, upload)
  }
  const head = async (endpoint: Endpoint, base: string, name: string) => {
    const resource = `/api/v4${base}/packages/maven/{path+}`.replace(/\/\d+\//, '/{id}/')
    const call = { method: 'HEAD', path: `${base}/packages/maven/${name}/1.0/app.jar` }
    const { rounds, calls } = await traffic(endpoint, resource, call, 'reporter', ({ statusCode }) =>
      expect(statusCode).toBe(200),
    )
    return [rounds, calls]
  }

  it('are three in a project and four in a group, by id, however many of its projects have it', async () => {
    const { store, project, top } = world
    const others = [await store.project(top, 'private'), await store.project(top, 'private')]
    for (const { id } of [project, ...others]) await addFile(id, 'com/mycompany/my-app')

    const inProject = (db: () => Database) => downloadFromProject(db, objectStore)
    expect(await head(inProject as Endpoint, `/projects/${project.id}`, 'com/mycompany/my-app')).toEqual([3, 7])
    const inGroup = (db: () => Database) => downloadFromGroup(db, objectStore)
    expect(await head(inGroup as Endpoint, `/groups/${top.id}/-`, 'com/mycompany/my-app')).toEqual([4, 15])
  })

  it('are five where the project has to be found by the name', async () => {
    const { id, fullPath } = world.project
    await addFile(id, fullPath)
    const anywhere = (db: () => Database) => downloadFromAnywhere(db, objectStore)
    expect(await head(anywhere as Endpoint, '', fullPath)).toEqual([5, 8])
  })
})

describe('the round trips to delete a package', () => {
  it('are four, with eleven calls: the caller, what he may and the package, what is around it, and the write', async () => {
    const { store, project } = world
    const { id } = await store.publish(project, { name: 'goes', tags: ['latest'] })
    const resource = '/api/v4/projects/{id}/packages/{package_id}'
    const call = { method: 'DELETE', path: `/projects/${project.id}/packages/${id}` }
    const { rounds, calls } = await traffic(deletePackage as Endpoint, resource, call, 'maintainer', ({ statusCode }) =>
      expect(statusCode).toBe(204),
    )
    expect([rounds, calls]).toEqual([4, 11])
  })
})

describe('the round trips of a write that publishes', () => {
  it('are two, with six calls: the rules, the place, the tags and a note of it, then the write', async () => {
    const { store, project } = world
    const wanted: Parameters<typeof store.db.packages.publish>[1] = {
      id: await store.db.packages.nextPackageId(),
      name: 'comes',
      version: '1.0.0',
      type: 'npm',
      status: 'default',
      creatorId: null,
      createdAt: now(),
      files: [],
      tags: ['latest'],
    }
    const publishing = () => store.db.packages.publish(writerOf(project), wanted)
    const { rounds, calls } = await watchTraffic(store.client, publishing)
    expect([rounds, calls]).toEqual([2, 6])
  })
})
