/**
 * Lists of a group by `project_path`: by the last segment of each project's path; packages of equal ones by id, the
 * highest first in both directions.
 */
import { lazily } from '../domain/lazily.ts'
import { compareText, type PackageFilter, type Sort } from '../domain/listing.ts'
import { isDisplayable, type PackageEntry } from '../domain/package.ts'
import type { Position } from '../domain/pagination.ts'
import { FEW_PACKAGES, type PlaceInside, parentId } from '../domain/project.ts'
import { packagesTold, placeTold } from './contents.ts'
import { type Content, contentFromItem } from './items.ts'
import { projectOfNames, type Shelf } from './keys.ts'
import { projectsByPath } from './ranges.ts'
import { isCountedFirst } from './sifting.ts'
import type { Item, Table } from './table.ts'
import {
  firstStretch,
  type Listed,
  type NameRow,
  type PackageQuery,
  reach,
  type Stretch,
  turned,
  type Way,
} from './ways.ts'

/** The projects inside a group. */
export type ProjectsInside = {
  groupId: number
  /** All of them, as they are now. */
  all: () => Promise<readonly Pick<Content, 'id' | 'path'>[]>
  /** Whether none of them is on its way, so that each is listed where the contents of the group say that it is. */
  areStill: () => Promise<boolean>
}

/** What of the listing engine these lists are made of. */
type Engine = {
  wayThrough: (shelves: readonly Shelf[], listed: Listed, known?: readonly NameRow[]) => Promise<Way>
  readVersion: (shelves: readonly Shelf[], filter: PackageFilter) => Promise<PackageEntry[]>
  matchingNames: (shelf: Shelf, filter: PackageFilter) => Promise<NameRow[]>
  /** Whether few of all packages are wanted. */
  isFew: () => Promise<boolean>
}

/** Projects with one path. */
type OfPath<Inside = Pick<Content, 'id'>> = readonly [path: string, projects: readonly Inside[]]

const byPath = <Inside extends Pick<Content, 'path'>>(projects: readonly Inside[]) => [
  ...Map.groupBy(projects, ({ path }) => path.toLowerCase()),
]

/** The contents that a page begins with: enough where each project has one package, and one more, as the last waits. */
const firstContents = (groupId: number, sort: Sort, { take, isBackwards, from }: Stretch) => ({
  range: projectsByPath(groupId, turned(sort, isBackwards) === 'desc', from?.value ?? undefined),
  projects: Math.min(Math.ceil(take / FEW_PACKAGES), FIRST_PROJECTS),
  limit: Math.min(take + 1, FIRST_PROJECTS * CONTENTS_FOR_ONE),
})

/** The contents are in the order of paths for what lists show that ask for no status, and of names they tell nothing. */
const isAlongContents = ({ name, version, status }: PackageFilter) =>
  name === undefined && version === undefined && (status === undefined || isDisplayable(status))

/**
 * Starts to read what a page begins with that is looked for among the projects that are next by path, and not by counts
 * of names; for a table that remembers what is read.
 */
export const readContentsAhead = (table: Pick<Table, 'query'>, groupId: number, query: PackageQuery): void => {
  const { order, filter, sort, page } = query
  const stretch = firstStretch(page)
  if (order !== 'project_path' || !isAlongContents(filter) || stretch.skip > 0) return
  const first = firstContents(groupId, sort, stretch)
  // It fails again for whoever needs it.
  table.query(first.range, first.limit).catch(() => {})
}

/**
 * | Filter               | Rows come from                                          | Total comes from    |
 * |----------------------|---------------------------------------------------------|---------------------|
 * | none, type, status   | the projects that are next by path                      | tallies             |
 * | the same where rare, while something is on its way, or on a page by its number | the projects that reach into the page by the counts of all names | tallies |
 * | `name`, a status of which there are few, or that lists hide | the same      | those counts        |
 * | `version`            | the stretch of `by_version`, whole                      | the rows themselves |
 *
 * The projects of a page are asked at once.
 */
