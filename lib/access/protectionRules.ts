import { NAME_PATTERN_LIMIT, type ProtectionRule } from '../domain/protection.ts'

/** npm's names, where `*` may stand anywhere. Source: `protection_rules_npm_package_name_pattern_regex` in GitLab. */
const isNpmPattern = (pattern: string) => /^(@[-.\w*]+\/)?[-+.\w*]+$/.test(pattern)

/** What makes a rule invalid, in GitLab's words. */
export const protectionRuleProblems = ({
  namePattern,
  type,
}: Pick<ProtectionRule, 'namePattern' | 'type'>): string[] => {
  if (namePattern.trim() === '') return ["Package name pattern can't be blank"]
  if (namePattern.length > NAME_PATTERN_LIMIT) {
    return [`Package name pattern is too long (maximum is ${NAME_PATTERN_LIMIT} characters)`]
  }
  if (type === 'npm' && !isNpmPattern(namePattern)) {
    return ['Package name pattern should be a valid NPM package name with optional wildcard characters.']
  }
  return []
}
