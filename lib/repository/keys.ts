/**
 * Every key of the table, and the only place that knows their text.
 *
 * | Access pattern                                   | Index      | pk                                   | sk                               |
 * |--------------------------------------------------|------------|--------------------------------------|----------------------------------|
 * | next id of a kind                                | -          | COUNTER#<kind>                       | META                             |
 * | group or personal namespace by id                | -          | GROUP#<id>                           | META                             |
 * | project by id                                    | -          | PROJECT#<id>                         | META                             |
 * | group, namespace or project by full path         | -          | PATH#<full path, lower case>         | META                             |
 * | what is inside a group, or in the instance (0)   | -          | CONTENTS#<group id>                  | GROUP#<id>, PROJECT#<id>         |
 * | projects inside a group by their paths           | by_name    | CONTENTS#<group id>                  | <visibility number>#<path, lower case> <id>, or o# |
 * | the same of those that are right in it           | by_version | the same                             | the same                         |
 * | what a group set about the packages inside it    | -          | GROUP#<id>                           | SETTINGS                         |
 * | user by id                                       | -          | USER#<id>                            | META                             |
 * | users of the instance, to search                 | -          | USERS                                | USER#<id>                        |
 * | is an e-mail address taken                       | -          | EMAIL#<address, lower case>          | META                             |
 * | roles of a user (in one query with the user)     | -          | USER#<user id>                       | MEMBER#GROUP#<id>, MEMBER#PROJECT#<id> |
 * | members of a group or project                    | -          | MEMBERS#GROUP#<id>, MEMBERS#PROJECT#<id> | USER#<user id>               |
 * | token by its secret                              | -          | TOKEN#<sha256 of the secret>         | META                             |
 * | token by id                                      | -          | PERSONAL_TOKEN#<id>                  | META                             |
 * | deploy tokens of a group or project              | -          | DEPLOY_TOKENS#GROUP#<id>, DEPLOY_TOKENS#PROJECT#<id> | TOKEN#<id>   |
 * | deploy tokens of the instance                    | -          | DEPLOY_TOKENS                        | TOKEN#<id>                       |
 * | tokens of the instance, to search                | -          | TOKENS                               | TOKEN#<id>                       |
 * | tokens of a user                                 | -          | USER#<user id>                       | TOKEN#<id>                       |
 * | package by id                                    | -          | PACKAGE#<id>                         | META                             |
 * | files of a package                               | -          | PACKAGE#<id>                         | FILE#<id>                        |
 * | the newest file of a name                        | -          | PACKAGE#<id>                         | NAMED#<file name>                |
 * | what a format kept of a deleted version          | -          | PACKAGE#<id>                         | DETAILS                          |
 * | is a version taken; versions of a package        | -          | PROJECT#<id>#<type>#<name>           | VERSION#<version>, VERSIONLESS   |
 * | what a format keeps of a version                 | -          | the same                             | DETAILS#<version>                |
 * | versions that were deleted lately                | -          | the same                             | DELETED#<version>                |
 * | names whose versionless package may be behind    | -          | OUTDATED                             | <project id> <type> <name>       |
 * | how much a format keeps of all versions          | -          | the same                             | SIZE                             |
 * | tags of a package name                           | -          | the same                             | TAGS                             |
 * | a shelf by `created_at`                          | -          | PROJECT#<id>, or                     | <family>#<id>                    |
 * |                                                  |            | GROUP#<id>#<direct or nested>#<visibility> |                            |
 * | a shelf by `name`                                | by_name    | the same                             | <family>#<name> <id>             |
 * | a shelf by `version`                             | by_version | the same                             | <family>#<version> <id>          |
 * | a shelf by `type`, or one type of it             | by_type    | the same                             | <family>#<type number> <id>      |
 * | how many on a project's shelf, by slot           | -          | TALLY#PROJECT#<id>                   | <shard>                          |
 * | how many on each shelf of a group, by slot       | -          | TALLY#GROUP#<id>                     | <visibility number>#<depth>#<shard> |
 * | the names on a shelf, with how many of each      | -          | NAMES#<shelf>                        | <name> <type> <project id>       |
 * | is a shelf counted by segment, and how           | -          | TALLY#PROJECT#<id>, TALLY#GROUP#<id> | <visibility number>#<depth>#SEGMENTS, SEGMENTS |
 * | counts by segment, a tree of ranges of ids       | -          | SEGMENTS#<shelf>                     | <generation> <level> <number>    |
 * | keys that divide an index of a shelf             | -          | the same                             | <generation> <index> MILESTONES  |
 * | counts of what is between them                   | -          | the same                             | <generation> <index> COUNTS      |
 * | where the rows of counted segments are counted   | -          | the same                             | <generation> DIGEST <number>     |
 * | whose shelves have changed lately                | -          | COUNTING                             | PROJECT#<id>, GROUP#<id>         |
 * | what is in transit in a group, and is it itself  | -          | TALLY#GROUP#<id>                     | TRANSITS                         |
 * | all that is in transit, with what is done        | -          | TRANSIT                              | PROJECT#<id>, GROUP#<id>         |
 * | direct upload by id                              | -          | DIRECT_UPLOAD#<id>                   | META                             |
 * | direct uploads whose time is over                | -          | DIRECT_UPLOADS                       | <due>#<id>                       |
 * | rules about a project's packages                 | -          | PROJECT#<id>#RULES                   | META                             |
 * | are the rules still those that were asked        | -          | the same                             | <shard>                          |
 * | what a delete leaves to remove                   | -          | PURGE#<shard>                        | <due>#<package id>, or           |
 * |                                                  |            |                                      | <due>#<package id>#<file id>     |
 *
 * Ids have 16 digits in keys, so that the order of keys is the order of ids; in the rows of shelves, which are short, and in
 * keys by path 11 to the base 36. Names and versions hold no blank and no control character (`assertSortable`), so a blank
 * ends them and sorts before all they can hold.
 */
