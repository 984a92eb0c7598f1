import { invalidParameters, validationFailed } from '../domain/errors.ts'
import { FILE_NAME_LIMIT, PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT } from '../domain/package.ts'

/** Which package a path is about, and which of its files. Without a version it is about the artifact as a whole. */
export type MavenPath = { name: string; version: string | null; fileName: string }

/** What Maven knows of an artifact, or of the builds of a snapshot, besides their files. */
export const METADATA_FILE = 'maven-metadata.xml'

const SNAPSHOT = '-SNAPSHOT'
export const isSnapshot = (version: string) => version.endsWith(SNAPSHOT)

/** The name of a snapshot's file without what tells one build from another, such as `-20260724.101530-1`. */
export const withoutBuild = (fileName: string) => fileName.replaceAll(/-\d{8}\.\d{6}-\d+/g, '')

const isTraversal = (text: string) => text === '.' || text === '..'

/** Letters, digits and `. _ -`. Source of the rules: `lib/gitlab/regex/packages.rb` in GitLab. */
const isNamePart = (text: string) => /^[\w.-]+$/.test(text) && !isTraversal(text)

/** `group/as/slashes/artifact`; only metadata can be of a group alone. */
const isName = (name: string, leastParts: number) => {
  const parts = name.split('/')
  return name.length <= PACKAGE_NAME_LIMIT && parts.length >= leastParts && parts.every(isNamePart)
}

/** Letters, digits and `. _ - +`, without two dots in a row. */
export const isVersion = (text: string) =>
  text.length <= PACKAGE_VERSION_LIMIT && /^[\w.+-]+$/.test(text) && !text.includes('..') && !isTraversal(text)

const isFileName = (text: string) =>
  text.length <= FILE_NAME_LIMIT && /^[A-Za-z0-9._+-]+$/.test(text) && !isTraversal(text)

/** The metadata itself, a hash of it or a signature. */
const isMetadata = (fileName: string) => fileName === METADATA_FILE || fileName.startsWith(`${METADATA_FILE}.`)

const FILE_RULE = `file_name is invalid: it may have letters, digits and . _ - +, ${FILE_NAME_LIMIT} at the most`
const NAME_RULE = `Validation failed: Name is invalid: it is the group ID with slashes and the artifact ID, each of letters, digits and . _ -, ${PACKAGE_NAME_LIMIT} at the most`
const VERSION_RULE = `Validation failed: Version is invalid: it may have letters, digits and . _ - + but no two dots in a row, ${PACKAGE_VERSION_LIMIT} at the most`

/**
 * Reads what stands below the base of a repository, decoded: `com/mycompany/my-app/1.0/my-app-1.0.jar`. Metadata is of
 * the artifact as a whole, unless it is that of a snapshot, which is one of the snapshot's files.
 * @throws `parameters_invalid` for the name of the file, `validation_failed` for the rest
 */
export const parseMavenPath = (path: string): MavenPath => {
  const parts = path.split('/')
  const fileName = parts.pop() ?? ''
  if (!isFileName(fileName)) throw invalidParameters(FILE_RULE)

  const last = parts.at(-1) ?? ''
  const isOfArtifact = isMetadata(fileName) && !isSnapshot(last)
  const version = isOfArtifact ? null : last
  const name = (isOfArtifact ? parts : parts.slice(0, -1)).join('/')
  if (!isName(name, isOfArtifact ? 1 : 2)) throw validationFailed(NAME_RULE)
  if (version !== null && !isVersion(version)) throw validationFailed(VERSION_RULE)
  return { name, version, fileName }
}

/** The same for those who only read: what no path can be is just not there, and the next repository is asked. */
export const readMavenPath = (path: string): MavenPath | undefined => {
  try {
    return parseMavenPath(path)
  } catch {
    return undefined
  }
}

/** Hashes that Maven and Gradle ask for, and upload, in a file beside the file. */
const HASHES = ['md5', 'sha1', 'sha256', 'sha512'] as const
type HashName = (typeof HASHES)[number]
export type Sidecar = { fileName: string; hash: HashName | undefined }

/** What a name of a file is about: the hash of another file, or, without `hash`, the file itself. */
export const sidecarOf = (fileName: string): Sidecar => {
  const hash = HASHES.find((name) => fileName.endsWith(`.${name}`))
  return hash ? { fileName: fileName.slice(0, -hash.length - 1), hash } : { fileName, hash: undefined }
}

/** The hash in a sidecar's body. Some tools write the name of the file behind it, as `sha1sum` does. */
export const parseSidecar = (body: Buffer): string =>
  body.subarray(0, SIDECAR_BYTES).toString('utf8').trim().split(/\s+/)[0]?.toLowerCase() ?? ''

/** More than the longest hash and a name of a file. */
const SIDECAR_BYTES = 1_024

/** Every path above a package's name, itself included, the longest first: where the instance looks for its project. */
export const pathsAbove = (name: string): string[] => {
  const parts = name.split('/')
  return parts.map((_, place) => parts.slice(0, parts.length - place).join('/'))
}
