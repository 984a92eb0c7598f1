import { lazily } from '../domain/lazily.ts'
import { Overtaken } from '../domain/overtaken.ts'
import type { PackageEntry } from '../domain/package.ts'
import type { Paged } from '../domain/pagination.ts'
import { type Caller, canInProject, type GroupScope, groupScope, isAnonymous } from '../domain/permissions.ts'
import { follow, type Group, type PlacedProject, type Project, placeInside, projectInside } from '../domain/project.ts'
import type { groupRepository } from './groups.ts'
import { placeHash, projectOfRow, withoutPlace } from './items.ts'
import {
  groupOfPartition,
  isOfGroupTally,
  isOfProject,
  PUBLIC_TALLIES,
  projectOfNames,
  type Shelf,
  shelfPartition,
  TRANSITS,
  tallyPartition,
} from './keys.ts'
import { type ListingTable, openListing } from './listings.ts'
import { isMovingIn, marksOf, recentIn, revisionOf, takenOff, talliesOf } from './marks.ts'
import { type ProjectsInside, readAheadByPath } from './projectPaths.ts'
import { groupShelves } from './shelves.ts'
import { chunks, type Item, type Range, type Table } from './table.ts'
import type { PackageQuery } from './ways.ts'

/** A row of a group's list with the project it is in, as that stands now. */
export type GroupRow = { entry: PackageEntry; project: PlacedProject }

export type GroupQuery = PackageQuery & { excludeSubgroups: boolean }

type Groups = Pick<
  ReturnType<typeof groupRepository>,
  'listGroupsById' | 'listProjectsById' | 'listInside' | 'listContents' | 'locateAll' | 'snapshot' | 'transitRevision'
>

