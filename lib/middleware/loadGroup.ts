import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, notFound } from '../domain/errors.ts'
import { ANONYMOUS, canInGroup, type GroupAbility, leastRoleName } from '../domain/permissions.ts'
import type { Group } from '../domain/project.ts'
import { parseReference } from '../http/ids.ts'
import { pathParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import { type Authenticated, today } from './authenticate.ts'
import { existing, type Identified } from './identify.ts'
import { startEarly } from './startEarly.ts'

export type InGroup<Ahead> = Authenticated & Identified & { group: Group; ahead: Ahead }

type Options<Ahead> = {
  /** As in `loadProject`: starts reads that need only the group. */
  ahead?: (event: APIGatewayProxyEvent, group: Group, isSignedIn: boolean) => Promise<Ahead>
}

/**
 * The group of the path, which the caller may see and in which he may do `ability`. The caller comes with all his
 * roles, because one in something inside the group opens it too.
 */
export const loadGroup = <Ahead = undefined>(
  database: () => Database,
  ability: GroupAbility,
  { ahead }: Options<Ahead> = {},
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InGroup<Ahead>> => ({
  before: async ({ event, context }) => {
    const finding = startEarly(() => database().groups.findGroup(parseReference('group', pathParams(event).id ?? '')))
    const token = await context.authentication
    const group = await finding
    if (group?.kind !== 'group') throw notFound('group')

    const early = startEarly(async () => ahead?.(event, group, token !== undefined))
    const caller = token ? existing(await database().members.findCallerWithAllRoles(token.userId, today())) : ANONYMOUS
    if (!canInGroup(caller, 'read_group', group)) throw notFound('group')
    if (!canInGroup(caller, ability, group)) {
      throw forbidden(`this needs the role ${leastRoleName(ability)} in the group`)
    }
    Object.assign(context, { group, caller, ahead: await early })
  },
})