export const wayByProjectPath = async (
  table: Pick<Table, 'query'>,
  engine: Engine,
  shelves: readonly Shelf[],
  projects: ProjectsInside,
  { filter, sort }: Listed,
): Promise<Way> => {
  const pathOf = new Map<number, string>()
  const notePaths = (some: readonly Pick<Content, 'id' | 'path'>[]) => {
    for (const { id, path } of some) pathOf.set(id, path.toLowerCase())
  }
  const positionOf = ({ projectId, id }: PackageEntry): Position => ({ value: pathOf.get(projectId) ?? '', id })
  const isDescending = ({ isBackwards }: Stretch) => turned(sort, isBackwards) === 'desc'
  const newestFirst: Listed = { filter, order: 'created_at', sort: 'desc' }
  const isFiltered = filter.type !== undefined || filter.status !== undefined
  const isFew = lazily(async () => isFiltered && (await engine.isFew()))

  /**
   * Of one path. Of the path where the list begins nobody knows how much is left, maybe nothing.
   * @param names of the projects, where they were read before
   */
  const rowsOf = async ([path, same]: OfPath, { from, ...rest }: Stretch, names?: Map<number, NameRow[]>) => {
    const own = same.map(({ id }) => ({ kind: 'project', id }) as const)
    const known = names && own.flatMap((shelf) => names.get(shelf.id)?.map((row) => onOwnShelf(row, shelf)) ?? [])
    const begun = path === from?.value ? { from: { value: null, id: from.id } } : {}
    return reach(await engine.wayThrough(own, newestFirst, known), { ...rest, ...begun })
  }

  const wayOfVersion = async (): Promise<Way> => {
    const [all, rows] = await Promise.all([projects.all(), engine.readVersion(shelves, filter)])
    notePaths(all)
    return {
      total: async () => rows.length,
      async read(stretch) {
        const { isBackwards, from, skip, take } = stretch
        const compare = (one: Position, other: Position) =>
          compareText(one.value ?? '', other.value ?? '') * (isDescending(stretch) ? -1 : 1) ||
          (other.id - one.id) * (isBackwards ? -1 : 1)
        const sorted = rows.toSorted((one, other) => compare(positionOf(one), positionOf(other)))
        const rest = from ? sorted.filter((entry) => compare(positionOf(entry), from) > 0) : sorted
        return rest.slice(skip, skip + take)
      },
      positionOf,
    }
  }

  /** By the counts of all names, which tell for any stretch which projects reach into it. */
  const wayByCounts = async (): Promise<Way> => {
    const names = Promise.all(shelves.map((shelf) => engine.matchingNames(shelf, filter)))
    const [all, found] = await Promise.all([projects.all(), names])
    notePaths(all)
    const matching = Map.groupBy(found.flat(), ({ projectId }) => projectId)
    const listed = byPath(all.filter(({ id }) => matching.has(id)))
    const countOf = (some: readonly NameRow[] = []) => some.reduce((sum, { count }) => sum + count, 0)
    return {
      total: async () => countOf(found.flat()),
      async read(stretch) {
        const { from, take } = stretch
        const direction = isDescending(stretch) ? -1 : 1
        const paths = listed
          .filter(([path]) => !from || direction * compareText(path, from.value ?? '') >= 0)
          .sort(([one], [other]) => direction * compareText(one, other))
        const rows: PackageEntry[] = []
        let skip = stretch.skip
        while (rows.length < take && paths.length > 0) {
          const together: Promise<PackageEntry[]>[] = []
          let left = take - rows.length
          while (left > 0) {
            const next = paths.shift()
            if (!next) break
            const [path, same] = next
            const isBegun = path === from?.value
            const here = isBegun ? 0 : same.reduce((sum, { id }) => sum + countOf(matching.get(id)), 0)
            if (isBegun || skip < here) {
              together.push(rowsOf(next, { ...stretch, skip, take: left }, matching))
              left -= Math.max(0, here - skip)
            }
            skip = Math.max(0, skip - here)
          }
          rows.push(...(await Promise.all(together)).flat())
        }
        return rows.slice(0, take)
      },
      positionOf,
    }
  }

  /** The first rows of projects one after another, each read as if it alone were the stretch. */
  const rowsOfAll = async (paths: readonly OfPath[], stretch: Stretch): Promise<PackageEntry[]> => {
    const { take } = stretch
    const little = Math.min(take, ROWS_OF_A_UNIT)
    const found = await Promise.all(paths.map((one) => rowsOf(one, { ...stretch, take: little })))
    let before = 0
    const reached = found.map((rows) => {
      const isReached = before < take
      before += rows.length
      return isReached
    })
    const whole = await Promise.all(
      paths.map(async (one, place) => {
        const rows = found[place] ?? []
        const mayHaveMore = rows.length === little && little < take
        return reached[place] && mayHaveMore ? rowsOf(one, stretch) : rows
      }),
    )
    return whole.flat().slice(0, take)
  }

  /**
   * Asks projects as their paths follow: first those that fill the page by what contents tell of them, then as many as
   * the rest takes if the others have as much.
   * @param total of the list: once so many rows are found from its end on, the projects that are left have none
   * @returns undefined where too many have nothing to list, or something is on its way
   */
  const readAlong = async (stretch: Stretch, total: () => Promise<number>): Promise<PackageEntry[] | undefined> => {
    const first = firstContents(projects.groupId, sort, stretch)
    const rows: PackageEntry[] = []
    /** Contents of one request may be of more than one age: who was met under one path is not met under another. */
    const met = new Map<number, PlaceInside | undefined>()
    let waiting: Content[] = []
    let after: Item | undefined
    let count = 0
    let seen = 0
    const readContents = async (limit: number): Promise<void> => {
      const { items, next } = await table.query(first.range, limit, after)
      after = next
      seen += items.length
      const listed = items.map(contentFromItem).filter((one) => isListed(one, shelves) && !met.has(one.id))
      for (const one of listed) met.set(one.id, placeTold(projects.groupId, one))
      waiting.push(...listed)
    }
    /** Of the last path more projects may follow. */
    const askable = (some: readonly Content[]) => {
      const paths = byPath(some)
      return after ? paths.slice(0, -1) : paths
    }
    /** How many of those at hand fill the page, by what contents tell of each. */
    const filling = () => {
      const paths = firstOf(askable(waiting), stretch.take, packagesTold)
      return projectsIn(firstOf(paths, FIRST_PROJECTS))
    }
    /** How many are to be asked for the rest of the page. */
    const projectsFor = (left: number): number => {
      if (count === 0) return Math.max(filling(), first.projects)
      const rest = Math.ceil((MARGIN * left * count) / Math.max(1, rows.length))
      const atHand = projectsIn(askable(waiting))
      const likely = count < TELLING_PROJECTS ? Math.min(rest, atHand || TELLING_PROJECTS) : rest
      return after ? likely : Math.min(likely, waiting.length)
    }
    /** How many contents to read for so many rows, by what those read so far tell of the others. */
    const contentsFor = (missing: number): number => {
      const projectsMissing = Math.ceil(missing / FEW_PACKAGES)
      return Math.min(Math.ceil((projectsMissing * seen) / Math.max(1, met.size)), MOST_PROJECTS) * CONTENTS_FOR_ONE
    }
    await readContents(first.limit)
    for (let round = 0; round < ROUNDS; round++) {
      const left = stretch.take - rows.length
      const wanted = projectsFor(left)
      if (wanted > MOST_PROJECTS) return undefined
      if (round > 0 && after && projectsIn(askable(waiting)) < wanted) await readContents(wanted * CONTENTS_FOR_ONE)
      notePaths(waiting)
      const asked = firstOf(askable(waiting), wanted)
      const atHand = askable(waiting).flatMap(([, same]) => same)
      const missing = left - atHand.reduce((sum, one) => sum + packagesTold(one), 0)
      const [found, areStill, few, most] = await Promise.all([
        rowsOfAll(asked, { ...stretch, take: left }),
        projects.areStill(),
        isFew(),
        total(),
        after && missing > 0 ? readContents(contentsFor(missing)) : undefined,
      ])
      if (!areStill || few) return undefined
      for (const entry of found) {
        const place = met.get(entry.projectId)
        rows.push(place ? { ...entry, place } : entry)
      }
      if (!stretch.from && rows.length >= most) return rows
      count += projectsIn(asked)
      waiting = waiting.slice(projectsIn(asked))
      if (rows.length === stretch.take) return rows
      // An index that is behind may lack the project of a package that was just published, which the total counts.
      const isWhole = stretch.from !== undefined || rows.length >= Math.min(stretch.take, most)
      if (!after && waiting.length === 0) return isWhole ? rows : undefined
    }
    return undefined
  }

  if (filter.version !== undefined) return wayOfVersion()
  if (!isAlongContents(filter) || (isCountedFirst(filter) && (await isFew()))) return wayByCounts()
  const whole = await engine.wayThrough(shelves, newestFirst)
  return {
    total: whole.total,
    async read(stretch) {
      const rows = stretch.skip === 0 ? await readAlong(stretch, whole.total) : undefined
      return rows ?? (await wayByCounts()).read(stretch)
    },
    positionOf,
  }
}

