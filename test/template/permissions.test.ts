import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { ScheduledEvent } from 'aws-lambda'
import { countPackages } from '../../functions/jobs/countPackages.ts'
import { settleMetadata } from '../../functions/jobs/settleMetadata.ts'
import { settleProjects } from '../../functions/jobs/settleProjects.ts'
import { sweepUploads } from '../../functions/jobs/sweepUploads.ts'
import { objectStore } from '../../lib/deps.ts'
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
  await door.database().groups.changeProject(projectId, { visibility: 'public' }, new Date().toISOString())
  const { placement = 0 } = (await door.database().groups.findProject({ id: projectId })) ?? {}
  await change(projectKey(projectId), 'SET held = :held', { ':held': { by: 'nobody', at: '2020-01-01T00:00:00.000Z' } })
  for (let shard = 0; shard < TALLY_SHARDS; shard++) {
    const tally = tallyKey({ kind: 'project', id: projectId }, shard)
    await change(tally, 'SET placement = :next', { ':next': placement + 1 })
  }
}
const APP = 'com/mycompany/my-app'
const METADATA = `${APP}/maven-metadata.xml`
const metadataOf = (...versions: string[]) =>
  `<metadata><versioning><versions>${versions.map((version) => `<version>${version}</version>`).join('')}</versions></versioning></metadata>`

/** Text as it is, not as JSON. */
const putText = async (path: string, body: string, who = root) => {
  const headers = { 'private-token': String(who.token) }
  const reply = await door.call({ method: 'PUT', path, headers, body })
  if (reply.status >= 400) throw new Error(`PUT ${path} answered ${reply.status}: ${reply.text}`)
}

const newestMaven = async (packages: string, versionless = false) => {
  const path = `${packages}?package_type=maven&include_versionless=${versionless}&sort=desc`
  const found = (await ask('GET', path)).json as { id: number; version: string | null }[]
  return found.find(({ version }) => (version === null) === versionless)?.id ?? 0
}

/** Leaves metadata that lists a version that was deleted, beside one that is there. */
const leaveOutdated = async (packages: string) => {
  await putText(`${packages}/maven/${APP}/1.0/my-app-1.0.jar`, 'bytes')
  await putText(`${packages}/maven/${APP}/1.1/my-app-1.1.jar`, 'bytes')
  await putText(`${packages}/maven/${METADATA}`, metadataOf('1.0', '1.1'))
  await ask('DELETE', `${packages}/${await newestMaven(packages)}`)
}

