import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { PackagesError } from '../../../lib/domain/errors.ts'
import { parsePublish } from '../../../lib/npm/publish.ts'
import { readPackageJson } from '../../../lib/npm/tarball.ts'
import { type Json, publishBody, tarballOf } from '../../support/world.ts'

const NAME = '@foo/bar'
const VERSION = '1.0.0'
const SEED = 20_190_403

/** Anything but success and a refusal would be a bug that answers 500, or ends the process. */
const outcome = async (work: Promise<unknown>) => {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (error instanceof PackagesError && error.failure.code === 'validation_failed') return 'refused'
    throw error
  }
}

/** Every place in a JSON value, as the keys that lead there. */
const places = (value: unknown, path: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))]
    : [path]

const replaced = (value: unknown, [key, ...rest]: string[], by: unknown): unknown =>
  key === undefined ? by : { ...(value as Json), [key]: replaced((value as Json)[key], rest, by) }

describe('parsePublish', () => {
  it('takes or refuses whatever stands in any place of a body', async () => {
    const good = await publishBody(NAME, VERSION, { manifest: { scripts: { install: 'make' } } })
    const anywhere = fc.constantFrom(...places(good).filter((path) => path.length > 0))

    await fc.assert(
      fc.asyncProperty(anywhere, fc.jsonValue(), async (path, value) => {
        await outcome(parsePublish(NAME, replaced(good, path, value) as Json))
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('takes or refuses any JSON object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (body) => {
        expect(await outcome(parsePublish(NAME, body as Json))).toBe('refused')
      }),
      { seed: SEED },
    )
  })

  it('keeps in the manifest what packuments show and drops what they do not', async () => {
    const manifest = { description: 'a bar', readme: '# A bar', exports: './bar.js', scripts: { test: 'true' } }
    const published = await parsePublish(NAME, await publishBody(NAME, VERSION, { manifest }))

    expect(published).toMatchObject({ name: NAME, version: VERSION, tag: 'latest' })
    expect(JSON.parse(published.manifest)).toEqual({
      _id: '@foo/bar@1.0.0',
      name: NAME,
      version: VERSION,
      description: 'a bar',
      scripts: { test: 'true' },
    })
  })
})

describe('readPackageJson', () => {
  it('reads or refuses an archive with any bytes changed', async () => {
    const archive = gunzipSync(await tarballOf({ name: NAME, version: VERSION }))
    const changes = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })

    await fc.assert(
      fc.asyncProperty(changes, fc.nat(archive.length), async (changed, length) => {
        const bytes = Buffer.from(archive)
        for (const [place, byte] of changed) bytes[place] = byte
        await outcome(readPackageJson(gzipSync(bytes)))
        await outcome(readPackageJson(gzipSync(bytes.subarray(0, length))))
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('refuses a gzip file that ends anywhere', async () => {
    const tarball = await tarballOf({ name: NAME, version: VERSION })

    for (let length = 0; length < tarball.length; length++) {
      expect({ length, outcome: await outcome(readPackageJson(tarball.subarray(0, length))) }).toEqual({
        length,
        outcome: 'refused',
      })
    }
  })
})
