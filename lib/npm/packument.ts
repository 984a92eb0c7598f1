import { createHash } from 'node:crypto'
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

/**
 * A version as the repository knows it. `deprecated` says why not to use it, or nothing; `base` is the URL of the
 * registry below which its tarball is.
 */
export type Version = {
  id: number
  version: string
  createdAt: string
  status: PackageStatus
  deprecated: string
  details: unknown
  base: string
}

/**
 * What a client wants a packument for: to show all about a package, to install from it, or to send it back changed, as
 * npm does to deprecate and unpublish, through the limit of a body.
 */
export type Form = 'full' | 'install' | 'write'

export const MEDIA_TYPES = {
  full: 'application/json',
  install: 'application/vnd.npm.install-v1+json',
  write: 'application/json',
} as const satisfies Record<Form, string>

/** What an install needs of a manifest. Source: npm's registry documentation, responses/package-metadata.md. */
const INSTALL_FIELDS = new Set([
  ...['dependencies', 'optionalDependencies', 'devDependencies', 'peerDependencies', 'peerDependenciesMeta'],
  ...['bundleDependencies', 'bundledDependencies', 'acceptDependencies', 'bin', 'directories', 'engines', 'os', 'cpu'],
  ...['libc', 'funding', '_hasShrinkwrap', 'hasInstallScript'],
])

const fieldsFor: Record<Form, (manifest: object) => object> = {
  full: (manifest) => manifest,
  install: (manifest) => Object.fromEntries(Object.entries(manifest).filter(([field]) => INSTALL_FIELDS.has(field))),
  write: () => ({}),
}

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
 * Versions of one name from several projects. Of equal versions the newest is shown; of equal tags, on versions that are
 * shown, the one that was set last.
 */
export const mergeProjects = (found: readonly { versions: readonly Version[]; tags: readonly Tag[] }[]) => {
  const newest = new Map<string, Version>()
  for (const version of found.flatMap(({ versions }) => versions).filter(({ status }) => isOpenable(status))) {
    if (version.id > (newest.get(version.version)?.id ?? 0)) newest.set(version.version, version)
  }
  const versions = [...newest.values()]
  const shown = new Set(versions.map(({ id }) => id))
  const tags = found
    .flatMap((project) => project.tags)
    .filter(({ packageId }) => shown.has(packageId))
    .sort((one, other) => (one.updatedAt < other.updatedAt ? -1 : 1))
  return { versions, tags }
}

const presentVersion = (name: string, form: Form, { version, deprecated, details: stored, base }: Version) => {
  const { manifest, sha1, integrity } = parseDetails(stored)
  const tarball = `${base}/${name}/-/${attachmentName(name, version)}`
  return {
    ...fieldsFor[form](JSON.parse(manifest)),
    name,
    version,
    ...(deprecated === '' ? {} : { deprecated }),
    dist: { shasum: sha1, integrity, tarball },
  }
}

const timesOf = (versions: readonly Version[]) => {
  const times = versions.map(({ createdAt }) => createdAt).sort()
  return {
    created: times[0],
    modified: times.at(-1),
    ...Object.fromEntries(versions.map(({ version, createdAt }) => [version, createdAt])),
  }
}

/**
 * Counts what a packument has: the id of its newest version. Who sends one back tells by it which versions he knew, so
 * that no version which came later is taken for one that he removed.
 */
export const revisionOf = (versions: readonly Pick<Version, 'id'>[]) => Math.max(...versions.map(({ id }) => id))

/**
 * The document npm reads before it installs, as JSON; undefined when no version is to be had. Thousands of manifests
 * pass through it one by one: as objects all at once they would take several times the memory of their text.
 */
export const presentPackument = (
  name: string,
  versions: readonly Version[],
  tags: readonly Tag[],
  form: Form = 'full',
): string | undefined => {
  const visible = versions.filter(({ status }) => isOpenable(status))
  if (visible.length === 0) return undefined

  const rest = {
    _id: name,
    _rev: String(revisionOf(visible)),
    name,
    'dist-tags': distTags(visible, tags),
    // pnpm and yarn leave versions out that are too young, and would ask again for a form that tells.
    ...(form === 'write' ? {} : { time: timesOf(visible) }),
    ...(form === 'install' ? { modified: timesOf(visible).modified } : {}),
  }
  const members = visible.map(
    (version) => `${JSON.stringify(version.version)}:${JSON.stringify(presentVersion(name, form, version))}`,
  )
  return `${JSON.stringify(rest).slice(0, -1)},"versions":{${members.join(',')}}}`
}

/** Weak: the same packument goes out compressed and as it is. */
export const entityTag = (text: string) => `W/"${createHash('sha256').update(text).digest('base64url')}"`
