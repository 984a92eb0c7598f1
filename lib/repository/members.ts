import { forbidden, notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import {
  ACCESS_LEVELS,
  type AccessLevel,
  type Caller,
  isCurrent,
  MEMBERS_LIMIT,
  type Membership,
  ROLES_LIMIT,
} from '../domain/permissions.ts'
import { membershipFromItem, userFromItem } from './items.ts'
import { groupKey, type Key, memberKey, membershipKey, projectKey, USER_WITH_ROLES, userKey } from './keys.ts'
import type { Item, Table, Write } from './table.ts'

type Source = Membership['source']

/** The two items of a role: under the user, where rights are decided, and under the place, where members are listed. */
export const roleWrites = (membership: Membership, before: Membership | undefined): Write[] => [
  {
    put: { ...membershipKey(membership.userId, membership.source), ...membership },
    ...(before ? unchanged(before) : { if: 'attribute_not_exists(pk)', otherwise: 'again' as const }),
  },
  { put: { ...memberKey(membership.source, membership.userId), ...membership } },
]

/** Counts a role of a user, which must be there. */
const countRole = (userId: number, by: 1 | -1): Write => ({
  update: userKey(userId),
  expression: 'ADD #roles :by',
  if: 'attribute_not_exists(#roles) OR #roles < :limit',
  names: { '#roles': 'roles' },
  values: { ':by': by, ':limit': by === 1 ? ROLES_LIMIT : Number.MAX_SAFE_INTEGER },
  otherwise: () => validationFailed({ base: [`A user may have at most ${ROLES_LIMIT} roles`] }),
})

/** The first role in a new place. @throws `validation_failed` when the user has all the roles he may have */
export const firstRoleWrites = (membership: Membership): Write[] => [
  ...roleWrites(membership, undefined),
  countRole(membership.userId, 1),
]

/** What a new user starts with: his role in his own namespace. */
export const FRESH_USER = { roles: 1 } as const

/** The end of a role whose place is no more; nothing when it has ended before. */
export const endRoleWrites = async (table: Table, userId: number, source: Source): Promise<Write[]> => {
  const key = membershipKey(userId, source)
  if (!(await table.get(key))) return [{ delete: memberKey(source, userId) }]
  return [
    { delete: key, if: 'attribute_exists(pk)', otherwise: 'again' },
    { delete: memberKey(source, userId) },
    countRole(userId, -1),
  ]
}

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

const placeKey = ({ kind, id }: Source): Key => (kind === 'group' ? groupKey(id) : projectKey(id))

/** The first member of a place comes with it, so that its count is there from the start. */
export const FRESH_PLACE = { members: 1 } as const

/** Counts who comes or goes. A place that is gone meanwhile is no reason to keep a role in it. */
const countMember = (source: Source, by: 1 | -1): Write => ({
  update: placeKey(source),
  expression: 'ADD #members :by',
  names: { '#members': 'members' },
  values: { ':by': by },
})

/** Holds as long as the place is where it was read and has room for one more. */
const roomCheck = ({ source, within }: Membership, by: 0 | 1): Write => ({
  ...countMember(source, 1),
  if: 'ancestorIds = :ancestorIds AND deletedAt = :none AND (attribute_not_exists(#members) OR #members <= :most)',
  values: { ':by': by, ':ancestorIds': within, ':none': null, ':most': MEMBERS_LIMIT - by },
  otherwise: 'again',
})

const assertRoom = (place: Item | undefined, { within }: Membership, by: 0 | 1): void => {
  const isWhereItWas = String(place?.ancestorIds) === String(within) && place?.deletedAt === null
  if (!isWhereItWas) throw new PackagesError({ code: 'busy' })
  if (Number(place?.members ?? 0) + by > MEMBERS_LIMIT) {
    throw validationFailed({ base: [`A group or project may have at most ${MEMBERS_LIMIT} members`] })
  }
}

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
   * Holds where the place was when it was read: a role that noted other groups around it would open those. A role that
   * has ended gives way.
   * @throws `already_exists` when he is a member, `not_found` when there is no such user, `busy` when the place moved,
   * `validation_failed` when the place or the user has all it may have
   */
  async add(membership: Membership): Promise<void> {
    const { userId, source } = membership
    await table.transact(async () => {
      const [user, place, role] = await Promise.all(
        [userKey(userId), placeKey(source), membershipKey(userId, source)].map(table.get),
      )
      if (!user) throw notFound('user')
      const before = role && membershipFromItem(role)
      if (before && isCurrent(before, membership.createdAt.slice(0, 10))) {
        throw new PackagesError({ code: 'already_exists', message: 'Member already exists' })
      }
      const by = before ? 0 : 1
      assertRoom(place, membership, by)
      return [roomCheck(membership, by), ...(before ? [] : [countRole(userId, 1)]), ...roleWrites(membership, before)]
    })
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
        countRole(userId, -1),
        countMember(source, -1),
        ...(await lastOwnerChecks(table, membership, undefined)),
      ]
    })
  },
})
