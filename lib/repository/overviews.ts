import type { Package, PackageFile } from '../domain/package.ts'
import {
  deletedVersionFromItem,
  fileFromItem,
  holderFromItem,
  type Outdated,
  outdatedFromItem,
  versionFromItem,
} from './items.ts'
import {
  coordinatesKey,
  DELETED_PREFIX,
  type NameOfPackage,
  namedKey,
  OUTDATED_PARTITION,
  outdatedKey,
  VERSION_PREFIX,
} from './keys.ts'
import type { packageRecords } from './records.ts'
import type { Table } from './table.ts'

/**
 * The versions of a name beside what a format keeps for all of them. `versions` are in the order of creation; `deleted`
 * are those that were deleted lately and are not there again.
 */
export type Overview = {
  outdated: Outdated
  versions: string[]
  deleted: string[]
  kept: { package: Package; file: PackageFile } | undefined
}

/**
 * Versionless packages that may not fit the versions of their name. Each cause, a deleted version or a client that
 * writes down what it knew, leaves a note in its own transaction; whoever has made the two fit takes the note away.
 */
export const overviewRepository = (table: Table, { find }: Pick<ReturnType<typeof packageRecords>, 'find'>) => {
  const findKept = async (name: NameOfPackage, fileName: string): Promise<Overview['kept']> => {
    const item = await table.get(coordinatesKey({ ...name, version: null }))
    if (!item) return undefined
    const { id } = holderFromItem(item)
    const [found, file] = await Promise.all([find(id), table.get(namedKey(id, fileName))])
    return found && file && { package: found, file: fileFromItem(file) }
  }

  return {
    /** All names that are noted. */
    async listOutdated(): Promise<Outdated[]> {
      return (await table.queryAll({ pk: OUTDATED_PARTITION })).map(outdatedFromItem)
    },

    /** Those of the names that are noted. */
    async outdatedAmong(names: readonly NameOfPackage[]): Promise<Outdated[]> {
      return (await table.getAll(names.map(outdatedKey))).map(outdatedFromItem)
    },

    /**
     * What there is to compare, or undefined when nothing is noted. The note is read first: a cause that comes later
     * leaves another one, which `settled` will not take away.
     * @param fileName in which file the format keeps what is of all versions
     */
    async findOutdated(name: NameOfPackage, fileName: string): Promise<Overview | undefined> {
      const note = await table.get(outdatedKey(name))
      if (!note) return undefined
      const { pk } = coordinatesKey({ ...name, version: null })
      const [kept, versions, deleted] = await Promise.all([
        findKept(name, fileName),
        table.queryAll({ pk, prefix: VERSION_PREFIX }),
        table.queryAll({ pk, prefix: DELETED_PREFIX }),
      ])
      const here = versions.map(versionFromItem).sort((one, other) => one.id - other.id)
      const isHere = new Set(here.map(({ version }) => version))
      return {
        outdated: outdatedFromItem(note),
        versions: here.map(({ version }) => version),
        deleted: deleted.map(deletedVersionFromItem).filter((version) => !isHere.has(version)),
        kept,
      }
    },

    /** Takes the note away, unless there is a newer one. @returns whether it is gone */
    async settled(outdated: Outdated): Promise<boolean> {
      let isGone = true
      await table.transact(async () => {
        const note = await table.get(outdatedKey(outdated))
        isGone = note === undefined || outdatedFromItem(note).mark === outdated.mark
        if (!note || !isGone) return []
        const same = { if: 'mark = :mark', values: { ':mark': outdated.mark }, otherwise: 'again' } as const
        return [{ delete: outdatedKey(outdated), ...same }]
      })
      return isGone
    },
  }
}
