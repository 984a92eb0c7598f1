import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import type { Package, PackageFile, PackageVersion, Tag } from '../domain/package.ts'
import { isOpenable, TAGS_PER_NAME_LIMIT, TAGS_PER_VERSION_LIMIT } from '../domain/package.ts'
import { serviceIn, type Writer } from '../domain/protection.ts'
import { detailsWrites, keptDetailsWrites } from './details.ts'
import { confirmWrite } from './directUploads.ts'
import { fileWrites } from './files.ts'
import { type Guard, type Permit, READERS_NOTE } from './guard.ts'
import { holderFromItem, packageFromItem, type Tags, tagsFromItem, versionFromItem } from './items.ts'
import {
  type Coordinates,
  coordinatesKey,
  DETAILS_PREFIX,
  deletedKey,
  detailsKey,
  type Key,
  type NameOfPackage,
  outdatedKey,
  PACKAGE_PREFIX,
  packageKey,
  purgeKey,
  tagsKey,
  VERSION_PREFIX,
} from './keys.ts'
import {
  type Arriving,
  changed,
  dueAfter,
  newRecord,
  outdatedWrite,
  type packageRecords,
  RESTORE_WINDOW_DAYS,
  versionOf,
} from './records.ts'
import { assertSortable, type Change } from './shelves.ts'
import { inSteps } from './steps.ts'
import type { Item, Table, Write } from './table.ts'

/** A package about to be published: its id comes from `nextPackageId`, so that its files are stored before it is listed. */
export type NewPackage = Arriving & {
  files: Omit<PackageFile, 'packageId' | 'createdAt'>[]
  /** What the format keeps of this version, read back by `listVersions`. */
  details?: Item
  /** Names of tags that this version takes over. */
  tags?: readonly string[]
  /** The direct upload that its file was, which is confirmed with it. */
  directUploadId?: string | undefined
}

/** A version with what its format keeps of it. */
export type VersionDetails = Omit<PackageVersion, 'tags'> & { deprecated: string; details: Item }

/** What a writer changes; the project is his. */
type Named = Omit<NameOfPackage, 'projectId'>
type NamedVersion = Named & { version: string }