/** A list of a group's packages. What needs only the group's id is read beside the group and the caller's roles. */
export const groupListingRepository = (table: Table, groups: Groups) => {
  const check = async (groupId: number, revision: number): Promise<void> => {
    if ((await groups.transitRevision(groupId)) !== revision) throw new Overtaken()
  }

  const begin = (groupId: number, query: GroupQuery, isAnonymous: boolean) => {
    // The tallies of the group come with its transits, which tell how old they are.
    const isOfGroup = (pk: string) => !isOfProject(pk) && pk !== tallyPartition({ kind: 'group', id: groupId })
    const memory = remembering(tellingPlaces(table, groupId), isOfGroup)
    const ahead = readAheadByPath(memory.table, { groupId, isDirect: query.excludeSubgroups, isAnonymous }, query)
    return { ...memory, ahead }
  }

  const read = async (
    memory: ReturnType<typeof begin>,
    group: Group,
    query: GroupQuery,
    caller: Caller,
    revision: number,
  ): Promise<Paged<GroupRow>> => {
    // What comes now looks whether anything moved since these reads.
    await memory.ahead
    const isByPath = query.order === 'project_path'
    const scope = groupScope(caller, group, query.excludeSubgroups)
    const source = isAnonymous(caller) ? withPublicTallies(memory.table) : memory.table
    const projects = rememberingProjects(groups)
    const rolePaths = new Map(
      caller.memberships.flatMap(({ source, project }) => (project ? [[source.id, project.path]] : [])),
    )
    /** How many group reads had ended when the last look began whether anything departed or arrived. */
    let looked = 0
    const looking = <Seen>(look: () => Promise<Seen>): Promise<Seen> => {
      looked = memory.groupReads()
      return look()
    }
    const lookAgain = async (): Promise<void> => {
      if (memory.groupReads() > looked) await looking(() => check(group.id, revision))
    }
    const transitsNow = lazily(() =>
      looking(async () => {
        const transits = await transitsIn(source, group.id)
        if (transits.revision !== revision) throw new Overtaken()
        return transits
      }),
    )
    const inside: ProjectsInside = {
      groupId: group.id,
      all: lazily(() => groups.listContents('project', group)),
      areStill: async () => {
        const transits = await transitsNow()
        return isStillBy(transits) && !transits.wasMoving
      },
      lookAgain,
      // Those that he sees by a role in them are read as of one moment with what is in transit.
      load: async (ids) => projects.load(ids.filter((id) => !rolePaths.has(id))),
      pathOf: (id) => rolePaths.get(id) ?? '',
    }
    const listFrom = async (reader: ListingTable, shelves: readonly Shelf[]): Promise<Paged<PackageEntry>> =>
      isByPath
        ? openListing(reader).listPackagesByProjectPath(shelves, inside, query)
        : openListing(reader).listPackages(shelves, query)

    const isHere = ({ ancestorIds }: PlacedProject) =>
      query.excludeSubgroups ? ancestorIds.at(-1) === group.id : ancestorIds.includes(group.id)

    /** Groups on their way into, out of or inside this one, with what is in them; all of it is right as it stands there. */
    const loadMoving = async (ids: readonly number[]): Promise<Moving[]> => {
      if (ids.length === 0) return []
      const [found, inside] = await Promise.all([
        groups.listGroupsById(ids).then(groups.locateAll),
        Promise.all(ids.map(async (id) => ({ id, ...(await groups.listInside(id)) }))),
      ])
      return inside.map(({ id, groups: some, projects: others }) => ({
        group: found.find(({ thing }) => thing.id === id)?.thing,
        groupIds: new Set([id, ...some.map((one) => one.id)]),
        projectIds: new Set(others.map((one) => one.id)),
      }))
    }

    /** The shelves of a moving group that stand in for its rows on those of this one. */
    const standIns = (moving: readonly Moving[]): Shelf[] =>
      moving.flatMap(({ group: one }) =>
        one?.ancestorIds.includes(group.id) && !query.excludeSubgroups
          ? groupShelves(one.id, groupScope(caller, one, false).visibilities, false)
          : [],
      )

    const around = [
      ...groupShelves(group.id, scope.visibilities, query.excludeSubgroups),
      ...idsOf('group', scope).flatMap((id) => groupShelves(id, ['private'], false)),
    ]
    const ownShelves = (ids: readonly number[]) => ids.map((id): Shelf => ({ kind: 'project', id }))
    const roleIds = idsOf('project', scope)
    /** What the caller sees if nothing is on its way: those that roles note as hidden have a shelf of their own each. */
    const listAhead = () => listFrom(passingOver(source, new Set(), []), [...around, ...ownShelves(roleIds)])
    const loadTogether = (ids: readonly number[]) => looking(() => projects.loadTogether(group.id, ids, revision))
    const [ahead, transits] = await Promise.all([
      listAhead(),
      transitsNow(),
      isByPath && roleIds.length > 0 ? loadTogether(roleIds) : undefined,
    ])
    const isStill = isStillBy(transits)
    /** A row tells its project's place, unless it may be from an index that is behind a move of it. */
    const isTold = ({ projectId, place }: PackageEntry): boolean =>
      place !== undefined &&
      !transits.isRecent({ kind: 'project', id: projectId }) &&
      !place.groupIds.some((id) => transits.isRecent({ kind: 'group', id }))
    const untold = (rows: readonly PackageEntry[]) => rows.flatMap((row) => (isTold(row) ? [] : [row.projectId]))
    const moving = await loadMoving(transits.groupIds)
    const reader = passingOver(source, new Set(transits.projectIds), moving)

    // Projects whose own shelves may be needed: those in transit, and those that the caller has a role in.
    const apart = [...new Set([...transits.projectIds, ...roleIds])]
    const list = async (own: readonly number[]) =>
      isStill && own.length === roleIds.length && own.every((id) => roleIds.includes(id))
        ? ahead
        : listFrom(reader, [...distinct([...around, ...standIns(moving)]), ...ownShelves(own)])

    const join = async ({ rows }: Paged<PackageEntry>): Promise<void> => {
      // Those that are apart are known as of one moment with the transits, and a later state must not replace that.
      const others = untold(rows).filter((id) => !apart.includes(id))
      await Promise.all([projects.load(others), lookAgain()])
    }
    // Whether those projects add a shelf shows with their join; their rows are read along with it, just in case.
    await Promise.all([
      apart.length > 0 && !(isByPath && isStill) ? loadTogether(apart) : undefined,
      (isStill ? Promise.resolve(ahead) : list(apart)).then(join),
    ])

    /** The project where it is now: this group knows its own place, and those that move know theirs. */
    const placed = (id: number): Project | undefined => {
      const noted = projects.known.get(id)
      return noted && [group, ...moving.flatMap((one) => one.group ?? [])].reduce(follow<Project>, noted)
    }
    const mayRead = <Placed extends PlacedProject>(project: Placed | undefined): project is Placed =>
      project !== undefined && isHere(project) && canInProject(caller, 'read_package', project)
    const own = apart.filter((id) => {
      const project = placed(id)
      // Out of transit, it stands on the group's own shelves where the caller sees those.
      return mayRead(project) && (project.transit !== null || !scope.visibilities.includes(project.visibility))
    })
    const found = await list(own)
    await Promise.all([
      projects.load(untold(found.rows)),
      moving.length === 0 ? lookAgain() : check(group.id, revision),
    ])
    const rows = found.rows.flatMap((entry): GroupRow[] => {
      const { place, projectId } = entry
      const project = place && isTold(entry) ? projectInside(group, projectId, place) : placed(projectId)
      return mayRead(project) ? [{ entry, project }] : []
    })
    // By path a project's own rows are read beside the last look. One that was written elsewhere may be later than that, as
    // may be a project that had to be read: then it stands where it was.
    const isElsewhere = ({ entry: { placeHash: written, place }, project }: GroupRow) =>
      (written !== undefined && written !== placeHash(project)) ||
      (place !== undefined && place.path !== placeInside(group.id, project).path)
    const isLater = isByPath && (!isStill || rows.some(isElsewhere))
    // Where rows are dropped, an index is behind, or what these are of left since the total was read.
    if (isLater || rows.length < found.rows.length) await check(group.id, revision)
    return { ...found, rows }
  }

  return {
    /**
     * Starts to read what needs only the group's id. It may be older than the revision that the group comes with, so
     * these are reads of an index alone, whose rows may be behind anyway: what is read later tells which of them moved.
     * @param isAnonymous that the caller sees what is public and nothing else
     */
    begin(groupId: number, query: GroupQuery, isAnonymous: boolean) {
      const memory = begin(groupId, query, isAnonymous)
      return {
        /**
         * The page as the caller may see it now: rows of projects that he may not read are dropped.
         * @param revision of the group's transits as it was read before
         * @throws Overtaken when something departed or arrived since then
         */
        read: (group: Group, caller: Caller, revision: number): Promise<Paged<GroupRow>> =>
          read(memory, group, query, caller, revision),
      }
    },
  }
}

