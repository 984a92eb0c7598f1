import type { APIGatewayProxyEvent } from 'aws-lambda'
import { reaches } from '../../lib/access/roles.ts'
import { assertValid, dayProblems } from '../../lib/access/validity.ts'
import { forbidden, notFound } from '../../lib/domain/errors.ts'
import {
  type AccessLevel,
  accessLevels,
  type Caller,
  canInGroup,
  canInProject,
  groupRole,
  leastRoleName,
  type Membership,
  projectRole,
} from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentMember } from '../../lib/http/present.ts'
import { today } from '../../lib/middleware/authenticate.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'

/** A group or project as the caller stands in it; in both, members come and go alike. */
type Place = {
  source: Membership['source']
  within: number[]
  role: number
  /** Why the caller may not manage members here; undefined when he may. */
  refusal: string | undefined
}

const refusal = (may: boolean, ability: 'admin_group_member' | 'admin_project_member', where: string) =>
  may ? undefined : `this needs the role ${leastRoleName(ability)} in the ${where}`

const inGroup = (caller: Caller, group: Group): Place => ({
  source: { kind: 'group', id: group.id },
  within: group.ancestorIds,
  role: groupRole(caller, group),
  refusal: refusal(canInGroup(caller, 'admin_group_member', group), 'admin_group_member', 'group'),
})

const inProject = (caller: Caller, project: Project): Place => ({
  source: { kind: 'project', id: project.id },
  within: project.ancestorIds,
  role: projectRole(caller, project),
  refusal: refusal(canInProject(caller, 'admin_project_member', project), 'admin_project_member', 'project'),
})

const readAccessLevel = (read: Reader): AccessLevel => {
  const given = read.required('access_level', read.integer('access_level'))
  const level = accessLevels.find((allowed) => allowed === given)
  if (given !== undefined && level === undefined) read.refuse('access_level does not have a valid value')
  return level as AccessLevel
}

const readNewMember = (read: Reader) => {
  read.atLeastOne('user_id', 'username')
  const userId = read.integer('user_id')
  const username = read.text('username')
  if (userId !== undefined && username !== undefined) read.refuse('user_id, username are mutually exclusive')
  return { userId, username, accessLevel: readAccessLevel(read), expiresOn: read.day('expires_at') ?? null }
}

const add = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, { source, within, role }: Place) => {
  const { userId, username = '', accessLevel, expiresOn } = parseParams(await allParams(event), readNewMember)
  assertValid({ expires_at: dayProblems(expiresOn, today()) })
  if (!reaches(caller, role, accessLevel)) throw forbidden('nobody can give a role above his own')

  const user = await (userId === undefined ? db.users.findByUsername(username) : db.users.find(userId))
  if (!user) throw notFound('user')

  const createdAt = new Date().toISOString()
  const membership: Membership = { userId: user.id, source, within, accessLevel, expiresOn, createdAt }
  await db.members.add(membership)
  return json(201, presentMember(user, membership, { url: externalUrl(event) }))
}

const readRole = (read: Reader) => {
  const accessLevel = readAccessLevel(read)
  const expiresOn = read.day('expires_at')
  return { accessLevel, ...(expiresOn === undefined ? {} : { expiresOn }) }
}

const update = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, { source, role }: Place) => {
  const userId = parseId('user_id', pathParams(event).user_id)
  const change = parseParams(await allParams(event), readRole)
  assertValid({ expires_at: dayProblems(change.expiresOn ?? null, today()) })
  if (!reaches(caller, role, change.accessLevel)) throw forbidden('nobody can give a role above his own')

  const membership = await db.members.update(userId, source, change, today(), ({ accessLevel }) => {
    if (!reaches(caller, role, accessLevel)) throw forbidden('nobody can change a member with a role above his own')
  })
  const user = await db.users.find(userId)
  if (!user) throw notFound('member')
  return json(200, presentMember(user, membership, { url: externalUrl(event) }))
}

const remove = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, place: Place) => {
  const given = pathParams(event).user_id
  const isHimself = given === String(caller.user?.id)
  if (!isHimself && place.refusal !== undefined) throw forbidden(place.refusal)

  await db.members.remove(parseId('user_id', given), place.source, ({ accessLevel }) => {
    if (!isHimself && !reaches(caller, place.role, accessLevel)) {
      throw forbidden('nobody can remove a member with a role above his own')
    }
  })
  return noContent()
}

/**
 * `POST /groups/:id/members`: gives a user a role in a group.
 *
 * 201; 400 for a parameter; 401 for anonymous callers; 403 below Owner and for a role above one's own; 404 for a group
 * that is not there or not to be seen, and for a user that is not there; 409 when he is a member.
 */
export const addGroupMember = (db: () => Database) =>
  endpoint('addGroupMember', db)
    .use(requireLogin())
    .use(loadGroup(db, 'admin_group_member'))
    .handler((event, { caller, group }) => add(db(), event, caller, inGroup(caller, group)))

/**
 * `POST /projects/:id/members`: gives a user a role in a project.
 *
 * 201; 400 for a parameter; 401 for anonymous callers; 403 below Maintainer and for a role above one's own; 404 for a
 * project that is not there or not to be seen, and for a user that is not there; 409 when he is a member.
 */
export const addProjectMember = (db: () => Database) =>
  endpoint('addProjectMember', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_project_member'))
    .handler((event, { caller, project }) => add(db(), event, caller, inProject(caller, project)))

/**
 * `PUT /groups/:id/members/:user_id`: changes a user's role in a group, or its end; one that is left out stays.
 *
 * 200; 400 for a parameter; 401 for anonymous callers; 403 below Owner, for a role above one's own and for the last
 * owner of a top-level group; 404 for what is not there or not to be seen.
 */
export const updateGroupMember = (db: () => Database) =>
  endpoint('updateGroupMember', db)
    .use(requireLogin())
    .use(loadGroup(db, 'admin_group_member'))
    .handler((event, { caller, group }) => update(db(), event, caller, inGroup(caller, group)))

/**
 * `PUT /projects/:id/members/:user_id`: changes a user's role in a project, or its end; one that is left out stays.
 *
 * 200; 400 for a parameter; 401 for anonymous callers; 403 below Maintainer, for a role above one's own and for a
 * member with one; 404 for what is not there or not to be seen.
 */
export const updateProjectMember = (db: () => Database) =>
  endpoint('updateProjectMember', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_project_member'))
    .handler((event, { caller, project }) => update(db(), event, caller, inProject(caller, project)))

/**
 * `DELETE /groups/:id/members/:user_id`: takes a user's role in a group. Everybody may leave.
 *
 * 204; 400 for an id that is no integer; 401 for anonymous callers; 403 below Owner and for the last owner of a
 * top-level group; 404 for what is not there or not to be seen.
 */
export const removeGroupMember = (db: () => Database) =>
  endpoint('removeGroupMember', db)
    .use(requireLogin())
    .use(loadGroup(db, 'read_group'))
    .handler((event, { caller, group }) => remove(db(), event, caller, inGroup(caller, group)))

/**
 * `DELETE /projects/:id/members/:user_id`: takes a user's role in a project. Everybody may leave.
 *
 * 204; 400 for an id that is no integer; 401 for anonymous callers; 403 below Maintainer and for a member with a role
 * above one's own; 404 for what is not there or not to be seen.
 */
export const removeProjectMember = (db: () => Database) =>
  endpoint('removeProjectMember', db)
    .use(requireLogin())
    .use(loadProject(db, 'read_project'))
    .handler((event, { caller, project }) => remove(db(), event, caller, inProject(caller, project)))
