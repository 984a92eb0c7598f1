import { allowsDuplicates, type GroupSettings, NO_SETTINGS, nearestPolicy } from '../../../lib/domain/duplicates.ts'

/** A group that says this about generic packages. */
const says = (allowed: boolean | null, exceptions: string | null = null): GroupSettings => ({
  ...NO_SETTINGS,
  genericDuplicatesAllowed: allowed,
  genericDuplicateExceptions: exceptions,
})
const nothing = NO_SETTINGS

describe('the policy on duplicates', () => {
  it.each([
    ['no group', [], { allowed: true, exceptions: '' }],
    ['groups that say nothing', [nothing, nothing], { allowed: true, exceptions: '' }],
    ['a group further out', [nothing, says(false, 'x')], { allowed: false, exceptions: 'x' }],
    ['the nearest of two', [says(true), says(false, 'x')], { allowed: true, exceptions: '' }],
    [
      'a group with the exceptions of one inside it',
      [says(null, 'y'), says(false, 'x')],
      { allowed: false, exceptions: 'y' },
    ],
    [
      'a group inside which exceptions were emptied',
      [says(null, ''), says(false, 'x')],
      { allowed: false, exceptions: '' },
    ],
    ['exceptions alone, from what is allowed anyway', [nothing, says(null, 'x')], { allowed: true, exceptions: 'x' }],
    [
      'another format not at all',
      [{ ...nothing, mavenDuplicatesAllowed: false, mavenDuplicateExceptions: 'z' }],
      { allowed: true, exceptions: '' },
    ],
  ])('is decided by %s', (_who, settings, expected) => {
    expect(nearestPolicy('generic', settings)).toEqual(expected)
  })

  it.each([
    [{ allowed: true, exceptions: '' }, true, true],
    [{ allowed: false, exceptions: '' }, false, false],
    [{ allowed: false, exceptions: 'x' }, true, false],
    [{ allowed: true, exceptions: 'x' }, false, true],
  ])('%j allows the exception %s and the rest %s', async (policy, exception, rest) => {
    const matches = async (pattern: string, text: string) => pattern === text
    expect(await allowsDuplicates(policy, { name: 'x', version: '1' }, matches)).toBe(exception)
    expect(await allowsDuplicates(policy, { name: 'a', version: 'x' }, matches)).toBe(exception)
    expect(await allowsDuplicates(policy, { name: 'a', version: '1' }, matches)).toBe(rest)
  })
})
