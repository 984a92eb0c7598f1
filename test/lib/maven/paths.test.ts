import { PackagesError } from '../../../lib/domain/errors.ts'
import { parseMavenPath, parseSidecar, pathsAbove, readMavenPath, sidecarOf } from '../../../lib/maven/paths.ts'

const refusal = (path: string) => {
  try {
    return parseMavenPath(path)
  } catch (error) {
    return error instanceof PackagesError ? error.failure : error
  }
}

describe('a path of a Maven repository', () => {
  it.each([
    ['com/mycompany/my-app/1.0/my-app-1.0.jar', 'com/mycompany/my-app', '1.0', 'my-app-1.0.jar'],
    ['junit/junit/4.13+b_1/junit.jar.asc', 'junit/junit', '4.13+b_1', 'junit.jar.asc'],
    ['com/mycompany/my-app/maven-metadata.xml', 'com/mycompany/my-app', null, 'maven-metadata.xml'],
    ['com/mycompany/my-app/maven-metadata.xml.sha512', 'com/mycompany/my-app', null, 'maven-metadata.xml.sha512'],
    ['com/mycompany/my-app/maven-metadata.xml.asc', 'com/mycompany/my-app', null, 'maven-metadata.xml.asc'],
    ['com/mycompany/maven-metadata.xml', 'com/mycompany', null, 'maven-metadata.xml'],
    ['com/maven-metadata.xml', 'com', null, 'maven-metadata.xml'],
    ['a/b/1.0-SNAPSHOT/maven-metadata.xml', 'a/b', '1.0-SNAPSHOT', 'maven-metadata.xml'],
    ['a/b/1.0-SNAPSHOT/maven-metadata.xml.sha1', 'a/b', '1.0-SNAPSHOT', 'maven-metadata.xml.sha1'],
    ['a/b/1.0/maven-metadata.xml', 'a/b/1.0', null, 'maven-metadata.xml'],
    ['a/b/1.0-SNAPSHOT/b-1.0-20261125.015750-1.pom', 'a/b', '1.0-SNAPSHOT', 'b-1.0-20261125.015750-1.pom'],
  ])('%s', (path, name, version, fileName) => {
    expect(parseMavenPath(path)).toEqual({ name, version, fileName })
  })

  it.each([
    ['', 'parameters_invalid'],
    ['a/b/1.0/', 'parameters_invalid'],
    ['a/b/1.0/..', 'parameters_invalid'],
    ['a/b/1.0/b 1.0.jar', 'parameters_invalid'],
    ['a/b/1.0/b\\c.jar', 'parameters_invalid'],
    ['a/b/1.0/b\0.jar', 'parameters_invalid'],
    ['a/b/1.0/b․jar', 'parameters_invalid'],
    [`a/b/1.0/${'b'.repeat(256)}`, 'parameters_invalid'],
    ['b.jar', 'validation_failed'],
    ['1.0/b.jar', 'validation_failed'],
    ['b/1.0/b.jar', 'validation_failed'],
    ['maven-metadata.xml', 'validation_failed'],
    ['/a/b/1.0/b.jar', 'validation_failed'],
    ['a//b/1.0/b.jar', 'validation_failed'],
    ['a/../b/1.0/b.jar', 'validation_failed'],
    ['../../etc/1.0/b.jar', 'validation_failed'],
    ['./a/b/1.0/b.jar', 'validation_failed'],
    ['a\\..\\b/c/1.0/b.jar', 'validation_failed'],
    ['a/ｂ/1.0/b.jar', 'validation_failed'],
    ['a/․․/1.0/b.jar', 'validation_failed'],
    ['a/b\0/1.0/b.jar', 'validation_failed'],
    [`${'a/'.repeat(128)}b/1.0/b.jar`, 'validation_failed'],
    ['a/b/1..0/b.jar', 'validation_failed'],
    ['a/b/../b.jar', 'validation_failed'],
    ['a/b/./b.jar', 'validation_failed'],
    ['a/b/1 0/b.jar', 'validation_failed'],
    [`a/b/${'1'.repeat(256)}/b.jar`, 'validation_failed'],
    ['a/b/1.0\n/b.jar', 'validation_failed'],
  ])('is refused: %j', (path, code) => {
    expect(refusal(path)).toMatchObject({ code })
    expect(readMavenPath(path)).toBeUndefined()
  })
})

describe('a hash beside a file', () => {
  it.each([
    ['a.jar.sha1', 'a.jar', 'sha1'],
    ['a.jar.md5', 'a.jar', 'md5'],
    ['a.jar.sha256', 'a.jar', 'sha256'],
    ['a.jar.asc.sha512', 'a.jar.asc', 'sha512'],
    ['a.jar.sha1.md5', 'a.jar.sha1', 'md5'],
    ['a.jar', 'a.jar', undefined],
    ['sha1', 'sha1', undefined],
  ])('%s', (name, fileName, hash) => {
    expect(sidecarOf(name)).toEqual({ fileName, hash })
  })

  it('is read in either case, and with the name of the file behind it', () => {
    for (const text of ['ABCDEF', ' abcdef\n', 'abcdef  a.jar\n', 'AbCdEf\r\n']) {
      expect(parseSidecar(Buffer.from(text))).toBe('abcdef')
    }
    expect(parseSidecar(Buffer.from(''))).toBe('')
  })
})

describe('the paths with which a name begins', () => {
  it('are its own and all above it, the longest first', () => {
    expect(pathsAbove('acme/tools/web')).toEqual(['acme/tools/web', 'acme/tools', 'acme'])
  })
})
