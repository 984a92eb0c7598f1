/** The projects of a group that have packages to list, in the order of their paths, read as far as a page needs them. */
import { compareText, type Sort } from '../domain/listing.ts'
import { FEW_PACKAGES, type PlaceInside, parentId, type Visibility, visibilities } from '../domain/project.ts'
import { packagesTold, placeTold } from './contents.ts'
import { type Content, contentFromItem } from './items.ts'
import type { Shelf } from './keys.ts'
import { type ProjectsOf, projectsByPath } from './ranges.ts'
import type { Item, Range, Table } from './table.ts'
import { type Stretch, turned } from './ways.ts'

/** `told` is how many packages to expect of it; of one that a role tells, as of most. */
export type NextProject = { id: number; path: string; told: number; isByRole: boolean; place: PlaceInside | undefined }

/** Projects with one path, in lower case. */
export type OfPath<Inside = Pick<NextProject, 'id'>> = readonly [path: string, projects: readonly Inside[]]

export const byPath = <Inside extends Pick<Content, 'path'>>(projects: readonly Inside[]): OfPath<Inside>[] => [
  ...Map.groupBy(projects, ({ path }) => path.toLowerCase()),
]

/** Who reads on in contents reads so many at least: what came before them was not what it was taken for. */
const LEAST_CONTENTS = 96

/** Where a page begins. */
type Start = Pick<Stretch, 'take' | 'from' | 'isBackwards'>

const isDescending = (sort: Sort, { isBackwards }: Start) => turned(sort, isBackwards) === 'desc'

/** As many as half a read unit gives. */
const LEAST_FIRST = 20

/** What is read first: nearly enough where each project has one package, and the one where the page begins besides. */
const firstRead = (of: ProjectsOf, sort: Sort, start: Start) => ({
  range: projectsByPath(of, isDescending(sort, start), start.from?.value ?? undefined),
  limit: Math.max(LEAST_FIRST, start.take - 1) + (start.from ? 1 : 0),
})

type Ahead = Pick<ProjectsOf, 'groupId' | 'isDirect'> & { isAnonymous: boolean; withOthers: boolean }

/** Whether those are wanted that have packages which lists show unasked; those that have just others come besides. */
const kinds = (withOthers: boolean) => (withOthers ? [true, false] : [true])

/**
 * Reads the first projects of a group, of all that a caller may turn out to see, for a table that remembers it. What
 * fails, fails again for whoever needs it.
 */
export const readNextProjectsAhead = async (
  table: Pick<Table, 'query'>,
  { isAnonymous, withOthers, ...of }: Ahead,
  sort: Sort,
  start: Start,
): Promise<void> => {
  const seen = isAnonymous ? (['public'] as const) : visibilities
  const reads = seen.flatMap((visibility) =>
    kinds(withOthers).map((isListed) => firstRead({ ...of, visibility, isListed }, sort, start)),
  )
  await Promise.allSettled(reads.map(({ range, limit }) => table.query(range, limit)))
}

/**
 * What a list is made of: whether it shows more than one that is asked for nothing else, and the path of a project that
 * has a shelf of its own in it.
 */
type Listed = { groupId: number; shelves: readonly Shelf[]; withOthers: boolean; pathOf: (id: number) => string }

/**
 * The projects of a list from where a page begins.
 *
 * | Shelf                      | Its projects come from                                                              |
 * |----------------------------|-------------------------------------------------------------------------------------|
 * | of the group               | its contents, by visibility                                                         |
 * | of a project, by a role    | the role, which tells the path                                                      |
 * | of a group inside, by one  | the first private ones of the outer group, which were read ahead; then its contents |
 */
