import { notFound, PackagesError } from '../domain/errors.ts'
import type { Package, PackageFile, PackageStatus, PackageType, PackageVersion, Tag } from '../domain/package.ts'
import { offsetOf, type Page, type Paged } from '../domain/pagination.ts'
import type { Project } from '../domain/project.ts'
import { fileFromItem, packageFromItem, type Tags, tagsFromItem, versionFromItem } from './items.ts'
import {
  type Coordinates,
  coordinatesKey,
  DETAILS_PREFIX,
  detailsKey,
  FILE_PREFIX,
  fileKey,
  keptDetailsKey,
  packageKey,
  purgeKey,
  tagsKey,
  VERSION_PREFIX,
} from './keys.ts'
import { assertSortable, type Change, readOwnNames, shelfWrites } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'
import type { transitRepository } from './transit.ts'

/** A package about to be published: its id comes from `nextIds`, so that its files are stored before it is listed. */
export type NewPackage = {
  id: number
  name: string
  version: string | null
  type: PackageType
  status: PackageStatus
  creatorId: number | null
  createdAt: string
  files: Omit<PackageFile, 'packageId' | 'createdAt'>[]
  /** What the format keeps of this version, read back by `listVersions`. */
  details?: Item
  /** Names of tags that this version takes over. */
  tags?: readonly string[]
}

/** A version with what its format keeps of it. */
export type VersionDetails = Omit<PackageVersion, 'tags'> & { details: Item }

/** How long a deleted package waits for its removal, and may be restored. */
export const RESTORE_WINDOW_DAYS = 7
const DAY_MS = 24 * 60 * 60 * 1000

type NameOfPackage = Omit<Coordinates, 'version'>

