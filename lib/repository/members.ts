import { forbidden, notFound, PackagesError } from '../domain/errors.ts'
import { ACCESS_LEVELS, type AccessLevel, type Caller, isCurrent, type Membership } from '../domain/permissions.ts'
import { membershipFromItem, userFromItem } from './items.ts'
import { groupKey, type Key, memberKey, membershipKey, projectKey, USER_WITH_ROLES, userKey } from './keys.ts'
import type { Item, Table, Write } from './table.ts'

type Source = Membership['source']

/**
 * The two items of a role: under the user, where rights are decided, and under the place, where members are listed. One
 * that has expired is no role any more and gives way.
 */
export const membershipWrites = (membership: Membership): Write[] => [
  {
    put: { ...membershipKey(membership.userId, membership.source), ...membership },
    if: 'attribute_not_exists(pk) OR expiresOn <= :today',
    values: { ':today': membership.createdAt.slice(0, 10) },
    otherwise: () => new PackagesError({ code: 'already_exists', message: 'Member already exists' }),
  },
  { put: { ...memberKey(membership.source, membership.userId), ...membership } },
]

const isMembership = (item: Item) => String(item.sk).startsWith(USER_WITH_ROLES.from)

const callerOf = (items: readonly Item[], today: string): Caller => {
  const user = items.find((item) => !isMembership(item))
  const memberships = items.filter(isMembership).map(membershipFromItem)
  return { user: user && userFromItem(user), memberships: memberships.filter((role) => isCurrent(role, today)) }
}

/** An owner whose role has a last day owns for a while only. */
type Role = Pick<Membership, 'accessLevel' | 'expiresOn'>
const ownsForGood = ({ accessLevel, expiresOn }: Role) => accessLevel === ACCESS_LEVELS.owner && expiresOn === null
const OWNS_FOR_GOOD = {
  expression: 'accessLevel = :owner AND expiresOn = :never',
  values: { ':owner': ACCESS_LEVELS.owner, ':never': null },
}

/**
 * Only a top-level group can lose its last owner, as the owners of a group own all that is inside. One of them stays
 * who owns it for good: of two owners who remove or lower each other at once, one does not come through.
 */
const lastOwnerChecks = async (table: Table, before: Membership, after: Role | undefined): Promise<Write[]> => {
  const { source, within, userId } = before
  const isTopLevel = source.kind === 'group' && within.length === 0
  if (!isTopLevel || !ownsForGood(before) || (after && ownsForGood(after))) return []

  const owners = await table.queryAll({ pk: memberKey(source, userId).pk, filter: OWNS_FOR_GOOD })
  const other = owners.map(membershipFromItem).find((candidate) => candidate.userId !== userId)
  if (!other) throw forbidden(`the last owner of a group cannot ${after ? 'lose that role' : 'be removed'}`)
  const { expression, values } = OWNS_FOR_GOOD
  return [{ check: membershipKey(other.userId, source), if: expression, values, otherwise: 'again' }]
}

/** Holds as long as the role is what was read. */
const unchanged = ({ accessLevel, expiresOn }: Role) =>
  ({
    if: 'accessLevel = :level AND expiresOn = :end',
    values: { ':level': accessLevel, ':end': expiresOn },
    otherwise: 'again',
  }) as const

/** A role, also one that has ended. @throws `not_found` */
const findRole = async (table: Table, userId: number, source: Source): Promise<Membership> => {
  const item = await table.get(membershipKey(userId, source))
  if (!item) throw notFound('member')
  return membershipFromItem(item)
}

const placeCheck = ({ source, within }: Membership): Write => ({
  check: source.kind === 'group' ? groupKey(source.id) : projectKey(source.id),
  if: 'ancestorIds = :ancestorIds AND deletedAt = :none',
  values: { ':ancestorIds': within, ':none': null },
  otherwise: () => new PackagesError({ code: 'busy' }),
})

export const memberRepository = (table: Table) => ({
  /** Who asks, with his roles in these places; one call. `user` is undefined when there is no such user any more. */
  async findCaller(userId: number, sources: readonly Source[], today: string): Promise<Caller> {
    const keys: Key[] = [userKey(userId), ...sources.map((source) => membershipKey(userId, source))]
    return callerOf(await table.getAll(keys), today)
  },

  /** Who asks, with all his roles; one query. */
  async findCallerWithAllRoles(userId: number, today: string): Promise<Caller> {
    const between = [USER_WITH_ROLES.from, USER_WITH_ROLES.to] as const
    return callerOf(await table.queryAll({ pk: userKey(userId).pk, between }), today)
  },

  /** The roles that count now in each of the places, by user within a place; one query a place. Reads all of it. */
  async listMembers(sources: readonly Source[], today: string): Promise<Membership[]> {
    const items = await Promise.all(sources.map((source) => table.queryAll({ pk: memberKey(source, 0).pk })))
    return items
      .flat()
      .map(membershipFromItem)
      .filter((membership) => isCurrent(membership, today))
  },

  /**
   * Holds where the place was when it was read: a role that noted other groups around it would open those.
   * @throws `already_exists` when he is a member, `not_found` when there is no such user, `busy` when the place moved
   */
  async add(membership: Membership): Promise<void> {
    await table.transact(() => [
      { check: userKey(membership.userId), if: 'attribute_exists(pk)', otherwise: () => notFound('user') },
      placeCheck(membership),
      ...membershipWrites(membership),
    ])
  },

  /**
   * Changes a role, if `permit` does not refuse what it turns out to be. Everything holds at the moment of the write.
   * @throws `not_found` when he is no member, `forbidden` for the last owner of a top-level group
   */
  async update(
    userId: number,
    source: Source,
    change: { accessLevel: AccessLevel; expiresOn?: string | null },
    today: string,
    permit: (membership: Membership) => void,
  ): Promise<Membership> {
    let updated: Membership | undefined
    await table.transact(async () => {
      const before = await findRole(table, userId, source)
      if (!isCurrent(before, today)) throw notFound('member')
      permit(before)
      const after = { ...before, ...change }
      updated = after

      const { values, ...held } = unchanged(before)
      const becoming = {
        expression: 'SET accessLevel = :newLevel, expiresOn = :newEnd',
        values: { ...values, ':newLevel': after.accessLevel, ':newEnd': after.expiresOn },
        ...held,
      }
      return [
        { update: membershipKey(userId, source), ...becoming },
        { update: memberKey(source, userId), ...becoming },
        ...(await lastOwnerChecks(table, before, after)),
      ]
    })
    return updated as Membership
  },

  /**
   * Takes a role, if `permit` does not refuse what it turns out to be. Everything holds at the moment of the write.
   * @throws `not_found` when he is no member, `forbidden` for the last owner of a top-level group
   */
  async remove(userId: number, source: Source, permit: (membership: Membership) => void): Promise<void> {
    await table.transact(async () => {
      const membership = await findRole(table, userId, source)
      permit(membership)

      return [
        { delete: membershipKey(userId, source), ...unchanged(membership) },
        { delete: memberKey(source, userId) },
        ...(await lastOwnerChecks(table, membership, undefined)),
      ]
    })
  },
})
