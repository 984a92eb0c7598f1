import { isSnapshot, isVersion } from './paths.ts'

/** Larger metadata is left as its clients wrote it: it would have tens of thousands of versions. */
export const METADATA_LIMIT_BYTES = 2_000_000

/** What is known of the versions of an artifact: those that are there, oldest first, and those that were deleted. */
export type Known = { versions: readonly string[]; deleted: readonly string[] }

export type Revision = { outcome: 'right' } | { outcome: 'empty' } | { outcome: 'revised'; xml: string }

/** The first element of a name: where it stands, and what is in it. One pass, whatever a client has sent. */
const elementIn = (xml: string, name: string) => {
  const [opening, closing] = [`<${name}>`, `</${name}>`]
  const from = xml.indexOf(opening)
  const to = from < 0 ? -1 : xml.indexOf(closing, from)
  if (to < 0) return undefined
  return { from, to: to + closing.length, text: xml.slice(from + opening.length, to).trim() }
}

const listed = (versioning: string): string[] => {
  const versions = elementIn(versioning, 'versions')?.text ?? ''
  return versions.split('<version>').flatMap((part) => elementIn(`<version>${part}`, 'version')?.text || [])
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
  const versioning = elementIn(xml, 'versioning')
  if (!versioning) return { outcome: 'right' }
  const before = listed(versioning.text)
  const gone = new Set(deleted)
  const after = [...new Set([...before.filter((version) => !gone.has(version)), ...versions])]
  if (after.length === 0) return { outcome: before.length > 0 ? 'empty' : 'right' }

  const [latest, release] = ['latest', 'release'].map((name) => elementIn(versioning.text, name)?.text)
  const fits = (version: string | undefined) => version === undefined || after.includes(version)
  if (after.join('\n') === before.join('\n') && fits(latest) && fits(release)) return { outcome: 'right' }
  const next = {
    // Maven itself leaves it out.
    latest: fits(latest) ? latest : after.at(-1),
    release: release !== undefined && fits(release) ? release : after.findLast((version) => !isSnapshot(version)),
    versions: after,
  }
  const revised = `${xml.slice(0, versioning.from)}${versioningOf(next, now)}${xml.slice(versioning.to)}`
  return { outcome: 'revised', xml: revised }
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
