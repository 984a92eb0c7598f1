import { assertValid, groupProblems, projectProblems } from '../../lib/access/validity.ts'
import { forbidden, validationFailed } from '../../lib/domain/errors.ts'
import { type Caller, canInProject, leastRoleName, type ProjectAbility } from '../../lib/domain/permissions.ts'
import { type Group, type Project, parentId, type Visibility, visibilities } from '../../lib/domain/project.ts'
import type { Reader } from '../../lib/http/params.ts'
import type { Database } from '../../lib/repository/database.ts'

/** What of a group or project decides where it is found, and by whom. */
type Place = { path: string | undefined; visibility: Visibility | undefined }

export const readPlace = (read: Reader): Place => ({
  path: read.text('path'),
  visibility: read.oneOf('visibility', visibilities),
})

/** How long an answer waits for rows that move; what is left is for the scheduled job, and lists are right meanwhile. */
const SETTLE_WITHIN_MS = 2_000

const soon = () => {
  const end = Date.now() + SETTLE_WITHIN_MS
  return () => Date.now() > end
}

export const settleSoon = async (db: Database, projectId: number): Promise<void> => {
  await db.transit.settle(projectId, soon())
}

export const settleGroupSoon = async (db: Database, groupId: number): Promise<void> => {
  await db.groupTransit.settle(groupId, soon())
}

const assertMay = (caller: Caller, ability: ProjectAbility, project: Project) => {
  if (!canInProject(caller, ability, project)) {
    throw forbidden(`this needs the role ${leastRoleName(ability)} in the project`)
  }
}

/**
 * Gives a project another path or visibility. Lists and totals are right when this returns.
 * @throws `validation_failed`, `forbidden`
 */
export const changeProjectPlace = async (
  db: Database,
  caller: Caller,
  project: Project,
  namespace: Group,
  { path = project.path, visibility = project.visibility }: Place,
): Promise<void> => {
  if (path === project.path && visibility === project.visibility) return
  if (visibility !== project.visibility) assertMay(caller, 'change_visibility_level', project)
  assertValid(projectProblems({ ...project, path, visibility }, namespace))

  await db.groups.changeProject(project.id, { path, visibility }, new Date().toISOString())
  await settleSoon(db, project.id)
}

/** Gives a group another path or visibility. @throws `validation_failed` */
export const changeGroupPlace = async (
  db: Database,
  group: Group,
  parent: Group | undefined,
  { path = group.path, visibility = group.visibility }: Place,
): Promise<void> => {
  if (path === group.path && visibility === group.visibility) return
  assertValid(groupProblems({ ...group, path, visibility }, parent))

  if (path === group.path) {
    await db.groups.changeGroupVisibility(group.id, visibility)
    return
  }
  await db.groups.renameGroup(group.id, path, new Date().toISOString(), visibility)
  await settleGroupSoon(db, group.id)
}

const transferFailed = (why: string) => validationFailed(`Transfer failed: ${why}`)

/** Whether a group may be below another, or without one at the top. @throws `validation_failed` in GitLab's words */
export const assertTransferable = (group: Group, target: Group | undefined): void => {
  if (!target && parentId(group) === null) throw transferFailed('Group is already a root group.')
  if (target && parentId(group) === target.id) throw transferFailed('Group is already associated to the parent group.')
  assertValid(
    groupProblems(group, target),
    (problems) => `Transfer failed: ${Object.values(problems).flat().join(', ')}`,
  )
}
