/** GitLab's visibility levels by their number: a thing is never more visible than the group it is in. */
export const VISIBILITIES = { private: 0, internal: 10, public: 20 } as const
export type Visibility = keyof typeof VISIBILITIES
export const visibilities = Object.keys(VISIBILITIES) as Visibility[]

export const isMoreVisible = (one: Visibility, other: Visibility) => VISIBILITIES[one] > VISIBILITIES[other]

/** Nothing is more visible than the group that it is in: what comes from elsewhere is lowered, as in GitLab. */
export const visibilityIn = (namespace: Pick<Group, 'visibility'>, visibility: Visibility): Visibility =>
  isMoreVisible(visibility, namespace.visibility) ? namespace.visibility : visibility

/** The deepest a group may be nested, as in GitLab. It also bounds what one publish writes. */
export const GROUP_DEPTH_LIMIT = 20
export const PATH_LIMIT = 255
export const NAME_LIMIT = 255
/** A full path is part of a key, which DynamoDB ends at 2048 bytes. */
export const FULL_PATH_LIMIT = 1024

/**
 * A group, or the personal namespace of a user, which is a group that only routes of projects know.
 * `ancestorIds` go from the top down to the parent; a top-level group has none. `placement`, `held` and `deletedAt` are
 * as those of a project.
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
  placement: number
  transit: GroupTransit | null
  held: Hold | null
  deletedAt: string | null
}

/** Set for the moment in which packages are counted; publishers wait for its end. */
export type Hold = { by: string; at: string }

/** How many packages of each slot there are, by visibility. */
export type CountsByVisibility = Partial<Record<Visibility, Record<string, number>>>

/**
 * A group in transit has a new place, and all that is inside with it, while that still notes the one it left. `counts`
 * is what the tallies of the groups it left still count of it.
 */
export type GroupTransit = {
  id: string
  left: { ancestorIds: number[]; fullPath: string }
  counts: CountsByVisibility
}

/** What decides on which shelves a project's packages stand. */
export type Place = { visibility: Visibility; ancestorIds: number[] }

/**
 * A project in transit has a new place while its packages still stand on the shelves of the one it left. `counts` is
 * what the tallies of the groups it left still count of it, by slot.
 */
export type Transit = { id: string; left: Place; counts: Record<string, number> }

/** A project's packages are counted for lists by path as long as they are fewer: from then on few projects fill a page. */
export const FEW_PACKAGES = 3

/** How many packages a list shows that asks for nothing else, up to so few; and whether there are others to ask for. */
export type Publications = { listed: number; others: boolean }
export const NO_PUBLICATIONS: Publications = { listed: 0, others: false }

/**
 * `ancestorIds` go from the top down to the group the project is in. `placement` grows when visibility or place
 * change: a publish that was prepared for the old placement is refused by the database and prepared again.
 * `held` is set for the moment in which the project's packages are counted; publishers wait for its end. `publications`
 * are the packages that lists show of it; they may be too many, not too few.
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
  publications: Publications
  transit: Transit | null
  held: Hold | null
  deletedAt: string | null
}

/**
 * Where a project is inside a group around it, and who sees it there: its path from the group on, and the groups between
 * the two from the top down.
 */
export type PlaceInside = { visibility: Visibility; path: string; groupIds: number[] }

/** How a client names a group or project: by id or by full path. */
export type Reference = { id: number } | { fullPath: string }

/** What stands in groups. What is only listed notes no full path. */
type Placed = { ancestorIds: number[]; fullPath?: string }

/** A thing where it is now, with the groups around it from the top down. */
export type Located<Thing> = { thing: Thing; ancestors: Group[] }

const segments = (fullPath: string) => fullPath.split('/')

/** The thing with the place that goes with that of a group around it; itself when it is not in the group. */
export const follow = <Thing extends Placed>(thing: Thing, group: Pick<Group, 'id' | 'ancestorIds' | 'fullPath'>) => {
  const depth = thing.ancestorIds.indexOf(group.id)
  if (depth === -1) return thing
  const { ancestorIds, fullPath } = thing
  return {
    ...thing,
    ancestorIds: [...group.ancestorIds, ...ancestorIds.slice(depth)],
    ...(fullPath === undefined ? {} : { fullPath: [group.fullPath, ...segments(fullPath).slice(depth + 1)].join('/') }),
  }
}

/** What decides who sees a project, and what it is called. */
export type PlacedProject = Pick<Project, 'id' | 'visibility' | 'ancestorIds' | 'fullPath'>

export const placeInside = (groupId: number, { visibility, ancestorIds, fullPath }: PlacedProject): PlaceInside => {
  const depth = ancestorIds.indexOf(groupId) + 1
  return { visibility, path: segments(fullPath).slice(depth).join('/'), groupIds: ancestorIds.slice(depth) }
}

/** The project that has a place inside a group, wherever that is now. */
export const projectInside = (
  group: Group,
  id: number,
  { visibility, path, groupIds }: PlaceInside,
): PlacedProject => ({
  id,
  visibility,
  ancestorIds: [...group.ancestorIds, group.id, ...groupIds],
  fullPath: `${group.fullPath}/${path}`,
})

/**
 * Where a thing is now. When a group moves, what is inside notes its old place for a while: of the groups around a
 * thing the innermost that is elsewhere than the thing says is right.
 * @param groups those around it as far as they are there; when one is missing that is needed, the answer has no
 * `ancestors`. It has none either when the groups were read so far apart that they contradict each other.
 */
export const locateAmong = <Thing extends Placed>(
  stored: Thing,
  groups: readonly Group[],
): { thing: Thing; ancestors?: Group[] } => {
  let thing = stored
  for (let turn = 0; turn <= GROUP_DEPTH_LIMIT; turn++) {
    const around = thing.ancestorIds.map((id) => groups.find((group) => group.id === id))
    const astray = around.findLast((group, depth) => group && !isAt(group, thing, depth))
    if (!astray) return around.includes(undefined) ? { thing } : { thing, ancestors: atPlace(around as Group[], thing) }
    thing = follow(thing, astray)
  }
  return { thing: stored }
}

/** A group says itself what it is in and what it is called; the rest of what it notes may be behind too. */
const isAt = (group: Group, { ancestorIds, fullPath }: Placed, depth: number) =>
  parentId(group) === (ancestorIds[depth - 1] ?? null) &&
  (fullPath === undefined || segments(fullPath)[depth] === group.path)

/** The groups around a thing, each with the place that follows from that of the thing. */
const atPlace = (groups: readonly Group[], { ancestorIds }: Placed): Group[] =>
  groups.map((group, depth) => ({
    ...group,
    ancestorIds: ancestorIds.slice(0, depth),
    fullPath: groups
      .slice(0, depth + 1)
      .map(({ path }) => path)
      .join('/'),
  }))

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
