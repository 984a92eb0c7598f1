/** Domain to wire: the rules about packages, in GitLab's words. */
import type { GroupSettings } from '../domain/duplicates.ts'
import type { ProtectionRule } from '../domain/protection.ts'

export const presentProtectionRule = (rule: ProtectionRule, projectId: number) => ({
  id: rule.id,
  project_id: projectId,
  package_name_pattern: rule.namePattern,
  package_type: rule.type,
  minimum_access_level_for_delete: rule.leastToDelete,
  minimum_access_level_for_push: rule.leastToPush,
})

/** What a group sets itself; null is what the groups around it decide. */
export const presentGroupSettings = (settings: GroupSettings) => ({
  maven_duplicates_allowed: settings.mavenDuplicatesAllowed,
  maven_duplicate_exception_regex: settings.mavenDuplicateExceptions,
  generic_duplicates_allowed: settings.genericDuplicatesAllowed,
  generic_duplicate_exception_regex: settings.genericDuplicateExceptions,
})
