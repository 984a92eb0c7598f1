import { patternProblems } from '../../lib/access/patterns.ts'
import { type Caller, canInGroup } from '../../lib/domain/permissions.ts'
import type { Group } from '../../lib/domain/project.ts'
import type { Reader } from '../../lib/http/params.ts'
import { presentGroupSettings } from '../../lib/http/presentRules.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { SettingsChange } from '../../lib/repository/groupSettings.ts'

/** GitLab's names for what a group sets about duplicates; null or blank goes back to what the groups around it set. */
export const readSettings = (read: Reader): SettingsChange => {
  const given = {
    mavenDuplicatesAllowed: read.nullable('maven_duplicates_allowed', read.boolean),
    mavenDuplicateExceptions: read.nullable('maven_duplicate_exception_regex', read.text),
    genericDuplicatesAllowed: read.nullable('generic_duplicates_allowed', read.boolean),
    genericDuplicateExceptions: read.nullable('generic_duplicate_exception_regex', read.text),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

export const settingsProblems = async ({ mavenDuplicateExceptions, genericDuplicateExceptions }: SettingsChange) => ({
  maven_duplicate_exception_regex: await patternProblems(mavenDuplicateExceptions ?? ''),
  generic_duplicate_exception_regex: await patternProblems(genericDuplicateExceptions ?? ''),
})

/** Only who may change the settings sees them. */
export const shownSettings = async (db: Database, caller: Caller, group: Group) =>
  canInGroup(caller, 'admin_group', group) ? presentGroupSettings(await db.groupSettings.find(group.id)) : {}
