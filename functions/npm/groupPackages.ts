import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound, PackagesError } from '../../lib/domain/errors.ts'
import { isOpenable } from '../../lib/domain/package.ts'
import { type Caller, canInProject, isAnonymous } from '../../lib/domain/permissions.ts'
import type { Group } from '../../lib/domain/project.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import { pathParams } from '../../lib/http/params.ts'
import { identify } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { isPackageName, parsePackagePath, scopeOf } from '../../lib/npm/names.ts'
import { distTags, mergeProjects } from '../../lib/npm/packument.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { answerPackument, type Found, findVersions } from './packument.ts'

/** Of projects that have packages of one name this many count, the newest ones: each is read whole. */
export const PROJECTS_PER_NAME_LIMIT = 20

/** What the caller may read of a name in a group, at any depth. Of equal versions the newest counts. */
const findInGroup = async (
  db: Database,
  event: APIGatewayProxyEvent,
  group: Pick<Group, 'id'>,
  caller: Caller,
  name: string,
): Promise<Found> => {
  const ids = await db.holders.listProjectIds(group.id, { type: 'npm', name }, !isAnonymous(caller))
  const located = await db.groups.locateAll(await db.groups.listProjectsById(ids))
  const projects = located
    .map(({ thing }) => thing)
    .filter(({ ancestorIds }) => ancestorIds.includes(group.id))
    .filter((project) => canInProject(caller, 'read_package', project))
    .sort((one, other) => other.id - one.id)
    .slice(0, PROJECTS_PER_NAME_LIMIT)
  return mergeProjects(await Promise.all(projects.map((project) => findVersions(db, event, project, name))))
}

/** Anonymous callers are asked for a login: what they do not see may be there for others. */
const assertFound = ({ versions }: Found, caller: Caller): void => {
  if (versions.some(({ status }) => isOpenable(status))) return
  throw isAnonymous(caller) ? new PackagesError({ code: 'login_required' }) : notFound('npm_packages')
}

/** A scope's slash may stand plain in the path: then the rest of the name is in `rest`. */
const nameOf = (event: APIGatewayProxyEvent): string => {
  const { package_name = '', rest } = pathParams(event)
  const path = parsePackagePath(rest === undefined ? package_name : `${package_name}/${rest}`)
  return path && path.version === undefined ? path.name : ''
}

const taggedNameOf = (event: APIGatewayProxyEvent): string => {
  const [, name = ''] = /^package\/(.+)\/dist-tags$/.exec(pathParams(event).rest ?? '') ?? []
  return isPackageName(name) ? name : ''
}

const presentTags = ({ versions, tags }: Found) => json(200, distTags(versions, tags))

/**
 * `GET /groups/:id/-/packages/npm/:package_name`: the packument of all projects in the group that the caller may read.
 * Its tarballs are those of the projects.
 *
 * 200, 302 and 304 as for a project; 401 anonymous where nothing is public; 404 for a group or a package that is not
 * there or not to be seen.
 */
export const getGroupPackument = (db: () => Database, store: () => ObjectStore) =>
  npmEndpoint('getGroupPackument', db)
    .use(loadGroup(db, 'read_group', { asksForLogin: true }))
    .handler(async (event, { group, caller }) => {
      const name = nameOf(event)
      const found = await findInGroup(db(), event, group, caller, name)
      assertFound(found, caller)

      return answerPackument(event, store, name, found)
    })

/** `GET /groups/:id/-/packages/npm/-/package/:package_name/dist-tags`. 200; 401; 404. */
export const listGroupDistTags = (db: () => Database) =>
  npmEndpoint('listGroupDistTags', db)
    .use(loadGroup(db, 'read_group', { asksForLogin: true }))
    .handler(async (event, { group, caller }) => {
      const found = await findInGroup(db(), event, group, caller, taggedNameOf(event))
      assertFound(found, caller)

      return presentTags(found)
    })

/** Everything of a name below the top-level namespace that is its scope. Other names are in no namespace. */
const findInInstance = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, name: string) => {
  const scope = scopeOf(name)
  const namespace = scope === undefined ? undefined : await db.groups.findGroup({ fullPath: scope })
  // A path that a namespace has left leads to it for a while, but names no scope.
  const isNamed = namespace?.fullPath.toLowerCase() === scope?.toLowerCase()
  return namespace && isNamed ? findInGroup(db, event, namespace, caller, name) : { versions: [], tags: [] }
}

/**
 * `GET /packages/npm/:package_name`: the packument of all projects below the top-level namespace that is the name's scope.
 *
 * 200, 302 and 304 as for a project; 401 anonymous where nothing is public; 404.
 */
export const getInstancePackument = (db: () => Database, store: () => ObjectStore) =>
  npmEndpoint('getInstancePackument', db)
    .use(identify(db))
    .handler(async (event, { caller }) => {
      const name = nameOf(event)
      const found = await findInInstance(db(), event, caller, name)
      assertFound(found, caller)

      return answerPackument(event, store, name, found)
    })

/** `GET /packages/npm/-/package/:package_name/dist-tags`. 200; 401; 404. */
export const listInstanceDistTags = (db: () => Database) =>
  npmEndpoint('listInstanceDistTags', db)
    .use(identify(db))
    .handler(async (event, { caller }) => {
      const found = await findInInstance(db(), event, caller, taggedNameOf(event))
      assertFound(found, caller)

      return presentTags(found)
    })
