import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, notFound, PackagesError } from '../domain/errors.ts'
import { readUnlessOvertaken } from '../domain/overtaken.ts'
import { type Caller, canInGroup, type GroupAbility, leastRoleName } from '../domain/permissions.ts'
import type { Group } from '../domain/project.ts'
import { parseReference } from '../http/ids.ts'
import { pathParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import type { Authenticated } from './authenticate.ts'
import { findCallerWithAllRoles, type Identified, withPlacesOfNow } from './identify.ts'
import { startEarly } from './startEarly.ts'

/** `ancestors` are the groups around the group, from the top down. */
export type InGroup<Ahead> = Authenticated & Identified & { group: Group; ancestors: Group[]; ahead: Ahead }

type Options<Ahead, Begun> = {
  /**
   * Starts reads that need only the group's id, beside those of the group itself; what it returns goes to `ahead`. They
   * may be older than the revision.
   * @param isAnonymous that the caller sees what is public and nothing else
   */
  begin?: (event: APIGatewayProxyEvent, groupId: number, isAnonymous: boolean) => Begun
  /**
   * As in `loadProject`, for a caller who may do what he asks unless a group around this one is on its way. `revision`
   * is that of the group's transits before all of these reads; what finds another one afterwards is `Overtaken`, and
   * all is loaded again.
   */
  ahead?: (
    event: APIGatewayProxyEvent,
    group: Group,
    more: { caller: Caller; revision: number; begun: Begun },
  ) => Promise<Ahead>
  /** As in `loadProject`: an anonymous caller is asked to log in. */
  asksForLogin?: boolean
}

/**
 * The group of the path, which the caller may see and in which he may do `ability`. The caller comes with all his
 * roles, because one in something inside the group opens it too.
 */
export const loadGroup = <Ahead = undefined, Begun = undefined>(
  database: () => Database,
  ability: GroupAbility,
  { begin, ahead, asksForLogin = false }: Options<Ahead, Begun> = {},
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InGroup<Ahead>> => ({
  before: async ({ event, context }) => {
    const reference = parseReference('group', pathParams(event).id ?? '')

    const load = async (): Promise<Omit<InGroup<Ahead | undefined>, keyof Authenticated>> => {
      const finding = startEarly(async () => {
        const id = await database().groups.findGroupId(reference)
        if (id === undefined) return undefined
        const begun = startEarly(async () => begin?.(event, id, context.isAnonymous) as Begun)
        const found = await database().groups.findGroupWithTransits(id)
        return found && { ...found, begun }
      })
      const identifying = startEarly(() => findCallerWithAllRoles(database(), context))
      const token = await context.authentication
      const hidden = () => (asksForLogin && !token ? new PackagesError({ code: 'login_required' }) : notFound('group'))
      const [found, noted] = await Promise.all([finding, identifying])
      if (found?.group.kind !== 'group') throw hidden()
      const { isInTransit, revision, begun } = found
      const caller = isInTransit ? await withPlacesOfNow(database(), noted) : noted

      /** As in `loadProject`. */
      const open = async (group: Group) => {
        const early = startEarly(async () =>
          canInGroup(caller, ability, group)
            ? ahead?.(event, group, { caller, revision, begun: await begun })
            : undefined,
        )
        const located = await database().groups.locate(group)
        if (!located) throw hidden()
        if (located.thing !== group) return open(located.thing)
        return { group, ancestors: located.ancestors, early }
      }

      const { group, ancestors, early } = await open(found.group)
      // Nothing leads on from a path that a group has left.
      const isFormer = 'fullPath' in reference && reference.fullPath.toLowerCase() !== group.fullPath.toLowerCase()
      if (isFormer || !canInGroup(caller, 'read_group', group)) throw hidden()
      if (!canInGroup(caller, ability, group)) {
        throw forbidden(`this needs the role ${leastRoleName(ability)} in the group`)
      }
      return { caller, group, ancestors, ahead: await early }
    }
    Object.assign(context, await readUnlessOvertaken(load))
  },
})
