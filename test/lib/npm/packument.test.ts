import type { PackageStatus, Tag } from '../../../lib/domain/package.ts'
import { distTags, parseDetails, presentPackument, type Version } from '../../../lib/npm/packument.ts'

const BASE = 'https://packages.example.com/api/v4/projects/1/packages/npm'

const version = (id: number, number: string, more: { status?: PackageStatus; createdAt?: string } = {}): Version => ({
  id,
  version: number,
  status: 'default',
  createdAt: `2026-01-0${id}T00:00:00.000Z`,
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

describe('presentPackument', () => {
  it('has the fields that npm installs by, and takes name, version and dist from us instead of the manifest', () => {
    const packument = presentPackument('@foo/bar', [version(1, '1.0.0')], [tag('latest', 1)], BASE)

    expect(packument).toEqual({
      _id: '@foo/bar',
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
    const packument = presentPackument('bar', [version(3, '1.0.0'), version(1, '2.0.0'), version(2, '3.0.0')], [], BASE)

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

    const packument = presentPackument('bar', versions, [tag('latest', 6), tag('next', 2), tag('old', 3)], BASE)

    expect(Object.keys(packument?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
    expect(Object.keys(packument?.time ?? {})).toEqual(['created', 'modified', '1.0.0', '2.0.0'])
    expect(packument?.['dist-tags']).toEqual({ latest: '2.0.0', next: '2.0.0' })
  })

  it('is not there when no version is', () => {
    expect(presentPackument('bar', [], [], BASE)).toBeUndefined()
    expect(presentPackument('bar', [version(1, '1.0.0', { status: 'hidden' })], [], BASE)).toBeUndefined()
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
