import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { ScheduledEvent } from 'aws-lambda'
import { settleProjects } from '../../functions/jobs/settleProjects.ts'
import { FILES_PER_PACKAGE_LIMIT } from '../../lib/domain/package.ts'
import { type Key, namedKey, packageKey, projectKey, TALLY_SHARDS, tallyKey } from '../../lib/repository/keys.ts'
import { createClient } from '../../lib/repository/table.ts'
import { lambdaDoor } from '../support/doors.ts'
import { fillVersions } from '../support/npmVersions.ts'
import { allowedRights, asFunction, usedBy } from '../support/permissions.ts'
import { createWorld, type Json, publishBody, unique } from '../support/world.ts'

/**
 * The Lambda door gives each function no more than the rights of its role, in every suite. Here the other half: each
 * right is one that the function needs. `use` makes each function do all that it can do.
 */
const door = lambdaDoor()
const world = createWorld(door)
const { root } = world
const maintainer = 40

const ask = async (method: string, path: string, body?: Json | string, who = root) => {
  const reply = await world.call(who, method, path, body as Json | undefined)
  if (reply.status >= 400) throw new Error(`${method} ${path} answered ${reply.status}: ${reply.text}`)
  return reply
}

const publish = async (projectId: number, name: string, version: string) =>
  world.call(root, 'PUT', `/projects/${projectId}/packages/npm/${name}`, await publishBody(name, version))

const setUp = async () => {
  const group = await world.group()
  const project = await world.project({ namespace_id: group.id, visibility: 'private' })
  const name = unique('package')
  await publish(project.id, name, '1.0.0')
  const [{ id }] = (await ask('GET', `/projects/${project.id}/packages`)).json as [{ id: number }]
  const member = await world.member('projects', project.id, maintainer)
  return { group, project, member, name, packages: `/projects/${project.id}/packages`, id }
}

const change = async (Key: Key, UpdateExpression: string, ExpressionAttributeValues: Json) => {
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  const TableName = process.env.TABLE_NAME
  await client.send(new UpdateCommand({ TableName, Key, UpdateExpression, ExpressionAttributeValues }))
  client.destroy()
}

/** Leaves the project as one whose move began, and whose mover died while publishers waited for him. */
const leaveInTransit = async (projectId: number) => {
  await door.database().groups.changeVisibility(projectId, 'public')
  const { placement = 0 } = (await door.database().groups.findProject({ id: projectId })) ?? {}
  await change(projectKey(projectId), 'SET held = :held', { ':held': { by: 'nobody', at: '2020-01-01T00:00:00.000Z' } })
  for (let shard = 0; shard < TALLY_SHARDS; shard++) {
    const tally = tallyKey({ kind: 'project', id: projectId }, shard)
    await change(tally, 'SET placement = :next', { ':next': placement + 1 })
  }
}
/** A package whose packument has no room in an answer. @returns where it is */
const fillLongPackument = async (projectId: number, base: string) => {
  const [tableName, name] = [process.env.TABLE_NAME ?? '', unique('long')]
  await fillVersions(tableName, projectId, name, 350, () => ({ description: 'x'.repeat(19_000) }))
  // Whoever asks a group for it looks for the name there first.
  await publish(projectId, name, '0.1.0')
  return `${base}/${name}`
}
type Place = Awaited<ReturnType<typeof setUp>>

