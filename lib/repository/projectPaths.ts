/**
 * Lists of a group by `project_path`: by the last segment of each project's path; packages of equal ones by id, the
 * highest first in both directions.
 */
import { lazily } from '../domain/lazily.ts'
import { asksForOthers, compareText, type PackageFilter } from '../domain/listing.ts'
import { isDisplayable, type PackageEntry } from '../domain/package.ts'
import type { Position } from '../domain/pagination.ts'
import type { PlaceInside } from '../domain/project.ts'
import { placeTold } from './contents.ts'
import type { Content } from './items.ts'
import { projectOfNames, type Shelf } from './keys.ts'
import { byPath, type NextProject, type OfPath, openNextProjects, readNextProjectsAhead } from './nextProjects.ts'
import { isCountedFirst } from './sifting.ts'
import type { Table } from './table.ts'
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
  all: () => Promise<readonly Pick<Content, 'id' | 'path' | 'visibility' | 'ancestorIds' | 'w'>[]>
  /** Whether none of them is on its way, so that each is listed where the contents of the group say that it is. */
  areStill: () => Promise<boolean>
  /**
   * Looks whether that is still so, if more was read of it since the last look. It may go out with reads of projects' own
   * shelves, which a move leaves alone.
   */
  lookAgain: () => Promise<void>
  /** Reads those of which nothing has told where they are, beside their packages. */
  load: (ids: readonly number[]) => Promise<void>
  /** The path of one whose own shelf is listed. */
  pathOf: (id: number) => string
}

/** What of the listing engine these lists are made of. */
type Engine = {
  wayThrough: (shelves: readonly Shelf[], listed: Listed, known?: readonly NameRow[]) => Promise<Way>
  readVersion: (shelves: readonly Shelf[], filter: PackageFilter) => Promise<PackageEntry[]>
  matchingNames: (shelf: Shelf, filter: PackageFilter) => Promise<NameRow[]>
  /** Whether few of all packages are wanted. */
  isFew: () => Promise<boolean>
}

/** The contents are in the order of paths for what lists show that ask for no status, and of names they tell nothing. */
const isAlongContents = ({ name, version, status }: PackageFilter) =>
  name === undefined && version === undefined && (status === undefined || isDisplayable(status))

/**
 * Reads what a page begins with that is looked for among the projects that are next by path, and not by counts of names;
 * for a table that remembers what is read.
 */
export const readAheadByPath = async (
  table: Pick<Table, 'query'>,
  of: Omit<Parameters<typeof readNextProjectsAhead>[1], 'withOthers'>,
  { order, filter, sort, page }: PackageQuery,
): Promise<void> => {
  const stretch = firstStretch(page)
  if (order !== 'project_path' || !isAlongContents(filter) || stretch.skip > 0) return
  await readNextProjectsAhead(table, { ...of, withOthers: asksForOthers(filter) }, sort, stretch)
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
    const [all, found, isStill] = await Promise.all([projects.all(), names, projects.areStill()])
    notePaths(all)
    const contents = new Map(isStill ? all.map((one) => [one.id, one]) : [])
    const placeOf = (id: number) => {
      const content = contents.get(id)
      return content && placeTold(projects.groupId, content)
    }
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
          const [read] = await Promise.all([Promise.all(together), projects.lookAgain()])
          rows.push(...read.flat())
        }
        return rows.slice(0, take).map((entry) => placedBy(placeOf, entry))
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
    const isReached = found.map((rows) => {
      const isBefore = before < take
      before += rows.length
      return isBefore
    })
    const mayHaveMore = found.map((rows, place) => isReached[place] && rows.length === little && little < take)
    const [whole] = await Promise.all([
      Promise.all(paths.map(async (one, place) => (mayHaveMore[place] ? rowsOf(one, stretch) : (found[place] ?? [])))),
      mayHaveMore.includes(true) ? projects.lookAgain() : undefined,
    ])
    return whole.flat().slice(0, take)
  }

  /**
   * Asks projects as their paths follow: first those that fill the page by what contents tell of them, then as many as
   * the rest takes if the others have as much.
   * @returns undefined where too many have nothing to list, or something is on its way
   */
  const readAlong = async (stretch: Stretch, total: () => Promise<number>): Promise<PackageEntry[] | undefined> => {
    const { groupId, pathOf: pathOfOwn } = projects
    const listed = { groupId, shelves, withOthers: asksForOthers(filter), pathOf: pathOfOwn }
    const next = await openNextProjects(table, listed, sort, stretch)
    const rows: PackageEntry[] = []
    let asks = 0
    /** Those that are asked for the rest of the page. A few more calls cost less than one more round. */
    const choose = (atHand: readonly OfPath<NextProject>[], left: number): OfPath<NextProject>[] => {
      if (asks === 0) return firstOf(atHand, left, ({ told }) => told)
      return firstOf(atHand, Math.max(LATER_PROJECTS, Math.ceil((MARGIN * left * asks) / Math.max(1, rows.length))))
    }
    for (let round = 0; round < ROUNDS; round++) {
      const left = stretch.take - rows.length
      if (round > 0 && next.atHand().length === 0) await next.readOn(LATER_PROJECTS)
      const atHand = next.atHand()
      const asked = choose(atHand, left)
      if (projectsIn(asked) > MOST_PROJECTS) return undefined
      for (const [, same] of asked) notePaths(same)
      // Of the path where the page begins maybe nothing is left, and a project that a role tells may have none.
      const others = atHand.flatMap(([path, same]) => (path === stretch.from?.value ? [] : same))
      const missing = left - others.reduce((sum, { told, isByRole }) => sum + (isByRole ? 0 : told), 0)
      const enough = projectsIn(atHand) + (round === 0 ? missing : LATER_PROJECTS)
      const [found, isStill, few, count] = await Promise.all([
        rowsOfAll(asked, { ...stretch, take: left }),
        projects.areStill(),
        isFew(),
        total(),
        round > 0 ? projects.lookAgain() : undefined,
        projects.load(asked.flatMap(([, same]) => same.flatMap(({ id, place }) => (place ? [] : [id])))),
        missing > 0 ? next.readOn(enough) : undefined,
      ])
      if (!isStill || few) return undefined
      rows.push(...found.map((entry) => placedBy(next.placeOf, entry)))
      if (rows.length === stretch.take) return rows
      asks += projectsIn(asked)
      next.pass(asked)
      // An index that is behind may lack the project of a package that was just published, which the total counts.
      if (next.isWhole() && next.atHand().length === 0) return stretch.from || rows.length >= count ? rows : undefined
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

/** As many rows as one read unit gives where names are of common length. Who has more is asked again if it is reached. */
const ROWS_OF_A_UNIT = 21
/** So many are asked at least when the first do not fill the page. */
const LATER_PROJECTS = 32
/** Where the rest of a page takes more projects, or more rounds, counting all of them costs less. */
const MOST_PROJECTS = 128
const ROUNDS = 4
/** Projects that follow may have less than those before. */
const MARGIN = 1.25

/** What a group's directory of names tells of the shelf of a project. */
const onOwnShelf = (row: NameRow, shelf: Shelf): NameRow => ({
  ...row,
  shelf,
  all: row.all.filter(({ sk }) => projectOfNames(String(sk)) === row.projectId),
})

/** A row of a project's own shelf with the place that the contents of the group tell. */
const placedBy = (placeOf: (id: number) => PlaceInside | undefined, entry: PackageEntry): PackageEntry => {
  const place = placeOf(entry.projectId)
  return place ? { ...entry, place } : entry
}

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