import type { Family, Sortable } from '../domain/listing.ts'
import { PACKAGE_TYPES, type PackageType, packageTypes } from '../domain/package.ts'
import { type Project, parentId, VISIBILITIES, type Visibility } from '../domain/project.ts'

export type Key = { pk: string; sk: string }

/** Every row of a shelf also stands in three global indexes; base table and indexes share the partition key. */
export const INDEXES = { name: 'by_name', version: 'by_version', type: 'by_type' } as const
export type IndexName = (typeof INDEXES)[keyof typeof INDEXES]
/** The attributes that sort them. They stand in every row, so they are short. */
export const SORTED_BY = { by_name: 'n', by_version: 'v', by_type: 't' } as const satisfies Record<IndexName, string>

/** Tallies are split so that publishers of one moment rarely meet on one item. */
export const TALLY_SHARDS = 8
/** Twice as many, so that who met nobody on the tally seldom meets somebody here. */
export const RULES_SHARDS = 16
export const PURGE_SHARDS = 4

const ID_DIGITS = 16
export const padded = (id: number) => String(id).padStart(ID_DIGITS, '0')

const META = 'META'

export const counterKey = (kind: string): Key => ({ pk: `COUNTER#${kind}`, sk: META })
export const groupKey = (id: number): Key => ({ pk: `GROUP#${padded(id)}`, sk: META })
export const projectKey = (id: number): Key => ({ pk: `PROJECT#${padded(id)}`, sk: META })
export const pathKey = (fullPath: string): Key => ({ pk: `PATH#${fullPath.toLowerCase()}`, sk: META })
export const userKey = (id: number): Key => ({ pk: `USER#${padded(id)}`, sk: META })
export const listedUserKey = (id: number): Key => ({ pk: 'USERS', sk: `USER#${padded(id)}` })
export const emailKey = (email: string): Key => ({ pk: `EMAIL#${email.toLowerCase()}`, sk: META })
export const tokenKey = (sha256: string): Key => ({ pk: `TOKEN#${sha256}`, sk: META })
export const personalTokenKey = (id: number): Key => ({ pk: `PERSONAL_TOKEN#${padded(id)}`, sk: META })
export const listedTokenKey = (id: number): Key => ({ pk: 'TOKENS', sk: `TOKEN#${padded(id)}` })
export const userTokenKey = (userId: number, id: number): Key => ({
  pk: userKey(userId).pk,
  sk: `${USER_TOKEN_PREFIX}${padded(id)}`,
})
export const USER_TOKEN_PREFIX = 'TOKEN#'

export const groupSettingsKey = (id: number): Key => ({ pk: groupKey(id).pk, sk: 'SETTINGS' })

/** The instance counts as the group that everything is in. */
export const INSTANCE = 0
export const contentsKey = (groupId: number, kind: 'group' | 'project', id: number): Key => ({
  pk: `CONTENTS#${padded(groupId)}`,
  sk: `${kind.toUpperCase()}#${padded(id)}`,
})
/**
 * Projects of one visibility in the contents of a group, in the order of their own path segments, which are of any case.
 * Those that have nothing to list but what is asked for stand apart.
 */
