import { matchesPattern, patternProblems } from '../../../lib/access/patterns.ts'

describe('a pattern of exceptions', () => {
  it.each([
    ['.*-SNAPSHOT', '1.0-SNAPSHOT', true],
    ['SNAPSHOT', '1.0-SNAPSHOT', false],
    ['a|bc', 'bc', true],
    ['a|bc', 'abc', false],
    ['(?:v.+|TEMP)', 'v10', true],
    ['(?i)temp', 'TEMP', true],
    ['com/acme/\\w+', 'com/acme/app', true],
  ])('%s and %s: %s', async (pattern, text, expected) => {
    expect(await patternProblems(pattern)).toEqual([])
    expect(await matchesPattern(pattern, text)).toBe(expected)
  })

  it.each(['[', '(', '(a)\\1', 'a(?=b)', '((((a{100}){100}){100}){100})', 'a{1001}', '\\'])(
    'is refused when the engine does not know it: %s',
    async (pattern) => {
      expect(await patternProblems(pattern)).toEqual([expect.stringMatching(/^not valid RE2 syntax: /)])
    },
  )

  it.each(['(a+)+$', '(.*)*(.*)*(.*)*x', '(a?){1000}', '(a|aa)+b', `${'a*'.repeat(127)}b`])(
    'takes no longer for one that is made to take long: %s',
    async (pattern) => {
      expect(await patternProblems(pattern)).toEqual([])
      const started = performance.now()
      expect(await matchesPattern(pattern, `${'a'.repeat(254)}!`)).toBe(false)
      expect(performance.now() - started).toBeLessThan(1_000)
    },
  )
})
