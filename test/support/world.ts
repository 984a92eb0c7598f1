import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Package, PackageStatus, PackageType } from '../../lib/domain/package.ts'
import type { AccessLevel, User } from '../../lib/domain/permissions.ts'
import type { Group, Located, Project } from '../../lib/domain/project.ts'
import { TOKEN_LIFE_DAYS, type TokenScope } from '../../lib/domain/token.ts'
import { presentGroup, presentProject } from '../../lib/http/present.ts'
import { newSecret } from '../../lib/repository/tokens.ts'
import type { Door, Reply } from './doors.ts'
import { testEnvironment } from './environment.ts'
import { now } from './store.ts'

export type Json = Record<string, unknown>
type Made = { id: number } & Json

type NewPlace = Pick<Group, 'name' | 'path' | 'description' | 'visibility'>
/** What says how a group or project is to be. */
type Wanted = { [Field in 'name' | 'path' | 'description' | 'visibility']?: unknown }

type NewFile = Parameters<ReturnType<Door['database']>['packages']['publish']>[1]['files'][number]

/** The day so many days from now, in UTC. */
export const dayIn = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

/** A name that no other test uses. */
export const unique = (start: string) => `${start}-${randomUUID().slice(0, 8)}`

/** Whoever calls: by a token, or anonymous. */
export type Who = { token?: string; id?: number; username?: string }
type DeployTokenBearer = { deployToken?: string }

