import { database } from '../../lib/deps.ts'
import type { Database } from '../../lib/repository/database.ts'
import { routeTable } from '../../lib/routes.ts'
import {
  createGroupDeployToken,
  createProjectDeployToken,
  deleteGroupDeployToken,
  deleteProjectDeployToken,
} from './deployTokens.ts'
import { createGroup, deleteGroup, transferGroup, updateGroup } from './groups.ts'
import {
  addGroupMember,
  addProjectMember,
  removeGroupMember,
  removeProjectMember,
  updateGroupMember,
  updateProjectMember,
} from './members.ts'
import { createProject, deleteProject, transferProject, updateProject } from './projects.ts'
import { createProtectionRule, deleteProtectionRule, updateProtectionRule } from './protectionRules.ts'
import {
  createPersonalToken,
  revokeOwnPersonalToken,
  revokePersonalToken,
  rotateOwnPersonalToken,
  rotatePersonalToken,
} from './tokens.ts'
import { createUser } from './users.ts'

/** Groups, projects, members, users and tokens: what changes who sees what. */
export const accessWrite = (db: () => Database) =>
  routeTable({
    'POST /groups': createGroup(db),
    'PUT /groups/{id}': updateGroup(db),
    'DELETE /groups/{id}': deleteGroup(db),
    'POST /groups/{id}/transfer': transferGroup(db),
    'POST /groups/{id}/members': addGroupMember(db),
    'PUT /groups/{id}/members/{user_id}': updateGroupMember(db),
    'DELETE /groups/{id}/members/{user_id}': removeGroupMember(db),
    'POST /projects': createProject(db),
    'PUT /projects/{id}': updateProject(db),
    'DELETE /projects/{id}': deleteProject(db),
    'PUT /projects/{id}/transfer': transferProject(db),
    'POST /projects/{id}/packages/protection/rules': createProtectionRule(db),
    'PATCH /projects/{id}/packages/protection/rules/{package_protection_rule_id}': updateProtectionRule(db),
    'DELETE /projects/{id}/packages/protection/rules/{package_protection_rule_id}': deleteProtectionRule(db),
    'POST /projects/{id}/members': addProjectMember(db),
    'PUT /projects/{id}/members/{user_id}': updateProjectMember(db),
    'DELETE /projects/{id}/members/{user_id}': removeProjectMember(db),
    'POST /groups/{id}/deploy_tokens': createGroupDeployToken(db),
    'DELETE /groups/{id}/deploy_tokens/{token_id}': deleteGroupDeployToken(db),
    'POST /projects/{id}/deploy_tokens': createProjectDeployToken(db),
    'DELETE /projects/{id}/deploy_tokens/{token_id}': deleteProjectDeployToken(db),
    'POST /users': createUser(db),
    'POST /users/{user_id}/personal_access_tokens': createPersonalToken(db),
    'POST /personal_access_tokens/self/rotate': rotateOwnPersonalToken(db),
    'POST /personal_access_tokens/{token_id}/rotate': rotatePersonalToken(db),
    'DELETE /personal_access_tokens/self': revokeOwnPersonalToken(db),
    'DELETE /personal_access_tokens/{token_id}': revokePersonalToken(db),
  })

export const handler = accessWrite(database)