export const packageRepository = (table: Table, { placed }: Pick<ReturnType<typeof transitRepository>, 'placed'>) => {
  const find = async (id: number): Promise<Package | undefined> => {
    const item = await table.get(packageKey(id))
    return item && packageFromItem(item)
  }

  const findTags = async (name: NameOfPackage): Promise<Tags> => tagsFromItem(await table.get(tagsKey(name)))

  const stored = async (id: number): Promise<Package> => {
    const record = await find(id)
    if (!record) throw notFound('package')
    return record
  }

  /** What becomes of packages that lose tags to the one with the id `winner`. */
  const released = async (lost: readonly Tag[], winner: number, now: string): Promise<Change[]> => {
    const ids = [...new Set(lost.map(({ packageId }) => packageId))].filter((id) => id !== winner)
    const names = new Set(lost.map(({ name }) => name))
    const holders = await Promise.all(ids.map(stored))
    return holders.map((holder) =>
      changed(holder, { tags: holder.tags.filter(({ name }) => !names.has(name)), updatedAt: now }),
    )
  }

  /** Records and shelves of packages that change together. A record that another writer changed says `'again'`. */
  const packageWrites = async (project: Project, changes: readonly Change[]): Promise<Write[]> => [
    ...changes.map(
      ({ before, after }): Write => ({
        put: { ...packageKey(after.id), ...after },
        ...(before
          ? { if: 'revision = :revision', values: { ':revision': before.revision }, otherwise: 'again' }
          : { if: 'attribute_not_exists(pk)' }),
      }),
    ),
    ...shelfWrites(project, changes, await readOwnNames(table, project, changes)),
  ]

  return {
    find,
    findTags,

    /** Ids for a package and one file of it, before anything else exists. */
    async nextIds(): Promise<{ packageId: number; fileId: number }> {
      const [packageId, fileId] = await Promise.all([table.nextId('package'), table.nextId('file')])
      return { packageId, fileId }
    },

    async nextFileId(): Promise<number> {
      return table.nextId('file')
    },

    /** Whether a version is there now. A hint that spares work: the condition in `publish` decides. */
    async exists(coordinates: Coordinates): Promise<boolean> {
      return (await table.get(coordinatesKey(coordinates))) !== undefined
    },

    /**
     * Publishes a version in one transaction: record, coordinates, files, tags, shelves and tallies, or nothing.
     * @throws `package_exists` when its coordinates are taken, `not_found` when the project is gone
     */
    async publish(projectId: number, wanted: NewPackage): Promise<Package> {
      assertSortable(wanted)
      const name: NameOfPackage = { projectId, type: wanted.type, name: wanted.name }
      const coordinates: Coordinates = { ...name, version: wanted.version }
      const tagIds = new Map(
        await Promise.all((wanted.tags ?? []).map(async (tag) => [tag, await table.nextId('tag')] as const)),
      )
      const taken: Tag[] = [...tagIds].map(([tag, id]) => ({
        id,
        packageId: wanted.id,
        name: tag,
        createdAt: wanted.createdAt,
        updatedAt: wanted.createdAt,
      }))
      const record: Package = {
        id: wanted.id,
        projectId,
        name: wanted.name,
        version: wanted.version,
        type: wanted.type,
        status: wanted.status,
        createdAt: wanted.createdAt,
        lastDownloadedAt: null,
        tags: taken,
        creatorId: wanted.creatorId,
        updatedAt: wanted.createdAt,
        fileCount: wanted.files.length,
        revision: 1,
      }
      await table.transact(async () => {
        const [project, tags] = await Promise.all([
          placed(projectId),
          taken.length > 0 ? findTags(name) : { revision: 0, tags: [] },
        ])
        const lost = tags.tags.filter((tag) => tagIds.has(tag.name))
        const kept = tags.tags.filter((tag) => !tagIds.has(tag.name))
        return [
          {
            put: { ...coordinatesKey(coordinates), ...versionOf(record) },
            if: 'attribute_not_exists(pk)',
            otherwise: () => new PackagesError({ code: 'package_exists' }),
          },
          ...(await packageWrites(project, [
            { after: record },
            ...(await released(lost, record.id, wanted.createdAt)),
          ])),
          ...wanted.files.map((file) => ({
            put: { ...fileKey(record.id, file.id), ...file, packageId: record.id, createdAt: wanted.createdAt },
          })),
          ...(wanted.details
            ? [{ put: { ...detailsKey(coordinates), ...versionOf(record), details: wanted.details } }]
            : []),
          ...(taken.length > 0 ? [tagsWrite(name, tags, [...kept, ...taken])] : []),
        ]
      })
      return record
    },

    /**
     * Marks a package for removal: it leaves the lists, its coordinates are free, a purge item remains.
     * @param unmodifiedSince ISO 8601; a later change of the package refuses the delete
     * @throws `not_found` when it is not there or already marked, `modified_since`
     */
    async delete(id: number, now: string, unmodifiedSince?: string): Promise<void> {
      await table.transact(async () => {
        const before = await stored(id)
        if (before.status === 'pending_destruction') throw notFound('package')
        if (unmodifiedSince !== undefined && before.updatedAt > unmodifiedSince) {
          throw new PackagesError({ code: 'modified_since' })
        }
        const coordinates: Coordinates = before
        const [project, tags, details] = await Promise.all([
          placed(before.projectId),
          findTags(before),
          table.get(detailsKey(coordinates)),
        ])
        const due = new Date(Date.parse(now) + RESTORE_WINDOW_DAYS * DAY_MS).toISOString()
        const held = tags.tags.some(({ packageId }) => packageId === id)
        return [
          ...(await packageWrites(project, [
            changed(before, { status: 'pending_destruction', tags: [], updatedAt: now }),
          ])),
          {
            delete: coordinatesKey(coordinates),
            if: 'id = :id',
            values: { ':id': id },
            otherwise: 'again',
          },
          ...(details ? [{ delete: detailsKey(coordinates) }, { put: { ...details, ...keptDetailsKey(id) } }] : []),
          ...(held
            ? [
                tagsWrite(
                  before,
                  tags,
                  tags.tags.filter(({ packageId }) => packageId !== id),
                ),
              ]
            : []),
          { put: { ...purgeKey(id, due), packageId: id, projectId: before.projectId, due } },
        ]
      })
    },

    /**
     * Moves a tag to a version, or makes it.
     * @throws `not_found` when there is no such version
     */
    async putTag(coordinates: Coordinates & { version: string }, tag: string, now: string): Promise<void> {
      const id = await table.nextId('tag')
      await table.transact(async () => {
        const item = await table.get(coordinatesKey(coordinates))
        if (!item) throw notFound('npm_package')
        const target = versionFromItem(item)
        const [project, before, tags] = await Promise.all([
          placed(coordinates.projectId),
          stored(target.id),
          findTags(coordinates),
        ])
        const old = tags.tags.find(({ name }) => name === tag)
        if (old?.packageId === target.id) return []
        const moved: Tag = {
          id: old?.id ?? id,
          packageId: target.id,
          name: tag,
          createdAt: old?.createdAt ?? now,
          updatedAt: now,
        }
        return [
          ...(await packageWrites(project, [
            changed(before, { tags: [...before.tags, moved], updatedAt: now }),
            ...(await released(old ? [old] : [], target.id, now)),
          ])),
          tagsWrite(coordinates, tags, [...tags.tags.filter(({ name }) => name !== tag), moved]),
        ]
      })
    },

    /** @throws `not_found` when the package has no such tag */
    async deleteTag(name: NameOfPackage, tag: string, now: string): Promise<void> {
      await table.transact(async () => {
        const [project, tags] = await Promise.all([placed(name.projectId), findTags(name)])
        const old = tags.tags.find((candidate) => candidate.name === tag)
        if (!old) throw notFound('npm_tag')
        return [
          ...(await packageWrites(project, await released([old], NOBODY, now))),
          tagsWrite(
            name,
            tags,
            tags.tags.filter((candidate) => candidate !== old),
          ),
        ]
      })
    },

    /** All versions of a name, by version as text, with their tags. */
    async listVersions(name: NameOfPackage): Promise<PackageVersion[]> {
      const [items, { tags }] = await Promise.all([
        table.queryAll({ pk: tagsKey(name).pk, prefix: VERSION_PREFIX }),
        findTags(name),
      ])
      return items.map(versionFromItem).map((version) => ({
        ...version,
        tags: tags.filter(({ packageId }) => packageId === version.id),
      }))
    },

    /** All versions of a name with what their format keeps of them. */
    async listVersionDetails(name: NameOfPackage): Promise<VersionDetails[]> {
      const items = await table.queryAll({ pk: tagsKey(name).pk, prefix: DETAILS_PREFIX })
      return items.map((item) => ({ ...versionFromItem(item), details: item.details as Item }))
    },

    async findVersionDetails(coordinates: Coordinates): Promise<VersionDetails | undefined> {
      const item = await table.get(detailsKey(coordinates))
      return item && { ...versionFromItem(item), details: item.details as Item }
    },

    /** One page of a package's files in the order of their ids. `total` is the record's own count. */
    async listFiles(packageId: number, page: Page): Promise<Omit<Paged<PackageFile>, 'total'>> {
      const wanted = offsetOf(page) + page.size
      const range = { pk: packageKey(packageId).pk, prefix: FILE_PREFIX }
      const items: Item[] = []
      let answer = await table.query(range, wanted)
      items.push(...answer.items)
      while (answer.next && items.length < wanted) {
        answer = await table.query(range, wanted - items.length, answer.next)
        items.push(...answer.items)
      }
      return { rows: items.slice(offsetOf(page), wanted).map(fileFromItem), page }
    },
  }
}

/** No package has this id. */
const NOBODY = 0

const changed = (before: Package, change: Partial<Package>): Change => ({
  before,
  after: { ...before, ...change, revision: before.revision + 1 },
})

const tagsWrite = (name: NameOfPackage, { revision }: Tags, tags: readonly Tag[]): Write => ({
  put: { ...tagsKey(name), revision: revision + 1, tags },
  if: 'attribute_not_exists(pk) OR revision = :revision',
  values: { ':revision': revision },
  otherwise: 'again',
})

const versionOf = ({ id, version, createdAt, status }: Package) => ({ id, version, createdAt, status })
