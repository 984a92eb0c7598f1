import type { Package, PackageFile } from '../domain/package.ts'
import { type Located, type Project, visibilities } from '../domain/project.ts'
import { fileFromItem, holderFromItem, packageFromItem, pathFromItem, projectFromItem } from './items.ts'
import {
  type Coordinates,
  coordinatesKey,
  type NameOfPackage,
  namedKey,
  namesPartition,
  namesPrefix,
  packageKey,
  pathKey,
  projectKey,
  projectOfNames,
  transitsKey,
} from './keys.ts'
import { marksOf } from './marks.ts'
import { isSamePath } from './paths.ts'
import { isThere, type Places } from './places.ts'
import { groupShelves } from './shelves.ts'
import type { Table } from './table.ts'

export type HeldFile = { package: Package; file: PackageFile }

/** Which projects have a package, for those who know its name but not where it is. */
export const holderRepository = (table: Table, { locateAll }: Places) => ({
  /**
   * Projects in a group that have had packages of a name, or that are on their way and may have: a query for each shelf
   * of the group. While a group moves in it or around it, the shelves of that one are right and are asked too. Whoever
   * uses the projects checks that each is there now, and to be seen.
   */
  async listProjectIds(
    groupId: number,
    { type, name }: Omit<NameOfPackage, 'projectId'>,
    isSignedIn: boolean,
  ): Promise<number[]> {
    const onShelvesOf = async (id: number): Promise<number[]> => {
      const shelves = groupShelves(id, isSignedIn ? visibilities : ['public'], false)
      const prefix = namesPrefix(type, name)
      const rows = await Promise.all(shelves.map((shelf) => table.queryAll({ pk: namesPartition(shelf), prefix })))
      return rows.flat().map(({ sk }) => projectOfNames(String(sk)))
    }
    const [transits, onShelves] = await Promise.all([table.get(transitsKey(groupId)), onShelvesOf(groupId)])
    const moving = Map.groupBy(marksOf(transits), ({ kind }) => kind)
    const inMoving = await Promise.all((moving.get('group') ?? []).map(({ id }) => onShelvesOf(id)))
    return [...new Set([...onShelves, ...(moving.get('project') ?? []).map(({ id }) => id), ...inMoving.flat()])]
  },

  /** The newest file of a name in each of these projects that has one. Two rounds, however many they are. */
  async listFiles(
    projectIds: readonly number[],
    version: Omit<Coordinates, 'projectId'>,
    fileName: string,
  ): Promise<HeldFile[]> {
    const holders = await table.getAll(projectIds.map((projectId) => coordinatesKey({ ...version, projectId })))
    const ids = holders.map((item) => holderFromItem(item).id)
    const [packages, files] = await Promise.all([
      table.getAll(ids.map(packageKey)),
      table.getAll(ids.map((id) => namedKey(id, fileName))),
    ])
    const byId = new Map(packages.map(packageFromItem).map((found) => [found.id, found]))
    return files.map(fileFromItem).flatMap((file) => {
      const found = byId.get(file.packageId)
      return found ? [{ package: found, file }] : []
    })
  },

  /**
   * The project that has one of these full paths now, the first that there is. What is in a group in transit may only
   * be found by the path that the group has left.
   * @param paths a path and all that are above it, the longest first
   */
  async findProjectAt(paths: readonly string[]): Promise<Located<Project> | undefined> {
    const aliases = (await table.getAll(paths.map(pathKey))).map((item) => ({ pk: item.pk, ...pathFromItem(item) }))
    const behind = aliases.flatMap(({ pk, from }) => {
      const around = paths.find((path) => pathKey(path).pk === pk)
      if (from === undefined || around === undefined) return []
      return paths.filter((path) => path.length > around.length).map((path) => `${from}${path.slice(around.length)}`)
    })
    const more = behind.length === 0 ? [] : (await table.getAll(behind.map(pathKey))).map(pathFromItem)
    const ids = new Set([...aliases, ...more].flatMap(({ kind, id }) => (kind === 'project' ? [id] : [])))
    const noted = (await table.getAll([...ids].map(projectKey))).map(projectFromItem).filter(isThere)
    const here = await locateAll(noted)
    return paths.flatMap((path) => here.find(({ thing }) => isSamePath(thing.fullPath, path)) ?? [])[0]
  },
})
