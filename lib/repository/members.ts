import { notFound, PackagesError } from '../domain/errors.ts'
import { type Caller, isCurrent, type Membership } from '../domain/permissions.ts'
import { membershipFromItem, userFromItem } from './items.ts'
import { type Key, memberKey, membershipKey, USER_WITH_ROLES, userKey } from './keys.ts'
import type { Item, Table, Write } from './table.ts'

type Source = Membership['source']

/** The two items of a role: under the user, where rights are decided, and under the place, where members are listed. */
export const membershipWrites = (membership: Membership): Write[] => [
  {
    put: { ...membershipKey(membership.userId, membership.source), ...membership },
    if: 'attribute_not_exists(pk)',
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

  /** @throws `not_found` when he is no member */
  async remove(userId: number, source: Source): Promise<void> {
    await table.transact(() => [
      {
        delete: membershipKey(userId, source),
        if: 'attribute_exists(pk)',
        otherwise: () => notFound('member'),
      },
      { delete: memberKey(source, userId) },
    ])
  },
})
