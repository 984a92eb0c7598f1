import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import { ANONYMOUS, bearerOf, type Caller, notedIn, type User } from '../domain/permissions.ts'
import { isDeployToken, type Token } from '../domain/token.ts'
import type { Database } from '../repository/database.ts'
import { type Authenticated, today } from './authenticate.ts'
import { startEarly } from './startEarly.ts'

export type Identified = Context & { caller: Caller }
export type SignedIn = Identified & { user: User }

/** The caller with all his roles, for routes that are about no single project or group. */
export const identify = (
  database: () => Database,
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Authenticated & Identified> => ({
  before: async ({ context }) => {
    context.caller = await findCallerOfNow(database(), context)
  },
})

/** The same, and anonymous callers are refused. */
export const requireUser = (
  database: () => Database,
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Authenticated & SignedIn> => ({
  before: async ({ context }) => {
    const identifying = startEarly(() => findCallerOfNow(database(), context))
    const token = await context.authentication
    if (!token || isDeployToken(token)) throw new PackagesError({ code: 'login_required' })
    context.caller = await identifying
    context.user = context.caller.user as User
  },
})

/** A token outlives nobody: when its user is gone, it is as good as unknown. */
const existing = (caller: Caller): Caller => {
  if (!caller.user) throw new PackagesError({ code: 'token_unknown' })
  return caller
}

/** The caller with the roles that bear on a project or group, given the groups around it. */
export const findCaller = async (
  database: Database,
  token: Token | undefined,
  sources: Parameters<Database['members']['findCaller']>[1],
): Promise<Caller> => callerOf(token, (userId) => database.members.findCaller(userId, sources, today()))

/** The caller with all his roles, wherever they are. They are read beside his token, as that tells whose it is. */
export const findCallerWithAllRoles = async (
  database: Database,
  { authentication, likelyUserId }: Authenticated,
): Promise<Caller> => {
  const begun = likelyUserId === undefined ? undefined : startEarly(() => database.members.beginCaller(likelyUserId))
  return callerOf(await authentication, async (userId) =>
    database.members.findCallerWithAllRoles(userId, today(), userId === likelyUserId ? await begun : undefined),
  )
}

const callerOf = async (token: Token | undefined, find: (userId: number) => Promise<Caller>): Promise<Caller> => {
  if (!token) return ANONYMOUS
  return isDeployToken(token) ? bearerOf(token) : existing(await find(token.userId))
}

/** The same, with the groups around each role's place as they are now. */
export const findCallerOfNow = async (database: Database, context: Authenticated): Promise<Caller> => {
  const [caller, isInTransit] = await Promise.all([
    findCallerWithAllRoles(database, context),
    context.likelyUserId !== undefined && database.groups.isAnythingInTransit(),
  ])
  return isInTransit ? withPlacesOfNow(database, caller) : caller
}

/**
 * A role inside a private group opens it. Roles note the groups around their place; while something moves the notes are
 * behind, and the places themselves are asked.
 */
export const withPlacesOfNow = async (database: Database, caller: Caller): Promise<Caller> => {
  const [projects, groups] = await Promise.all([
    database.groups.listProjectsById(idsOf('project', caller)).then(database.groups.locateAll),
    database.groups.listGroupsById(idsOf('group', caller)).then(database.groups.locateAll),
  ])
  const places = { project: projects, group: groups }
  const memberships = caller.memberships.flatMap((membership) => {
    const place = places[membership.source.kind].find(({ thing }) => thing.id === membership.source.id)
    return place ? [{ ...membership, ...notedIn(membership.source.kind, place.thing) }] : []
  })
  return { ...caller, memberships }
}

const idsOf = (kind: 'group' | 'project', { memberships }: Caller) =>
  memberships.filter(({ source }) => source.kind === kind).map(({ source }) => source.id)