/** Short ways to set up what a case is about, by the routes that everybody uses. */
export const createWorld = (door: Door) => {
  const root: Who = { token: testEnvironment().rootToken }

  const call = (
    who: Who & DeployTokenBearer,
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ) =>
    door.call({
      method,
      path,
      headers: {
        ...(who.token === undefined ? {} : { 'private-token': who.token }),
        ...(who.deployToken === undefined ? {} : { 'deploy-token': who.deployToken }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  const make = async (path: string, body: Json, who = root): Promise<Made> => {
    const answer = await call(who, 'POST', path, body)
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`)
    return answer.json as Made
  }

  let himself: Promise<User | undefined> | undefined
  const administrator = async (): Promise<User> => {
    himself ??= door.database().users.findByUsername('root')
    return (await himself) as User
  }
  /** A group as it stands, with those around it. */
  const at = async (id: number): Promise<Located<Group>> => {
    const { groups } = door.database()
    const group = await groups.findGroup({ id })
    const located = group && (await groups.locate(group))
    if (!located) throw new Error(`there is no group ${id}`)
    return located
  }

  const world = {
    door,
    root,
    anonymous: {} as Who,
    call,
    get: (who: Who & DeployTokenBearer, path: string): Promise<Reply> => call(who, 'GET', path),
    make,

    /** A group of the administrator's, by way of the repository, as the route answers it: most cases need several. */
    group: async ({ parent_id, ...more }: Wanted & { parent_id?: number | undefined } = {}): Promise<Made> => {
      const path = unique('group')
      const [{ id }, parent] = await Promise.all([administrator(), parent_id === undefined ? undefined : at(parent_id)])
      const wanted = { name: path, path, description: '', visibility: 'public', ...more } as NewPlace
      const group = await door.database().groups.createGroup(parent?.thing, wanted, id, now())
      return presentGroup(group, parent ? [...parent.ancestors, parent.thing] : [], { url: door.origin })
    },

    /** A project in a group, or in the administrator's own namespace, as `group` makes groups. */
    project: async ({ namespace_id, ...more }: Wanted & { namespace_id?: number } = {}): Promise<Made> => {
      const path = unique('project')
      const { id, namespaceId } = await administrator()
      const around = await at(namespace_id ?? namespaceId)
      const wanted = { name: path, path, description: '', visibility: 'public', ...more } as NewPlace
      const project = await door.database().groups.createProject(around.thing, wanted, id, now())
      return presentProject(project, [...around.ancestors, around.thing], { url: door.origin })
    },

    /** A user with a token of these scopes, by way of the repository: most cases need several. */
    user: async (scopes: TokenScope[] = ['api'], { admin = false } = {}): Promise<Required<Who>> => {
      const { users, tokens } = door.database()
      const username = unique('user')
      const expiresOn = dayIn(TOKEN_LIFE_DAYS)
      const user = { username, name: username, email: `${username}@example.com`, admin }
      const { id } = await users.create(user, now())
      const token = newSecret(id)
      await tokens.create(token, { userId: id, name: 'test', scopes, expiresOn }, now())
      return { token, id, username }
    },

    /** A user with a role in a group or project, by way of the repository. */
    member: async (
      kind: 'groups' | 'projects',
      id: number,
      accessLevel: AccessLevel,
      expiresOn: string | null = null,
    ): Promise<Required<Who>> => {
      const { groups, members } = door.database()
      const [user, place] = await Promise.all([
        world.user(),
        kind === 'groups' ? groups.findGroup({ id }) : groups.findProject({ id }),
      ])
      const located = place && (await groups.locate<Group | Project>(place))
      if (!located) throw new Error(`there is no ${kind} ${id} to be a member of`)
      const source = { kind: kind === 'groups' ? ('group' as const) : ('project' as const), id }
      const within = located.thing.ancestorIds
      await members.add({ userId: user.id, source, within, accessLevel, expiresOn, createdAt: now() })
      return user
    },

    /** Whoever shows a deploy token of a group or project. */
    deployToken: async (
      kind: 'groups' | 'projects',
      id: number,
      scopes: string[] = ['read_package_registry'],
      more: Json = {},
    ): Promise<Required<Pick<Who, 'id' | 'username'> & DeployTokenBearer>> => {
      const made = await make(`/${kind}/${id}/deploy_tokens`, { name: 'test', scopes, ...more })
      return { id: made.id, username: String(made.username), deployToken: String(made.token) }
    },

    /** A package by way of the repository, for formats and states that no client brings in. */
    package: async (
      projectId: number,
      more: {
        name?: string
        version?: string | null
        type?: PackageType
        status?: PackageStatus
        files?: string[]
        tags?: string[]
      } = {},
    ): Promise<Package> => {
      const { packages } = door.database()
      const packageId = await packages.nextPackageId()
      const version = more.version === undefined ? '1.0.0' : more.version
      const files: NewFile[] = []
      for (const fileName of more.files ?? ['file.txt']) {
        files.push({
          id: await packages.nextFileId(),
          fileName,
          size: fileName.length,
          md5: createHash('md5').update(fileName).digest('hex'),
          sha1: createHash('sha1').update(fileName).digest('hex'),
          sha256: createHash('sha256').update(fileName).digest('hex'),
        })
      }
      const writer = { project: { id: projectId, ancestorIds: [] }, accessLevel: 60, userId: null }
      return packages.publish(writer, {
        id: packageId,
        name: more.name ?? unique('package'),
        version,
        type: more.type ?? 'generic',
        status: more.status ?? 'default',
        creatorId: null,
        createdAt: now(),
        files,
        tags: more.tags ?? [],
      })
    },
  }
  return world
}

export type World = ReturnType<typeof createWorld>

/** A tarball as `npm pack` makes it. */
export const tarballOf = async (packageJson: Json, directory = 'package'): Promise<Buffer> => {
  const archive = pack()
  archive.entry({ name: `${directory}/package.json` }, JSON.stringify(packageJson))
  archive.entry({ name: `${directory}/index.js` }, 'module.exports = 1\n')
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return gzipSync(Buffer.concat(chunks))
}

/** The body that `npm publish` sends. */
export const publishBody = async (
  name: string,
  version: string,
  { tag = 'latest', manifest = {}, tarball }: { tag?: string; manifest?: Json; tarball?: Buffer } = {},
) => {
  const bytes = tarball ?? (await tarballOf({ name, version, ...manifest }))
  return {
    _id: name,
    name,
    'dist-tags': { [tag]: version },
    versions: {
      [version]: {
        name,
        version,
        ...manifest,
        _id: `${name}@${version}`,
        dist: {
          integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
          shasum: createHash('sha1').update(bytes).digest('hex'),
          tarball: `http://localhost/${name}/-/${name}-${version}.tgz`,
        },
      },
    },
    access: null,
    _attachments: {
      [`${name}-${version}.tgz`]: {
        content_type: 'application/octet-stream',
        data: bytes.toString('base64'),
        length: bytes.length,
      },
    },
  }
}
