import type { APIGatewayProxyEvent } from 'aws-lambda'
import { deployTokenProblems } from '../../lib/access/deployTokens.ts'
import { notFound, validationFailed } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { User } from '../../lib/domain/permissions.ts'
import { type DeployToken, deployTokenScopes, isOver } from '../../lib/domain/token.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { allParams, parseParams, pathParams, queryParams, type Reader } from '../../lib/http/params.ts'
import { presentDeployToken } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { requireUser } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { requireAdministrator } from '../../lib/middleware/requireAdministrator.ts'
import type { Database } from '../../lib/repository/database.ts'
import { newDeploySecret } from '../../lib/repository/tokens.ts'

type Source = DeployToken['source']

const hasEnded = (token: DeployToken) => isOver(token, new Date().toISOString())

const present = (token: DeployToken) => presentDeployToken(token, hasEnded(token))

/** One page, by id; with `active` only those that have not expired, or only those that have. */
const pageOf = async (db: Database, event: APIGatewayProxyEvent, source?: Source) => {
  const page = parsePage(event)
  const active = parseParams(queryParams(event), (read) => read.boolean('active'))
  const tokens = await db.deployTokens.list(source)
  const found = tokens.filter((token) => active === undefined || active !== hasEnded(token))
  return { rows: sliceOf(found, page).map(present), total: found.length, page }
}

const tokenId = (event: APIGatewayProxyEvent) => parseId('token_id', pathParams(event).token_id)

const get = async (db: Database, event: APIGatewayProxyEvent, source: Source) => {
  const token = await db.deployTokens.find(source, tokenId(event))
  if (!token) throw notFound('deploy_token')
  return json(200, present(token))
}

const readNewToken = (read: Reader) => ({
  name: read.required('name', read.text('name')),
  scopes: [...new Set(read.required('scopes', read.list('scopes', deployTokenScopes)))],
  expiresAt: read.nullable('expires_at', read.moment) ?? null,
  username: read.text('username') || undefined,
})

const create = async (db: Database, event: APIGatewayProxyEvent, source: Source, { id: creatorId }: User) => {
  const wanted = parseParams(await allParams(event), readNewToken)
  const problems = deployTokenProblems(wanted)
  if (problems.length > 0) throw validationFailed(problems.join(' and '))

  const secret = newDeploySecret()
  const token = await db.deployTokens.create(secret, { source, creatorId, ...wanted }, new Date().toISOString())
  return json(201, { ...present(token), token: secret })
}

const remove = async (db: Database, event: APIGatewayProxyEvent, source: Source) => {
  await db.deployTokens.delete(source, tokenId(event))
  return noContent()
}

const inProject = ({ id }: { id: number }): Source => ({ kind: 'project', id })
const inGroup = ({ id }: { id: number }): Source => ({ kind: 'group', id })

/**
 * `GET /deploy_tokens`: the deploy tokens of the instance, by id, paged. No secret is in it.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for anonymous callers; 403 for all but administrators.
 */
export const listDeployTokens = (db: () => Database) =>
  endpoint('listDeployTokens', db)
    .use(paginate())
    .use(requireUser(db))
    .use(requireAdministrator())
    .handler(async (event) => pageOf(db(), event))

/**
 * `GET /projects/:id/deploy_tokens`: the deploy tokens of a project, by id, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 403 below Maintainer; 404 for a
 * project that is not there or not to be seen.
 */
export const listProjectDeployTokens = (db: () => Database) =>
  endpoint('listProjectDeployTokens', db)
    .use(paginate())
    .use(loadProject(db, 'admin_project_deploy_token'))
    .handler(async (event, { project }) => pageOf(db(), event, inProject(project)))

/**
 * `GET /projects/:id/deploy_tokens/:token_id`: one of them.
 *
 * 200; 400 for an id that is no integer; 401 for a bad token; 403 below Maintainer; 404 for what is not there or not to
 * be seen.
 */
export const getProjectDeployToken = (db: () => Database) =>
  endpoint('getProjectDeployToken', db)
    .use(loadProject(db, 'admin_project_deploy_token'))
    .handler(async (event, { project }) => get(db(), event, inProject(project)))

/**
 * `POST /projects/:id/deploy_tokens`: makes a deploy token for a project. Only this answer ever shows its secret.
 *
 * 201; 400 for a parameter; 401 for a bad token; 403 below Maintainer; 404 for a project that is not there or not to be
 * seen.
 */
export const createProjectDeployToken = (db: () => Database) =>
  endpoint('createProjectDeployToken', db)
    .use(loadProject(db, 'admin_project_deploy_token'))
    .handler(async (event, { project, caller }) => create(db(), event, inProject(project), caller.user as User))

/**
 * `DELETE /projects/:id/deploy_tokens/:token_id`: ends a deploy token, with the next request that shows it.
 *
 * 204; 400 for an id that is no integer; 401 for a bad token; 403 below Maintainer; 404 for what is not there or not to
 * be seen.
 */
export const deleteProjectDeployToken = (db: () => Database) =>
  endpoint('deleteProjectDeployToken', db)
    .use(loadProject(db, 'admin_project_deploy_token'))
    .handler(async (event, { project }) => remove(db(), event, inProject(project)))

/**
 * `GET /groups/:id/deploy_tokens`: the deploy tokens of a group, by id, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 403 below Maintainer; 404 for a group
 * that is not there or not to be seen.
 */
export const listGroupDeployTokens = (db: () => Database) =>
  endpoint('listGroupDeployTokens', db)
    .use(paginate())
    .use(loadGroup(db, 'read_group_deploy_token'))
    .handler(async (event, { group }) => pageOf(db(), event, inGroup(group)))

/**
 * `GET /groups/:id/deploy_tokens/:token_id`: one of them.
 *
 * 200; 400 for an id that is no integer; 401 for a bad token; 403 below Maintainer; 404 for what is not there or not to
 * be seen.
 */
export const getGroupDeployToken = (db: () => Database) =>
  endpoint('getGroupDeployToken', db)
    .use(loadGroup(db, 'read_group_deploy_token'))
    .handler(async (event, { group }) => get(db(), event, inGroup(group)))

/**
 * `POST /groups/:id/deploy_tokens`: makes a deploy token for a group and all that is inside. Only this answer ever shows
 * its secret.
 *
 * 201; 400 for a parameter; 401 for a bad token; 403 below Owner; 404 for a group that is not there or not to be seen.
 */
export const createGroupDeployToken = (db: () => Database) =>
  endpoint('createGroupDeployToken', db)
    .use(loadGroup(db, 'admin_group_deploy_token'))
    .handler(async (event, { group, caller }) => create(db(), event, inGroup(group), caller.user as User))

/**
 * `DELETE /groups/:id/deploy_tokens/:token_id`: ends a deploy token, with the next request that shows it.
 *
 * 204; 400 for an id that is no integer; 401 for a bad token; 403 below Owner; 404 for what is not there or not to be
 * seen.
 */
export const deleteGroupDeployToken = (db: () => Database) =>
  endpoint('deleteGroupDeployToken', db)
    .use(loadGroup(db, 'admin_group_deploy_token'))
    .handler(async (event, { group }) => remove(db(), event, inGroup(group)))
