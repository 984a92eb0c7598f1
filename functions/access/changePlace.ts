import { assertValid, groupProblems, projectProblems } from '../../lib/access/validity.ts'
import { forbidden } from '../../lib/domain/errors.ts'
import { type Caller, canInProject, leastRoleName, type ProjectAbility } from '../../lib/domain/permissions.ts'
import { type Group, type Project, type Visibility, visibilities } from '../../lib/domain/project.ts'
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

export const settleSoon = async (db: Database, projectId: number): Promise<void> => {
  const end = Date.now() + SETTLE_WITHIN_MS
  await db.transit.settle(projectId, () => Date.now() > end)
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

  if (path !== project.path) await db.groups.renameProject(project.id, path, new Date().toISOString())
  if (visibility !== project.visibility) {
    await db.groups.changeVisibility(project.id, visibility)
    await settleSoon(db, project.id)
  }
}

/**
 * Gives a group another visibility. Another path is refused: those of all that is inside would have to move with it.
 * @throws `validation_failed`
 */
export const changeGroupPlace = async (
  db: Database,
  group: Group,
  parent: Group | undefined,
  { path = group.path, visibility = group.visibility }: Place,
): Promise<void> => {
  assertValid({ path: path === group.path ? [] : ['cannot be changed'] })
  if (visibility === group.visibility) return
  assertValid(groupProblems({ ...group, visibility }, parent))

  await db.groups.changeGroupVisibility(group.id, visibility)
}
