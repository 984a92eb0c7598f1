import type { APIGatewayProxyEvent } from 'aws-lambda'
import { protectionRuleProblems } from '../../lib/access/protectionRules.ts'
import { PackagesError } from '../../lib/domain/errors.ts'
import { deleteLevels, type ProtectionRule, protectedTypes, pushLevels } from '../../lib/domain/protection.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { allParams, parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentProtectionRule } from '../../lib/http/presentRules.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'

const PUSH = 'minimum_access_level_for_push'
const DELETE = 'minimum_access_level_for_delete'

const readRule = (read: Reader) => ({
  namePattern: read.text('package_name_pattern'),
  type: read.oneOf('package_type', protectedTypes),
  leastToPush: read.nullable(PUSH, (name) => read.oneOf(name, pushLevels)),
  leastToDelete: read.nullable(DELETE, (name) => read.oneOf(name, deleteLevels)),
})

const readNewRule = (read: Reader) => {
  const rule = readRule(read)
  read.atLeastOne(PUSH, DELETE)
  return {
    namePattern: read.required('package_name_pattern', rule.namePattern),
    type: read.required('package_type', rule.type),
    leastToPush: rule.leastToPush ?? null,
    leastToDelete: rule.leastToDelete ?? null,
  }
}

/** What is left out stays. */
const readChange = (read: Reader): Partial<Omit<ProtectionRule, 'id'>> =>
  Object.fromEntries(Object.entries(readRule(read)).filter(([, value]) => value !== undefined))

const assertValid = (rule: Pick<ProtectionRule, 'namePattern' | 'type'>) => {
  const problems = protectionRuleProblems(rule)
  if (problems.length > 0) throw new PackagesError({ code: 'unprocessable', problems })
}

const ruleId = (event: APIGatewayProxyEvent) =>
  parseId('package_protection_rule_id', pathParams(event).package_protection_rule_id)

/**
 * `GET /projects/:id/packages/protection/rules`: the rules about a project's packages, the oldest first.
 *
 * 200 with all of them; 401 for anonymous callers; 403 below Maintainer; 404 for a project that is not there or not to
 * be seen.
 */
export const listProtectionRules = (db: () => Database) =>
  endpoint('listProtectionRules', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_package', { ahead: (_event, { id }) => db().protectionRules.list(id) }))
    .handler(async (_event, { project, ahead: rules }) =>
      json(
        200,
        rules.map((rule) => presentProtectionRule(rule, project.id)),
      ),
    )

/**
 * `POST /projects/:id/packages/protection/rules`: protects packages whose name matches a pattern. Holds for every
 * publish and delete from now on.
 *
 * 201; 400 for a parameter; 401 for anonymous callers; 403 below Maintainer; 404 for a project that is not there or not
 * to be seen; 422 for a pattern that cannot be one, or is taken, and for more rules than a project may have.
 */
export const createProtectionRule = (db: () => Database) =>
  endpoint('createProtectionRule', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_package'))
    .handler(async (event, { project }) => {
      const wanted = parseParams(await allParams(event), readNewRule)
      assertValid(wanted)

      const rule = await db().protectionRules.create(project.id, wanted)
      return json(201, presentProtectionRule(rule, project.id))
    })

/**
 * `PATCH /projects/:id/packages/protection/rules/:package_protection_rule_id`: changes a rule; what is left out stays.
 *
 * 200; 400 for a parameter; 401 for anonymous callers; 403 below Maintainer; 404 for what is not there or not to be
 * seen; 422 when it would protect from nothing, or be like another.
 */
export const updateProtectionRule = (db: () => Database) =>
  endpoint('updateProtectionRule', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_package'))
    .handler(async (event, { project }) => {
      const id = ruleId(event)
      const change = parseParams(await allParams(event), readChange)

      const rule = await db().protectionRules.update(project.id, id, change, assertValid)
      return json(200, presentProtectionRule(rule, project.id))
    })

/**
 * `DELETE /projects/:id/packages/protection/rules/:package_protection_rule_id`: takes a rule away.
 *
 * 204; 400 for an id that is no integer; 401 for anonymous callers; 403 below Maintainer; 404 for what is not there or
 * not to be seen.
 */
export const deleteProtectionRule = (db: () => Database) =>
  endpoint('deleteProtectionRule', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_package'))
    .handler(async (event, { project }) => {
      await db().protectionRules.delete(project.id, ruleId(event))

      return noContent()
    })
