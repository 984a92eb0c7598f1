import { validationFailed } from '../domain/errors.ts'
import type { Package } from '../domain/package.ts'
import { type Coordinates, detailsKey, detailsSizeKey, keptDetailsKey } from './keys.ts'
import { versionOf } from './records.ts'
import type { Item, Write } from './table.ts'

/**
 * Details of all versions of a name are read together. This bounds how many reads that takes, of 1 MB each, and how much
 * memory: three thousand versions fit, each with the largest manifest that npm may publish.
 */
export const DETAILS_PER_NAME_LIMIT_BYTES = 72_000_000
/** A version counts with what its format keeps, and with this for its keys and for what is added later. */
const OVERHEAD_BYTES = 2_000

/** How much a version counts with. */
export const sizeOfDetails = (details: Item) => Buffer.byteLength(JSON.stringify(details)) + OVERHEAD_BYTES

/** What a format keeps of a version that arrives. @throws `validation_failed` when its name holds too much already */
export const detailsWrites = (record: Package, details: Item): Write[] => {
  const keptBytes = sizeOfDetails(details)
  return [
    { put: { ...detailsKey(record), ...versionOf(record), details, keptBytes } },
    {
      update: detailsSizeKey(record),
      expression: 'ADD keptBytes :bytes',
      if: 'attribute_not_exists(keptBytes) OR keptBytes <= :room',
      values: { ':bytes': keptBytes, ':room': DETAILS_PER_NAME_LIMIT_BYTES - keptBytes },
      otherwise: () =>
        validationFailed(
          `Validation failed: The versions of a package may have at most ${DETAILS_PER_NAME_LIMIT_BYTES} bytes of package.json together`,
        ),
    },
  ]
}

/** Details of versions of one name that are no more: they wait beside the records. `gone` are their items. */
export const keptDetailsWrites = (coordinates: Coordinates, gone: readonly Item[]): Write[] => {
  if (gone.length === 0) return []
  const bytes = gone.reduce((sum, { keptBytes }) => sum + Number(keptBytes ?? 0), 0)
  return [
    ...gone.flatMap((item): Write[] => [
      { delete: detailsKey({ ...coordinates, version: String(item.version) }) },
      { put: { ...item, ...keptDetailsKey(Number(item.id)) } },
    ]),
    { update: detailsSizeKey(coordinates), expression: 'ADD keptBytes :less', values: { ':less': -bytes } },
  ]
}
