import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import type { Package, PackageFile, PackageVersion, Tag } from '../domain/package.ts'
import { TAGS_PER_NAME_LIMIT, TAGS_PER_VERSION_LIMIT } from '../domain/package.ts'
import type { Writer } from '../domain/protection.ts'
import { fileWrites } from './files.ts'
import { type Guard, READERS_NOTE } from './guard.ts'
import { type Tags, tagsFromItem, versionFromItem } from './items.ts'
import {
  type Coordinates,
  coordinatesKey,
  DETAILS_PREFIX,
  detailsKey,
  keptDetailsKey,
  purgeKey,
  tagsKey,
  VERSION_PREFIX,
} from './keys.ts'
import { type Arriving, changed, dueAfter, newRecord, type packageRecords, versionOf } from './records.ts'
import { assertSortable, type Change } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'

/** A package about to be published: its id comes from `nextIds`, so that its files are stored before it is listed. */
export type NewPackage = Arriving & {
  files: Omit<PackageFile, 'packageId' | 'createdAt'>[]
  /** What the format keeps of this version, read back by `listVersions`. */
  details?: Item
  /** Names of tags that this version takes over. */
  tags?: readonly string[]
}

/** A version with what its format keeps of it. */
export type VersionDetails = Omit<PackageVersion, 'tags'> & { details: Item }

type NameOfPackage = Omit<Coordinates, 'version'>

/** What a writer changes; the project is his. */
type Named = Omit<NameOfPackage, 'projectId'>
type NamedVersion = Named & { version: string }

