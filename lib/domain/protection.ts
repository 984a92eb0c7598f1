import type { PackageType } from './package.ts'
import { ACCESS_LEVELS, type Caller, projectRole } from './permissions.ts'
import type { Project } from './project.ts'

/**
 * Who changes packages of a project, as the rules about its packages see him. Every write of packages asks for one.
 * `userId` is null for a deploy token, which no rule lets through.
 */
export type Writer = {
  project: Pick<Project, 'id' | 'ancestorIds'>
  accessLevel: number
  userId: number | null
}

/** An administrator stands above all roles, also in rules. Source: `ADMIN` in GitLab's Gitlab::Access. */
const ADMIN = 60

export const writerIn = (caller: Caller, project: Project): Writer => ({
  project: { id: project.id, ancestorIds: project.ancestorIds },
  accessLevel: caller.user?.admin ? ADMIN : projectRole(caller, project),
  userId: caller.user?.id ?? null,
})

/** The service itself, where it keeps right what clients have written: no rule is about that. */
export const serviceIn = (projectId: number): Writer => ({
  project: { id: projectId, ancestorIds: [] },
  accessLevel: ADMIN,
  userId: null,
})

/** GitLab's formats that rules can be about. Source: `package_type` in GitLab's Packages::Protection::Rule. */
export const protectedTypes = [
  'conan',
  'generic',
  'helm',
  'maven',
  'npm',
  'nuget',
  'pypi',
] as const satisfies readonly PackageType[]

/** The roles that a rule may ask for. One below them is no rule: the abilities themselves ask for that much. */
export const pushLevels = ['maintainer', 'owner', 'admin'] as const
export const deleteLevels = ['owner', 'admin'] as const
const levels = { maintainer: ACCESS_LEVELS.maintainer, owner: ACCESS_LEVELS.owner, admin: ADMIN } as const

/**
 * Raises the role that a change of packages needs, for those whose name matches. Null leaves that change as it is; a
 * rule asks for at least one of the two.
 */
export type ProtectionRule = {
  id: number
  namePattern: string
  type: (typeof protectedTypes)[number]
  leastToPush: (typeof pushLevels)[number] | null
  leastToDelete: (typeof deleteLevels)[number] | null
}

export const RULES_PER_PROJECT_LIMIT = 100
export const NAME_PATTERN_LIMIT = 255

/** The abilities whose role a rule can raise: what publishes needs one, what takes away the other. */
export type ProtectedAbility = 'create_package' | 'destroy_package'

/** Whether a rule keeps somebody with this access level from using an ability on such a package. */
export const isProtected = (
  rules: readonly ProtectionRule[],
  ability: ProtectedAbility,
  accessLevel: number,
  { type, name }: { type: PackageType; name: string },
): boolean =>
  rules.some((rule) => {
    const least = ability === 'create_package' ? rule.leastToPush : rule.leastToDelete
    return (
      least !== null && accessLevel < levels[least] && rule.type === type && matchesNamePattern(rule.namePattern, name)
    )
  })

/** `*` stands for any text, also none; letters match in either case, as in GitLab. Takes time linear in the name. */
export const matchesNamePattern = (pattern: string, name: string): boolean => {
  const text = name.toLowerCase()
  const [start = '', ...rest] = pattern.toLowerCase().split('*')
  const end = rest.pop()
  if (end === undefined) return text === start
  if (!text.startsWith(start)) return false

  let from = start.length
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return text.length - end.length >= from && text.endsWith(end)
}
