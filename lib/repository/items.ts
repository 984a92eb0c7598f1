/** Items as they are stored, and their way in and out. What comes out is parsed: a damaged item is a bug that shows. */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { type DirectUpload, directTypes } from '../domain/directUpload.ts'
import type { GroupSettings } from '../domain/duplicates.ts'
import { type Family, familyOf, slotOf } from '../domain/listing.ts'
import type {
  Package,
  PackageEntry,
  PackageFile,
  PackageStatus,
  PackageType,
  PackageVersion,
  Tag,
} from '../domain/package.ts'
import { packageStatuses, packageTypes } from '../domain/package.ts'
import { accessLevels, type Membership, type User } from '../domain/permissions.ts'
import {
  type Group,
  type PlacedProject,
  type PlaceInside,
  type Project,
  VISIBILITIES,
  visibilities,
} from '../domain/project.ts'
import { deleteLevels, type ProtectionRule, protectedTypes, pushLevels } from '../domain/protection.ts'
import { type DeployToken, deployTokenScopes, type PersonalToken, tokenScopes } from '../domain/token.ts'
import { contentSource, type Source, shelfSortKeys, sortableOf, typePrefix } from './keys.ts'
import type { Item } from './table.ts'

const id = v.number()
const time = v.string()
const nullable = v.nullable

const tag = v.object({ id, packageId: id, name: v.string(), createdAt: time, updatedAt: time })

const entry = {
  id,
  projectId: id,
  name: v.string(),
  version: nullable(v.string()),
  type: v.picklist(packageTypes),
  status: v.picklist(packageStatuses),
  createdAt: time,
  lastDownloadedAt: nullable(time),
  tags: v.array(tag),
}

const held = nullable(v.object({ by: v.string(), at: time }))
const counts = v.record(v.string(), v.number())

/** Such as `20 12,13 tools/cli`. */
const placeText = ({ visibility, groupIds, path }: PlaceInside) =>
  `${VISIBILITIES[visibility]} ${groupIds.join()} ${path}`

const placeFromText = (text: string): PlaceInside => {
  const [level = '', groupIds = '', path = ''] = text.split(' ')
  return {
    visibility: visibilities.find((one) => VISIBILITIES[one] === Number(level)) ?? 'private',
    groupIds: groupIds === '' ? [] : groupIds.split(',').map(Number),
    path,
  }
}

