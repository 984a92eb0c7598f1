import semver from 'semver'
import validateName from 'validate-npm-package-name'
import { tooLong, validationFailed } from '../domain/errors.ts'
import { PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT } from '../domain/package.ts'

export const TAG_LIMIT = 255

/** They would leave a folder, and no client can send them in a path. */
const isTraversal = (text: string) => text === '.' || text === '..'

/** A name that npm publishes today or took in the past. */
export const isPackageName = (name: string) =>
  name.length <= PACKAGE_NAME_LIMIT &&
  validateName(name).validForOldPackages &&
  /^[\x21-\x7e]+$/.test(name) &&
  !name.replace(/^@/, '').split('/').some(isTraversal)

/** Exactly a semantic version: no `v` in front, no blank that a parser would drop. Build metadata is part of it. */
export const isVersion = (version: string) =>
  version.length <= PACKAGE_VERSION_LIMIT && /^\d\S*$/.test(version) && semver.valid(version) !== null

/** What npm publishes a package.json's version as: without a `v` and build metadata, which stay in the tarball. */
export const publishedVersion = (version: unknown) =>
  typeof version === 'string' ? semver.clean(version, { loose: true }) : null

/** npm cannot tell a tag that reads as a range from that range. */
export const isTag = (tag: string) =>
  tag.length <= TAG_LIMIT && /^[\w.~@+-]+$/.test(tag) && !isTraversal(tag) && semver.validRange(tag) === null

/** Its length is told of first: what is too long may well be right otherwise. */
const assertion = (field: string, limit: number, isValid: (text: string) => boolean) => (text: string) => {
  if (text.length > limit) throw validationFailed(`Validation failed: ${field} ${tooLong(limit)}`)
  if (!isValid(text)) throw validationFailed(`Validation failed: ${field} is invalid`)
}

/** Each throws `validation_failed` for what no package may have. */
export const assertPackageName = assertion('Name', PACKAGE_NAME_LIMIT, isPackageName)
export const assertVersion = assertion('Version', PACKAGE_VERSION_LIMIT, isVersion)
export const assertTag = assertion('Tag name', TAG_LIMIT, isTag)

const unscoped = (name: string) => name.slice(name.indexOf('/') + 1)

/** As npm names a tarball in a publish and GitLab the package's file, the scope included. */
export const attachmentName = (name: string, version: string) => `${name}-${version}.tgz`

/** What a path below the registry's base is about: a package, or one tarball of it. */
export type PackagePath = { name: string; version?: string }

/**
 * Reads `name`, `@scope/name` or either followed by `/-/<tarball>`, where the tarball may repeat the scope.
 * Slashes of scopes arrive encoded or plain.
 */
export const parsePackagePath = (path: string): PackagePath | undefined => {
  const [, name = '', file] = /^(@[^/]+\/[^/]+|[^/@][^/]*)(?:\/-\/(.+))?$/.exec(path) ?? []
  if (!isPackageName(name)) return undefined
  if (file === undefined) return { name }

  const start = [`${name}-`, `${unscoped(name)}-`].find((prefix) => file.startsWith(prefix))
  const version = start !== undefined && file.endsWith('.tgz') ? file.slice(start.length, -'.tgz'.length) : ''
  return isVersion(version) ? { name, version } : undefined
}

/**
 * Reads what `npm unpublish` sends: the same with the revision of the packument behind it, `name/-rev/<revision>` or
 * `name/-/<tarball>/-rev/<revision>`. A revision that no packument has, as clients make it of none, is undefined.
 */
export const parseRevisedPath = (path: string): (PackagePath & { revision: number | undefined }) | undefined => {
  const [, before = '', text = ''] = /^(.+)\/-rev\/([^/]*)$/.exec(path) ?? []
  const found = parsePackagePath(before)
  return found && { ...found, revision: /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined }
}

/** The top-level namespace whose packages of this name the whole instance may be asked for. */
export const scopeOf = (name: string): string | undefined => /^@([^/]+)\/./.exec(name)?.[1]

export const highestVersion = (versions: readonly string[]) => semver.rsort([...versions])[0]