export const pathsPrefix = (visibility: Visibility, isListed: boolean) =>
  `${visibilityNumber(visibility)}${isListed ? '' : 'o'}#`
export const pathStem = (prefix: string, path: string) => `${prefix}${path.toLowerCase()} `
/** What sorts a project there: by one index where it is anywhere in the group, by another where it is right in it. */
export const pathSortKeys = (
  groupId: number,
  project: Pick<Project, 'id' | 'path' | 'visibility' | 'ancestorIds' | 'publications'>,
) => {
  const prefix = pathsPrefix(project.visibility, project.publications.listed > 0)
  const key = `${pathStem(prefix, project.path)}${idInRow(project.id)}`
  return { n: key, ...(parentId(project) === groupId ? { v: key } : {}) }
}
export const contentsPrefix = (kind: 'group' | 'project') => `${kind.toUpperCase()}#`

/** A group or project. */
export type Source = { kind: 'group' | 'project'; id: number }
/** What a row in the contents of a group is about, by its sort key. */
export const contentSource = (sk: string): Source => {
  const [kind = '', id] = sk.split('#')
  return { kind: kind === 'GROUP' ? 'group' : 'project', id: Number(id) }
}
export const membershipKey = (userId: number, { kind, id }: Source): Key => ({
  pk: userKey(userId).pk,
  sk: `MEMBER#${kind.toUpperCase()}#${padded(id)}`,
})
/** A user and all his roles are neighbours: `MEMBER#…` sorts right before `META`. */
export const USER_WITH_ROLES = { from: 'MEMBER#', to: META } as const
export const memberKey = ({ kind, id }: Source, userId: number): Key => ({
  pk: `MEMBERS#${kind.toUpperCase()}#${padded(id)}`,
  sk: `USER#${padded(userId)}`,
})

/** Without a place: in the list of all. */
export const deployTokenKey = (place: Source | undefined, id: number): Key => ({
  pk: place ? `DEPLOY_TOKENS#${place.kind.toUpperCase()}#${padded(place.id)}` : 'DEPLOY_TOKENS',
  sk: `TOKEN#${padded(id)}`,
})

export const PACKAGE_PREFIX = 'PACKAGE#'
export const packageKey = (id: number): Key => ({ pk: `${PACKAGE_PREFIX}${padded(id)}`, sk: META })
export const fileKey = (packageId: number, id: number): Key => ({
  pk: packageKey(packageId).pk,
  sk: `FILE#${padded(id)}`,
})
export const FILE_PREFIX = 'FILE#'
/** A copy of the file that a download by name gets: of equal names the newest. */
export const namedKey = (packageId: number, fileName: string): Key => ({
  pk: packageKey(packageId).pk,
  sk: `${NAMED_PREFIX}${fileName}`,
})
export const NAMED_PREFIX = 'NAMED#'
/** Where the details of a deleted version wait, its coordinates being free again. */
export const keptDetailsKey = (packageId: number): Key => ({ pk: packageKey(packageId).pk, sk: 'DETAILS' })

/** What the versions of one name share: the coordinates live in a partition of their own, not in the project's. */
export type Coordinates = { projectId: number; type: PackageType; name: string; version: string | null }
export type NameOfPackage = Omit<Coordinates, 'version'>
const namePartition = ({ projectId, type, name }: NameOfPackage) => `${projectKey(projectId).pk}#${type}#${name}`
export const coordinatesKey = (coordinates: Coordinates): Key => ({
  pk: namePartition(coordinates),
  sk: coordinates.version === null ? 'VERSIONLESS' : `${VERSION_PREFIX}${coordinates.version}`,
})
export const VERSION_PREFIX = 'VERSION#'
export const detailsKey = (coordinates: Coordinates): Key => ({
  pk: namePartition(coordinates),
  sk: `${DETAILS_PREFIX}${coordinates.version ?? ''}`,
})
export const DETAILS_PREFIX = 'DETAILS#'
/** How much all details of a name hold together. */
export const detailsSizeKey = (name: NameOfPackage): Key => ({ pk: namePartition(name), sk: 'SIZE' })
/** Left by a deleted version for a while: who read a list of versions before may still write it down. */
export const deletedKey = (coordinates: NameOfPackage & { version: string }): Key => ({
  pk: namePartition(coordinates),
  sk: `${DELETED_PREFIX}${coordinates.version}`,
})
export const DELETED_PREFIX = 'DELETED#'
export const OUTDATED_PARTITION = 'OUTDATED'
export const outdatedKey = ({ projectId, type, name }: NameOfPackage): Key => ({
  pk: OUTDATED_PARTITION,
  sk: `${padded(projectId)} ${type} ${name}`,
})
export const tagsKey = (name: NameOfPackage): Key => ({ pk: namePartition(name), sk: 'TAGS' })

