import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, notFound, PackagesError } from '../domain/errors.ts'
import { type Caller, canInGroup, type GroupAbility, leastRoleName } from '../domain/permissions.ts'
import type { Group } from '../domain/project.ts'
import { parseReference } from '../http/ids.ts'
import { pathParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import type { Authenticated } from './authenticate.ts'
import { findCallerWithAllRoles, type Identified } from './identify.ts'
import { startEarly } from './startEarly.ts'

export type InGroup<Ahead> = Authenticated & Identified & { group: Group; ahead: Ahead }

type Options<Ahead> = {
  /** As in `loadProject`: starts reads that need only the group. */
  ahead?: (event: APIGatewayProxyEvent, group: Group, isSignedIn: boolean) => Promise<Ahead>
  /** As in `loadProject`. */
  asksForLogin?: boolean
}

/**
 * The group of the path, which the caller may see and in which he may do `ability`. The caller comes with all his
 * roles, because one in something inside the group opens it too.
 */
export const loadGroup = <Ahead = undefined>(
  database: () => Database,
  ability: GroupAbility,
  { ahead, asksForLogin = false }: Options<Ahead> = {},
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InGroup<Ahead>> => ({
  before: async ({ event, context }) => {
    const finding = startEarly(() => database().groups.findGroup(parseReference('group', pathParams(event).id ?? '')))
    const token = await context.authentication
    const group = await finding
    const hidden = () => (asksForLogin && !token ? new PackagesError({ code: 'login_required' }) : notFound('group'))
    if (group?.kind !== 'group') throw hidden()

    const early = startEarly(async () => ahead?.(event, group, token !== undefined))
    const [noted, isInTransit] = await Promise.all([
      findCallerWithAllRoles(database(), token),
      token !== undefined && database().groups.isInTransit(group.id),
    ])
    const caller = isInTransit ? await withPlacesOfNow(database(), noted) : noted
    if (!canInGroup(caller, 'read_group', group)) throw hidden()
    if (!canInGroup(caller, ability, group)) {
      throw forbidden(`this needs the role ${leastRoleName(ability)} in the group`)
    }
    Object.assign(context, { group, caller, ahead: await early })
  },
})

/**
 * A role inside a private group opens it. Roles note the groups around their place; while a project moves the notes are
 * behind, and the places themselves are asked.
 */
const withPlacesOfNow = async (database: Database, caller: Caller): Promise<Caller> => {
  const [projects, groups] = await Promise.all([
    database.groups.listProjectsById(idsOf('project', caller)),
    database.groups.listGroupsById(idsOf('group', caller)),
  ])
  const places = { project: projects, group: groups }
  const memberships = caller.memberships.flatMap((membership) => {
    const place = places[membership.source.kind].find(({ id }) => id === membership.source.id)
    return place ? [{ ...membership, within: place.ancestorIds }] : []
  })
  return { ...caller, memberships }
}

const idsOf = (kind: 'group' | 'project', { memberships }: Caller) =>
  memberships.filter(({ source }) => source.kind === kind).map(({ source }) => source.id)
