import type { MatchesPattern } from '../domain/duplicates.ts'
import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import type { FileOrder, Sort } from '../domain/listing.ts'
import { FILES_PER_PACKAGE_LIMIT, type Package, type PackageFile, type PackageStatus } from '../domain/package.ts'
import { offsetOf, type Page, type Paged, sliceOf } from '../domain/pagination.ts'
import type { Writer } from '../domain/protection.ts'
import { keptDetailsWrites } from './details.ts'
import { confirmWrite } from './directUploads.ts'
import type { Guard, Permit } from './guard.ts'
import { fileFromItem, holderFromItem } from './items.ts'
import {
  type Coordinates,
  coordinatesKey,
  detailsKey,
  FILE_PREFIX,
  fileKey,
  NAMED_PREFIX,
  namedKey,
  packageKey,
  purgeFileKey,
} from './keys.ts'
import { changed, dueAfter, newRecord, outdatedWrite, type packageRecords, versionOf } from './records.ts'
import { assertSortable, type Change } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'

/** Which files of a package are asked for, and in which order. */
export type FileQuery = { page: Page; order: FileOrder; sort: Sort }

/** Who adds a file, and the status that its package gets; without one a new package is `default`. */
export type Upload = {
  writer: Writer
  status?: PackageStatus | undefined
  /** How patterns of names and versions are read, in which a group excepts packages from its rule about duplicates. */
  matches: MatchesPattern
  /** Where duplicates are refused: files with the same of this are duplicates. Without it those with the same name. */
  sameAs?: ((fileName: string) => string) | undefined
  /** The direct upload that it was, which is confirmed with it. */
  directUploadId?: string | undefined
  /** It is added only as long as this file is the newest of its name. */
  replaces?: number
}

