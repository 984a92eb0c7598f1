/** Which range of the table holds which rows of a shelf, in which order. */
import type { Family, PackageFilter, PackageOrder, Sort } from '../domain/listing.ts'
import { isDisplayable, PACKAGE_TYPES, type PackageType } from '../domain/package.ts'
import type { Position } from '../domain/pagination.ts'
import type { Visibility } from '../domain/project.ts'
import { hasStatus, hasType } from './items.ts'
import {
  contentsKey,
  endOf,
  familyPrefix,
  INDEXES,
  type IndexName,
  idInRow,
  namePrefix,
  pathStem,
  pathsPrefix,
  type Shelf,
  shelfPartition,
  typePrefix,
  versionPrefix,
} from './keys.ts'
import type { Range } from './table.ts'

/** What of a filter the stretch that `inOrder` chooses does not settle: `by_type` narrows to one type by itself. */
export const restOf = ({ type, status }: PackageFilter, order: PackageOrder) => {
  const isNarrowed = type === undefined || order === 'created_at' || order === 'type' || type === 'terraform_module'
  const isAlone = status === undefined || !isDisplayable(status)
  return [...(isNarrowed ? [] : (['type'] as const)), ...(isAlone ? [] : (['status'] as const))]
}

/** What of a filter the stretch settles. */
export const settledBy = (filter: PackageFilter, order: PackageOrder): PackageFilter => {
  const { type, status, ...all } = filter
  const rest = restOf(filter, order)
  return {
    ...all,
    ...(type === undefined || rest.includes('type') ? {} : { type }),
    ...(status === undefined || rest.includes('status') ? {} : { status }),
  }
}

/** Which index holds the rows of a list in its order; undefined where the table itself does. */
export const indexFor = ({ type }: PackageFilter, order: PackageOrder): IndexName | undefined => {
  if (order === 'project_path') return undefined
  if (order === 'created_at') return type === undefined ? undefined : INDEXES.type
  return INDEXES[order]
}

/** The stretch of a shelf that holds a family in the wanted order, narrowed to one type where the index can. */
export const inOrder = (
  shelf: Shelf,
  family: Family,
  filter: PackageFilter,
  order: PackageOrder,
  sort: Sort,
): Range => {
  const index = indexFor(filter, order)
  const isNarrowed = index === INDEXES.type && filter.type !== undefined
  return {
    pk: shelfPartition(shelf),
    descending: sort === 'desc',
    ...residue(family, filter, restOf(filter, order)),
    ...(index ? { index } : {}),
    prefix: isNarrowed ? typePrefix(family, filter.type as PackageType) : familyPrefix(family),
  }
}

/** The condition for what a stretch of a family does not settle by itself. A status that a family has alone needs none. */
export const residue = (
  family: Family,
  filter: PackageFilter,
  of: readonly ('type' | 'status')[],
): Pick<Range, 'filter'> => {
  const wanted = [
    ...(of.includes('type') && filter.type !== undefined ? [hasType(family, filter.type)] : []),
    ...(of.includes('status') && filter.status !== undefined && isDisplayable(filter.status)
      ? [hasStatus(filter.status)]
      : []),
  ]
  if (wanted.length === 0) return {}
  return {
    filter: {
      expression: wanted.map(({ expression }) => expression).join(' AND '),
      names: Object.assign({}, ...wanted.map(({ names }) => names)),
      values: Object.assign({}, ...wanted.map(({ values }) => values)),
    },
  }
}

/**
 * Which projects of a group: those of one visibility, anywhere in it or right in it, which have packages that lists show
 * unasked or just others.
 */
export type ProjectsOf = { groupId: number; visibility: Visibility; isDirect: boolean; isListed: boolean }

/** Projects of a group by their own path segments, from those with one on. */
export const projectsByPath = (
  { groupId, visibility, isDirect, isListed }: ProjectsOf,
  descending: boolean,
  path: string | undefined,
): Range => {
  const prefix = pathsPrefix(visibility, isListed)
  const common = {
    pk: contentsKey(groupId, 'project', 0).pk,
    index: isDirect ? INDEXES.version : INDEXES.name,
    descending,
  }
  if (path === undefined) return { ...common, prefix }
  const stem = pathStem(prefix, path)
  return { ...common, between: descending ? [prefix, endOf(stem)] : [stem, endOf(prefix)] }
}

/**
 * What of a range comes after an id.
 * @param stem the range's keys before their id, where rows are those of the position's own value
 */
const after = (range: Range, stem: string, id: number): Range => {
  const { prefix = '', ...rest } = range
  const between = range.descending
    ? ([prefix, `${stem}${idInRow(Math.max(0, id - 1))}`] as const)
    : ([`${stem}${idInRow(id + 1)}`, endOf(prefix)] as const)
  return { ...rest, between }
}

/** What of a range comes after the edge of a part, which is no row's key. */
export const fromEdge = ({ prefix = '', ...rest }: Range, edge: string): Range => ({
  ...rest,
  between: rest.descending ? [prefix, edge] : [edge, endOf(prefix)],
})

/** What of a family's stretch, as `inOrder` chose it, comes after a position. */
export const beyond = (range: Range, family: Family, order: PackageOrder, from: Position | undefined): Range[] => {
  if (!from) return [range]
  const value = from.value ?? ''
  if (order === 'name') return [after(range, namePrefix(family, value), from.id)]
  if (order === 'version') {
    // Rows without a version stand after all others going up; they have families of their own.
    const isVersionless = family.endsWith('-versionless')
    if (isVersionless === (from.value === null)) return [after(range, versionPrefix(family, value), from.id)]
    return isVersionless === range.descending ? [] : [range]
  }
  const isWhole = order === 'type' && range.prefix === familyPrefix(family)
  return [after(range, isWhole ? typePrefix(family, value as PackageType) : (range.prefix ?? ''), from.id)]
}

/** What of a name's stretch comes after a position. Names before that of the position are not asked for. */
export const withinName = (
  range: Range,
  { name, type }: { name: string; type: PackageType | undefined },
  order: PackageOrder,
  from: Position | undefined,
): Range[] => {
  if (!from || (order === 'name' && name !== from.value)) return [range]
  if (order === 'type' && type !== undefined && type !== from.value) {
    const isAfter = PACKAGE_TYPES[type] > PACKAGE_TYPES[from.value as PackageType]
    return isAfter === range.descending ? [] : [range]
  }
  return [after(range, range.prefix ?? '', from.id)]
}
