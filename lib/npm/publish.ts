import { createHash } from 'node:crypto'
import { validationFailed } from '../domain/errors.ts'
import { assertOffered } from './changes.ts'
import { assertPackageName, assertTag, assertVersion, attachmentName, publishedVersion } from './names.ts'
import { readPackageJson } from './tarball.ts'

/** GitLab's limit on what it keeps of a version's package.json. */
export const MANIFEST_LIMIT = 20_000

/** What GitLab drops from a version before it is kept; a packument would only grow by it. */
const DROPPED = ['readme', 'readmeFilename', 'licenseText', 'contributors', 'exports', 'dist', '_attachments']

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']

/** Hashes of the bytes that arrived: hex, but `integrity` as npm writes it. */
export type Hashes = { md5: string; sha1: string; sha256: string; integrity: string }

/** A version that may be published: everything about it agrees with its tarball. */
export type PublishedVersion = {
  name: string
  version: string
  tag: string
  /** The version's package.json as a packument repeats it, as JSON. */
  manifest: string
}

export type Publish = PublishedVersion & { tarball: Buffer; hashes: Hashes }

/** @throws `validation_failed` for a name or a tag that no package may have */
export const assertPublishable = (name: string, tag: string): void => {
  assertPackageName(name)
  assertTag(tag)
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const asObject = (value: unknown): Json => (isObject(value) ? value : {})

const refuse = (problem: string) => validationFailed(`Validation failed: ${problem}`)

/**
 * Reads the body of `npm publish` as GitLab does: the first version, the first tag, the attachment of that version.
 * @param name as the path has it
 * @throws `validation_failed` for whatever does not agree
 */
export const parsePublish = async (name: string, body: Json): Promise<Publish> => {
  assertPackageName(name)
  if (body.name !== undefined && body.name !== name) throw refuse(`Name in the body is not ${name}`)

  assertOffered(body)
  const [version, given] = Object.entries(asObject(body.versions))[0] ?? []
  if (version === undefined || !isObject(given)) throw validationFailed('Version is empty.')
  assertVersion(version)
  const [tag = 'latest'] = Object.keys(asObject(body['dist-tags']))
  assertTag(tag)

  const tarball = readAttachment(body, name, version)
  const hashes = hashesOf(tarball)
  assertHashes(asObject(given.dist), hashes)
  assertIdentity('manifest', given, name, version)
  assertIdentity("tarball's package.json", await readPackageJson(tarball), name, version)
  return { name, version, tag, tarball, hashes, manifest: manifestOf(given) }
}

/**
 * The most that a tarball may have where it comes by itself, and what it unpacks to. It is read twice, for its hashes and
 * for its manifest, in less than API Gateway's 29 seconds.
 */
export const TARBALL_LIMIT_BYTES = 400_000_000
const UNPACKED_ALONE_LIMIT_BYTES = 1_000_000_000

/**
 * Reads a tarball that came by itself: what `npm publish` says of it besides is in its own package.json.
 * @param name as the path has it
 * @throws `validation_failed` for whatever does not agree
 */
export const parseTarball = async (
  name: string,
  tag: string,
  tarball: AsyncIterable<Uint8Array>,
): Promise<PublishedVersion> => {
  assertPublishable(name, tag)
  const given = await readPackageJson(tarball, UNPACKED_ALONE_LIMIT_BYTES)
  const version = publishedVersion(given.version) ?? (typeof given.version === 'string' ? given.version : '')
  assertVersion(version)
  assertIdentity("tarball's package.json", given, name, version)
  return { name, version, tag, manifest: manifestOf({ ...given, version, _id: `${name}@${version}` }) }
}

const readAttachment = (body: Json, name: string, version: string): Buffer => {
  const { data } = asObject(asObject(body._attachments)[attachmentName(name, version)])
  if (typeof data !== 'string' || data === '') throw validationFailed('Attachment data is empty.')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data) || data.length % 4 !== 0) throw refuse('Attachment data is not base64')
  return Buffer.from(data, 'base64')
}

const hashesOf = (bytes: Buffer): Hashes => ({
  md5: createHash('md5').update(bytes).digest('hex'),
  sha1: createHash('sha1').update(bytes).digest('hex'),
  sha256: createHash('sha256').update(bytes).digest('hex'),
  integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
})

/** A hash that the client made of other bytes tells of a damaged upload. */
const assertHashes = ({ shasum, integrity }: Json, hashes: Hashes) => {
  if (shasum !== undefined && shasum !== hashes.sha1) throw refuse('dist.shasum is not the SHA-1 of the attachment')
  const sha512 =
    typeof integrity === 'string' ? integrity.split(/\s+/).filter((part) => part.startsWith('sha512-')) : []
  if (sha512.some((part) => part.split('?')[0] !== hashes.integrity)) {
    throw refuse('dist.integrity is not the SHA-512 of the attachment')
  }
}

const assertIdentity = (where: string, json: Json, name: string, version: string) => {
  if (json.name !== name) throw refuse(`the name in the ${where} is not ${name}`)
  if (json.version !== version && publishedVersion(json.version) !== version) {
    throw refuse(`the version in the ${where} is not ${version}`)
  }
}

const manifestOf = (given: Json): string => {
  const kept = Object.fromEntries(Object.entries(given).filter(([field]) => !DROPPED.includes(field)))
  const scripts = asObject(given.scripts)
  const installs = INSTALL_SCRIPTS.some((script) => script in scripts)
  const manifest = JSON.stringify(installs ? { ...kept, hasInstallScript: true } : kept)
  if (manifest.length > MANIFEST_LIMIT) {
    throw refuse(`Package json is too large. The maximum is ${MANIFEST_LIMIT} characters`)
  }
  return manifest
}