export const packageRepository = (
  table: Table,
  { find, stored, placed, placedToCount, packageWrites }: ReturnType<typeof packageRecords>,
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

  /**
   * What removes packages of one name: their shelves, coordinates, details and tags. A purge item remains of each.
   * @param befores as they were before anything else of them is read here: what changes later fails the write
   * @returns also whether the name has a versionless package, which may be left alone
   */
  const removal = async (
    leave: Permit | Promise<Permit>,
    { project: asFound }: Writer,
    name: NameOfPackage,
    befores: readonly Package[],
    now: string,
  ): Promise<{ writes: Write[]; hasOverview: boolean }> => {
    const [permitted, project, items] = await Promise.all([
      leave,
      placedToCount(asFound),
      table.getAll([tagsKey(name), overviewKey(name), ...befores.map(detailsKey)]),
    ])
    const itemOf = ({ pk, sk }: Key) => items.find((item) => item.pk === pk && item.sk === sk)
    const tags = tagsFromItem(itemOf(tagsKey(name)))
    const overview = itemOf(overviewKey(name))
    const details = befores.map((before) => itemOf(detailsKey(before))).filter((item) => item !== undefined)
    const due = dueAfter(now)
    const ids = new Set(befores.map(({ id }) => id))
    const left = tags.tags.filter(({ packageId }) => !ids.has(packageId))
    const changes = befores.map((before) =>
      changed(before, { status: 'pending_destruction', tags: [], updatedAt: now }),
    )
    const writes: Write[] = [
      ...(await packageWrites(permitted, project, changes)),
      ...befores.flatMap((before): Write[] => [
        { delete: coordinatesKey(before), if: 'id = :id', values: { ':id': before.id }, otherwise: 'again' },
        { put: { ...purgeKey(before.id, due), packageId: before.id, projectId: before.projectId, due } },
      ]),
      ...keptDetailsWrites({ ...name, version: null }, details),
      ...(left.length < tags.tags.length ? [tagsWrite(name, tags, left)] : []),
      ...farewell(name, befores, overview !== undefined, now),
    ]
    return { writes, hasOverview: overview !== undefined }
  }

  /**
   * Deletes the versionless package of a name that has no version any more.
   * @param revision the versionless package's; one that changed since stays
   */
  const deleteLeftAlone = async (name: NameOfPackage, now: string, revision?: number): Promise<void> => {
    await table.transact(async () => {
      const item = await table.get(overviewKey(name))
      const overview = item && (await find(holderFromItem(item).id))
      if (!overview || (revision !== undefined && overview.revision !== revision)) return []
      // After the record: a client adds to it only after the version that it is about, so the write would fail.
      const { items } = await table.query({ pk: tagsKey(name).pk, prefix: VERSION_PREFIX }, 1)
      if (items.length > 0) return []
      // Whoever deleted the last version was allowed to; what is left then is the service's to clear away.
      const service = serviceIn(name.projectId)
      const permitted = permit(service, 'destroy_package', name)
      return [...(await removal(permitted, service, name, [overview], now)).writes, { delete: outdatedKey(name) }]
    })
  }

  return {
    find,
    findTags,

    /** The id of a package, before anything else of it exists. */
    async nextPackageId(): Promise<number> {
      return table.nextId('package')
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
      const tagNames = new Set(wanted.tags)
      const { id: packageId, createdAt } = wanted
      const newTag = async (tag: string): Promise<Tag> => {
        const id = await table.nextId('tag')
        return { id, packageId, name: tag, createdAt, updatedAt: createdAt }
      }
      const namePartition = tagsKey(name).pk
      const isOfName = (write: Write) =>
        'put' in write && (write.put.pk === namePartition || write.put.pk.startsWith(PACKAGE_PREFIX))
      const recording = Promise.all([...tagNames].map(newTag)).then((taken) =>
        newRecord(projectId, wanted, wanted.files.length, taken),
      )
      const readAround = () =>
        Promise.all([permit(writer, 'create_package', wanted), placedToCount(writer.project)] as const)
      let around: ReturnType<typeof readAround> | undefined
      await table.transact(async (failed) => {
        // Who publishes other versions of the name at the same moment changes its tags, and nothing around it.
        if (!failed.every(isOfName)) around = undefined
        around ??= readAround()
        const [[permitted, project], tags, record] = await Promise.all([
          around,
          tagNames.size > 0 ? findTags(name) : { revision: 0, tags: [] },
          recording,
        ])
        const lost = tags.tags.filter((tag) => tagNames.has(tag.name))
        const kept = tags.tags.filter((tag) => !tagNames.has(tag.name))
        return [
          {
            put: { ...coordinatesKey(coordinates), ...versionOf(record) },
            if: 'attribute_not_exists(pk)',
            otherwise: () => new PackagesError({ code: 'package_exists' }),
          },
          ...(await packageWrites(permitted, project, [
            { after: record },
            ...(await released(lost, packageId, createdAt)),
          ])),
          ...fileWrites(wanted.files.map((file) => ({ ...file, packageId, createdAt }))),
          ...(wanted.details ? detailsWrites(record, wanted.details) : []),
          ...(tagNames.size > 0 ? [tagsWrite(name, tags, [...kept, ...record.tags])] : []),
          ...(wanted.directUploadId === undefined ? [] : [confirmWrite(wanted.directUploadId, packageId)]),
        ]
      })
      return recording
    },

    /**
     * Marks a package for removal: it leaves the lists, its coordinates are free, a purge item remains. With the last
     * version of a name goes its versionless package.
     * @param unmodifiedSince ISO 8601; a later change of the package refuses the delete
     * @param asRead the package as the caller has read it, which spares a first look; it may have changed since
     * @throws `not_found` when it is not there or already marked, `protected`, `modified_since`
     */
    async delete(writer: Writer, id: number, now: string, unmodifiedSince?: string, asRead?: Package): Promise<void> {
      let name: NameOfPackage | undefined
      let seen = asRead
      await table.transact(async () => {
        const before = seen ?? (await stored(id))
        seen = undefined
        if (before.projectId !== writer.project.id || before.status === 'pending_destruction') throw notFound('package')
        const permitted = permit(writer, 'destroy_package', before)
        if (unmodifiedSince !== undefined && before.updatedAt > unmodifiedSince) {
          // A rule that protects it is told first.
          await permitted
          throw new PackagesError({ code: 'modified_since' })
        }
        const { writes, hasOverview } = await removal(permitted, writer, before, [before], now)
        name = hasOverview && before.version !== null ? before : undefined
        return writes
      })
      if (name) await deleteLeftAlone(name, now).catch(leaveToOthers)
    },

    /**
     * Marks versions of one name for removal, in steps that are each all or nothing; what is gone already stays so.
     * @throws `protected`, `unfinished` when there is no time for more: the same call again goes on
     */
    async deleteAll(writer: Writer, named: Named, ids: readonly number[], now: string): Promise<void> {
      const name = { ...named, projectId: writer.project.id }
      let isOverviewLeft = false
      await inSteps(table, ids, async (some) => {
        const [permitted, items] = await Promise.all([
          permit(writer, 'destroy_package', name),
          table.getAll(some.map(packageKey)),
        ])
        const records = items.map(packageFromItem)
        const there = records.filter(({ status }) => status !== 'pending_destruction')
        if (there.length === 0) return []
        const { writes, hasOverview } = await removal(permitted, writer, name, there, now)
        isOverviewLeft ||= hasOverview
        return writes
      })
      if (isOverviewLeft) await deleteLeftAlone(name, now).catch(leaveToOthers)
    },

    /**
     * Deprecates versions of one name by a message, or no longer where that is empty; in steps like `deleteAll`. Versions
     * that are not there, and what is said of them already, make no difference.
     * @throws `not_found` when none is there, `protected`, `unfinished`
     */
    async deprecate(writer: Writer, named: Named, messages: ReadonlyMap<string, string>, now: string): Promise<void> {
      const name = { ...named, projectId: writer.project.id }
      const keys = [...messages.keys()].map((version) => detailsKey({ ...name, version }))
      const kept = (await table.getAll(keys)).map((item) => ({ ...versionFromItem(item), said: deprecationOf(item) }))
      const there = kept.filter(({ status }) => isOpenable(status))
      if (there.length === 0) throw notFound('npm_package')
      const messageOf = ({ version }: { version: string }) => messages.get(version) ?? ''
      const wanted = there.filter((version) => messageOf(version) !== version.said)

      await inSteps(table, wanted, async (some) => {
        const [permitted, project, items] = await Promise.all([
          permit(writer, 'destroy_package', name),
          placed(writer.project),
          table.getAll(some.map(({ id }) => packageKey(id))),
        ])
        const records = items.map(packageFromItem).filter(({ status }) => isOpenable(status))
        if (records.length === 0) return []
        const said = new Map(some.map((version) => [version.id, messageOf(version)]))
        const changes = records.map((record) =>
          changed(record, { status: said.get(record.id) === '' ? 'default' : 'deprecated', updatedAt: now }),
        )
        return [
          ...(await packageWrites(permitted, project, changes)),
          ...changes.flatMap(({ after }) => deprecationWrites(after, said.get(after.id) ?? '')),
        ]
      })
    },

    deleteLeftAlone,

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
          placed(writer.project),
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
          placed(writer.project),
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
        const project = await placed(serviceIn(before.projectId).project)
        return packageWrites(READERS_NOTE, project, [changed(before, { lastDownloadedAt: now })])
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
      return items.map(detailsFromItem)
    },

    /** The versions that have a tag, of these names, with what their format keeps. Three rounds, however many they are. */
    async listTagged(names: readonly NameOfPackage[], tag: string): Promise<(Package & { details: Item })[]> {
      const tags = (await table.getAll(names.map(tagsKey)))
        .flatMap((item) => tagsFromItem(item).tags)
        .filter(({ name }) => name === tag)
      const tagged = (await table.getAll(tags.map(({ packageId }) => packageKey(packageId)))).map(packageFromItem)
      const kept = (await table.getAll(tagged.map(detailsKey))).map(detailsFromItem)
      const detailsOf = new Map(kept.map(({ id, details }) => [id, details]))
      return tagged.flatMap((found) => {
        const details = detailsOf.get(found.id)
        return details ? [{ ...found, details }] : []
      })
    },

    async findVersionDetails(coordinates: Coordinates): Promise<VersionDetails | undefined> {
      const item = await table.get(detailsKey(coordinates))
      return item && detailsFromItem(item)
    },
  }
}

