import { type Caller, groupRole, type Membership, NO_ACCESS, projectRole } from '../domain/permissions.ts'
import type { Group, Project } from '../domain/project.ts'

/** Nobody gives or takes a role above his own; an administrator stands above all. */
export const reaches = (caller: Caller, ownRole: number, accessLevel: number) =>
  caller.user?.admin === true || ownRole >= accessLevel

/**
 * The caller's roles in a project, apart: his own there, and that of the groups around it. The owner of a personal
 * namespace counts as a member of its projects, which is what GitLab makes him.
 */
export const rolesIn = (caller: Caller, project: Project, namespace: Group) => {
  const inherited = groupRole(caller, namespace)
  const own = { ...caller, memberships: caller.memberships.filter(({ source }) => source.kind === 'project') }
  const direct = Math.max(projectRole(own, project), namespace.kind === 'user' ? inherited : NO_ACCESS)
  return {
    project: direct || undefined,
    group: (namespace.kind === 'group' && inherited) || undefined,
  }
}

/**
 * One role for each user, by the ids of users: the highest, and of equal ones the first, which is the nearest when the
 * places came from the inside out.
 */
export const highestRoles = (memberships: readonly Membership[]): Membership[] => {
  const highest = new Map<number, Membership>()
  for (const membership of memberships) {
    const known = highest.get(membership.userId)
    if (!known || membership.accessLevel > known.accessLevel) highest.set(membership.userId, membership)
  }
  return [...highest.values()].sort((one, other) => one.userId - other.userId)
}
