import {
  isDisplayable,
  PACKAGE_TYPES,
  type PackageEntry,
  type PackageStatus,
  type PackageType,
  packageStatuses,
  packageTypes,
} from './package.ts'

export type PackageOrder = 'created_at' | 'name' | 'version' | 'type' | 'project_path'
export type FileOrder = 'id' | 'created_at' | 'file_name'
export type Sort = 'asc' | 'desc'

/** What a caller asks of a list. `name` is a search term, `version` is matched exactly. */
export type PackageFilter = {
  type?: PackageType
  name?: string
  version?: string
  status?: PackageStatus
  includeVersionless: boolean
}

/**
 * A slot is the kind of package that filters tell apart: its type, its status and whether it has a version.
 * Tallies count packages by slot, so the total of any filter made of these three is a sum.
 */
export type Slot = { type: PackageType; status: PackageStatus; versioned: boolean }

/**
 * A family is the stretch of a shelf that lists read as one. What a default list shows is one family, so that it
 * reads no row in vain; whatever a list shows only when asked stands apart.
 */
export type Family = `${'listed' | 'hidden' | 'processing' | 'pending'}${'' | '-terraform'}${'' | '-versionless'}`

export const slotOf = (entry: Pick<PackageEntry, 'type' | 'status' | 'version'>): Slot => ({
  type: entry.type,
  status: entry.status,
  versioned: entry.version !== null,
})

const STATUS_LETTERS: Record<PackageStatus, string> = {
  default: 'd',
  deprecated: 'o',
  error: 'e',
  hidden: 'h',
  pending_destruction: 'r',
  processing: 'p',
}
/**
 * The name under which a tally counts the slot: the type's number and a letter of the status, such as `2:d`, and `1:d0`
 * without a version. A list of a group reads hundreds of them for its total.
 */
export const slotName = ({ type, status, versioned }: Slot) =>
  `${PACKAGE_TYPES[type]}:${STATUS_LETTERS[status]}${versioned ? '' : '0'}`

const familyStatus = (status: PackageStatus) => {
  if (isDisplayable(status)) return 'listed'
  return status === 'pending_destruction' ? 'pending' : (status as 'hidden' | 'processing')
}

export const familyOf = ({ type, status, versioned }: Slot): Family => {
  const kind = type === 'terraform_module' ? '-terraform' : ''
  return `${familyStatus(status)}${kind}${versioned ? '' : '-versionless'}`
}

const everySlot: Slot[] = packageTypes.flatMap((type) =>
  packageStatuses.flatMap((status) => [true, false].map((versioned) => ({ type, status, versioned }))),
)

/** Those of packages that some list shows which asks for no status. */
export const displayableSlots: readonly Slot[] = everySlot.filter(({ status }) => isDisplayable(status))

/** Whether lists show packages of a slot where they are asked for no type, and not for versionless ones. */
export const isListed = (slot: Slot): boolean => familyOf(slot) === 'listed'

/** Whether a filter asks for packages that are left out without it, of those that a status is not asked for. */
export const asksForOthers = ({ type, includeVersionless }: PackageFilter): boolean =>
  includeVersionless || type === 'terraform_module'

export const slotsOfFamily = (family: Family) => everySlot.filter((slot) => familyOf(slot) === family)

/** All families that there are. */
export const families: readonly Family[] = [...new Set(everySlot.map(familyOf))]

/** Says whether a filter lists packages of a slot, names and versions aside. */
export const selects = (filter: PackageFilter, slot: Slot) => {
  const status = filter.status === undefined ? isDisplayable(slot.status) : slot.status === filter.status
  const type = filter.type === undefined ? slot.type !== 'terraform_module' : slot.type === filter.type
  const versionless = filter.includeVersionless && filter.version === undefined
  return status && type && (slot.versioned || versionless)
}

export const selectedSlots = (filter: PackageFilter) => everySlot.filter((slot) => selects(filter, slot))

/** The families that a filter reads, none twice. A type without versionless packages has no such family to read. */
export const selectedFamilies = (filter: PackageFilter): Family[] => [...new Set(selectedSlots(filter).map(familyOf))]

/** GitLab's name search: every blank-separated word must stand somewhere in the name, in any case. */
export const matchesName = (term: string) => {
  const words = term.toLowerCase().split(/\s+/).filter(Boolean)
  return (name: string) => {
    const text = name.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}

/** A package as far as orders see it. */
export type Sortable = Pick<PackageEntry, 'id' | 'name' | 'version' | 'type'>
export type Compare = (one: Sortable, other: Sortable) => number

/** Text as DynamoDB orders it; the names and versions of packages are ASCII. */
export const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

/** As PostgreSQL orders a column with nulls: after all versions going up, before them going down. */
const compareVersions = (one: string | null, other: string | null) => {
  if (one === null || other === null) return Number(one === null) - Number(other === null)
  return compareText(one, other)
}

const ascending: Record<PackageOrder, Compare> = {
  created_at: () => 0,
  project_path: () => 0,
  name: (one, other) => compareText(one.name, other.name),
  version: (one, other) => compareVersions(one.version, other.version),
  type: (one, other) => PACKAGE_TYPES[one.type] - PACKAGE_TYPES[other.type],
}

/** The id breaks every tie, in the direction of the sort, so that no page repeats or loses a row. */
export const compareBy = (order: PackageOrder, sort: Sort): Compare => {
  const direction = sort === 'asc' ? 1 : -1
  return (one, other) => direction * (ascending[order](one, other) || one.id - other.id)
}