const idsOf = (kind: 'group' | 'project', { inside }: GroupScope) =>
  inside.filter((source) => source.kind === kind).map(({ id }) => id)

/** The table of who sees what is public and nothing else: two of a group's six tallies. */
const withPublicTallies = (table: ListingTable): ListingTable => ({
  ...table,
  queryAll: (range) => table.queryAll(isOfGroupTally(range.pk) ? { ...range, between: PUBLIC_TALLIES } : range),
})

/** The table of a group's list. Rows of its own shelves tell where projects are in it, those of other groups' do not. */
const tellingPlaces = (table: ListingTable, groupId: number): ListingTable => {
  const told = ({ pk }: Range, items: Item[]) => (groupOfPartition(pk) === groupId ? items : items.map(withoutPlace))
  return {
    async query(range, limit, after) {
      const page = await table.query(range, limit, after)
      return { ...page, items: told(range, page.items) }
    },
    queryAll: async (range) => told(range, await table.queryAll(range)),
    getAll: table.getAll,
  }
}

/**
 * The same read within one request is made once.
 * @param isOfGroup whether a move of a project changes who may see what is read of a partition
 */
const remembering = (source: ListingTable, isOfGroup: (pk: string) => boolean) => {
  const answers = new Map<string, Promise<unknown>>()
  let groupReads = 0
  const once = <Answer>(pk: string, key: unknown, read: () => Promise<Answer>): Promise<Answer> => {
    const name = JSON.stringify(key)
    const known = answers.get(name) as Promise<Answer> | undefined
    if (known) return known
    const counted = async () => {
      const answer = await read()
      if (isOfGroup(pk)) groupReads++
      return answer
    }
    const answer = counted()
    answers.set(name, answer)
    return answer
  }
  const table: ListingTable = {
    query: (range, limit, after) => once(range.pk, [range, limit, after], () => source.query(range, limit, after)),
    queryAll: (range) => once(range.pk, [range], () => source.queryAll(range)),
    getAll: (keys, consistency) => once(keys[0]?.pk ?? '', [keys, consistency], () => source.getAll(keys, consistency)),
  }
  return {
    table,
    /** How many reads have ended that a move of a project makes stale. */
    groupReads: () => groupReads,
  }
}

