import type { Package, PackageFile } from '../domain/package.ts'
import { type Project, visibilities } from '../domain/project.ts'
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
import { groupShelves } from './shelves.ts'
import type { Table } from './table.ts'
import { marksOf } from './transit.ts'

export type HeldFile = { package: Package; file: PackageFile }

/** Which projects have a package, for those who know its name but not where it is. */
export const holderRepository = (table: Table) => ({
  /**
   * Projects in a group that have had packages of a name, or that are on their way and may have: a query for each shelf
   * of the group. Whoever uses them checks that a project is still there, and to be seen.
   */
  async listProjectIds(
    groupId: number,
    { type, name }: Omit<NameOfPackage, 'projectId'>,
    isSignedIn: boolean,
  ): Promise<number[]> {
    const shelves = groupShelves(groupId, isSignedIn ? visibilities : ['public'], false)
    const [transits, ...rows] = await Promise.all([
      table.get(transitsKey(groupId)),
      ...shelves.map((shelf) => table.queryAll({ pk: namesPartition(shelf), prefix: namesPrefix(type, name) })),
    ])
    const onShelves = rows.flat().map(({ sk }) => projectOfNames(String(sk)))
    return [...new Set([...onShelves, ...marksOf(transits).map(({ projectId }) => projectId)])]
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

  /** The project that has one of these full paths now, the first that there is. */
  async findProjectAt(paths: readonly string[]): Promise<Project | undefined> {
    const keys = paths.map(pathKey)
    const aliases = (await table.getAll(keys)).map(pathFromItem).filter(({ kind }) => kind === 'project')
    const ids = new Set(aliases.map(({ id }) => id))
    const projects = (await table.getAll([...ids].map(projectKey))).map(projectFromItem)
    const here = projects.filter(({ deletedAt }) => deletedAt === null)
    return keys.flatMap(({ pk }) => here.find(({ fullPath }) => pathKey(fullPath).pk === pk) ?? [])[0]
  },
})
