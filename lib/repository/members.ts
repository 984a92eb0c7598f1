import { forbidden, notFound, PackagesError } from '../domain/errors.ts'
import { ACCESS_LEVELS, type Caller, isCurrent, type Membership } from '../domain/permissions.ts'
import { membershipFromItem, userFromItem } from './items.ts'
import { type Key, memberKey, membershipKey, USER_WITH_ROLES, userKey } from './keys.ts'
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

/** Only a top-level group can lose its last owner: the owners of a group own all that is inside. */
const isLastResort = (membership: Membership, today: string) =>
  membership.source.kind === 'group' &&
  membership.within.length === 0 &&
  membership.accessLevel === ACCESS_LEVELS.owner &&
  isCurrent(membership, today)

/** Holds as long as somebody else owns the group: of two owners who remove each other at once, one stays. */
const otherOwnerCheck = async (table: Table, { source, userId }: Membership, today: string): Promise<Write> => {
  const owner = { ':owner': ACCESS_LEVELS.owner }
  const filter = { expression: 'accessLevel = :owner', values: owner }
  const owners = (await table.queryAll({ pk: memberKey(source, userId).pk, filter })).map(membershipFromItem)
  const other = owners.find((candidate) => candidate.userId !== userId && isCurrent(candidate, today))
  if (!other) throw forbidden('the last owner of a group cannot be removed')
  return { check: membershipKey(other.userId, source), if: 'accessLevel = :owner', values: owner, otherwise: 'again' }
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

  /** @throws `already_exists` when he is a member, `not_found` when there is no such user */
  async add(membership: Membership): Promise<void> {
    await table.transact(() => [
      { check: userKey(membership.userId), if: 'attribute_exists(pk)', otherwise: () => notFound('user') },
      ...membershipWrites(membership),
    ])
  },

  /**
   * Takes a role, if `permit` does not refuse what it turns out to be. Everything holds at the moment of the write.
   * @throws `not_found` when he is no member, `forbidden` for the last owner of a top-level group
   */
  async remove(userId: number, source: Source, today: string, permit: (membership: Membership) => void): Promise<void> {
    await table.transact(async () => {
      const item = await table.get(membershipKey(userId, source))
      if (!item) throw notFound('member')
      const membership = membershipFromItem(item)
      permit(membership)

      return [
        {
          delete: membershipKey(userId, source),
          if: 'accessLevel = :level',
          values: { ':level': membership.accessLevel },
          otherwise: 'again',
        },
        { delete: memberKey(source, userId) },
        ...(isLastResort(membership, today) ? [await otherOwnerCheck(table, membership, today)] : []),
      ]
    })
  },
})
