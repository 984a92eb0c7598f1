import type { PackageEntry } from '../domain/package.ts'
import type { Paged } from '../domain/pagination.ts'
import { type Caller, canInProject, type GroupScope, groupScope } from '../domain/permissions.ts'
import { type Group, type Project, visibilities } from '../domain/project.ts'
import type { groupRepository } from './groups.ts'
import type { Shelf } from './keys.ts'
import { type ListingTable, openListing, type PackageQuery } from './listings.ts'
import { groupShelves } from './shelves.ts'
import type { Table } from './table.ts'

/** A row of a group's list with the project it is in, as that stands now. */
export type GroupRow = { entry: PackageEntry; project: Project }

export type GroupQuery = PackageQuery & { excludeSubgroups: boolean }

type Groups = Pick<ReturnType<typeof groupRepository>, 'listProjectsById' | 'listContents'>

/**
 * A list of a group's packages. Reading starts before it is known what the caller may see: the reads that a member
 * needs go out together with those of his roles, and what the caller turns out not to see is dropped unseen.
 */
export const groupListingRepository = (table: Table, groups: Groups) => ({
  /** @param isSignedIn an anonymous caller sees what is public and nothing else, so nothing else is read */
  open(group: Group, query: GroupQuery, isSignedIn: boolean) {
    const listing = openListing(remembering(table))
    const projects = rememberingProjects(groups)
    const shelvesOf = ({ visibilities: shown }: Pick<GroupScope, 'visibilities'>) =>
      groupShelves(group.id, shown, query.excludeSubgroups)

    const list = async (shelves: readonly Shelf[]): Promise<Paged<PackageEntry>> =>
      query.order === 'project_path'
        ? listing.listPackagesByProjectPath(shelves, await groups.listContents('project', group.id), query)
        : listing.listPackages(shelves, query)

    const ahead = list(shelvesOf({ visibilities: isSignedIn ? visibilities : ['public'] }))
    // Whoever drops this listing unread (no right, bad parameter) must not be met by its failure.
    ahead.catch(() => {})

    const shelvesInside = (inside: GroupScope['inside'], isPrivateHere: (projectId: number) => boolean): Shelf[] =>
      inside.flatMap(({ kind, id }): Shelf[] => {
        if (kind === 'group') return groupShelves(id, ['private'], false)
        return isPrivateHere(id) ? [{ kind: 'project', id }] : []
      })

    return {
      /** The page as the caller may see it now: rows of projects that he may not read are dropped. */
      async asSeenBy(caller: Caller): Promise<Paged<GroupRow>> {
        const scope = groupScope(caller, group, query.excludeSubgroups)
        const early = await ahead
        const projectsInside = scope.inside.filter(({ kind }) => kind === 'project').map(({ id }) => id)
        // Whether those projects add a shelf shows with their join; their rows are read along with it, just in case.
        const [known] = await Promise.all([
          projects.load([...projectsInside, ...early.rows.map(({ projectId }) => projectId)]),
          projectsInside.length > 0 && list([...shelvesOf(scope), ...shelvesInside(scope.inside, () => true)]),
        ])

        // A project inside that is not private stands on the group's own shelves already.
        const isPrivateHere = (id: number) =>
          known.get(id)?.visibility === 'private' && known.get(id)?.ancestorIds.includes(group.id) === true
        const found = await list([...shelvesOf(scope), ...shelvesInside(scope.inside, isPrivateHere)])
        const joined = await projects.load(found.rows.map(({ projectId }) => projectId))
        const rows = found.rows.flatMap((entry): GroupRow[] => {
          const project = joined.get(entry.projectId)
          const isShown = project?.ancestorIds.includes(group.id) && canInProject(caller, 'read_package', project)
          return project && isShown ? [{ entry, project }] : []
        })
        return { ...found, rows }
      },
    }
  },
})

/** The same read within one request is made once. */
const remembering = (table: ListingTable): ListingTable => {
  const answers = new Map<string, Promise<unknown>>()
  const once = <Answer>(key: unknown, read: () => Promise<Answer>): Promise<Answer> => {
    const name = JSON.stringify(key)
    const answer = (answers.get(name) as Promise<Answer> | undefined) ?? read()
    answers.set(name, answer)
    return answer
  }
  return {
    query: (range, limit, after) => once([range, limit, after], () => table.query(range, limit, after)),
    queryAll: (range) => once([range], () => table.queryAll(range)),
  }
}

const rememberingProjects = (groups: Groups) => {
  const known = new Map<number, Project>()
  return {
    /** All projects known so far, these among them as far as they exist. */
    async load(ids: readonly number[]): Promise<ReadonlyMap<number, Project>> {
      const missing = ids.filter((id) => !known.has(id))
      if (missing.length > 0) {
        for (const project of await groups.listProjectsById(missing)) known.set(project.id, project)
      }
      return known
    },
  }
}