/**
 * The rules about a project's packages, and their revision once more in each shard: every writer of packages checks one
 * of them, and on a single item all would meet.
 */
export const rulesKey = (projectId: number): Key => ({ pk: `${projectKey(projectId).pk}#RULES`, sk: META })
export const rulesShardKey = (projectId: number, shard: number): Key => ({
  pk: rulesKey(projectId).pk,
  sk: String(shard),
})

/** A shelf is one partition of packages in listing order. */
export type Shelf =
  | { kind: 'project'; id: number }
  | { kind: 'group'; id: number; depth: 'direct' | 'nested'; visibility: Visibility }

export const shelfPartition = (shelf: Shelf) =>
  shelf.kind === 'project' ? projectKey(shelf.id).pk : `${groupKey(shelf.id).pk}#${shelf.depth}#${shelf.visibility}`

/** A family begins each of the four sort keys of a row: by a letter for each of its words. */
const FAMILY_WORDS: Record<string, string> = {
  listed: 'l',
  hidden: 'h',
  processing: 'p',
  pending: 'd',
  terraform: 't',
  versionless: '0',
}
const familyCode = (family: Family) =>
  family
    .split('-')
    .map((word) => FAMILY_WORDS[word])
    .join('')
export const familyPrefix = (family: Family) => `${familyCode(family)}#`
/** Greater than all that a sort key which begins with the prefix can be. */
export const endOf = (prefix: string) => `${prefix}\x7f`
export const namePrefix = (family: Family, name: string) => `${familyPrefix(family)}${name} `
export const versionPrefix = (family: Family, version: string) => `${familyPrefix(family)}${version} `
const typeNumber = (type: PackageType) => String(PACKAGE_TYPES[type]).padStart(2, '0')
const typeOfNumber = new Map(packageTypes.map((type) => [typeNumber(type), type]))
export const typePrefix = (family: Family, type: PackageType) => `${familyPrefix(family)}${typeNumber(type)} `

/**
 * An id in a row's sort keys, where it stands four times: its digits to the base 36, behind one that tells how many they
 * are. So ids are no longer than they need, in the order of numbers, and none is the beginning of another.
 */
export const idInRow = (id: number) => {
  const digits = id.toString(ROW_ID_BASE)
  return `${digits.length.toString(ROW_ID_BASE)}${digits}`
}
const ROW_ID_BASE = 36

type SortKeys = Record<'sk' | (typeof SORTED_BY)[IndexName], string>
/** The four sort keys of a row on a shelf. */
export const shelfSortKeys = (family: Family, { id, name, version, type }: Sortable): SortKeys => ({
  sk: `${familyPrefix(family)}${idInRow(id)}`,
  n: `${namePrefix(family, name)}${idInRow(id)}`,
  v: `${versionPrefix(family, version ?? '')}${idInRow(id)}`,
  t: `${typePrefix(family, type)}${idInRow(id)}`,
})
/** What the sort keys of a row tell, so that nothing else in it has to. */
export const sortableOf = ({ sk, n, v, t }: SortKeys): Sortable => {
  const sortedBy = (key: string) => key.slice(key.indexOf('#') + 1, key.indexOf(' '))
  const type = typeOfNumber.get(sortedBy(t))
  if (!type) throw new Error(`a row of no type that there is: ${t}`)
  return {
    id: Number.parseInt(sk.slice(sk.indexOf('#') + 2), ROW_ID_BASE),
    name: sortedBy(n),
    version: sortedBy(v) || null,
    type,
  }
}

export const tallyPartition = (of: Pick<Shelf, 'kind' | 'id'>) => `TALLY#${of.kind.toUpperCase()}#${padded(of.id)}`
const visibilityNumber = (visibility: Visibility) => String(VISIBILITIES[visibility]).padStart(2, '0')
/** What the shards of a shelf's tally begin with. */
export const tallyPrefix = (shelf: Shelf) =>
  shelf.kind === 'project' ? '' : `${visibilityNumber(shelf.visibility)}#${shelf.depth}#`
export const tallyKey = (shelf: Shelf, shard: number): Key => ({
  pk: tallyPartition(shelf),
  sk: `${tallyPrefix(shelf)}${shard}`,
})

