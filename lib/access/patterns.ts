import { EXCEPTIONS_LIMIT } from '../domain/duplicates.ts'

/**
 * Patterns that clients bring are RE2's, as in GitLab: that engine takes time linear in the text, whatever the pattern,
 * and knows neither back references nor look-arounds. It is only loaded where there is a pattern.
 */
const compile = async (pattern: string) => {
  const { RE2JS } = await import('re2js')
  return RE2JS.compile(pattern)
}

/** Whether the pattern matches the whole of the text. */
export const matchesPattern = async (pattern: string, text: string): Promise<boolean> =>
  (await compile(pattern)).matcher(text).matches()

/** What is wrong with a pattern, in sentences that follow the name of its field; nothing when it can be used. */
export const patternProblems = async (pattern: string): Promise<string[]> => {
  if (pattern.length > EXCEPTIONS_LIMIT) return [`is too long (maximum is ${EXCEPTIONS_LIMIT} characters)`]
  try {
    await compile(pattern)
    return []
  } catch (error) {
    return [`not valid RE2 syntax: ${error instanceof Error ? error.message : 'it is refused'}`]
  }
}
