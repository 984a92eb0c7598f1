import type { Tag } from '../../../lib/domain/package.ts'
import {
  distTags,
  type Form,
  mergeProjects,
  parseDetails,
  presentPackument,
  type Version,
} from '../../../lib/npm/packument.ts'

const BASE = 'https://packages.example.com/api/v4/projects/1/packages/npm'

const version = (id: number, number: string, more: Partial<Version> = {}): Version => ({
  id,
  version: number,
  status: 'default',
  createdAt: `2026-01-0${id}T00:00:00.000Z`,
  deprecated: '',
  base: BASE,
  details: {
    manifest: JSON.stringify({
      name: 'stale',
      version: 'stale',
      description: `number ${id}`,
      dist: { shasum: 'stale' },
    }),
    sha1: `sha1-of-${id}`,
    integrity: `sha512-of-${id}`,
    fileId: id,
  },
  ...more,
})

const tag = (name: string, packageId: number): Tag => ({
  id: packageId,
  packageId,
  name,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
})

type Packument = {
  'dist-tags': Record<string, string>
  versions: Record<string, Record<string, unknown>>
  time: Record<string, string>
}

const present = (name: string, versions: readonly Version[], tags: readonly Tag[] = [], form: Form = 'full') =>
  JSON.parse(presentPackument(name, versions, tags, form) ?? 'null') as Packument | null

describe('presentPackument', () => {
  it('has the fields that npm installs by, and takes name, version and dist from us instead of the manifest', () => {
    const packument = present('@foo/bar', [version(1, '1.0.0')], [tag('latest', 1)])

    expect(packument).toEqual({
      _id: '@foo/bar',
      _rev: '1',
      name: '@foo/bar',
      'dist-tags': { latest: '1.0.0' },
      versions: {
        '1.0.0': {
          name: '@foo/bar',
          version: '1.0.0',
          description: 'number 1',
          dist: {
            shasum: 'sha1-of-1',
            integrity: 'sha512-of-1',
            tarball: `${BASE}/@foo/bar/-/@foo/bar-1.0.0.tgz`,
          },
        },
      },
      time: {
        created: '2026-01-01T00:00:00.000Z',
        modified: '2026-01-01T00:00:00.000Z',
        '1.0.0': '2026-01-01T00:00:00.000Z',
      },
    })
  })

  it('tells the first and the last time, whatever the order of versions', () => {
    const packument = present('bar', [version(3, '1.0.0'), version(1, '2.0.0'), version(2, '3.0.0')])

    expect(packument?.time).toMatchObject({
      created: '2026-01-01T00:00:00.000Z',
      modified: '2026-01-03T00:00:00.000Z',
    })
  })

  it('shows deprecated versions, and none that GitLab does not open', () => {
    const versions = [
      version(1, '1.0.0'),
      version(2, '2.0.0', { status: 'deprecated' }),
      version(3, '3.0.0', { status: 'hidden' }),
      version(4, '4.0.0', { status: 'processing' }),
      version(5, '5.0.0', { status: 'error' }),
      version(6, '6.0.0', { status: 'pending_destruction' }),
    ]

    const packument = present('bar', versions, [tag('latest', 6), tag('next', 2), tag('old', 3)])

    expect(Object.keys(packument?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
    expect(Object.keys(packument?.time ?? {})).toEqual(['created', 'modified', '1.0.0', '2.0.0'])
    expect(packument?.['dist-tags']).toEqual({ latest: '2.0.0', next: '2.0.0' })
  })

  it('is not there when no version is', () => {
    expect(presentPackument('bar', [], [])).toBeUndefined()
    expect(presentPackument('bar', [version(1, '1.0.0', { status: 'hidden' })], [])).toBeUndefined()
  })

  it('says why not to use a version', () => {
    const deprecated = version(1, '1.0.0', { status: 'deprecated', deprecated: 'it "leaks"' })

    for (const form of ['full', 'install', 'write'] as const) {
      const { versions } = present('bar', [deprecated, version(2, '2.0.0')], [], form) as Packument
      expect(versions).toMatchObject({ '1.0.0': { deprecated: 'it "leaks"' }, '2.0.0': {} })
      expect(versions['2.0.0']).not.toHaveProperty('deprecated')
    }
  })

  it('has in its short form what an install needs, and no more', () => {
    const needed = { dependencies: { a: '1' }, bin: { b: 'b.js' }, engines: { node: '>=20' }, os: ['linux'] }
    const manifest = JSON.stringify({ ...needed, description: 'long', scripts: { test: 'jest' }, keywords: ['a'] })
    const details = { manifest, sha1: 's', integrity: 'i', fileId: 1 }

    expect(present('bar', [version(1, '1.0.0', { details })], [], 'install')).toEqual({
      _id: 'bar',
      _rev: '1',
      name: 'bar',
      'dist-tags': { latest: '1.0.0' },
      modified: '2026-01-01T00:00:00.000Z',
      time: expect.objectContaining({ '1.0.0': '2026-01-01T00:00:00.000Z' }),
      versions: {
        '1.0.0': {
          ...needed,
          name: 'bar',
          version: '1.0.0',
          dist: { shasum: 's', integrity: 'i', tarball: `${BASE}/bar/-/bar-1.0.0.tgz` },
        },
      },
    })
  })
})

describe('mergeProjects', () => {
  const none = { versions: [], tags: [] }

  it('takes the newest of equal versions, and of equal tags on them the one that was set last', () => {
    const [old, young] = [version(1, '1.0.0'), version(5, '1.0.0')]
    const [other, hidden] = [version(2, '2.0.0'), version(9, '2.0.0', { status: 'hidden' })]
    const set = (packageId: number, name: string, updatedAt: string): Tag => ({ ...tag(name, packageId), updatedAt })

    const merged = mergeProjects([
      { versions: [old, other], tags: [set(2, 'latest', '2026-02'), set(1, 'next', '2026-09')] },
      { versions: [young, hidden], tags: [set(5, 'latest', '2026-01'), set(9, 'beta', '2026-01')] },
    ])

    expect(merged.versions.map(({ id }) => id).sort()).toEqual([2, 5])
    expect(distTags(merged.versions, merged.tags)).toEqual({ latest: '2.0.0' })
    expect(mergeProjects([none, none])).toEqual(none)
  })
})

describe('distTags', () => {
  const versions = [version(1, '1.9.0'), version(2, '1.10.0'), version(3, '1.2.0')]

  it.each<[tags: Tag[], expected: Record<string, string>]>([
    [[], { latest: '1.10.0' }],
    [[tag('latest', 1)], { latest: '1.9.0' }],
    [[tag('beta', 3)], { latest: '1.10.0', beta: '1.2.0' }],
    [[tag('gone', 99)], { latest: '1.10.0' }],
    [[tag('constructor', 3)], { latest: '1.10.0', constructor: '1.2.0' }],
  ])('of the tags %j are %j', (tags, expected) => {
    expect(distTags(versions, tags)).toEqual(expected)
  })

  it('keep a tag whose name means something to JavaScript', () => {
    expect(JSON.stringify(distTags(versions, [tag('__proto__', 3)]))).toBe('{"latest":"1.10.0","__proto__":"1.2.0"}')
  })

  it('are none without versions', () => {
    expect(distTags([], [tag('latest', 1)])).toEqual({})
  })
})

describe('parseDetails', () => {
  it('refuses what was not stored by a publish', () => {
    expect(() => parseDetails({ manifest: '{}', sha1: 'x', integrity: 'y' })).toThrow('fileId')
  })
})