const use: Record<string, (place: Place) => Promise<unknown>> = {
  listProjectPackages: async ({ packages, project, member, name }) => {
    await ask('GET', `${packages}?order_by=name`)
    await ask('GET', `/projects/${encodeURIComponent(String(project.path_with_namespace))}/packages`, undefined, member)
    await ask('HEAD', `${packages}?package_name=${name}`, undefined, member)
  },
  listGroupPackages: async ({ group, member }) => {
    await ask('GET', `/groups/${group.id}/packages?order_by=name`)
    await ask('GET', `/groups/${group.id}/packages`, undefined, member)
  },
  getPackage: ({ packages, id, member }) => ask('GET', `${packages}/${id}`, undefined, member),
  listFiles: ({ packages, id, member }) => ask('GET', `${packages}/${id}/package_files`, undefined, member),
  deletePackage: async ({ packages, project, id, member }) => {
    await leaveInTransit(project.id)
    await ask('DELETE', `${packages}/${id}`, undefined, member)
  },
  npmRead: async ({ packages, project, name, member }) => {
    await ask('GET', `${packages}/npm/${name}`, undefined, member)
    await ask('GET', await fillLongPackument(project.id, `${packages}/npm`), undefined, member)
    await leaveInTransit(project.id)
    await ask('GET', `${packages}/npm/${name}/-/${name}-1.0.0.tgz`, undefined, member)
  },
  npmGroups: async ({ group, project, name, member }) => {
    await ask('GET', `/groups/${group.id}/-/packages/npm/${name}`, undefined, member)
    await ask('GET', await fillLongPackument(project.id, `/groups/${group.id}/-/packages/npm`), undefined, member)
  },
  npmWrite: async ({ packages, project, name }) => {
    // All but one find the version taken when they have stored its file already, and remove the file.
    await Promise.all(Array.from({ length: 4 }, () => publish(project.id, name, '2.0.0')))
    await leaveInTransit(project.id)
    await ask('PUT', `${packages}/npm/-/package/${name}/dist-tags/beta`, '1.0.0')
    await ask('DELETE', `${packages}/npm/-/package/${name}/dist-tags/beta`)
    await ask('DELETE', `${packages}/npm/${name}/-/${name}-2.0.0.tgz/-rev/undefined`)
  },
  genericRead: async ({ packages, project, member }) => {
    await ask('PUT', `${packages}/generic/tool/1.0.0/tool.txt`, 'bytes')
    await ask('HEAD', `${packages}/generic/tool/1.0.0/tool.txt`, undefined, member)
    await leaveInTransit(project.id)
    await ask('GET', `${packages}/generic/tool/1.0.0/tool.txt`, undefined, member)
  },
  genericWrite: async ({ packages, project, member }) => {
    await ask('PUT', `${packages}/generic/tool/1.0.0/tool.txt`, 'bytes', member)
    await leaveInTransit(project.id)
    await ask('PUT', `${packages}/generic/tool/1.0.0/tool.txt?status=hidden`, 'bytes', member)
    // A file that was numbered later has landed already, and stays the newest of its name.
    const [{ id: hidden }] = (await ask('GET', `${packages}?status=hidden`)).json as [{ id: number }]
    await change(namedKey(hidden, 'tool.txt'), 'SET id = :later', { ':later': 999_999_999 })
    await ask('PUT', `${packages}/generic/tool/1.0.0/tool.txt`, 'bytes', member)
    // Its package is full by now, and the file's bytes, which came first, go again.
    const [{ id }] = (await ask('GET', `${packages}?status=hidden`)).json as [{ id: number }]
    await change(packageKey(id), 'SET fileCount = :full', { ':full': FILES_PER_PACKAGE_LIMIT })
    const refused = await world.call(root, 'PUT', `${packages}/generic/tool/1.0.0/more.txt`, 'bytes' as never)
    expect(refused.status).toBe(400)
  },
  files: async ({ packages, project, id, member }) => {
    const [file] = (await ask('GET', `${packages}/${id}/package_files`)).json as [{ id: number }]
    await ask('GET', `${packages}/${id}/pipelines`, undefined, member)
    await leaveInTransit(project.id)
    await ask('DELETE', `${packages}/${id}/package_files/${file.id}`, undefined, member)
  },
  fileDownloads: async ({ packages, project, id, member }) => {
    const [file] = (await ask('GET', `${packages}/${id}/package_files`)).json as [{ id: number }]
    await leaveInTransit(project.id)
    await ask('GET', `${packages}/${id}/package_files/${file.id}/download`, undefined, member)
  },
  settleProjects: async ({ project }) => {
    await leaveInTransit(project.id)
    const context = { getRemainingTimeInMillis: () => 60_000 }
    await asFunction('settleProjects', () => settleProjects(door.database)({} as ScheduledEvent, context))
  },
  accessRead: async ({ group, member }) => {
    await ask('GET', `/groups/${group.id}/members?query=user`)
    await ask('GET', '/projects', undefined, member)
  },
  accessWrite: async ({ group, project }) => {
    const user = await world.member('groups', group.id, maintainer)
    await ask('PUT', `/projects/${project.id}`, { name: 'Renamed' }, user)
    await ask('PUT', `/groups/${group.id}/members/${user.id}`, { access_level: maintainer })
    await ask('DELETE', `/groups/${group.id}/members/${user.id}`)
    await ask('PUT', `/projects/${project.id}`, { path: unique('renamed'), visibility: 'public' })
    await ask('PUT', `/projects/${project.id}/transfer`, { namespace: (await world.group()).id })
    await ask('DELETE', `/projects/${project.id}`)
  },
  readiness: () => ask('GET', '/-/readiness'),
}

describe.each(Object.entries(allowedRights()))('%s', (name, allowed) => {
  beforeAll(() => door.open())

  it('needs every right that serverless.yml gives it, and has no other', async () => {
    const work = use[name]
    if (!work) throw new Error(`Say in this file what ${name} can do, and give it the rights that it needs`)
    await work(await setUp())

    expect(usedBy(name)).toEqual([...allowed].sort())
  })
})