export const fileRepository = (
  table: Table,
  { find: findPackage, stored, placed, placedToCount, packageWrites }: ReturnType<typeof packageRecords>,
  { permit, allowsDuplicates }: Guard,
) => {
  const find = async (packageId: number, id: number): Promise<PackageFile | undefined> => {
    const item = await table.get(fileKey(packageId, id))
    return item && fileFromItem(item)
  }

  const findNewest = async (packageId: number, fileName: string): Promise<PackageFile | undefined> => {
    const item = await table.get(namedKey(packageId, fileName))
    return item && fileFromItem(item)
  }

  /** The newest file of a name but for one. Reads the files from the newest on, at worst all of them. */
  const findNewestBut = async ({ id, packageId, fileName }: PackageFile): Promise<PackageFile | undefined> => {
    const range = {
      pk: packageKey(packageId).pk,
      prefix: FILE_PREFIX,
      descending: true,
      filter: { expression: 'fileName = :name AND id <> :id', values: { ':name': fileName, ':id': id } },
    }
    let answer = await table.query(range)
    while (answer.items.length === 0 && answer.next) answer = await table.query(range, undefined, answer.next)
    return answer.items.map(fileFromItem)[0]
  }

  /** The files of a package that one of this name would be a duplicate of. At worst reads the names of all of them. */
  const findDuplicates = async (
    { packageId, fileName }: PackageFile,
    newest: PackageFile | undefined,
    sameAs: Upload['sameAs'],
  ): Promise<PackageFile[]> => {
    if (newest) return [newest]
    if (!sameAs) return []
    const items = await table.queryAll({ pk: packageKey(packageId).pk, prefix: NAMED_PREFIX })
    const wanted = sameAs(fileName)
    return items.map(fileFromItem).filter((other) => sameAs(other.fileName) === wanted)
  }

  /** A version that arrives with its first file. */
  const arrival = async (
    permitted: Permit,
    version: Coordinates,
    file: PackageFile,
    { writer, status = 'default', replaces }: Upload,
  ): Promise<Write[]> => {
    if (replaces !== undefined) throw replaced()
    const wanted = { ...version, id: file.packageId, status, creatorId: writer.userId, createdAt: file.createdAt }
    const record = newRecord(version.projectId, wanted, 1, [])
    return [
      {
        put: { ...coordinatesKey(version), ...versionOf(record) },
        if: 'attribute_not_exists(pk)',
        otherwise: 'again',
      },
      ...(await packageWrites(permitted, await placedToCount(writer.project), [{ after: record }])),
      ...fileWrites([file]),
      ...behindWrites(version),
    ]
  }

  /** A file that joins others. As long as the status stays, no list shows a difference and no shelf is written. */
  const addition = async (
    permitted: Permit,
    version: Coordinates,
    file: PackageFile,
    upload: Upload,
  ): Promise<Write[]> => {
    const { status, replaces } = upload
    const [before, newest, allowed] = await Promise.all([
      stored(file.packageId),
      findNewest(file.packageId, file.fileName),
      allowsDuplicates(upload.writer, version, upload.matches),
    ])
    if (replaces !== undefined && newest?.id !== replaces) throw replaced()
    const others = allowed ? [] : await findDuplicates(file, newest, upload.sameAs)
    if (others.length > 0) throw validationFailed('400 Bad request - Duplicate package is not allowed')
    if (before.fileCount >= FILES_PER_PACKAGE_LIMIT) {
      throw validationFailed(`400 Bad request - A package may have at most ${FILES_PER_PACKAGE_LIMIT} files`)
    }
    return [
      ...(status === undefined || status === before.status
        ? countedWrites(permitted, file, status, allowed || !upload.sameAs ? undefined : before.revision)
        : await statusWrites(
            permitted,
            upload.writer,
            version,
            changed(before, { status, fileCount: before.fileCount + 1, updatedAt: file.createdAt }),
          )),
      { put: { ...fileKey(file.packageId, file.id), ...file } },
      newestWrite(file, newest),
      ...behindWrites(version),
    ]
  }

  /** A package whose status changes: on its record and shelves, and on what is kept of the version. */
  const statusWrites = async (
    permitted: Permit,
    { project: asRead }: Writer,
    version: Coordinates,
    change: Change,
  ): Promise<Write[]> => {
    const { after } = change
    const [project, details] = await Promise.all([placed(asRead), table.get(detailsKey(version))])
    return [
      ...(await packageWrites(permitted, project, [change])),
      {
        put: { ...coordinatesKey(version), ...versionOf(after) },
        if: 'id = :id',
        values: { ':id': after.id },
        otherwise: 'again',
      },
      ...(details ? [{ put: { ...details, ...versionOf(after), ...detailsKey(version) } }] : []),
    ]
  }

  return {
    find,

    /** A download by name: the package of these coordinates and its newest file of that name. Three reads at most. */
    async findByName(
      coordinates: Coordinates,
      fileName: string,
    ): Promise<{ package: Package; file: PackageFile } | undefined> {
      const item = await table.get(coordinatesKey(coordinates))
      if (!item) return undefined
      const { id } = holderFromItem(item)
      const [found, file] = await Promise.all([findPackage(id), findNewest(id, fileName)])
      return found && file && { package: found, file }
    },

    /** All files of a name, the newest first. Reads all of the package, of which `FILES_PER_PACKAGE_LIMIT` is the bound. */
    async listNamed(packageId: number, fileName: string): Promise<PackageFile[]> {
      const filter = { expression: 'fileName = :name', values: { ':name': fileName } }
      const range = { pk: packageKey(packageId).pk, prefix: FILE_PREFIX, descending: true, filter }
      return (await table.queryAll(range)).map(fileFromItem)
    },

    /**
     * One page of a package's files; `total` is the record's own count. Ids are drawn in the order of creation, so
     * `created_at` is the order of ids. By name all files are read, of which `FILES_PER_PACKAGE_LIMIT` bounds the number.
     */
    async list(packageId: number, { page, order, sort }: FileQuery): Promise<Omit<Paged<PackageFile>, 'total'>> {
      const range = { pk: packageKey(packageId).pk, prefix: FILE_PREFIX, descending: sort === 'desc' }
      if (order === 'file_name') {
        const files = (await table.queryAll(range)).map(fileFromItem)
        return { rows: sliceOf(files.sort(byName(sort)), page), page }
      }
      const wanted = Math.min(offsetOf(page) + page.size, FILES_PER_PACKAGE_LIMIT)
      const items: Item[] = []
      let answer = await table.query(range, wanted)
      items.push(...answer.items)
      while (answer.next && items.length < wanted) {
        answer = await table.query(range, wanted - items.length, answer.next)
        items.push(...answer.items)
      }
      return { rows: sliceOf(items.slice(0, wanted), page).map(fileFromItem), page }
    },

    /**
     * Adds a file to a version, and makes the version when it is the first. Many may do so at once: all land. A name
     * that is there already gets a newer file, which is the one that downloads by name find.
     * @throws `protected`, `validation_failed` for a duplicate where those are refused and when the package has all the
     * files it may have, `not_found` when the project or the direct upload is gone, `modified_since` when the file that
     * it `replaces` is not the newest
     */
    async add(
      named: Omit<Coordinates, 'projectId'>,
      file: Omit<PackageFile, 'packageId'>,
      upload: Upload,
    ): Promise<PackageFile> {
      assertSortable(named)
      const version = { ...named, projectId: upload.writer.project.id }
      let newId: number | undefined
      let added: PackageFile = { ...file, packageId: 0 }
      await table.transact(async () => {
        const [permitted, item] = await Promise.all([
          permit(upload.writer, 'create_package', version),
          table.get(coordinatesKey(version)),
        ])
        if (!item) newId ??= await table.nextId('package')
        added = { ...file, packageId: item ? holderFromItem(item).id : (newId as number) }
        return [
          ...(await (item ? addition : arrival)(permitted, version, added, upload)),
          ...(upload.directUploadId === undefined ? [] : [confirmWrite(upload.directUploadId, added.packageId)]),
        ]
      })
      return added
    },

    /**
     * Removes a file: it is gone from lists and downloads, and a purge item remains for its object. With the last file
     * of a version goes what its format keeps for downloads; the package stays.
     * @param unmodifiedSince ISO 8601; a file that is younger is not deleted
     * @throws `not_found` when the package or the file is not there, `protected`, `modified_since`
     */
    async delete(writer: Writer, packageId: number, id: number, now: string, unmodifiedSince?: string): Promise<void> {
      await table.transact(async () => {
        const [before, file] = await Promise.all([stored(packageId), find(packageId, id)])
        const isHere = before.projectId === writer.project.id && before.status !== 'pending_destruction'
        if (!isHere) throw notFound('package')
        if (!file) throw notFound('package_file')
        if (unmodifiedSince !== undefined && file.createdAt > unmodifiedSince) {
          throw new PackagesError({ code: 'modified_since' })
        }
        const [permitted, newest, details] = await Promise.all([
          permit(writer, 'destroy_package', before),
          findNewest(packageId, file.fileName),
          before.fileCount === 1 ? table.get(detailsKey(before)) : undefined,
        ])
        const named = namedKey(packageId, file.fileName)
        const heir = newest?.id === id ? await findNewestBut(file) : newest
        const due = dueAfter(now)
        return [
          ...discountedWrites(permitted, before, now),
          // Of the two that were read at the same moment, the package may be as it was after this file had gone.
          { delete: fileKey(packageId, id), if: 'attribute_exists(pk)', otherwise: 'again' },
          heir ? { put: { ...named, ...heir } } : { delete: named },
          ...keptDetailsWrites(before, details ? [details] : []),
          { put: { ...purgeFileKey(packageId, id, due), packageId, projectId: before.projectId, due, file } },
          ...(newest?.id === id ? behindWrites(before) : []),
        ]
      })
    },
  }
}