/** Why not to use the version any more; empty when nothing is said. */
const deprecationOf = ({ deprecated }: Item) => (typeof deprecated === 'string' ? deprecated : '')

const detailsFromItem = (item: Item): VersionDetails => ({
  ...versionFromItem(item),
  deprecated: deprecationOf(item),
  details: item.details as Item,
})

/** A version's new status on what is kept of it, beside its record and shelves. */
const deprecationWrites = (after: Package, message: string): Write[] => {
  const own = { if: 'id = :id', otherwise: 'again' } as const
  return [
    { put: { ...coordinatesKey(after), ...versionOf(after) }, ...own, values: { ':id': after.id } },
    {
      update: detailsKey(after),
      expression: 'SET #status = :status, deprecated = :message',
      names: { '#status': 'status' },
      ...own,
      values: { ':id': after.id, ':status': after.status, ':message': message },
    },
  ]
}

/** A package that is downloaded all the time is written once in this time, with all its entries. */
export const NOTE_EVERY_MS = 60 * 60 * 1000
const NOTE_GIVES_UP_MS = 1_000

/** The versionless package of a name, which stands for all of its versions. */
const overviewKey = ({ projectId, type, name }: NameOfPackage) =>
  coordinatesKey({ projectId, type, name, version: null })

/** Longer than any client takes from reading a list of versions to writing it down with its own. */
const DELETED_FOR_SECONDS = RESTORE_WINDOW_DAYS * 24 * 60 * 60

/** The version is deleted, and what is noted will be done: that it cannot be done now is no failure of the delete. */
const leaveToOthers = (error: unknown) => {
  if (!(error instanceof PackagesError)) throw error
}

/**
 * What deleted versions leave to those who keep a list of versions. That there is none must hold at the moment of the
 * write: the first is written by who may still know a version.
 */
const farewell = (name: NameOfPackage, gone: readonly Package[], hasOverview: boolean, now: string): Write[] => {
  const versions = gone.flatMap(({ version }) => version ?? [])
  if (versions.length === 0) return []
  const expires_at = Math.floor(Date.parse(now) / 1000) + DELETED_FOR_SECONDS
  return [
    ...versions.map((version): Write => ({ put: { ...deletedKey({ ...name, version }), version, expires_at } })),
    hasOverview
      ? outdatedWrite(name)
      : { check: overviewKey(name), if: 'attribute_not_exists(pk)', otherwise: 'again' },
  ]
}

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
