import { notOffered, PackagesError, validationFailed } from '../domain/errors.ts'
import { isVersion } from './names.ts'

/** More than anybody says; all versions of a package may carry it. */
export const DEPRECATION_LIMIT = 1_024

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Both bodies are a whole packument. @throws `validation_failed` when it has no versions, or another name than the path */
const versionsIn = (name: string, body: Json): Json => {
  if (body.name !== undefined && body.name !== name) {
    throw validationFailed(`Validation failed: Name in the body is not ${name}`)
  }
  assertOffered(body)
  if (!isObject(body.versions) || Object.keys(body.versions).length === 0) {
    throw validationFailed('Validation failed: versions is missing or empty')
  }
  return body.versions
}

/** Other things about a package, which npm sends to the same routes without any versions. */
const OTHER_THINGS = {
  users: 'npm star is not offered',
  maintainers: 'npm owner is not offered; roles in the project and in the groups around it say who publishes',
}

/** @throws `not_offered` */
export const assertOffered = (body: Json): void => {
  if (body.versions !== undefined) return
  for (const [field, what] of Object.entries(OTHER_THINGS)) if (Object.hasOwn(body, field)) throw notOffered(what)
}

/**
 * Reads the body of `npm deprecate`: what it says of which versions; nothing is to deprecate no longer.
 * @throws `validation_failed`
 */
export const parseDeprecations = (name: string, body: Json): Map<string, string> => {
  const messages = new Map<string, string>()
  for (const [version, given] of Object.entries(versionsIn(name, body))) {
    const message = isObject(given) ? given.deprecated : undefined
    if (message === undefined || !isVersion(version)) continue
    if (typeof message !== 'string' || !message.isWellFormed()) {
      throw validationFailed(`Validation failed: deprecated of version ${version} is not text`)
    }
    if (message.length > DEPRECATION_LIMIT) {
      throw validationFailed(`Validation failed: deprecated may have at most ${DEPRECATION_LIMIT} characters`)
    }
    messages.set(version, message)
  }
  if (messages.size === 0) throw validationFailed('"package versions to deprecate" not given')
  return messages
}

/**
 * Reads the body of `npm unpublish`: the packument without the versions that are to go.
 * @returns the versions that stay
 * @throws `validation_failed`
 */
export const parseKept = (name: string, body: Json): Set<string> => new Set(Object.keys(versionsIn(name, body)))

/**
 * What is to be removed, which may be nothing. Only a version that the packument had counts as gone from it: what was
 * published since is not in it either.
 * @param revision of that packument; see `revisionOf`
 * @throws `conflict` when a version that stays is not there
 */
export const removedFrom = <Version extends { id: number; version: string }>(
  kept: ReadonlySet<string>,
  revision: number,
  versions: readonly Version[],
): Version[] => {
  const known = versions.filter(({ id }) => id <= revision)
  const knownVersions = new Set(known.map(({ version }) => version))
  const strange = [...kept].find((version) => !knownVersions.has(version))
  if (strange !== undefined) {
    throw new PackagesError({
      code: 'conflict',
      message: `409 Conflict - version ${strange} is not there, or was not at that revision; read the package again`,
    })
  }
  return known.filter(({ version }) => !kept.has(version))
}
