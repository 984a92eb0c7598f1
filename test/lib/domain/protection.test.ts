import fc from 'fast-check'
import { matchesNamePattern } from '../../../lib/domain/protection.ts'

describe('a pattern of names', () => {
  it.each([
    ['app', 'app', true],
    ['app', 'APP', true],
    ['app', 'apps', false],
    ['', '', true],
    ['*', '', true],
    ['*', 'anything/at-all', true],
    ['@Acme/*', '@acme/web', true],
    ['@acme/*', '@acme', false],
    ['*-core', 'web-core', true],
    ['*-core', '-core', true],
    ['*-core', 'core', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['ab*ba', 'aba', false],
    ['a**b', 'ab', true],
    ['a.b', 'axb', false],
    ['com/acme/*', 'com/acme/app', true],
    ['_%', 'ab', false],
  ])('%s and the name %s: %s', (pattern, name, expected) => {
    expect(matchesNamePattern(pattern, name)).toBe(expected)
  })

  it('matches what the same regular expression does', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 })
    fc.assert(
      fc.property(words, words, (pattern, text) => {
        const name = text.replaceAll('*', '')
        expect(matchesNamePattern(pattern, name)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(name))
      }),
    )
  })

  it('takes no longer for one that is made to take long', () => {
    const started = performance.now()
    expect(matchesNamePattern(`${'*a'.repeat(120)}*b`, 'a'.repeat(255))).toBe(false)
    expect(performance.now() - started).toBeLessThan(100)
  })
})
