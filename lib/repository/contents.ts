import { FEW_PACKAGES, follow, type Group, type PlaceInside, type Project, placeInside } from '../domain/project.ts'
import { type Content, contentFromItem } from './items.ts'
import { contentsKey, contentsPrefix, INSTANCE, pathSortKeys, type Source, transitsKey } from './keys.ts'
import { marksOf } from './marks.ts'
import type { Places } from './places.ts'
import { listTransits } from './rows.ts'
import type { Item, Table, Write } from './table.ts'

/**
 * Sorts a project by its path if it has packages that lists show: in groups most have none. Tells where below the group
 * it is unless it is right in it, and how many packages it has as long as they are few.
 */
const pathAttributes = (groupId: number, project: Project): Item => {
  const { listed, others } = project.publications
  if (listed === 0 && !others) return {}
  const { path, groupIds } = placeInside(groupId, project)
  return {
    ...pathSortKeys(groupId, project),
    ...(groupIds.length > 0 ? { w: path } : {}),
    ...(listed < FEW_PACKAGES ? { c: listed } : {}),
  }
}

/** How many packages to expect of a project, by its row in the contents: some may be deleted. */
export const packagesTold = ({ c = FEW_PACKAGES }: Content): number => Math.max(1, c)

/** Where in the group a project is, as far as its row in the contents tells. */
export const placeTold = (
  groupId: number,
  { visibility, path, ancestorIds, w }: Pick<Content, 'visibility' | 'path' | 'ancestorIds' | 'w'>,
): PlaceInside | undefined => {
  const groupIds = ancestorIds.slice(ancestorIds.indexOf(groupId) + 1)
  const inside = groupIds.length === 0 ? path : w
  return inside === undefined ? undefined : { visibility, path: inside, groupIds }
}

const contentWrite = (groupId: number, kind: Source['kind'], thing: Group | Project): Write => ({
  put: {
    ...contentsKey(groupId, kind, thing.id),
    // Nothing lists the projects of the instance by their paths.
    ...('publications' in thing && groupId !== INSTANCE ? pathAttributes(groupId, thing) : {}),
    name: thing.name,
    path: thing.path,
    visibility: thing.visibility,
    ancestorIds: thing.ancestorIds,
  },
})

/** Records a thing with everything around it, which is how groups and projects stay alike. */
export const contentsWrites = (kind: Source['kind'], thing: Group | Project): Write[] =>
  [INSTANCE, ...thing.ancestorIds].map((groupId) => contentWrite(groupId, kind, thing))

/** The same where only the number of a project's packages differs, of which those of the instance tell nothing. */
export const publicationWrites = (project: Project): Write[] =>
  project.ancestorIds.map((groupId) => contentWrite(groupId, 'project', project))

/** What disappears from the contents of the groups that a thing is in no more. */
export const contentsDeletes = (kind: Source['kind'], id: number, groupIds: readonly number[]): Write[] =>
  groupIds.map((groupId) => ({ delete: contentsKey(groupId, kind, id) }))

/** A thing that is in other groups than before, in all contents concerned; `before` are the groups it was in. */
export const contentsMoves = (kind: Source['kind'], thing: Group | Project, before: readonly number[]): Write[] => [
  ...contentsDeletes(
    kind,
    thing.id,
    before.filter((groupId) => !thing.ancestorIds.includes(groupId)),
  ),
  ...contentsWrites(kind, thing),
]

/** What of a thing its rows in the contents and its path are made from. */
const copiedOf = (thing: Group | Project) => {
  const { name, path, fullPath, visibility, ancestorIds } = thing
  const copied = { name, path, fullPath, visibility, ancestorIds }
  return Object.entries('publications' in thing ? { ...copied, publications: thing.publications } : copied)
}

/** Holds as long as a thing is there and is what its rows in the contents and its path were made from. */
export const asRead = (thing: Group | Project) => {
  const copied = copiedOf(thing)
  return {
    if: ['deletedAt = :gone', ...copied.map(([field]) => `#${field} = :seen_${field}`)].join(' AND '),
    names: Object.fromEntries(copied.map(([field]) => [`#${field}`, field])),
    values: {
      ':gone': null,
      ...Object.fromEntries(copied.map(([field, value]) => [`:seen_${field}`, value])),
    } as Record<string, unknown>,
  }
}

const isIn = (groupId: number, { ancestorIds }: Pick<Group, 'ancestorIds'>) =>
  groupId === INSTANCE || ancestorIds.includes(groupId)

export const openContents = (table: Table, { listGroupsById, locateAll }: Places) => {
  const read = async (kind: Source['kind'], groupId: number): Promise<Content[]> =>
    (await table.queryAll({ pk: contentsKey(groupId, kind, 0).pk, prefix: contentsPrefix(kind) })).map(contentFromItem)

  /** The ids of groups on their way into, out of or inside a group. */
  const movingIds = async (groupId: number): Promise<number[]> => {
    if (groupId === INSTANCE) return listTransits(table, 'group')
    return marksOf(await table.get(transitsKey(groupId)))
      .filter(({ kind }) => kind === 'group')
      .map(({ id }) => id)
  }

  return {
    /** All of a kind that is written down as being inside a group. */
    read,

    /** The same of both kinds. */
    async inside(groupId: number): Promise<{ groups: Content[]; projects: Content[] }> {
      const [groups, projects] = await Promise.all([read('group', groupId), read('project', groupId)])
      return { groups, projects }
    },

    /** Everything of a kind inside a group as it is now, at any depth; without one, in the instance. Reads all of it. */
    async list(kind: Source['kind'], group?: Group): Promise<Content[]> {
      const groupId = group?.id ?? INSTANCE
      const [noted, ids] = await Promise.all([read(kind, groupId), movingIds(groupId)])
      const placed = group ? noted.map((content) => follow(content, group)) : noted
      if (ids.length === 0) return placed

      // What is inside a group on its way is right with that group alone.
      const staying = placed.filter(({ ancestorIds }) => !ids.some((id) => ancestorIds.includes(id)))
      const moving = await locateAll(await listGroupsById(ids))
      const here = moving.map(({ thing }) => thing).filter((one) => isIn(groupId, one))
      const inside = await Promise.all(
        here.map(async (one) => (await read(kind, one.id)).map((content) => follow(content, one))),
      )
      return [...staying, ...inside.flat()].sort((one, other) => one.id - other.id)
    },
  }
}

export type Contents = ReturnType<typeof openContents>
