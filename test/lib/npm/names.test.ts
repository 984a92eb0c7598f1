import {
  attachmentName,
  highestVersion,
  isPackageName,
  isTag,
  isVersion,
  parsePackagePath,
  parseRevisedPath,
  publishedVersion,
  scopeOf,
  TAG_LIMIT,
} from '../../../lib/npm/names.ts'

describe('parsePackagePath', () => {
  it.each([
    ['bar', { name: 'bar' }],
    ['@foo/bar', { name: '@foo/bar' }],
    ['JSONStream', { name: 'JSONStream' }],
    ['bar/-/bar-1.0.0.tgz', { name: 'bar', version: '1.0.0' }],
    ['bar-2/-/bar-2-1.0.0.tgz', { name: 'bar-2', version: '1.0.0' }],
    ['bar/-/bar-1.0.0-rc.1+build.5.tgz', { name: 'bar', version: '1.0.0-rc.1+build.5' }],
    ['@foo/bar/-/bar-1.0.3.tgz', { name: '@foo/bar', version: '1.0.3' }],
    ['@foo/bar/-/@foo/bar-1.0.3.tgz', { name: '@foo/bar', version: '1.0.3' }],
  ])('reads %s', (path, expected) => {
    expect(parsePackagePath(path)).toEqual(expected)
  })

  it.each([
    '',
    '-',
    '@foo',
    '@foo/',
    '@/bar',
    'foo/bar',
    '.bar',
    'node_modules',
    'a b',
    '@foo/bar/baz',
    'bar/-/',
    'bar/-/baz-1.0.0.tgz',
    'bar/-/bar-1.0.tgz',
    'bar/-/bar-v1.0.0.tgz',
    'bar/-/bar-1.0.0.zip',
    'bar/-/bar-.tgz',
    'bar/-/@foo/bar-1.0.0.tgz',
    '@foo/bar/-/@baz/bar-1.0.0.tgz',
  ])('finds neither a package nor a tarball in "%s"', (path) => {
    expect(parsePackagePath(path)).toBeUndefined()
  })
})

describe('isPackageName', () => {
  it('takes names up to 214 characters and longer ones of the past up to 255', () => {
    expect(['x'.repeat(214), 'x'.repeat(255), 'x'.repeat(256)].map(isPackageName)).toEqual([true, true, false])
  })
})

describe('isVersion', () => {
  it.each(['0.0.0', '1.0.3', '1.0.0-beta.1', '1.0.0-0.3.7', '1.0.0+build.5', '1.0.0-rc.1+build.5'])(
    'takes %s',
    (version) => {
      expect(isVersion(version)).toBe(true)
    },
  )

  it.each([
    '',
    '1',
    '1.0',
    'v1.0.0',
    '=1.0.0',
    ' 1.0.0',
    '1.0.0 ',
    '01.0.0',
    '1.0.0-',
    '1.0.0-01',
    '1.x',
    'latest',
    `1.0.0-${'x'.repeat(250)}`,
  ])('refuses "%s"', (version) => {
    expect(isVersion(version)).toBe(false)
  })
})

describe('isTag', () => {
  it.each(['latest', 'beta', 'next-11', 'release_2', 'feature.x', '__proto__', 'x'.repeat(TAG_LIMIT)])(
    'takes %s',
    (tag) => {
      expect(isTag(tag)).toBe(true)
    },
  )

  it.each([
    '',
    '1',
    '1.0.0',
    'v1',
    '1.x',
    'x',
    '*',
    '^1.0.0',
    '>1',
    'a b',
    'a/b',
    'a,b',
    'ä',
    'y'.repeat(TAG_LIMIT + 1),
  ])('refuses "%s"', (tag) => {
    expect(isTag(tag)).toBe(false)
  })
})

describe('publishedVersion', () => {
  it.each([
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    [' =v1.2.3 ', '1.2.3'],
    ['1.2.3+build.7', '1.2.3'],
    ['1.2.3-rc.1+build.7', '1.2.3-rc.1'],
    ['1.2', null],
    ['', null],
    [undefined, null],
    [3, null],
  ])('makes of %p %p', (version, expected) => {
    expect(publishedVersion(version)).toBe(expected)
  })
})

describe('names of files', () => {
  it('have the scope in front, as npm attaches them', () => {
    expect(attachmentName('@foo/bar', '1.0.3')).toBe('@foo/bar-1.0.3.tgz')
    expect(attachmentName('bar', '1.0.3')).toBe('bar-1.0.3.tgz')
  })
})

describe('highestVersion', () => {
  it.each([
    [['1.9.0', '1.10.0', '1.2.0'], '1.10.0'],
    [['1.0.0-rc.2', '1.0.0-rc.10'], '1.0.0-rc.10'],
    [['1.0.0-rc.1', '1.0.0'], '1.0.0'],
    [[], undefined],
  ])('of %j is %s', (versions, expected) => {
    expect(highestVersion(versions)).toBe(expected)
  })
})

describe('parseRevisedPath', () => {
  it.each([
    ['bar/-rev/12', { name: 'bar', revision: 12 }],
    ['@foo/bar/-rev/12', { name: '@foo/bar', revision: 12 }],
    ['@foo/bar/-/@foo/bar-1.0.0.tgz/-rev/12', { name: '@foo/bar', version: '1.0.0', revision: 12 }],
    ['bar/-/bar-1.0.0.tgz/-rev/undefined', { name: 'bar', version: '1.0.0', revision: undefined }],
    ['bar/-rev/0', { name: 'bar', revision: undefined }],
    ['bar/-rev/-1', { name: 'bar', revision: undefined }],
    ['bar/-rev/1e3', { name: 'bar', revision: undefined }],
    [`bar/-rev/${'9'.repeat(20)}`, { name: 'bar', revision: undefined }],
    ['bar/-rev/', { name: 'bar', revision: undefined }],
    ['bar', undefined],
    ['-rev/12', undefined],
    ['bar/-/baz-1.0.0.tgz/-rev/12', undefined],
    ['../bar/-rev/12', undefined],
  ])('reads %j as %j', (path, expected) => {
    expect(parseRevisedPath(path)).toEqual(expected)
  })
})

describe('scopeOf', () => {
  it.each([
    ['@foo/bar', 'foo'],
    ['bar', undefined],
    ['@foo', undefined],
    ['@/bar', undefined],
    ['@foo/', undefined],
  ])('of %j is %j', (name, expected) => {
    expect(scopeOf(name)).toBe(expected)
  })
})