const replaced = () => new PackagesError({ code: 'modified_since' })

/** What is kept for all versions of a name may be behind them when it was written from what a client knew. */
const behindWrites = (coordinates: Coordinates): Write[] =>
  coordinates.version === null ? [outdatedWrite(coordinates)] : []

/** Files of a package that arrives. Of equal names the last is the newest. */
export const fileWrites = (files: readonly PackageFile[]): Write[] => {
  const newest = new Map(files.map((file) => [file.fileName, file]))
  return [
    ...files.map((file) => ({ put: { ...fileKey(file.packageId, file.id), ...file } })),
    ...[...newest.values()].map((file) => ({ put: { ...namedKey(file.packageId, file.fileName), ...file } })),
  ]
}

/**
 * Counts a file that is added. It adds to the record and does not depend on its revision: those who add at once wait
 * for each other but need not prepare anew. A status that the upload named must still be the package's.
 * @param revision the one that the other files were read with, where they decide
 */
const countedWrites = (
  { checks }: Permit,
  { packageId, createdAt }: PackageFile,
  status: PackageStatus | undefined,
  revision: number | undefined,
): Write[] => [
  ...checks,
  {
    update: packageKey(packageId),
    expression: 'SET updatedAt = :now ADD fileCount :one, revision :one',
    if: [
      `#status ${status === undefined ? '<>' : '='} :status AND fileCount < :limit`,
      ...(revision === undefined ? [] : ['revision = :revision']),
    ].join(' AND '),
    names: { '#status': 'status' },
    values: {
      ':now': createdAt,
      ':one': 1,
      ':status': status ?? 'pending_destruction',
      ':limit': FILES_PER_PACKAGE_LIMIT,
      ...(revision === undefined ? {} : { ':revision': revision }),
    },
    otherwise: 'again',
  },
]

/** Counts a file that is deleted. What else changes with it was read together with this revision. */
const discountedWrites = ({ checks }: Permit, { id, revision }: Package, now: string): Write[] => [
  ...checks,
  {
    update: packageKey(id),
    expression: 'SET updatedAt = :now ADD fileCount :minus, revision :one',
    if: 'revision = :revision',
    values: { ':now': now, ':minus': -1, ':one': 1, ':revision': revision },
    otherwise: 'again',
  },
]

/** The file becomes the newest of its name, unless one with a higher id was faster, which must then still be it. */
const newestWrite = (file: PackageFile, newest: PackageFile | undefined): Write => {
  const named = namedKey(file.packageId, file.fileName)
  if (!newest) return { put: { ...named, ...file }, if: 'attribute_not_exists(pk)', otherwise: 'again' }
  const held = { if: 'id = :newest', values: { ':newest': newest.id }, otherwise: 'again' } as const
  return newest.id < file.id ? { put: { ...named, ...file }, ...held } : { check: named, ...held }
}

const byName = (sort: Sort) => (one: PackageFile, other: PackageFile) => {
  const direction = sort === 'asc' ? 1 : -1
  if (one.fileName === other.fileName) return direction * (one.id - other.id)
  return direction * (one.fileName < other.fileName ? -1 : 1)
}
