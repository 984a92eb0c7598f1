import { forbidden, notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import {
  ACCESS_LEVELS,
  type AccessLevel,
  type Caller,
  isCurrent,
  MEMBERS_LIMIT,
  type Membership,
  notedIn,
  ROLES_LIMIT,
} from '../domain/permissions.ts'
import type { Group, Project } from '../domain/project.ts'
import { groupFromItem, membershipFromItem, projectFromItem, userFromItem } from './items.ts'
import { groupKey, type Key, memberKey, membershipKey, projectKey, USER_WITH_ROLES, userKey } from './keys.ts'
import { InMotion } from './marks.ts'
import type { Places } from './places.ts'
import type { WhenStill } from './stillness.ts'
import type { Item, Page, Range, Table, Write } from './table.ts'

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

/** Hardly a user has more. Two hundred cost some nine read units. */
const ROLES_AHEAD = 500

const rolesOf = (userId: number): Range => ({
  pk: userKey(userId).pk,
  between: [USER_WITH_ROLES.from, USER_WITH_ROLES.to],
})

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

const ownersForGood = async (table: Table, group: Source): Promise<Membership[]> =>
  (await table.queryAll({ pk: memberKey(group, 0).pk, filter: OWNS_FOR_GOOD })).map(membershipFromItem)

const ownerCheck = ({ userId, source }: Membership): Write => {
  const { expression, values } = OWNS_FOR_GOOD
  return { check: membershipKey(userId, source), if: expression, values, otherwise: 'again' }
}

/**
 * Only a top-level group can lose its last owner, as the owners of a group own all that is inside. One of them stays
 * who owns it for good: of two owners who remove or lower each other at once, one does not come through. `place` is
 * the group as it is now; what is found out of it holds as long as it is there.
 */
const lastOwnerChecks = async (
  table: Table,
  before: Membership,
  after: Role | undefined,
  place: Item | undefined,
): Promise<Write[]> => {
  const { source, userId } = before
  const isTopLevel = source.kind === 'group' && String(place?.ancestorIds) === ''
  if (!isTopLevel || !ownsForGood(before) || (after && ownsForGood(after))) return []

  const other = (await ownersForGood(table, source)).find((candidate) => candidate.userId !== userId)
  if (!other) throw forbidden(`the last owner of a group cannot ${after ? 'lose that role' : 'be removed'}`)
  return [ownerCheck(other)]
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

/** Counts a member more or less, as long as the place is in the groups where it was read. */
const countMember = (source: Source, by: 1 | 0 | -1, ancestorIds: unknown, more = '') => ({
  update: placeKey(source),
  expression: 'ADD #members :by',
  if: `ancestorIds = :ancestorIds${more}`,
  names: { '#members': 'members' } as Record<string, string>,
  values: { ':by': by, ':ancestorIds': ancestorIds } as Item,
  otherwise: 'again' as const,
})

/** The same of one who comes, as long as the place is there, is what the role notes of it, and has room for one more. */
const roomWrite = ({ source }: Membership, place: Item, by: 0 | 1): Write => {
  const isSame = ' AND #path = :path AND #visibility = :visibility AND deletedAt = :none'
  const hasRoom = ' AND (attribute_not_exists(#members) OR #members <= :most)'
  const { names, values, ...counted } = countMember(source, by, place.ancestorIds, isSame + hasRoom)
  return {
    ...counted,
    names: { ...names, '#path': 'path', '#visibility': 'visibility' },
    values: {
      ...values,
      ':path': place.path,
      ':visibility': place.visibility,
      ':none': null,
      ':most': MEMBERS_LIMIT - by,
    },
  }
}

const assertRoom = (place: Item, by: 0 | 1): void => {
  if (Number(place.members ?? 0) + by > MEMBERS_LIMIT) {
    throw validationFailed({ base: [`A group or project may have at most ${MEMBERS_LIMIT} members`] })
  }
}

/** Gives a role, or a place back to one that has ended. @throws what `add` throws */
const give = async (table: Table, { locate }: Places, membership: Membership): Promise<void> => {
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
    if (String(place?.ancestorIds) !== String(membership.within) || place?.deletedAt !== null) {
      throw await elsewhere(locate, source, place)
    }
    assertRoom(place, by)
    const noted = {
      ...membership,
      ...notedIn(source.kind, place as Pick<Project, 'ancestorIds' | 'path' | 'visibility'>),
    }
    return [roomWrite(noted, place, by), ...(before ? [] : [countRole(userId, 1)]), ...roleWrites(noted, before)]
  })
}

