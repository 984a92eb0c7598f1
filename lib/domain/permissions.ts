import type { Group, Project, Visibility } from './project.ts'
import type { DeployToken } from './token.ts'

/** GitLab's roles by their number. */
export const ACCESS_LEVELS = { guest: 10, planner: 15, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const
export type AccessLevel = (typeof ACCESS_LEVELS)[keyof typeof ACCESS_LEVELS]
export const accessLevels = Object.values(ACCESS_LEVELS)
export const NO_ACCESS = 0

export type User = {
  id: number
  username: string
  name: string
  email: string
  admin: boolean
  namespaceId: number
  createdAt: string
}

/**
 * A role in one group or project. `within` are the ancestors of that place, `project` is what else it notes of a project
 * (`notedIn`); `expiresOn` is a day, `2026-12-31`.
 */
export type Membership = {
  userId: number
  source: { kind: 'group' | 'project'; id: number }
  within: number[]
  project?: Pick<Project, 'path' | 'visibility'> | undefined
  accessLevel: AccessLevel
  expiresOn: string | null
  createdAt: string
}

/** What a role notes of its place: by that it is known which groups it opens, and where lists have what it shows. */
export const notedIn = (
  kind: Membership['source']['kind'],
  { ancestorIds, path, visibility }: Pick<Project, 'ancestorIds' | 'path' | 'visibility'>,
): Pick<Membership, 'within' | 'project'> => ({
  within: ancestorIds,
  ...(kind === 'project' ? { project: { path, visibility } } : {}),
})

/** The most members of one group or project: who asks for them by name or with those around reads all of them. */
export const MEMBERS_LIMIT = 10_000
/** The most roles of one user: whatever he asks of a group reads all of them. */
export const ROLES_LIMIT = 2_000

/** What a deploy token opens, by the place that it is of and all that is inside. */
type Grant = { source: Membership['source']; abilities: readonly ProjectAbility[] }

/**
 * Who asks, with the roles that bear on what is asked. An anonymous caller has neither user nor roles; who shows a
 * deploy token has neither, and a grant.
 */
export type Caller = { user: User | undefined; memberships: readonly Membership[]; grant?: Grant }

export const ANONYMOUS: Caller = { user: undefined, memberships: [] }

/** Whether nothing is known of the caller, so that he might be asked to log in. */
export const isAnonymous = ({ user, grant }: Caller) => user === undefined && grant === undefined

/** A deploy token is nobody: beyond its grant it sees what anonymous callers see. */
export const bearerOf = ({ source, scopes }: Pick<DeployToken, 'source' | 'scopes'>): Caller => {
  const writes = scopes.includes('write_package_registry')
  const reads = writes || scopes.includes('read_package_registry')
  const abilities = [
    ...(reads ? (['read_project', 'read_package'] as const) : []),
    ...(writes ? (['create_package'] as const) : []),
  ]
  return { ...ANONYMOUS, grant: { source, abilities } }
}

type Place = Pick<Group, 'id' | 'visibility' | 'ancestorIds'>

/** Whether the caller's grant lets him do something in the place: it is of the place itself or of a group around it. */
const isGranted = ({ grant }: Caller, ability: ProjectAbility, kind: 'group' | 'project', place: Place): boolean => {
  if (!grant?.abilities.includes(ability)) return false
  const { source } = grant
  if (source.kind === kind && source.id === place.id) return true
  return source.kind === 'group' && place.ancestorIds.includes(source.id)
}

/** A membership counts up to and including the day before `expiresOn`, as in GitLab. `today` is a day in UTC. */
export const isCurrent = ({ expiresOn }: Pick<Membership, 'expiresOn'>, today: string) =>
  expiresOn === null || expiresOn > today

/** The highest role that the caller has in the place or inherits from the groups around it; 0 is none. */
const highestRole = (caller: Caller, kind: 'group' | 'project', place: Place): number => {
  const groups = new Set(kind === 'group' ? [...place.ancestorIds, place.id] : place.ancestorIds)
  const counts = ({ source }: Membership) =>
    source.kind === 'group' ? groups.has(source.id) : kind === 'project' && source.id === place.id
  return Math.max(NO_ACCESS, ...caller.memberships.filter(counts).map(({ accessLevel }) => accessLevel))
}

export const projectRole = (caller: Caller, project: Place) => highestRole(caller, 'project', project)
export const groupRole = (caller: Caller, group: Place) => highestRole(caller, 'group', group)

/** Open to the caller by visibility alone: internal to whoever is signed in, public to all. */
export const isOpenTo = (caller: Caller, visibility: Visibility) =>
  visibility === 'public' || (visibility === 'internal' && caller.user !== undefined)

/** A member of anything inside a group may read that group. */
const isMemberInside = (caller: Caller, group: Place) =>
  caller.memberships.some(({ within }) => within.includes(group.id))

/** Whether the caller's roles open a group to him: one in it, around it or in something inside it. */
export const isInvolvedIn = (caller: Caller, group: Place) =>
  groupRole(caller, group) > NO_ACCESS || isMemberInside(caller, group)

const leastProjectRole = {
  read_project: ACCESS_LEVELS.guest,
  read_package: ACCESS_LEVELS.reporter,
  create_package: ACCESS_LEVELS.developer,
  destroy_package: ACCESS_LEVELS.maintainer,
  admin_package: ACCESS_LEVELS.maintainer,
  admin_project_deploy_token: ACCESS_LEVELS.maintainer,
  admin_project: ACCESS_LEVELS.maintainer,
  admin_project_member: ACCESS_LEVELS.maintainer,
  change_visibility_level: ACCESS_LEVELS.owner,
  change_namespace: ACCESS_LEVELS.owner,
  remove_project: ACCESS_LEVELS.owner,
} as const
export type ProjectAbility = keyof typeof leastProjectRole

const leastGroupRole = {
  read_group: ACCESS_LEVELS.guest,
  create_projects: ACCESS_LEVELS.developer,
  create_subgroup: ACCESS_LEVELS.maintainer,
  read_group_deploy_token: ACCESS_LEVELS.maintainer,
  admin_group_deploy_token: ACCESS_LEVELS.owner,
  admin_group: ACCESS_LEVELS.owner,
  admin_group_member: ACCESS_LEVELS.owner,
} as const
export type GroupAbility = keyof typeof leastGroupRole

/** The access rule for projects, the only place it stands. */
export const canInProject = (caller: Caller, ability: ProjectAbility, project: Place): boolean => {
  if (caller.user?.admin || isGranted(caller, ability, 'project', project)) return true
  const reading = ability === 'read_project' || ability === 'read_package'
  if (reading && isOpenTo(caller, project.visibility)) return true
  return projectRole(caller, project) >= leastProjectRole[ability]
}

/** The access rule for groups, the only place it stands. */
export const canInGroup = (caller: Caller, ability: GroupAbility, group: Place): boolean => {
  if (caller.user?.admin) return true
  const isOpen = () =>
    isOpenTo(caller, group.visibility) ||
    isMemberInside(caller, group) ||
    isGranted(caller, 'read_package', 'group', group)
  if (ability === 'read_group' && isOpen()) return true
  return groupRole(caller, group) >= leastGroupRole[ability]
}

/** The role that an ability asks for, for messages. */
export const leastRoleName = (ability: ProjectAbility | GroupAbility) => {
  const least: number = { ...leastProjectRole, ...leastGroupRole }[ability]
  const [name = 'owner'] = Object.entries(ACCESS_LEVELS).find(([, level]) => level === least) ?? []
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** What of a group's packages a caller may list: shelves by visibility, and places inside that add their private ones. */
export type GroupScope = { visibilities: Visibility[]; inside: Membership['source'][] }

/** Every listing of a group starts here; see `canInProject`, which it must agree with. */
export const groupScope = (caller: Caller, group: Place, excludeSubgroups: boolean): GroupScope => {
  const role = caller.user?.admin ? ACCESS_LEVELS.owner : groupRole(caller, group)
  const isReader = role >= leastProjectRole.read_package || isGranted(caller, 'read_package', 'group', group)
  if (isReader) return { visibilities: ['private', 'internal', 'public'], inside: [] }

  const reaching = caller.memberships.filter(
    ({ within, accessLevel, source }) =>
      accessLevel >= leastProjectRole.read_package &&
      (excludeSubgroups ? source.kind === 'project' && within.at(-1) === group.id : within.includes(group.id)),
  )
  const visibilities: Visibility[] = isOpenTo(caller, 'internal') ? ['internal', 'public'] : ['public']
  const groups = new Set(reaching.filter(({ source }) => source.kind === 'group').map(({ source }) => source.id))
  const isCovered = ({ within, project }: Membership) =>
    within.some((id) => groups.has(id)) || (project !== undefined && visibilities.includes(project.visibility))
  return { visibilities, inside: reaching.filter((membership) => !isCovered(membership)).map(({ source }) => source) }
}
