import { parseGenericPath } from '../../../lib/generic/names.ts'

const parse = (name: string, version: string, file: string) =>
  parseGenericPath({ package_name: name, package_version: version, file_path: file })

const problems = (name: string, version: string, file: string) => {
  try {
    parse(name, version, file)
    return []
  } catch (error) {
    return (error as { failure: { problems: string[] } }).failure.problems
  }
}

describe('the path of a generic file', () => {
  it.each([
    ['my.awesome_package-1+2', '1.0.0', 'file.tar.gz'],
    ['a', 'v', '0'],
    ['...', '_.-+', '...'],
    ['a', '1.3.7-rc.1+build', 'a~b@c+d-e_f.g'],
    ['a'.repeat(255), '1'.repeat(255), 'f'.repeat(255)],
  ])('takes %s %s %s', (name, version, fileName) => {
    expect(parse(name, version, fileName)).toEqual({ name, version, fileName })
  })

  it('keeps directories in the name of the file, with their slashes encoded', () => {
    expect(parse('a', '1', 'docs/en-US/index.html').fileName).toBe('docs%2Fen-US%2Findex.html')
    for (const path of ['/a', 'a/', 'a//b', 'a/../b', './a', 'a/%2F', 'a\\b', 'a/~b']) {
      expect([path, problems('a', '1', path)]).toEqual([path, ['file_name is invalid']])
    }
  })

  it('refuses names of folders above, which no storage may see', () => {
    for (const dots of ['.', '..']) {
      expect(problems(dots, '1', 'a')).toEqual(['package_name is invalid'])
      expect(problems('a', dots, 'a')).toEqual(['package_version is invalid'])
      expect(problems('a', '1', dots)).toEqual(['file_name is invalid'])
    }
  })

  it('tells everything that is wrong at once, in the order of the path', () => {
    expect(problems('', '', '')).toEqual([
      'package_name is invalid',
      'package_version is invalid',
      'file_name is invalid',
    ])
    expect(problems('a\n', '1\n', 'a\n')).toHaveLength(3)
    expect(problems('a'.repeat(256), '1'.repeat(256), 'f'.repeat(256))).toHaveLength(3)
    expect(problems('a', '1', '@a')).toEqual(['file_name is invalid'])
  })

  it('counts the slashes of a file name as they are kept, encoded', () => {
    expect(problems('a', '1', `${'d/'.repeat(100)}f`)).toEqual(['file_name is too long (maximum is 255 characters)'])
  })
})
