import type { PlaceInside } from './project.ts'

/**
 * GitLab's package types with the number that `order_by=type` sorts by.
 * Source: `package_type` in GitLab's Packages::Package model.
 */
export const PACKAGE_TYPES = {
  maven: 1,
  npm: 2,
  conan: 3,
  nuget: 4,
  pypi: 5,
  composer: 6,
  generic: 7,
  golang: 8,
  debian: 9,
  rubygems: 10,
  helm: 11,
  terraform_module: 12,
  rpm: 13,
  ml_model: 14,
} as const

export type PackageType = keyof typeof PACKAGE_TYPES
export const packageTypes = Object.keys(PACKAGE_TYPES) as PackageType[]

export const packageStatuses = [
  'default',
  'hidden',
  'processing',
  'error',
  'pending_destruction',
  'deprecated',
] as const
export type PackageStatus = (typeof packageStatuses)[number]

/** A label on one version, such as npm's `latest`. A name is on one version of a package at a time. */
export type Tag = { id: number; packageId: number; name: string; createdAt: string; updatedAt: string }

/**
 * A package as it stands in a list. Times are ISO 8601 in UTC with milliseconds. `place` is that of its project inside
 * the group whose list it is read from; elsewhere there is none. `placeHash` stands for the one where its project was when
 * the row was written, if it is read from the project's own shelf.
 */
export type PackageEntry = {
  id: number
  projectId: number
  name: string
  /** null: versionless, as the holder of Maven's artifact-level metadata. */
  version: string | null
  type: PackageType
  status: PackageStatus
  createdAt: string
  lastDownloadedAt: string | null
  tags: Tag[]
  place?: PlaceInside | undefined
  placeHash?: string | undefined
}

/** The whole record. `revision` grows with each change; `fileCount` counts the files that are listed. */
export type Package = PackageEntry & {
  creatorId: number | null
  updatedAt: string
  fileCount: number
  revision: number
}

/**
 * `size` in bytes; hashes in lower-case hex, computed by us from the bytes that arrived. SHA-512 is kept where the
 * clients of a format ask for it.
 */
export type PackageFile = {
  id: number
  packageId: number
  fileName: string
  size: number
  md5: string
  sha1: string
  sha256: string
  sha512?: string | undefined
  createdAt: string
}

/** Another version of the same package, as `versions[]` of a single package shows it. */
export type PackageVersion = { id: number; version: string; createdAt: string; status: PackageStatus; tags: Tag[] }

export const PACKAGE_NAME_LIMIT = 255
export const PACKAGE_VERSION_LIMIT = 255
/** All tags of a name are one item, which DynamoDB ends at 400 KB; those of a version are in every row that shows it. */
export const TAGS_PER_NAME_LIMIT = 1_000
export const TAGS_PER_VERSION_LIMIT = 100
export const FILE_NAME_LIMIT = 255

/** The most files one package holds: a list by file name, and some deletes of a file, read all of them. */
export const FILES_PER_PACKAGE_LIMIT = 10_000

/** Directories in the name of a file, as GitLab keeps them: a slash is encoded, so that a name has one part. */
const SLASH = '%2F'
export const inDirectories = (parts: readonly string[]) => parts.join(SLASH)
export const directoriesOf = (fileName: string) => fileName.split(SLASH)

/** The name to save a file under: npm's names have the scope in front, others may have directories. */
export const baseNameOf = (fileName: string) => directoriesOf(fileName).at(-1)?.split('/').at(-1) ?? fileName

/** Listed without asking for a status. */
export const isDisplayable = (status: PackageStatus) =>
  status === 'default' || status === 'deprecated' || status === 'error'

/** Found by id for reading. GitLab lists `error` packages but does not open them. */
export const isOpenable = (status: PackageStatus) => status === 'default' || status === 'deprecated'

/** Its files may be downloaded by whoever knows its name: hidden from lists is not withheld. */
export const isInstallable = (status: PackageStatus) => isOpenable(status) || status === 'hidden'