/** What is in transit around the group, and what lately was; the query that sums up its tallies tells. */
const transitsIn = async (table: ListingTable, groupId: number) => {
  const items = await table.queryAll({ pk: tallyPartition({ kind: 'group', id: groupId }) })
  const item = items.find(({ sk }) => sk === TRANSITS)
  const ids = (wanted: 'group' | 'project') => marksOf(item).flatMap(({ kind, id }) => (kind === wanted ? [id] : []))
  return {
    projectIds: ids('project'),
    groupIds: ids('group'),
    isRecent: recentIn(item),
    revision: revisionOf(item),
    wasMoving: isMovingIn(item),
  }
}

const isStillBy = ({ projectIds, groupIds }: Awaited<ReturnType<typeof transitsIn>>) =>
  projectIds.length + groupIds.length === 0

/** Rows that are passed over are read in pages that grow by this, up to the megabyte at which DynamoDB ends one. */
const PASSING_GROWTH = 4

const distinct = (shelves: readonly Shelf[]): Shelf[] => [
  ...new Map(shelves.map((shelf) => [shelfPartition(shelf), shelf])).values(),
]

/** A group in transit, undefined when it is deleted; itself and the groups inside it, and the projects inside. */
type Moving = { group: Group | undefined; groupIds: ReadonlySet<number>; projectIds: ReadonlySet<number> }

/**
 * The table without what is in transit: the rows of a project on shelves of groups are dropped, those of a group's
 * projects on shelves around that group, and what tallies of groups still count of them is taken off.
 */
const passingOver = (table: ListingTable, projectIds: ReadonlySet<number>, moving: readonly Moving[]): ListingTable => {
  const isPassedOver = (pk: string, item: Item) => {
    const id = projectOfRow(item) ?? projectOfNames(String(item.sk))
    const isAround = (one: Moving) => one.projectIds.has(id) && !one.groupIds.has(groupOfPartition(pk))
    return projectIds.has(id) || moving.some(isAround)
  }
  const pass = (pk: string, items: readonly Item[]): Item[] => {
    if (isOfProject(pk)) return [...items]
    const counted = talliesOf(items).flatMap((item) =>
      item.sk === TRANSITS ? [item, ...marksOf(item).flatMap(takenOff)] : [item],
    )
    return counted.filter((item) => !isPassedOver(pk, item))
  }
  return {
    async query(range, limit = 0, after) {
      let page = await table.query(range, limit || undefined, after)
      let kept = pass(range.pk, page.items)
      const items = [...kept]
      // A large project on its way leaves thousands of rows in a stretch: a round trip for a few at a time takes long.
      for (let asked = limit; kept.length < page.items.length && items.length < limit && page.next; ) {
        asked *= PASSING_GROWTH
        page = await table.query(range, asked, page.next)
        kept = pass(range.pk, page.items)
        items.push(...kept)
      }
      return { ...page, items }
    },
    async queryAll(range) {
      return pass(range.pk, await table.queryAll(range))
    },
    getAll: table.getAll,
  }
}

/** DynamoDB reads 100 items as of one moment; one of them is the group's. */
const SNAPSHOT = 99

const rememberingProjects = (groups: Groups) => {
  const known = new Map<number, Project>()
  const remember = (projects: readonly Project[]) => {
    for (const project of projects) known.set(project.id, project)
  }
  return {
    /** All projects loaded so far, as far as they exist. */
    known: known as ReadonlyMap<number, Project>,

    async load(ids: readonly number[]): Promise<void> {
      const missing = ids.filter((id) => !known.has(id))
      if (missing.length > 0) remember(await groups.listProjectsById(missing))
    },

    /** Projects as they stood while the group's transits had this revision. @throws Overtaken when those went on */
    async loadTogether(groupId: number, ids: readonly number[], revision: number): Promise<void> {
      const snapshots = await Promise.all(chunks(ids, SNAPSHOT).map((some) => groups.snapshot(groupId, some)))
      for (const snapshot of snapshots) {
        if (snapshot.revision !== revision) throw new Overtaken()
        remember(snapshot.projects)
      }
    },
  }
}
