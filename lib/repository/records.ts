import { randomUUID } from 'node:crypto'
import { notFound } from '../domain/errors.ts'
import type { Package, PackageStatus, PackageType, Tag } from '../domain/package.ts'
import type { Located, Project } from '../domain/project.ts'
import { noteDue } from './counting.ts'
import type { Permit } from './guard.ts'
import { packageFromItem } from './items.ts'
import { type NameOfPackage, outdatedKey, packageKey } from './keys.ts'
import { countPublications, newPublications } from './publications.ts'
import { type Change, isCounted, readOwnNames, shelfWrites } from './shelves.ts'
import type { Table, Write } from './table.ts'
import type { transitRepository } from './transit.ts'

/** How long what was deleted waits for its removal, and may be restored. */
export const RESTORE_WINDOW_DAYS = 7
const DAY_MS = 24 * 60 * 60 * 1000

/** When the removal of what is deleted now is due, in ISO 8601. */
export const dueAfter = (now: string) => new Date(Date.parse(now) + RESTORE_WINDOW_DAYS * DAY_MS).toISOString()

/**
 * Where a project is, whether the job that counts its lists has heard of a change of them, and whether the contents of the
 * groups around have been told of the package that lists are to show: who tries again with it tells them once.
 */
type Place = Located<Project> & { isNoted?: boolean; isTold?: boolean }

/** What every writer of packages starts from: the record and its place, and the writes that keep both in step. */
export const packageRecords = (table: Table, { placed }: Pick<ReturnType<typeof transitRepository>, 'placed'>) => {
  const find = async (id: number): Promise<Package | undefined> => {
    const item = await table.get(packageKey(id))
    return item && packageFromItem(item)
  }

  // Not in the transaction, where all who publish into the project would meet on it.
  const noteCounted = ({ id }: Pick<Project, 'id'>) => noteDue(table, { kind: 'project', id })

  return {
    find,

    async stored(id: number): Promise<Package> {
      const record = await find(id)
      if (!record) throw notFound('package')
      return record
    },

    placed,

    /** The place of a project for a change that its lists count, which is noted meanwhile. @throws `not_found` */
    async placedToCount(asRead: Parameters<typeof placed>[0]): Promise<Place> {
      const [place] = await Promise.all([placed(asRead), noteCounted(asRead)])
      return { ...place, isNoted: true }
    },

    /** Records and shelves of packages that change together. A record that another writer changed says `'again'`. */
    packageWrites: async (permit: Permit, place: Place, changes: readonly Change[]): Promise<Write[]> => {
      const more = place.isTold ? undefined : newPublications(changes, place.thing.publications)
      const [ownNames] = await Promise.all([
        readOwnNames(table, place, changes),
        changes.some(isCounted) && !place.isNoted ? noteCounted(place.thing) : undefined,
        more && countPublications(table, place.thing, more),
      ])
      if (more) place.isTold = true
      return [
        ...permit.checks,
        ...changes.map(
          ({ before, after }): Write => ({
            put: { ...packageKey(after.id), ...after },
            ...(before
              ? { if: 'revision = :revision', values: { ':revision': before.revision }, otherwise: 'again' }
              : { if: 'attribute_not_exists(pk)' }),
          }),
        ),
        ...shelfWrites(place, changes, ownNames),
      ]
    },
  }
}

export type Arriving = {
  id: number
  name: string
  version: string | null
  type: PackageType
  status: PackageStatus
  creatorId: number | null
  createdAt: string
}

export const newRecord = (
  projectId: number,
  { id, name, version, type, status, creatorId, createdAt }: Arriving,
  fileCount: number,
  tags: Tag[],
): Package => ({
  id,
  projectId,
  name,
  version,
  type,
  status,
  createdAt,
  lastDownloadedAt: null,
  tags,
  creatorId,
  updatedAt: createdAt,
  fileCount,
  revision: 1,
})

export const changed = (before: Package, change: Partial<Package>): Change => ({
  before,
  after: { ...before, ...change, revision: before.revision + 1 },
})

/**
 * Notes that the versionless package of a name may not fit its versions any more: in the transaction that is the cause,
 * so that whoever stops after it leaves the work for others.
 */
export const outdatedWrite = ({ projectId, type, name }: NameOfPackage): Write => ({
  put: { ...outdatedKey({ projectId, type, name }), projectId, type, name, mark: randomUUID() },
})

/** What the item of a version's coordinates holds. */
export const versionOf = ({ id, version, createdAt, status }: Package) => ({ id, version, createdAt, status })
