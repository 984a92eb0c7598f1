import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, notFound } from '../../lib/domain/errors.ts'
import { type Caller, canInGroup, leastRoleName } from '../../lib/domain/permissions.ts'
import type { Group, Located, Reference } from '../../lib/domain/project.ts'
import { allParams, parseParams } from '../../lib/http/params.ts'
import type { Database } from '../../lib/repository/database.ts'

/** The namespace that a parameter names by its id, with the groups around it; undefined when the request leaves it out. */
type Named = { namespace: Group | undefined; around: Group[] } | undefined

/** @throws `parameters_invalid` when the parameter is no integer */
export const findNamed = async (
  database: Database,
  event: APIGatewayProxyEvent,
  parameter: 'parent_id' | 'namespace_id' | 'group_id',
): Promise<Named> => {
  const id = parseParams(await allParams(event), (read) => read.integer(parameter))
  if (id === undefined) return undefined
  const located = await findLocated(database, { id })
  return { namespace: located?.thing, around: located?.ancestors ?? [] }
}

/** A group or personal namespace where it is now, with the groups around it. Nothing leads on from a former path. */
export const findLocated = async (database: Database, reference: Reference): Promise<Located<Group> | undefined> => {
  const group = await database.groups.findGroup(reference)
  const located = group && (await database.groups.locate(group))
  const isFormer = 'fullPath' in reference && reference.fullPath.toLowerCase() !== located?.thing.fullPath.toLowerCase()
  return isFormer ? undefined : located
}

/** The group, in which the caller may make subgroups. @throws `not_found` when it is missing or hidden, `forbidden` */
export const openParent = (caller: Caller, group: Group | undefined): Group => {
  if (group?.kind !== 'group' || !canInGroup(caller, 'read_group', group)) throw notFound('group')
  return allowed(caller, 'create_subgroup', group)
}

/**
 * The group or personal namespace, in which the caller may make projects. Somebody else's personal namespace is hidden.
 * @throws `not_found` when it is missing or hidden, `forbidden`
 */
export const openNamespace = (caller: Caller, namespace: Group | undefined): Group => {
  const sees = namespace?.kind === 'user' ? 'create_projects' : 'read_group'
  if (!namespace || !canInGroup(caller, sees, namespace)) throw notFound('namespace')
  return allowed(caller, 'create_projects', namespace)
}

const allowed = (caller: Caller, ability: 'create_subgroup' | 'create_projects', group: Group): Group => {
  if (!canInGroup(caller, ability, group)) {
    throw forbidden(`this needs the role ${leastRoleName(ability)} in the group`)
  }
  return group
}
