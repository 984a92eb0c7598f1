import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { PackagesError, validationFailed } from '../domain/errors.ts'

/**
 * A tarball in a body that unpacks to more than this is refused: a few kilobytes can become gigabytes. A single long
 * header would be held in memory; tar-stream refuses those.
 */
export const UNPACKED_LIMIT_BYTES = 128 * 1024 * 1024
export const PACKAGE_JSON_LIMIT_BYTES = 1024 * 1024

const unreadable = (why: string) => validationFailed(`Validation failed: the tarball cannot be read: ${why}`)

/**
 * The package.json of a gzipped tarball: the one right below its only directory, whatever that is called; of several
 * the last, which is the one that unpacking leaves. The whole tarball is unpacked, so that a damaged or truncated one
 * is refused and not stored.
 * @param tarball read as it comes, and never held as a whole
 * @throws `validation_failed` when there is none, when it is no JSON object or when the tarball is damaged or too large
 */
export const readPackageJson = async (
  tarball: Uint8Array | AsyncIterable<Uint8Array>,
  unpackedLimit = UNPACKED_LIMIT_BYTES,
): Promise<Record<string, unknown>> => {
  let text: string | undefined
  let interruption: unknown
  const read = async function* () {
    try {
      yield* tarball instanceof Uint8Array ? [tarball] : tarball
    } catch (error) {
      interruption = error
      throw error
    }
  }
  const entries = extract()
  entries.on('entry', (header, body, next) => {
    // First of all: a refusal ends the body too, and an error that nobody listens to would end the process.
    body.on('error', next)
    const isWanted = /^(\.\/)?[^/]+\/package\.json$/.test(header.name)
    if (isWanted && (header.size ?? 0) > PACKAGE_JSON_LIMIT_BYTES) {
      return next(unreadable(`its package.json has more than ${PACKAGE_JSON_LIMIT_BYTES} bytes`))
    }
    const chunks: Buffer[] = []
    body.on('data', (chunk) => {
      if (isWanted) chunks.push(chunk as Buffer)
    })
    body.on('end', () => {
      if (isWanted) text = Buffer.concat(chunks).toString('utf8')
      next()
    })
  })

  try {
    await pipeline(read, createGunzip(), limitTo(unpackedLimit), entries)
  } catch (error) {
    // Bytes that do not come say nothing about the tarball.
    if (interruption !== undefined) throw interruption
    throw error instanceof PackagesError ? error : unreadable(error instanceof Error ? error.message : String(error))
  }
  if (text === undefined) throw unreadable('it has no package.json')
  return parsePackageJson(text)
}

const limitTo = (limit: number) => {
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > limit) done(unreadable(`it unpacks to more than ${limit} bytes`))
      else done(null, chunk)
    },
  })
}

const parsePackageJson = (text: string): Record<string, unknown> => {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // Told below in the same words as JSON that is no object.
  }
  throw unreadable('its package.json is no JSON object')
}
