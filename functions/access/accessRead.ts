import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import {
  getGroupDeployToken,
  getProjectDeployToken,
  listDeployTokens,
  listGroupDeployTokens,
  listProjectDeployTokens,
} from './deployTokens.ts'
import { getGroup, listDescendantGroups, listGroups, listSubgroups } from './groups.ts'
import {
  getAnyGroupMember,
  getAnyProjectMember,
  getGroupMember,
  getProjectMember,
  listAllGroupMembers,
  listAllProjectMembers,
  listGroupMembers,
  listProjectMembers,
} from './listMembers.ts'
import { getProject, listGroupProjects, listProjects } from './projects.ts'
import { listProtectionRules } from './protectionRules.ts'
import { getOwnPersonalToken, getPersonalToken, listPersonalTokens } from './tokens.ts'
import { getUser, getUserById, listUsers } from './users.ts'
import { getVersion } from './version.ts'

/** Groups, projects, members, users and tokens: what only reads. */
export const accessRead = (db: () => Database) =>
  routeTable({
    'GET /groups': listGroups(db),
    'GET /groups/{id}': getGroup(db),
    'GET /groups/{id}/subgroups': listSubgroups(db),
    'GET /groups/{id}/descendant_groups': listDescendantGroups(db),
    'GET /groups/{id}/projects': listGroupProjects(db),
    'GET /groups/{id}/members': listGroupMembers(db),
    'GET /groups/{id}/members/{user_id}': getGroupMember(db),
    'GET /groups/{id}/members/all': listAllGroupMembers(db),
    'GET /groups/{id}/members/all/{user_id}': getAnyGroupMember(db),
    'GET /projects': listProjects(db),
    'GET /projects/{id}': getProject(db),
    'GET /projects/{id}/packages/protection/rules': listProtectionRules(db),
    'GET /projects/{id}/members': listProjectMembers(db),
    'GET /projects/{id}/members/{user_id}': getProjectMember(db),
    'GET /projects/{id}/members/all': listAllProjectMembers(db),
    'GET /projects/{id}/members/all/{user_id}': getAnyProjectMember(db),
    'GET /users': listUsers(db),
    'GET /users/{user_id}': getUserById(db),
    'GET /user': getUser(db),
    'GET /personal_access_tokens': listPersonalTokens(db),
    'GET /personal_access_tokens/self': getOwnPersonalToken(db),
    'GET /personal_access_tokens/{token_id}': getPersonalToken(db),
    'GET /deploy_tokens': listDeployTokens(db),
    'GET /groups/{id}/deploy_tokens': listGroupDeployTokens(db),
    'GET /groups/{id}/deploy_tokens/{token_id}': getGroupDeployToken(db),
    'GET /projects/{id}/deploy_tokens': listProjectDeployTokens(db),
    'GET /projects/{id}/deploy_tokens/{token_id}': getProjectDeployToken(db),
    'GET /version': getVersion(db),
  })

export const handler = accessRead(database)