/** So many of the contents are read for each project that is asked: the others may be hidden. Twenty take half a unit. */
const CONTENTS_FOR_ONE = 3
/** A larger page asks no more at first: a few projects may hold all of it. */
const FIRST_PROJECTS = 32
/** What fewer have tells too little of the others to ask very many, or none. */
const TELLING_PROJECTS = 24
/** As many rows as one read unit gives where names are of common length. Who has more is asked again if it is reached. */
const ROWS_OF_A_UNIT = 21
/** Where the rest of a page takes more projects, or more rounds, counting all of them costs less. */
const MOST_PROJECTS = 100
const ROUNDS = 4
/** Projects that follow may have less than those before. */
const MARGIN = 1.25

/** What a group's directory of names tells of the shelf of a project. */
const onOwnShelf = (row: NameRow, shelf: Shelf): NameRow => ({
  ...row,
  shelf,
  all: row.all.filter(({ sk }) => projectOfNames(String(sk)) === row.projectId),
})

const projectsIn = (paths: readonly OfPath[]) => paths.reduce((sum, [, same]) => sum + same.length, 0)

/** The first paths that have as many projects between them; all projects of a path are asked together. */
const firstOf = <Inside>(
  paths: readonly OfPath<Inside>[],
  wanted: number,
  weigh: (project: Inside) => number = () => 1,
): OfPath<Inside>[] => {
  let found = 0
  return paths.filter(([, same]) => {
    const isWanted = found < wanted
    for (const one of same) found += weigh(one)
    return isWanted
  })
}

/** Whether a project's packages stand on one of these shelves. */
const isListed = (content: Content, shelves: readonly Shelf[]): boolean =>
  shelves.some((shelf) => {
    if (shelf.kind === 'project') return shelf.id === content.id
    const depth = parentId(content) === shelf.id ? 'direct' : 'nested'
    return content.ancestorIds.includes(shelf.id) && shelf.depth === depth && shelf.visibility === content.visibility
  })
