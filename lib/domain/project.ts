/** GitLab's visibility levels by their number: a thing is never more visible than the group it is in. */
export const VISIBILITIES = { private: 0, internal: 10, public: 20 } as const
export type Visibility = keyof typeof VISIBILITIES
export const visibilities = Object.keys(VISIBILITIES) as Visibility[]

export const isMoreVisible = (one: Visibility, other: Visibility) => VISIBILITIES[one] > VISIBILITIES[other]

/** The deepest a group may be nested, as in GitLab. It also bounds what one publish writes. */
export const GROUP_DEPTH_LIMIT = 20
export const PATH_LIMIT = 255
export const NAME_LIMIT = 255
/** A full path is part of a key, which DynamoDB ends at 2048 bytes. */
export const FULL_PATH_LIMIT = 1024

/**
 * A group, or the personal namespace of a user, which is a group that only routes of projects know.
 * `ancestorIds` go from the top down to the parent; a top-level group has none.
 */
export type Group = {
  id: number
  kind: 'group' | 'user'
  name: string
  path: string
  fullPath: string
  description: string
  visibility: Visibility
  ancestorIds: number[]
  createdAt: string
}

/** What decides on which shelves a project's packages stand. */
export type Place = { visibility: Visibility; ancestorIds: number[] }

/**
 * A project in transit has a new place while its packages still stand on the shelves of the one it left. `counts` is
 * what the tallies of the groups it left still count of it, by slot.
 */
export type Transit = { id: string; left: Place; counts: Record<string, number> }

/**
 * `ancestorIds` go from the top down to the group the project is in. `placement` grows when visibility or place
 * change: a publish that was prepared for the old placement is refused by the database and prepared again.
 * `held` is set for the moment in which the project's packages are counted; publishers wait for its end.
 */
export type Project = {
  id: number
  name: string
  path: string
  fullPath: string
  description: string
  visibility: Visibility
  ancestorIds: number[]
  creatorId: number
  createdAt: string
  placement: number
  transit: Transit | null
  held: { by: string; at: string } | null
  deletedAt: string | null
}

/** How a client names a group or project: by id or by full path. */
export type Reference = { id: number } | { fullPath: string }

/**
 * The groups around a thing, from the top down, out of `groups`; undefined when one of them is not there any more.
 */
export const ancestorsAmong = (
  { ancestorIds }: Pick<Group, 'ancestorIds'>,
  groups: readonly Group[],
): Group[] | undefined => {
  const found = ancestorIds.flatMap((id) => groups.find((group) => group.id === id) ?? [])
  return found.length === ancestorIds.length ? found : undefined
}

/**
 * `Acme / Tools / CLI`. It is put together whenever it is shown: kept with each thing, it would have to be rewritten
 * everywhere inside a group that gets a new name.
 */
export const fullNameOf = ({ name }: { name: string }, ancestors: readonly Group[]) =>
  [...ancestors.map((ancestor) => ancestor.name), name].join(' / ')

export const parentId = ({ ancestorIds }: { ancestorIds: readonly number[] }) => ancestorIds.at(-1) ?? null

/** A path segment: GitLab's namespace rule. Letters, digits, `_ - .`; starts with a letter, digit or `_`. */
export const isPath = (path: string) =>
  path.length <= PATH_LIMIT &&
  /^[a-zA-Z0-9_][a-zA-Z0-9_\-.]*$/.test(path) &&
  !/[-.]$/.test(path) &&
  !/\.(git|atom)$/i.test(path) &&
  !/[._-]{2}/.test(path.replaceAll('--', '-').replaceAll('__', '_'))

export const PATH_RULE =
  "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or '.', end in '-', '.', '.git' or '.atom', or have '.' next to another special character"

/** A name: printable, not blank. */
export const isName = (name: string) => name.trim() !== '' && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name)
