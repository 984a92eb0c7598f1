import { isSnapshot, isVersion } from './paths.ts'

/** Larger metadata is left as its clients wrote it: it would have tens of thousands of versions. */
export const METADATA_LIMIT_BYTES = 2_000_000

/** What is known of the versions of an artifact: those that are there, oldest first, and those that were deleted. */
export type Known = { versions: readonly string[]; deleted: readonly string[] }

export type Revision = { outcome: 'right' } | { outcome: 'empty' } | { outcome: 'revised'; xml: string }

const VERSIONING = /<versioning>([\s\S]*?)<\/versioning>/

const textOf = (xml: string, element: string) => new RegExp(`<${element}>\\s*([^<]*?)\\s*</${element}>`).exec(xml)?.[1]

const listed = (versioning: string): string[] => {
  const versions = /<versions>([\s\S]*?)<\/versions>/.exec(versioning)?.[1] ?? ''
  return [...versions.matchAll(/<version>\s*([^<\s]+)\s*<\/version>/g)].map(([, version = '']) => version)
}

/**
 * Compares the metadata of an artifact with its versions. Every version that is there belongs into it, none that was
 * deleted does; one that is neither stays, because it may be on its way. Metadata that fits is left as its client wrote
 * it, byte for byte, and so is metadata that is not about versions, such as that of a group of plugins.
 *
 * `empty` is metadata of which no version is left.
 * @param now ISO 8601
 */
export const reviseMetadata = (xml: string, { versions, deleted }: Known, now: string): Revision => {
  const versioning = VERSIONING.exec(xml)?.[1]
  if (versioning === undefined) return { outcome: 'right' }
  const before = listed(versioning)
  const gone = new Set(deleted)
  const kept = before.filter((version) => !gone.has(version))
  const after = [...kept, ...versions.filter((version) => !kept.includes(version))]
  if (after.length === 0) return { outcome: before.length > 0 ? 'empty' : 'right' }

  const [latest, release] = [textOf(versioning, 'latest'), textOf(versioning, 'release')]
  const fits = (version: string | undefined) => version === undefined || after.includes(version)
  if (after.join('\n') === before.join('\n') && fits(latest) && fits(release)) return { outcome: 'right' }
  const next = {
    // Maven itself leaves it out.
    latest: fits(latest) ? latest : after.at(-1),
    release: release !== undefined && fits(release) ? release : after.findLast((version) => !isSnapshot(version)),
    versions: after,
  }
  return { outcome: 'revised', xml: xml.replace(VERSIONING, () => versioningOf(next, now)) }
}

type Versioning = { latest: string | undefined; release: string | undefined; versions: readonly string[] }

/** As Maven writes it. */
const versioningOf = ({ latest, release, versions }: Versioning, now: string) =>
  [
    '<versioning>',
    ...(latest === undefined ? [] : [`  <latest>${latest}</latest>`]),
    ...(release === undefined ? [] : [`  <release>${release}</release>`]),
    '  <versions>',
    ...versions.filter(isVersion).map((version) => `    <version>${version}</version>`),
    '  </versions>',
    `  <lastUpdated>${now.replace(/\D/g, '').slice(0, 14)}</lastUpdated>`,
    '</versioning>',
  ].join('\n  ')