const schemas = {
  row: v.object({
    sk: v.pipe(v.string(), v.regex(/^\w+#\w{2,12}$/)),
    n: v.pipe(v.string(), v.regex(/^\w+#\S+ \w{2,12}$/)),
    v: v.pipe(v.string(), v.regex(/^\w+#\S* \w{2,12}$/)),
    t: v.pipe(v.string(), v.regex(/^\w+#\d+ \w{2,12}$/)),
    p: id,
    c: v.number(),
    d: v.optional(v.number()),
    s: v.optional(v.picklist(packageStatuses), 'default'),
    g: v.optional(v.array(v.pipe(v.string(), v.regex(/^\w+ \w+ \w+ ./))), []),
    w: v.optional(v.pipe(v.string(), v.regex(/^\d+ [\d,]* \S+$/), v.transform(placeFromText))),
    h: v.optional(v.string()),
  }),
  package: v.object({
    ...entry,
    creatorId: nullable(id),
    updatedAt: time,
    fileCount: v.number(),
    revision: v.number(),
  }),
  file: v.object({
    id,
    packageId: id,
    fileName: v.string(),
    size: v.number(),
    md5: v.string(),
    sha1: v.string(),
    sha256: v.string(),
    sha512: v.optional(v.string()),
    createdAt: time,
  }),
  holder: v.object({ id }),
  deletedVersion: v.object({ version: v.string() }),
  outdated: v.object({ projectId: id, type: v.picklist(packageTypes), name: v.string(), mark: v.string() }),
  version: v.object({ id, version: v.string(), createdAt: time, status: v.picklist(packageStatuses) }),
  tags: v.object({ revision: v.number(), tags: v.array(tag) }),
  group: v.object({
    id,
    kind: v.picklist(['group', 'user']),
    name: v.string(),
    path: v.string(),
    fullPath: v.string(),
    description: v.string(),
    visibility: v.picklist(visibilities),
    ancestorIds: v.array(id),
    createdAt: time,
    placement: v.number(),
    transit: nullable(
      v.object({
        id: v.string(),
        left: v.object({ ancestorIds: v.array(id), fullPath: v.string() }),
        counts: v.record(v.picklist(visibilities), counts),
      }),
    ),
    held,
    deletedAt: nullable(time),
  }),
  project: v.object({
    id,
    name: v.string(),
    path: v.string(),
    fullPath: v.string(),
    description: v.string(),
    visibility: v.picklist(visibilities),
    ancestorIds: v.array(id),
    creatorId: id,
    createdAt: time,
    placement: v.number(),
    publications: v.object({ listed: v.number(), others: v.boolean() }),
    transit: nullable(
      v.object({
        id: v.string(),
        left: v.object({ visibility: v.picklist(visibilities), ancestorIds: v.array(id) }),
        counts,
      }),
    ),
    held,
    deletedAt: nullable(time),
  }),
  contents: v.object({
    sk: v.pipe(v.string(), v.regex(/^(GROUP|PROJECT)#\d+$/)),
    name: v.string(),
    path: v.string(),
    visibility: v.picklist(visibilities),
    ancestorIds: v.array(id),
    w: v.optional(v.string()),
    c: v.optional(v.number()),
  }),
  segmentsHead: v.object({
    generation: v.string(),
    revision: v.number(),
    level: v.number(),
    renewAt: v.number(),
    transits: v.number(),
  }),
  segmentNode: v.object({
    revision: v.number(),
    counts: v.record(v.string(), v.array(v.number())),
    revisions: v.optional(v.array(v.number()), []),
  }),
  milestones: v.object({ keys: v.array(v.string()) }),
  digest: v.object({ segments: v.record(v.string(), v.string()) }),
  due: v.object({ kind: v.picklist(['group', 'project']), id, at: time }),
  path: v.object({
    kind: v.picklist(['group', 'project']),
    id,
    movedAt: v.optional(time),
    from: v.optional(v.string()),
  }),
  user: v.object({
    id,
    username: v.string(),
    name: v.string(),
    email: v.string(),
    admin: v.boolean(),
    namespaceId: id,
    createdAt: time,
  }),
  membership: v.object({
    userId: id,
    source: v.object({ kind: v.picklist(['group', 'project']), id }),
    within: v.array(id),
    project: v.optional(v.object({ path: v.string(), visibility: v.picklist(visibilities) })),
    accessLevel: v.picklist(accessLevels),
    expiresOn: nullable(v.string()),
    createdAt: time,
  }),
  token: v.object({
    id,
    userId: id,
    name: v.string(),
    scopes: v.array(v.picklist(tokenScopes)),
    expiresOn: nullable(v.string()),
    revoked: v.boolean(),
    createdAt: time,
    lastUsedAt: v.optional(nullable(time), null),
  }),
  directUpload: v.object({
    id: v.string(),
    projectId: id,
    fileId: id,
    type: v.picklist(directTypes),
    path: v.string(),
    options: v.record(v.string(), v.string()),
    size: v.number(),
    sha256: v.string(),
    createdAt: time,
    due: time,
    packageId: nullable(id),
    state: v.picklist(['waiting', 'confirmed', 'expired']),
  }),
  deployToken: v.object({
    id,
    source: v.object({ kind: v.picklist(['group', 'project']), id }),
    name: v.string(),
    username: v.string(),
    scopes: v.array(v.picklist(deployTokenScopes)),
    expiresAt: nullable(time),
    creatorId: id,
    createdAt: time,
    lastUsedAt: v.optional(nullable(time), null),
  }),
  deployTokenPointer: v.object({ sha256: v.string() }),
  tokenPointer: v.object({ sha256: v.string(), userId: id }),
  groupSettings: v.object({
    groupId: id,
    mavenDuplicatesAllowed: v.optional(nullable(v.boolean()), null),
    mavenDuplicateExceptions: v.optional(nullable(v.string()), null),
    genericDuplicatesAllowed: v.optional(nullable(v.boolean()), null),
    genericDuplicateExceptions: v.optional(nullable(v.string()), null),
  }),
  rules: v.object({
    revision: v.number(),
    rules: v.array(
      v.object({
        id,
        namePattern: v.string(),
        type: v.picklist(protectedTypes),
        leastToPush: nullable(v.picklist(pushLevels)),
        leastToDelete: nullable(v.picklist(deleteLevels)),
      }),
    ),
  }),
}

/**
 * What stands in the contents of a group: enough to filter and to order, the rest is read by id. A list by path reads
 * twenty for a page, so the key tells which it is. `w` is the path of a project from the group on, where other groups are
 * between them; `c` is how many packages a list shows of a project without being
 * asked for more, where they are few.
 */
export type Content = Omit<v.InferOutput<(typeof schemas)['contents']>, 'sk'> & Source
/**
 * What a full path leads to. One with `movedAt` is a path that was left. `from` is the path that a group in transit
 * left: what is inside may still be found by that alone.
 */
export type PathAlias = v.InferOutput<(typeof schemas)['path']>
/** A name whose versionless package may be behind; `mark` is another one with each cause. */
export type Outdated = v.InferOutput<(typeof schemas)['outdated']>
/**
 * How a shelf is counted: in nodes of a generation, up to one of that level. `revision` grows with each count; `transits`
 * is the group's when all was counted. With more packages than `renewAt` all is counted anew.
 */
export type SegmentsHead = v.InferOutput<(typeof schemas)['segmentsHead']>
/** @see segments.ts; `revisions` are those of the nodes below it, by part, 0 where there is none. */
export type SegmentNode = v.InferOutput<(typeof schemas)['segmentNode']>
/** A project or group whose shelves have changed, and when they last did. */
export type Due = v.InferOutput<(typeof schemas)['due']>
export type Tags = { revision: number; tags: Tag[] }
export type Rules = { revision: number; rules: ProtectionRule[] }

export const packageFromItem = (item: Item): Package => v.parse(schemas.package, item)
export const fileFromItem = (item: Item): PackageFile => v.parse(schemas.file, item)
/** Which package has the coordinates. */
export const holderFromItem = (item: Item) => v.parse(schemas.holder, item)
export const deletedVersionFromItem = (item: Item): string => v.parse(schemas.deletedVersion, item).version
export const outdatedFromItem = (item: Item): Outdated => v.parse(schemas.outdated, item)
export const versionFromItem = (item: Item): Omit<PackageVersion, 'tags'> => v.parse(schemas.version, item)
export const tagsFromItem = (item: Item | undefined): Tags =>
  item === undefined ? { revision: 0, tags: [] } : v.parse(schemas.tags, item)
export const groupSettingsFromItem = (item: Item): GroupSettings & { groupId: number } =>
  v.parse(schemas.groupSettings, item)
export const rulesFromItem = (item: Item | undefined): Rules =>
  item === undefined ? { revision: 0, rules: [] } : v.parse(schemas.rules, item)
export const groupFromItem = (item: Item): Group => v.parse(schemas.group, item)
export const projectFromItem = (item: Item): Project => v.parse(schemas.project, item)
export const contentFromItem = (item: Item): Content => {
  const { sk, ...content } = v.parse(schemas.contents, item)
  return { ...content, ...contentSource(sk) }
}
export const pathFromItem = (item: Item): PathAlias => v.parse(schemas.path, item)
export const segmentsHeadFromItem = (item: Item): SegmentsHead => v.parse(schemas.segmentsHead, item)
export const segmentNodeFromItem = (item: Item): SegmentNode => v.parse(schemas.segmentNode, item)
export const milestonesFromItem = (item: Item): string[] => v.parse(schemas.milestones, item).keys
export const digestFromItem = (item: Item) => v.parse(schemas.digest, item)
export const dueFromItem = (item: Item): Due => v.parse(schemas.due, item)
export const userFromItem = (item: Item): User => v.parse(schemas.user, item)
export const membershipFromItem = (item: Item): Membership => v.parse(schemas.membership, item)
export const tokenFromItem = (item: Item): PersonalToken => v.parse(schemas.token, item)
export const directUploadFromItem = (item: Item): DirectUpload => v.parse(schemas.directUpload, item)
export const deployTokenFromItem = (item: Item): DeployToken => v.parse(schemas.deployToken, item)
export const deployTokenPointerFromItem = (item: Item) => v.parse(schemas.deployTokenPointer, item)
export const tokenPointerFromItem = (item: Item) => v.parse(schemas.tokenPointer, item)

/**
 * A package as its rows on shelves hold it. A list reads twenty rows of each shelf for a page, so a row is short
 * ([0047](../../docs/adr/0047-rows-of-shelves-are-short.md)): the sort keys tell id, name, version and type, and besides:
 *
 * | Attribute | What                                                           |
 * |-----------|----------------------------------------------------------------|
 * | `p`       | id of the project                                              |
 * | `c`, `d`  | created, and last downloaded if it was: milliseconds of 1970   |
 * | `s`       | status, where it is not `default`                              |
 * | `g`       | tags, if any: id, creation and change to the base 36, name     |
 * | `w`       | place inside the group, on a group's shelf                     |
 * | `h`       | hash of the place, on a project's own (`placeHash`)            |
 * | `r`       | revision of the record                                         |
 */
export const rowOf = (record: Package): Item => ({
  ...shelfSortKeys(familyOf(slotOf(record)), record),
  p: record.projectId,
  c: Date.parse(record.createdAt),
  ...(record.lastDownloadedAt === null ? {} : { d: Date.parse(record.lastDownloadedAt) }),
  ...(record.status === 'default' ? {} : { s: record.status }),
  ...(record.tags.length === 0 ? {} : { g: record.tags.map(tagText) }),
  r: record.revision,
})

export const entryFromItem = (item: Item): PackageEntry => {
  const { p, c, d, s, g, w, h, ...sortKeys } = v.parse(schemas.row, item)
  const sortable = sortableOf(sortKeys)
  return {
    ...sortable,
    projectId: p,
    status: s,
    createdAt: timeOf(c),
    lastDownloadedAt: d === undefined ? null : timeOf(d),
    tags: g.map((text) => tagFromText(sortable.id, text)),
    ...(w ? { place: w } : {}),
    ...(h ? { placeHash: h } : {}),
  }
}

const timeOf = (milliseconds: number) => new Date(milliseconds).toISOString()

const tagText = ({ id, createdAt, updatedAt, name }: Tag) =>
  `${[id, Date.parse(createdAt), Date.parse(updatedAt)].map((number) => number.toString(36)).join(' ')} ${name}`

const tagFromText = (packageId: number, text: string): Tag => {
  const [, ...parts] = /^(\w+) (\w+) (\w+) (.+)$/s.exec(text) ?? []
  const [id = 0, created = 0, updated = 0] = parts.slice(0, 3).map((part) => Number.parseInt(part, 36))
  return { id, packageId, name: parts[3] ?? '', createdAt: timeOf(created), updatedAt: timeOf(updated) }
}

/** Holds as long as a row of a shelf, or of a directory of names, is the one that was read. */
export const isUnchanged = ({ r }: Item) => ({ if: 'r = :r', values: { ':r': r } })

/**
 * Stands for who may see a project that is there, and for its path but for the first segment: that of a top-level group
 * changes, and nothing else does. 48 bits are enough to tell two places of one project apart, and a row stays short.
 */
export const placeHash = ({ visibility, ancestorIds, fullPath }: Omit<PlacedProject, 'id'>): string => {
  const path = fullPath.slice(fullPath.indexOf('/') + 1)
  return createHash('sha256').update(`${visibility} ${ancestorIds.join()} ${path}`).digest('base64url').slice(0, 8)
}

export const placedRow = (place: PlaceInside): Item => ({ w: placeText(place) })
export const withoutPlace = ({ w: _place, ...row }: Item): Item => row
export const hashedRow = (place: PlacedProject): Item => ({ h: placeHash(place) })
export const isHashed = ({ h }: Item, place: PlacedProject) => h === placeHash(place)
export const withoutHash = ({ h: _hash, ...row }: Item): Item => row
/** The project of a row, undefined where an item is none. */
export const projectOfRow = ({ p }: Item) => (p === undefined ? undefined : Number(p))

/** Conditions on a row of a family, for filters. */
export const hasType = (family: Family, type: PackageType) => ({
  expression: 'begins_with(#type, :type)',
  names: { '#type': 't' },
  values: { ':type': typePrefix(family, type) } as Item,
})
export const hasStatus = (status: PackageStatus) => ({
  expression: status === 'default' ? 'attribute_not_exists(#status)' : '#status = :status',
  names: { '#status': 's' },
  values: (status === 'default' ? {} : { ':status': status }) as Item,
})