/** Stands among the tallies of a shelf, so that the query that sums them up also tells how to find a segment. */
export const segmentsKey = (shelf: Shelf): Key => ({
  pk: tallyPartition(shelf),
  sk: `${tallyPrefix(shelf)}SEGMENTS`,
})
/** Few enough ids that the rows of all of them are read along with a page. */
export const SEGMENT_IDS = 32
export const segmentOf = (id: number) => Math.floor(id / SEGMENT_IDS)
/** In a tally, how many changes of a segment were not counted yet. */
export const uncountedName = (segment: number) => `${UNCOUNTED}${segment}`
export const UNCOUNTED = 'uncounted#'
export const segmentsPartition = (shelf: Shelf) => `SEGMENTS#${shelfPartition(shelf)}`
export const segmentNodeKey = (shelf: Shelf, generation: string, level: number, number: number): Key => ({
  pk: segmentsPartition(shelf),
  sk: `${generation} ${level} ${padded(number)}`,
})
/** Stand among the nodes, of whose generation they are. */
export const milestonesKey = (shelf: Shelf, generation: string, index: IndexName): Key => ({
  pk: segmentsPartition(shelf),
  sk: `${generation} ${index} MILESTONES`,
})
export const milestoneCountsKey = (shelf: Shelf, generation: string, index: IndexName): Key => ({
  pk: segmentsPartition(shelf),
  sk: `${generation} ${index} COUNTS`,
})
export const digestKey = (shelf: Shelf, generation: string, number: number): Key => ({
  pk: segmentsPartition(shelf),
  sk: `${generation} DIGEST ${padded(number)}`,
})
export const COUNTING_PARTITION = 'COUNTING'
export const countingKey = ({ kind, id }: Source): Key => ({
  pk: COUNTING_PARTITION,
  sk: `${kind.toUpperCase()}#${padded(id)}`,
})

/** Stands among the tallies, so that the query that sums them up also tells what is in transit. */
export const transitsKey = (groupId: number): Key => ({
  pk: tallyPartition({ kind: 'group', id: groupId }),
  sk: TRANSITS,
})
export const TRANSITS = 'TRANSITS'
/** The tallies of a group's public shelves stand last, right before its transits: for whoever sees nothing else. */
export const PUBLIC_TALLIES = [`${visibilityNumber('public')}#`, TRANSITS] as const
export const TRANSIT_PARTITION = 'TRANSIT'
export const transitKey = ({ kind, id }: Source): Key => ({
  pk: TRANSIT_PARTITION,
  sk: `${kind.toUpperCase()}#${padded(id)}`,
})
export const transitPrefix = (kind: Source['kind']) => `${kind.toUpperCase()}#`

export const isOfGroupTally = (pk: string) => pk.startsWith('TALLY#GROUP#')

/** Rows of a project's own shelf, names or tally, which a move of the project leaves alone. */
export const isOfProject = (pk: string) => /^((NAMES|TALLY)#)?PROJECT#/.test(pk)

/** The group whose shelf, names, tally or contents a partition is. */
export const groupOfPartition = (pk: string): number =>
  Number(/^(?:(?:(?:NAMES|TALLY)#)?GROUP|CONTENTS)#(\d+)/.exec(pk)?.[1] ?? Number.NaN)

export const namesPartition = (shelf: Shelf) => `NAMES#${shelfPartition(shelf)}`
/** What the rows of one name and type in a directory begin with, one row a project. */
export const namesPrefix = (type: PackageType, name: string) => `${name} ${type} `
export const namesKey = (shelf: Shelf, { projectId, type, name }: NameOfPackage): Key => ({
  pk: namesPartition(shelf),
  sk: `${namesPrefix(type, name)}${padded(projectId)}`,
})

export const projectOfNames = (sk: string) => Number(sk.split(' ')[2])

export const directUploadKey = (id: string): Key => ({ pk: `DIRECT_UPLOAD#${id}`, sk: META })
export const DIRECT_UPLOADS_PARTITION = 'DIRECT_UPLOADS'
export const dueUploadKey = ({ id, due }: { id: string; due: string }): Key => ({
  pk: DIRECT_UPLOADS_PARTITION,
  sk: `${due}#${id}`,
})

/** `due` is ISO 8601, so that the order of keys is the order of time. */
export const purgeKey = (packageId: number, due: string): Key => ({
  pk: `PURGE#${packageId % PURGE_SHARDS}`,
  sk: `${due}#${padded(packageId)}`,
})
export const purgeFileKey = (packageId: number, fileId: number, due: string): Key => {
  const { pk, sk } = purgeKey(packageId, due)
  return { pk, sk: `${sk}#${padded(fileId)}` }
}