export const openNextProjects = async (
  table: Pick<Table, 'query'>,
  { groupId, shelves, withOthers, pathOf }: Listed,
  sort: Sort,
  start: Start,
) => {
  const descending = isDescending(sort, start)
  const compare = (one: string, other: string) => compareText(one, other) * (descending ? -1 : 1)
  const isBefore =
    (edge: string) =>
    ({ path }: Pick<NextProject, 'path'>) =>
      compare(path, edge) < 0

  /** Contents of one request may be of more than one age: who was met under one path is not met under another. */
  const met = new Map<number, NextProject>()
  let waiting: NextProject[] = []
  const add = (some: readonly NextProject[]) => {
    const fresh = some.filter(({ id }) => !met.has(id))
    for (const one of fresh) met.set(one.id, one)
    waiting = [...waiting, ...fresh].sort((one, other) => compare(one.path, other.path))
  }
  const fromContent = (content: Content): NextProject => ({
    id: content.id,
    path: content.path.toLowerCase(),
    told: packagesTold(content),
    isByRole: false,
    place: placeTold(groupId, content),
  })

  /** A stretch of contents; what comes before `edge` is known. */
  const openLane = (range: Range, from: string) => {
    let after: Item | undefined
    const lane = {
      edge: from,
      isOver: false,
      isBegun: () => after !== undefined,
      async read(limit: number): Promise<void> {
        const { items, next } = await table.query(range, limit, after)
        const contents = items.map(contentFromItem)
        after = next
        lane.isOver = next === undefined
        lane.edge = contents.at(-1)?.path.toLowerCase() ?? lane.edge
        add(contents.filter((one) => isOnOneOf(shelves, one)).map(fromContent))
      },
    }
    return lane
  }

  const ofGroup = shelves.flatMap((shelf) => (shelf.kind === 'group' && shelf.id === groupId ? [shelf] : []))
  const inside = shelves.flatMap((shelf) => (shelf.kind === 'group' && shelf.id !== groupId ? [shelf.id] : []))
  const own = shelves.filter(({ kind }) => kind === 'project')
  const isDirect = ofGroup.every(({ depth }) => depth === 'direct')

  const openFirst = async (visibility: Visibility, isListed: boolean) => {
    const { range, limit } = firstRead({ groupId, visibility, isDirect, isListed }, sort, start)
    const lane = openLane(range, '')
    await lane.read(limit)
    return lane
  }
  const openInside = async (isListed: boolean) => {
    const { edge, isOver } = await openFirst('private', isListed)
    const of = { visibility: 'private', isDirect: false, isListed } as const
    return [...new Set(isOver ? [] : inside)].map((id) =>
      openLane(projectsByPath({ ...of, groupId: id }, descending, edge), edge),
    )
  }
  const shown = [...new Set(ofGroup.map(({ visibility }) => visibility))]
  const opened = kinds(withOthers).flatMap((isListed) => [
    ...shown.map(async (visibility) => [await openFirst(visibility, isListed)]),
    ...(inside.length > 0 ? [openInside(isListed)] : []),
  ])
  const lanes = (await Promise.all(opened)).flat()
  add(
    own
      .map(({ id }) => ({ id, path: pathOf(id).toLowerCase(), told: FEW_PACKAGES, isByRole: true, place: undefined }))
      .filter(({ path }) => compare(path, start.from?.value ?? path) >= 0),
  )

  return {
    /** Those that are next, with all projects of their paths. */
    atHand: (): OfPath<NextProject>[] =>
      byPath(lanes.reduce((some, { isOver, edge }) => (isOver ? some : some.filter(isBefore(edge))), waiting)),

    /** Whether no others follow. */
    isWhole: () => lanes.every(({ isOver }) => isOver),

    /** Reads on until so many are at hand, as far as one step goes. */
    async readOn(enough: number): Promise<void> {
      await Promise.all(
        lanes.map(async ({ isOver, isBegun, edge, read }) => {
          const missing = enough - waiting.filter(isBefore(edge)).length
          if (!isOver && missing > 0) await read(isBegun() ? Math.max(missing + 1, LEAST_CONTENTS) : missing + 1)
        }),
      )
    },

    /** Lets go of those that were asked. */
    pass(asked: readonly OfPath[]): void {
      const ids = new Set(asked.flatMap(([, same]) => same.map(({ id }) => id)))
      waiting = waiting.filter(({ id }) => !ids.has(id))
    },

    placeOf: (id: number) => met.get(id)?.place,
  }
}

/** Whether a project's packages stand on one of these shelves. */
const isOnOneOf = (shelves: readonly Shelf[], content: Content): boolean =>
  shelves.some((shelf) => {
    if (shelf.kind === 'project') return shelf.id === content.id
    const depth = parentId(content) === shelf.id ? 'direct' : 'nested'
    return content.ancestorIds.includes(shelf.id) && shelf.depth === depth && shelf.visibility === content.visibility
  })
