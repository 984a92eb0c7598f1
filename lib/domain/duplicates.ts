/** The formats in which a file may be added to a version more than once. npm never takes a version twice. */
export type FormatWithPolicy = 'maven' | 'generic'

/** What a group set about duplicates inside it. Null is not set: the group around it decides. */
export type GroupSettings = {
  mavenDuplicatesAllowed: boolean | null
  mavenDuplicateExceptions: string | null
  genericDuplicatesAllowed: boolean | null
  genericDuplicateExceptions: string | null
}

export const NO_SETTINGS: GroupSettings = {
  mavenDuplicatesAllowed: null,
  mavenDuplicateExceptions: null,
  genericDuplicatesAllowed: null,
  genericDuplicateExceptions: null,
}

/** Whether files may be added again, but for packages whose name or version matches the pattern. */
export type DuplicatePolicy = { allowed: boolean; exceptions: string }

/** Whether a pattern matches the whole of a text. */
export type MatchesPattern = (pattern: string, text: string) => Promise<boolean>

/** GitLab's limit on a pattern of exceptions. */
export const EXCEPTIONS_LIMIT = 255

/**
 * What holds for a format. The nearest group that says whether duplicates are allowed decides, with its own exceptions or
 * those of a group inside it; what groups around it say is not asked.
 * @param settings of the groups around a project, from the inside out
 */
export const nearestPolicy = (type: FormatWithPolicy, settings: readonly GroupSettings[]): DuplicatePolicy => {
  const policies = settings.map((one) => ({
    allowed: one[`${type}DuplicatesAllowed`],
    exceptions: one[`${type}DuplicateExceptions`],
  }))
  const place = policies.findIndex(({ allowed }) => allowed !== null)
  const asked = place < 0 ? policies : policies.slice(0, place + 1)
  return {
    allowed: policies[place]?.allowed ?? true,
    exceptions: asked.find(({ exceptions }) => exceptions !== null)?.exceptions ?? '',
  }
}

/** Exceptions work both ways, as in GitLab: what the group refuses it allows for them, and the reverse. */
export const allowsDuplicates = async (
  { allowed, exceptions }: DuplicatePolicy,
  { name, version }: { name: string; version: string },
  matches: MatchesPattern,
): Promise<boolean> => {
  if (exceptions === '') return allowed
  const isException = (await matches(exceptions, name)) || (await matches(exceptions, version))
  return allowed !== isException
}
