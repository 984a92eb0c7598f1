import type { APIGatewayProxyEvent } from 'aws-lambda'
import { holds } from '../../lib/access/lists.ts'
import { highestRoles } from '../../lib/access/roles.ts'
import { notFound } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { Membership } from '../../lib/domain/permissions.ts'
import { type Group, type Project, parentId } from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { pathParams } from '../../lib/http/params.ts'
import { presentMember } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { today } from '../../lib/middleware/authenticate.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'
import { parseMembersQuery } from './listQuery.ts'

type Source = Membership['source']

/** The places whose members are those of a group, from the inside out: its own, or also the ones around it. */
const groupSources = ({ id, ancestorIds }: Group, inherited: boolean): Source[] =>
  [id, ...(inherited ? ancestorIds.toReversed() : [])].map((groupId) => ({ kind: 'group', id: groupId }))

/** The same of a project. GitLab makes the owner of a personal namespace a member of its projects; see `rolesIn`. */
const projectSources = async (db: Database, project: Project, inherited: boolean): Promise<Source[]> => {
  const own: Source = { kind: 'project', id: project.id }
  const around = project.ancestorIds.toReversed().map((id): Source => ({ kind: 'group', id }))
  if (inherited) return [own, ...around]
  const namespace = await db.groups.findGroup({ id: parentId(project) as number })
  return namespace?.kind === 'user' ? [own, ...around] : [own]
}

/** One page of the members, by their ids. Only a search needs to know all of them by name. */
const pageOf = async (db: Database, event: APIGatewayProxyEvent, memberships: readonly Membership[]) => {
  const page = parsePage(event)
  const { search, userIds } = parseMembersQuery(event)
  const asked = highestRoles(memberships).filter(({ userId }) => userIds === undefined || userIds.includes(userId))
  const named = search === undefined ? asked : await whoIsNamed(db, asked, search)
  const shown = sliceOf(named, page)
  const users = new Map((await db.users.listById(shown.map(({ userId }) => userId))).map((user) => [user.id, user]))

  const site = { url: externalUrl(event) }
  const rows = shown.flatMap((membership) => {
    const user = users.get(membership.userId)
    return user ? [presentMember(user, membership, site)] : []
  })
  return { rows, total: named.length, page }
}

const whoIsNamed = async (db: Database, memberships: readonly Membership[], search: string) => {
  const users = await db.users.listById(memberships.map(({ userId }) => userId))
  const found = new Set(users.filter(({ name, username }) => holds(search, name, username)).map(({ id }) => id))
  return memberships.filter(({ userId }) => found.has(userId))
}

/** @throws `parameters_invalid`, `not_found` */
const findMember = async (db: Database, event: APIGatewayProxyEvent, sources: readonly Source[]) => {
  const userId = parseId('user_id', pathParams(event).user_id)
  const { user, memberships } = await db.members.findCaller(userId, sources, today())
  const [membership] = highestRoles(memberships)
  if (!user || !membership) throw notFound('member')
  return { user, membership }
}

type Reach = { name: string; inherited: boolean }

const listOfGroup = (db: () => Database, { name, inherited }: Reach) =>
  endpoint(name, db)
    .use(paginate())
    .use(requireLogin())
    .use(
      loadGroup(db, 'read_group', {
        ahead: (_event, group) => db().members.listMembers(groupSources(group, inherited), today()),
      }),
    )
    .handler(async (event, { ahead: memberships }) => pageOf(db(), event, memberships))

const listOfProject = (db: () => Database, { name, inherited }: Reach) =>
  endpoint(name, db)
    .use(paginate())
    .use(requireLogin())
    .use(
      loadProject(db, 'read_project', {
        ahead: async (_event, project) =>
          db().members.listMembers(await projectSources(db(), project, inherited), today()),
      }),
    )
    .handler(async (event, { ahead: memberships }) => pageOf(db(), event, memberships))

const oneOfGroup = (db: () => Database, { name, inherited }: Reach) =>
  endpoint(name, db)
    .use(requireLogin())
    .use(
      loadGroup(db, 'read_group', { ahead: (event, group) => findMember(db(), event, groupSources(group, inherited)) }),
    )
    .handler(async (event, { ahead: { user, membership } }) =>
      json(200, presentMember(user, membership, { url: externalUrl(event) })),
    )

const oneOfProject = (db: () => Database, { name, inherited }: Reach) =>
  endpoint(name, db)
    .use(requireLogin())
    .use(
      loadProject(db, 'read_project', {
        ahead: async (event, project) => findMember(db(), event, await projectSources(db(), project, inherited)),
      }),
    )
    .handler(async (event, { ahead: { user, membership } }) =>
      json(200, presentMember(user, membership, { url: externalUrl(event) })),
    )

/**
 * `GET /groups/:id/members`: who has a role in the group itself, by id, paged; `query` looks into names.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for anonymous callers; 404 for a group that is not
 * there or not to be seen.
 */
export const listGroupMembers = (db: () => Database) => listOfGroup(db, { name: 'listGroupMembers', inherited: false })

/**
 * `GET /groups/:id/members/all`: the same with the members of the groups around it, each with his highest role.
 *
 * 200, 400, 401 and 404 as without `all`.
 */
export const listAllGroupMembers = (db: () => Database) =>
  listOfGroup(db, { name: 'listAllGroupMembers', inherited: true })

/**
 * `GET /groups/:id/members/:user_id`: one member of the group itself.
 *
 * 200; 400 for an id that is no integer; 401 for anonymous callers; 404 for what is not there or not to be seen.
 */
export const getGroupMember = (db: () => Database) => oneOfGroup(db, { name: 'getGroupMember', inherited: false })

/**
 * `GET /groups/:id/members/all/:user_id`: one member of the group or of those around it, with his highest role.
 *
 * 200; 400 for an id that is no integer; 401 for anonymous callers; 404 for what is not there or not to be seen.
 */
export const getAnyGroupMember = (db: () => Database) => oneOfGroup(db, { name: 'getAnyGroupMember', inherited: true })

/**
 * `GET /projects/:id/members`: who has a role in the project itself, by id, paged; `query` looks into names.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for anonymous callers; 404 for a project that is not
 * there or not to be seen.
 */
export const listProjectMembers = (db: () => Database) =>
  listOfProject(db, { name: 'listProjectMembers', inherited: false })

/**
 * `GET /projects/:id/members/all`: the same with the members of the groups around it, each with his highest role.
 *
 * 200, 400, 401 and 404 as without `all`.
 */
export const listAllProjectMembers = (db: () => Database) =>
  listOfProject(db, { name: 'listAllProjectMembers', inherited: true })

/**
 * `GET /projects/:id/members/:user_id`: one member of the project itself.
 *
 * 200; 400 for an id that is no integer; 401 for anonymous callers; 404 for what is not there or not to be seen.
 */
export const getProjectMember = (db: () => Database) => oneOfProject(db, { name: 'getProjectMember', inherited: false })

/**
 * `GET /projects/:id/members/all/:user_id`: one member of the project or of the groups around it, with his highest role.
 *
 * 200; 400 for an id that is no integer; 401 for anonymous callers; 404 for what is not there or not to be seen.
 */
export const getAnyProjectMember = (db: () => Database) =>
  oneOfProject(db, { name: 'getAnyProjectMember', inherited: true })
