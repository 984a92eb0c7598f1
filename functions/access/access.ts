import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import { createGroup, getGroup, listGroups } from './groups.ts'
import { addGroupMember, addProjectMember, removeGroupMember, removeProjectMember } from './members.ts'
import { createProject, getProject, listProjects } from './projects.ts'
import { createPersonalToken, revokePersonalToken } from './tokens.ts'
import { createUser, getUser } from './users.ts'
import { getVersion } from './version.ts'

/** Groups, projects, members, users and tokens: who sees what. */
export const access = (db: () => Database) =>
  routeTable({
    'GET /groups': listGroups(db),
    'POST /groups': createGroup(db),
    'GET /groups/{id}': getGroup(db),
    'POST /groups/{id}/members': addGroupMember(db),
    'DELETE /groups/{id}/members/{user_id}': removeGroupMember(db),
    'GET /projects': listProjects(db),
    'POST /projects': createProject(db),
    'GET /projects/{id}': getProject(db),
    'POST /projects/{id}/members': addProjectMember(db),
    'DELETE /projects/{id}/members/{user_id}': removeProjectMember(db),
    'POST /users': createUser(db),
    'POST /users/{user_id}/personal_access_tokens': createPersonalToken(db),
    'DELETE /personal_access_tokens/{token_id}': revokePersonalToken(db),
    'GET /user': getUser(db),
    'GET /version': getVersion(db),
  })

export const handler = access(database)
