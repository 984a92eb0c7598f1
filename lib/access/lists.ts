import type { Sort } from '../domain/listing.ts'
import {
  type Caller,
  canInGroup,
  canInProject,
  groupRole,
  isInvolvedIn,
  projectRole,
  type User,
} from '../domain/permissions.ts'
import type { Group, Visibility } from '../domain/project.ts'
import { isExpired, type PersonalToken } from '../domain/token.ts'

/** A group or project as it stands in the contents of the instance. */
type Listed = Pick<Group, 'id' | 'name' | 'path' | 'visibility' | 'ancestorIds'>

/**
 * `leastRole` asks for things in which the caller has at least that role himself; 0 for none. `involvedOnly` leaves out
 * groups that only their visibility opens to him.
 */
export type ListQuery = {
  search: string | undefined
  visibility: Visibility | undefined
  leastRole: number
  order: 'id' | 'name' | 'path'
  sort: Sort
  involvedOnly?: boolean
  topLevelOnly?: boolean
  skippedIds?: readonly number[]
}

const lists = {
  group: {
    isSeen: (caller: Caller, group: Listed) => canInGroup(caller, 'read_group', group),
    roleIn: groupRole,
  },
  project: {
    isSeen: (caller: Caller, project: Listed) => canInProject(caller, 'read_project', project),
    roleIn: projectRole,
  },
}

/** Whether the caller may see a group or project. */
export const sees = (kind: keyof typeof lists, caller: Caller, thing: Listed) => lists[kind].isSeen(caller, thing)

/** Whether one of the texts holds what was searched for, in any case; nothing is in every text. */
export const holds = (search: string | undefined, ...texts: string[]) => {
  const term = (search ?? '').toLowerCase()
  return texts.some((text) => text.toLowerCase().includes(term))
}

/** What of the things the caller may see and asks for, in the order he asks for; ids break ties. */
export const select = <Thing extends Listed>(
  kind: keyof typeof lists,
  things: readonly Thing[],
  caller: Caller,
  { search, visibility, leastRole, order, sort, involvedOnly, topLevelOnly, skippedIds = [] }: ListQuery,
): Thing[] => {
  const { isSeen, roleIn } = lists[kind]
  const skipped = new Set(skippedIds)
  const direction = sort === 'asc' ? 1 : -1
  const compare = (one: Thing, other: Thing) => {
    if (one[order] === other[order]) return one.id - other.id
    return one[order] < other[order] ? -1 : 1
  }
  return things
    .filter(
      (thing) =>
        isSeen(caller, thing) &&
        (visibility === undefined || thing.visibility === visibility) &&
        (leastRole === 0 || roleIn(caller, thing) >= leastRole) &&
        (!involvedOnly || isInvolvedIn(caller, thing)) &&
        (!topLevelOnly || thing.ancestorIds.length === 0) &&
        !skipped.has(thing.id) &&
        holds(search, thing.name, thing.path),
    )
    .sort((one, other) => direction * compare(one, other))
}

/** Addresses are found whole, and by administrators only, who also see them. */
const isMeant = (search: string | undefined, { name, username, email }: User, caller: Caller) =>
  holds(search, name, username) || (caller.user?.admin === true && email.toLowerCase() === search?.toLowerCase())

export const selectUsers = (users: readonly User[], caller: Caller, search: string | undefined): User[] =>
  users.filter((user) => isMeant(search, user, caller))

/** A token is active until it is revoked or its end has come. */
export type TokenQuery = {
  isActive?: boolean | undefined
  isRevoked?: boolean | undefined
  search?: string | undefined
}

export const selectTokens = (
  tokens: readonly PersonalToken[],
  { isActive, isRevoked, search }: TokenQuery,
  today: string,
): PersonalToken[] =>
  tokens.filter(
    (token) =>
      (isActive === undefined || (!token.revoked && !isExpired(token, today)) === isActive) &&
      (isRevoked === undefined || token.revoked === isRevoked) &&
      holds(search, token.name),
  )