/** The versionless package can take no more files, not even when some of it is removed. */
const fillUp = async (packages: string) =>
  change(packageKey(await newestMaven(packages, true)), 'SET fileCount = :full', {
    ':full': 2 * FILES_PER_PACKAGE_LIMIT,
  })

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
    await leaveOutdated(packages)
    await leaveInTransit(project.id)
    await ask('DELETE', `${packages}/${id}`, undefined, member)
    // With the last version goes the versionless package.
    await ask('DELETE', `${packages}/${await newestMaven(packages)}`, undefined, member)
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
  directUploads: async ({ packages, project, member }) => {
    const body = (name: string, bytes: string) => ({
      package_type: 'generic',
      path: `tool/1.0.0/${name}`,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    const request = async (name: string, bytes: string) => {
      const { json } = await ask('POST', `${packages}/direct_uploads`, body(name, bytes), member)
      const { id, upload } = json as { id: string; upload: { url: string } }
      return { id, send: (sent: string) => fetch(upload.url, { method: 'PUT', body: sent }) }
    }
    const confirm = (id: string) => world.call(member, 'POST', `${packages}/direct_uploads/${id}/confirm`)
    const [first, second, wrong] = [await request('a', 'one'), await request('a', 'two'), await request('b', 'right')]
    await Promise.all([first.send('one'), second.send('two'), wrong.send('wrong')])
    expect((await confirm(wrong.id)).status).toBe(400)
    await leaveInTransit(project.id)
    expect((await confirm(second.id)).status).toBe(201)
    // A file that was numbered later has landed already, and stays the newest of its name.
    expect((await confirm(first.id)).status).toBe(201)
    const hidden = await ask('POST', `${packages}/direct_uploads`, { ...body('c', 'three'), status: 'hidden' }, member)
    const { id, upload } = hidden.json as { id: string; upload: { url: string } }
    await fetch(upload.url, { method: 'PUT', body: 'three' })
    expect((await confirm(id)).status).toBe(201)
    // Metadata of an artifact is made to fit the versions that are there.
    await leaveOutdated(packages)
    const outdated = metadataOf('0.9')
    const metadata = { ...body('', outdated), package_type: 'maven', path: METADATA }
    const asked = (await ask('POST', `${packages}/direct_uploads`, metadata, member)).json as typeof hidden.json & {
      id: string
      upload: { url: string }
    }
    await fetch(asked.upload.url, { method: 'PUT', body: outdated })
    expect((await confirm(asked.id)).status).toBe(201)
  },
  sweepUploads: async ({ packages, member }) => {
    const wanted = { package_type: 'generic', path: 'tool/1/a', size: 1, sha256: '0'.repeat(64) }
    await ask('POST', `${packages}/direct_uploads`, wanted, member)
    const context = { getRemainingTimeInMillis: () => 60_000 }
    const job = sweepUploads(door.database, objectStore, () => '2100-01-01T00:00:00.000Z')
    await asFunction('sweepUploads', () => job({} as ScheduledEvent, context))
  },
  mavenRead: async ({ packages, project, member }) => {
    await leaveOutdated(packages)
    await ask('GET', `${packages}/maven/${METADATA}`, undefined, member)
    await leaveInTransit(project.id)
    await leaveOutdated(packages)
    await ask('GET', `${packages}/maven/${METADATA}`, undefined, member)
    // What it writes finds no room, and its bytes, which came first, go again.
    await leaveOutdated(packages)
    await fillUp(packages)
    await ask('HEAD', `${packages}/maven/${METADATA}`, undefined, member)
  },
  mavenWrite: async ({ packages, project, member }) => {
    await putText(`${packages}/maven/${APP}/1.0/my-app-1.0.jar`, 'bytes', member)
    await leaveInTransit(project.id)
    // Of an artifact whose version its client did not know, so that another one takes its place.
    await putText(`${packages}/maven/${METADATA}`, metadataOf('0.9'), member)
    const sha1 = createHash('sha1').update(metadataOf('0.9')).digest('hex')
    await putText(`${packages}/maven/${METADATA}.sha1`, sha1, member)
    // A file that was numbered later has landed already, and stays the newest of its name.
    const versionless = await newestMaven(packages, true)
    await change(namedKey(versionless, 'maven-metadata.xml'), 'SET id = :later', { ':later': 999_999_999 })
    await putText(`${packages}/maven/${METADATA}`, metadataOf('0.9', '1.0'), member)
    await fillUp(packages)
    await expect(putText(`${packages}/maven/${METADATA}`, metadataOf('1.0'))).rejects.toThrow('400')
  },
  settleMetadata: async ({ packages, project }) => {
    const context = { getRemainingTimeInMillis: () => 60_000 }
    const settle = () =>
      asFunction('settleMetadata', () => settleMetadata(door.database, objectStore)({} as ScheduledEvent, context))
    await leaveOutdated(packages)
    await settle()
    await leaveInTransit(project.id)
    await leaveOutdated(packages)
    await settle()
    await leaveOutdated(packages)
    await fillUp(packages)
    await settle()
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
  countPackages: async ({ project }) => {
    const context = { getRemainingTimeInMillis: () => 60_000 }
    const later = () => new Date(Date.now() + 60 * 60 * 1000).toISOString()
    const count = () =>
      asFunction('countPackages', () => countPackages(door.database, later)({} as ScheduledEvent, context))
    // More than a shelf that is read whole.
    for (let n = 0; n < 40; n++) await world.package(project.id)
    await count()
    await world.package(project.id)
    await count()
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

    // The note of a download may come after the answer that it is about.
    for (let looks = 0; looks < 50 && usedBy(name).length < allowed.length; looks++) await sleep(100)
    expect(usedBy(name)).toEqual([...allowed].sort())
  })
})
