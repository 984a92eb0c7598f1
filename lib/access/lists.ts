import type { Sort } from '../domain/listing.ts'
import { type Caller, canInGroup, canInProject, groupRole, projectRole } from '../domain/permissions.ts'
import type { Group, Visibility } from '../domain/project.ts'

/** A group or project as it stands in the contents of the instance. */
type Listed = Pick<Group, 'id' | 'name' | 'path' | 'visibility' | 'ancestorIds'>

/** `leastRole` asks for things in which the caller has at least that role himself; 0 for none. */
export type ListQuery = {
  search: string | undefined
  visibility: Visibility | undefined
  leastRole: number
  order: 'id' | 'name' | 'path'
  sort: Sort
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

/** What of the things the caller may see and asks for, in the order he asks for; ids break ties. */
export const select = <Thing extends Listed>(
  kind: keyof typeof lists,
  things: readonly Thing[],
  caller: Caller,
  { search = '', visibility, leastRole, order, sort }: ListQuery,
): Thing[] => {
  const { isSeen, roleIn } = lists[kind]
  const term = search.toLowerCase()
  const matches = ({ name, path }: Thing) => name.toLowerCase().includes(term) || path.toLowerCase().includes(term)
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
        matches(thing),
    )
    .sort((one, other) => direction * compare(one, other))
}
