import * as v from 'valibot'
import { isOpenable, type PackageStatus, type Tag } from '../domain/package.ts'
import { attachmentName, highestVersion } from './names.ts'

/** What is kept of a version for packuments and downloads. */
const details = v.object({
  manifest: v.string(),
  sha1: v.string(),
  integrity: v.string(),
  fileId: v.number(),
})
export type NpmDetails = v.InferOutput<typeof details>

export const parseDetails = (stored: unknown): NpmDetails => v.parse(details, stored)

/** A version as the repository knows it. */
export type Version = { id: number; version: string; createdAt: string; status: PackageStatus; details: unknown }

/** Tags by name. `latest` is always there: without the tag it is the highest version. */
export const distTags = (
  versions: readonly Pick<Version, 'id' | 'version' | 'status'>[],
  tags: readonly Tag[],
): Record<string, string> => {
  const visible = versions.filter(({ status }) => isOpenable(status))
  const byId = new Map(visible.map(({ id, version }) => [id, version]))
  const set = tags.flatMap(({ name, packageId }) => {
    const version = byId.get(packageId)
    return version === undefined ? [] : [[name, version] as const]
  })
  const highest = highestVersion(visible.map(({ version }) => version))
  return { ...(highest === undefined ? {} : { latest: highest }), ...Object.fromEntries(set) }
}

/**
 * The document npm reads before it installs; undefined when no version is to be had.
 * @param base the registry's base URL, below which tarballs are
 */
export const presentPackument = (name: string, versions: readonly Version[], tags: readonly Tag[], base: string) => {
  const visible = versions.filter(({ status }) => isOpenable(status))
  if (visible.length === 0) return undefined

  const times = visible.map(({ createdAt }) => createdAt).sort()
  return {
    _id: name,
    name,
    'dist-tags': distTags(visible, tags),
    versions: Object.fromEntries(
      visible.map(({ version, details: stored }) => {
        const { manifest, sha1, integrity } = parseDetails(stored)
        const tarball = `${base}/${name}/-/${attachmentName(name, version)}`
        return [version, { ...JSON.parse(manifest), name, version, dist: { shasum: sha1, integrity, tarball } }]
      }),
    ),
    time: {
      created: times[0],
      modified: times.at(-1),
      ...Object.fromEntries(visible.map(({ version, createdAt }) => [version, createdAt])),
    },
  }
}