/** A place that is not where it was read: a group around it may be on its way. */
const elsewhere = async (locate: Places['locate'], { kind }: Source, place: Item | undefined): Promise<Error> => {
  const thing = place && (kind === 'group' ? groupFromItem(place) : projectFromItem(place))
  const moving = (thing && (await locate(thing)))?.ancestors.find(({ transit }) => transit !== null)
  return moving ? new InMotion(moving.id) : new PackagesError({ code: 'busy' })
}

/**
 * A group that comes to the top has an owner for good: if it has none, this user becomes one.
 * @returns what holds as long as it has him
 */
export const ensureOwner = async (
  table: Table,
  places: Places,
  { id, ancestorIds }: Pick<Group, 'id' | 'ancestorIds'>,
  userId: number,
  createdAt: string,
): Promise<Write> => {
  const source = { kind: 'group', id } as const
  const [owner] = await ownersForGood(table, source)
  if (owner) return ownerCheck(owner)

  const made: Membership = {
    userId,
    source,
    within: ancestorIds,
    accessLevel: ACCESS_LEVELS.owner,
    expiresOn: null,
    createdAt,
  }
  const item = await table.get(membershipKey(userId, source))
  const before = item && membershipFromItem(item)
  if (before && isCurrent(before, createdAt.slice(0, 10))) {
    await table.transact(() => roleWrites({ ...made, createdAt: before.createdAt }, before))
  } else await give(table, places, made)
  return ownerCheck(made)
}

export const memberRepository = (table: Table, places: Places, whenStill: WhenStill) => ({
  /** Who asks, with his roles in these places; one call. `user` is undefined when there is no such user any more. */
  async findCaller(userId: number, sources: readonly Source[], today: string): Promise<Caller> {
    const keys: Key[] = [userKey(userId), ...sources.map((source) => membershipKey(userId, source))]
    return callerOf(await table.getAll(keys), today)
  },

  /**
   * Starts to read who asks with his roles, while it is not known yet whether it is he: no more than so many, as whoever
   * makes a token up may name anybody.
   */
  beginCaller: (userId: number) => table.query(rolesOf(userId), ROLES_AHEAD),

  /**
   * Who asks, with all his roles; one query.
   * @param begun what was read of it before
   */
  async findCallerWithAllRoles(userId: number, today: string, begun?: Page): Promise<Caller> {
    const range = rolesOf(userId)
    return callerOf(await (begun ? table.queryOn(range, begun) : table.queryAll(range)), today)
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
  add: (membership: Membership): Promise<void> => whenStill(() => give(table, places, membership)),

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
      const place = ownsForGood(before) ? await table.get(placeKey(source)) : undefined

      const { values, ...held } = unchanged(before)
      const becoming = {
        expression: 'SET accessLevel = :newLevel, expiresOn = :newEnd',
        values: { ...values, ':newLevel': after.accessLevel, ':newEnd': after.expiresOn },
        ...held,
      }
      return [
        { update: membershipKey(userId, source), ...becoming },
        { update: memberKey(source, userId), ...becoming },
        ...(await lastOwnerChecks(table, before, after, place)),
        ...(place ? [countMember(source, 0, place.ancestorIds)] : []),
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

      const place = await table.get(placeKey(source))
      return [
        { delete: membershipKey(userId, source), ...unchanged(membership) },
        { delete: memberKey(source, userId) },
        countRole(userId, -1),
        ...(place ? [countMember(source, -1, place.ancestorIds)] : []),
        ...(await lastOwnerChecks(table, membership, undefined, place)),
      ]
    })
  },
})
