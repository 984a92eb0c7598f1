import {
  matchesName,
  type PackageFilter,
  type PackageOrder,
  type Sort,
  selects,
  slotOf,
} from '../../lib/domain/listing.ts'
import { PACKAGE_TYPES, type Package } from '../../lib/domain/package.ts'

const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

/** The ids that a list has, worked out in the plainest way: what tests compare every list with. */
export const plainList = (
  packages: readonly Package[],
  { filter, order, sort }: { filter: PackageFilter; order: PackageOrder; sort: Sort },
  pathOf: (projectId: number) => string = () => '',
): number[] => {
  const direction = sort === 'asc' ? 1 : -1
  const path = ({ projectId }: Package) => pathOf(projectId).toLowerCase()
  const by: Record<PackageOrder, (one: Package, other: Package) => number> = {
    created_at: () => 0,
    name: (one, other) => compareText(one.name, other.name),
    // Nulls come last going up, as in PostgreSQL.
    version: (one, other) => compareText(one.version ?? '\uffff', other.version ?? '\uffff'),
    type: (one, other) => PACKAGE_TYPES[one.type] - PACKAGE_TYPES[other.type],
    project_path: (one, other) => compareText(path(one), path(other)),
  }
  return packages
    .filter((one) => selects(filter, slotOf(one)))
    .filter((one) => filter.name === undefined || matchesName(filter.name)(one.name))
    .filter((one) => filter.version === undefined || one.version === filter.version)
    .sort((one, other) => {
      const tie = order === 'project_path' ? other.id - one.id : direction * (one.id - other.id)
      return direction * by[order](one, other) || tie
    })
    .map(({ id }) => id)
}