export const packageRepository = (
  table: Table,
  { find, stored, placed, packageWrites }: ReturnType<typeof packageRecords>,
  { permit }: Guard,
) => {
  const findTags = async (name: NameOfPackage): Promise<Tags> => tagsFromItem(await table.get(tagsKey(name)))

  /** What becomes of packages that lose tags to the one with the id `winner`. */
  const released = async (lost: readonly Tag[], winner: number, now: string): Promise<Change[]> => {
    const ids = [...new Set(lost.map(({ packageId }) => packageId))].filter((id) => id !== winner)
    const names = new Set(lost.map(({ name }) => name))
    const holders = await Promise.all(ids.map(stored))
    return holders.map((holder) =>
      changed(holder, { tags: holder.tags.filter(({ name }) => !names.has(name)), updatedAt: now }),
    )
  }

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
     * Refuses what a rule protects as it is now. A hint that spares work: whatever writes asks again.
     * @throws `protected`
     */
    async assertMayPublish(writer: Writer, named: Named): Promise<void> {
      await permit(writer, 'create_package', named)
    },

    /**
     * Publishes a version in one transaction: record, coordinates, files, tags, shelves and tallies, or nothing.
     * @throws `protected`, `package_exists` when its coordinates are taken, `not_found` when the project is gone
     */
    async publish(writer: Writer, wanted: NewPackage): Promise<Package> {
      assertSortable(wanted)
      const projectId = writer.project.id
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
      const record = newRecord(projectId, wanted, wanted.files.length, taken)
      await table.transact(async () => {
        const [permitted, project, tags] = await Promise.all([
          permit(writer, 'create_package', wanted),
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
          ...(await packageWrites(permitted, project, [
            { after: record },
            ...(await released(lost, record.id, wanted.createdAt)),
          ])),
          ...fileWrites(wanted.files.map((file) => ({ ...file, packageId: record.id, createdAt: wanted.createdAt }))),
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
     * @throws `not_found` when it is not there or already marked, `protected`, `modified_since`
     */
    async delete(writer: Writer, id: number, now: string, unmodifiedSince?: string): Promise<void> {
      await table.transact(async () => {
        const before = await stored(id)
        if (before.projectId !== writer.project.id || before.status === 'pending_destruction') throw notFound('package')
        const permitted = await permit(writer, 'destroy_package', before)
        if (unmodifiedSince !== undefined && before.updatedAt > unmodifiedSince) {
          throw new PackagesError({ code: 'modified_since' })
        }
        const coordinates: Coordinates = before
        const [project, tags, details] = await Promise.all([
          placed(before.projectId),
          findTags(before),
          table.get(detailsKey(coordinates)),
        ])
        const due = dueAfter(now)
        const held = tags.tags.some(({ packageId }) => packageId === id)
        return [
          ...(await packageWrites(permitted, project, [
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
     * @throws `not_found` when there is no such version, `protected`
     */
    async putTag(writer: Writer, named: NamedVersion, tag: string, now: string): Promise<void> {
      const coordinates = { ...named, projectId: writer.project.id }
      const id = await table.nextId('tag')
      await table.transact(async () => {
        const item = await table.get(coordinatesKey(coordinates))
        if (!item) throw notFound('npm_package')
        const target = versionFromItem(item)
        const [permitted, project, before, tags] = await Promise.all([
          permit(writer, 'create_package', coordinates),
          placed(coordinates.projectId),
          stored(target.id),
          findTags(coordinates),
        ])
        const old = tags.tags.find(({ name }) => name === tag)
        if (old?.packageId === target.id) return []
        if (before.tags.length >= TAGS_PER_VERSION_LIMIT) {
          throw validationFailed(`Validation failed: A version may have at most ${TAGS_PER_VERSION_LIMIT} tags`)
        }
        const moved: Tag = {
          id: old?.id ?? id,
          packageId: target.id,
          name: tag,
          createdAt: old?.createdAt ?? now,
          updatedAt: now,
        }
        return [
          ...(await packageWrites(permitted, project, [
            changed(before, { tags: [...before.tags, moved], updatedAt: now }),
            ...(await released(old ? [old] : [], target.id, now)),
          ])),
          tagsWrite(coordinates, tags, [...tags.tags.filter(({ name }) => name !== tag), moved]),
        ]
      })
    },

    /** @throws `not_found` when the package has no such tag, `protected` */
    async deleteTag(writer: Writer, named: Named, tag: string, now: string): Promise<void> {
      const name = { ...named, projectId: writer.project.id }
      await table.transact(async () => {
        const [permitted, project, tags] = await Promise.all([
          permit(writer, 'destroy_package', name),
          placed(name.projectId),
          findTags(name),
        ])
        const old = tags.tags.find((candidate) => candidate.name === tag)
        if (!old) throw notFound('npm_tag')
        return [
          ...(await packageWrites(permitted, project, await released([old], NOBODY, now))),
          tagsWrite(
            name,
            tags,
            tags.tags.filter((candidate) => candidate !== old),
          ),
        ]
      })
    },

    /**
     * Notes that a file of the package was downloaded, at most once in `NOTE_EVERY_MS`. `updatedAt` stays: who would
     * delete what nobody changed is not held up by its readers. Contended, it gives up soon: the next download notes it.
     */
    async noteDownload(id: number, now: string): Promise<void> {
      const end = Date.now() + NOTE_GIVES_UP_MS
      await table.transact(async () => {
        const before = Date.now() < end ? await find(id) : undefined
        if (!before || before.status === 'pending_destruction' || !isDue(before, now)) return []
        return packageWrites(READERS_NOTE, await placed(before.projectId), [changed(before, { lastDownloadedAt: now })])
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
  }
}

/** A package that is downloaded all the time is written once in this time, with all its entries. */
export const NOTE_EVERY_MS = 60 * 60 * 1000
const NOTE_GIVES_UP_MS = 1_000

const isDue = ({ lastDownloadedAt }: Package, now: string) =>
  lastDownloadedAt === null || Date.parse(now) - Date.parse(lastDownloadedAt) >= NOTE_EVERY_MS

/** No package has this id. */
const NOBODY = 0

const tagsWrite = (name: NameOfPackage, { revision }: Tags, tags: readonly Tag[]): Write => {
  if (tags.length > TAGS_PER_NAME_LIMIT) {
    throw validationFailed(`Validation failed: A package may have at most ${TAGS_PER_NAME_LIMIT} tags`)
  }
  return {
    put: { ...tagsKey(name), revision: revision + 1, tags },
    if: 'attribute_not_exists(pk) OR revision = :revision',
    values: { ':revision': revision },
    otherwise: 'again',
  }
}
