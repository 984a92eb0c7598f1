import type { APIGatewayProxyEvent } from 'aws-lambda'
import { sees, select } from '../../lib/access/lists.ts'
import { rolesIn } from '../../lib/access/roles.ts'
import { assertValid, describedProblems, pathFromName, projectProblems } from '../../lib/access/validity.ts'
import { PackagesError } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { Caller } from '../../lib/domain/permissions.ts'
import {
  type Group,
  type Located,
  type Project,
  parentId,
  visibilities,
  visibilityIn,
} from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { parseReference } from '../../lib/http/ids.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, queryParams, type Reader, unmodifiedSince } from '../../lib/http/params.ts'
import { presentProject, presentSimpleProject } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { findCallerOfNow, identify, requireUser } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { readAhead } from '../../lib/middleware/readAhead.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'
import { changeProjectPlace, readPlace, settleSoon } from './changePlace.ts'
import { parseProjectsQuery } from './listQuery.ts'
import { findLocated, findNamed, openNamespace } from './namespaces.ts'

const ORDER = { order_by: 'created_at', sort: 'desc' }

/** A signed-in caller is told his roles too. */
const presentTo = (caller: Caller, project: Project, ancestors: readonly Group[], url: string) =>
  presentProject(project, ancestors, { url }, caller.user && rolesIn(caller, project, ancestors.at(-1) as Group))

type Contents = Awaited<ReturnType<Database['groups']['listContents']>>

/** One page of what the caller may see and asks for, with the groups around each row. */
const pageOf = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, contents: Contents) => {
  const page = parsePage(event)
  const query = parseProjectsQuery(event)
  const found = select('project', contents, caller, query)
  const shown = sliceOf(found, page)
  const projects = await db.groups.locateAll(await db.groups.listProjectsById(shown.map(({ id }) => id)))

  const url = externalUrl(event)
  const rows = shown.flatMap(({ id }) => {
    const found = projects.find(({ thing }) => thing.id === id)
    if (!found || !sees('project', caller, found.thing)) return []
    const { thing: project, ancestors } = found
    return [
      query.isSimple ? presentSimpleProject(project, ancestors, { url }) : presentTo(caller, project, ancestors, url),
    ]
  })
  return { rows, total: found.length, page }
}

/**
 * `GET /projects`: the projects that the caller may see, the newest first, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token.
 */
export const listProjects = (db: () => Database) =>
  endpoint('listProjects', db)
    .use(paginate(ORDER))
    .use(readAhead(() => db().groups.listContents('project')))
    .use(identify(db))
    .handler(async (event, { caller, reading }) => pageOf(db(), event, caller, await reading))

/**
 * `GET /groups/:id/projects`: the projects directly in a group that the caller may see, with `include_subgroups` at any
 * depth, the newest first, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 404 for a group that is not there or
 * not to be seen.
 */
export const listGroupProjects = (db: () => Database) =>
  endpoint('listGroupProjects', db)
    .use(paginate(ORDER))
    .use(loadGroup(db, 'read_group', { ahead: (_event, group) => db().groups.listContents('project', group) }))
    .handler(async (event, { caller, group, ahead: contents }) => {
      const isDeep = parseParams(queryParams(event), (read) => read.boolean('include_subgroups'))
      const asked = isDeep ? contents : contents.filter((content) => parentId(content) === group.id)
      return pageOf(db(), event, caller, asked)
    })

/** One of name and path is enough for both. */
const readNewProject = (read: Reader) => {
  read.atLeastOne('name', 'path')
  const name = read.text('name')
  const path = read.text('path')
  return {
    name: name ?? path ?? '',
    path: path ?? pathFromName(name ?? ''),
    description: read.text('description') ?? '',
    visibility: read.oneOf('visibility', visibilities) ?? 'private',
  }
}

/**
 * `POST /projects`: makes an empty project, in the caller's own namespace or in that of `namespace_id`.
 *
 * 201; 400 for a parameter, a path that is taken or reserved and more visibility than the group's; 401 for anonymous
 * callers; 403 below Developer of the group; 404 for a namespace that is not there or not to be seen.
 */
export const createProject = (db: () => Database) =>
  endpoint('createProject', db)
    .use(readAhead((event) => findNamed(db(), event, 'namespace_id')))
    .use(requireUser(db))
    .handler(async (event, { caller, user, reading }) => {
      const { namespace: found, around } = (await reading) ?? {
        namespace: await db().groups.findGroup({ id: user.namespaceId }),
        around: [],
      }
      const namespace = openNamespace(caller, found)
      const wanted = parseParams(await allParams(event), readNewProject)
      assertValid(projectProblems(wanted, namespace))

      const project = await db().groups.createProject(namespace, wanted, user.id, new Date().toISOString())
      return json(201, presentProject(project, [...around, namespace], { url: externalUrl(event) }))
    })

/**
 * `GET /projects/:id`: one project, with the caller's roles in it when he is signed in.
 *
 * 200; 401 for a bad token; 404 for a project that is not there or not to be seen.
 */
export const getProject = (db: () => Database) =>
  endpoint('getProject', db)
    .use(loadProject(db, 'read_project'))
    .handler(async (event, { project, caller, ancestors }) =>
      json(200, presentTo(caller, project, ancestors, externalUrl(event))),
    )

/** GitLab's other parameters are about what is not here, such as `default_branch`, and mean nothing. */
const readChange = (read: Reader) => ({
  description: { name: read.text('name'), description: read.text('description') },
  place: readPlace(read),
})

/**
 * `PUT /projects/:id`: changes the name, the description, the path and the visibility of a project. Lists show the
 * change at once, and an old path leads on.
 *
 * 200; 400 for a parameter, a path that is taken and more visibility than the group's; 401 for anonymous callers; 403
 * below Maintainer, for the visibility below Owner; 404 for a project that is not there or not to be seen; 409 while an
 * earlier change of a large project is still on its way.
 */
export const updateProject = (db: () => Database) =>
  endpoint('updateProject', db)
    .use(requireLogin())
    .use(loadProject(db, 'admin_project'))
    .handler(async (event, { project, caller, ancestors }) => {
      const { description, place } = parseParams(await allParams(event), readChange)
      assertValid(describedProblems(description))

      await changeProjectPlace(db(), caller, project, ancestors.at(-1) as Group, place)
      const changed = await db().groups.describeProject(project.id, description)
      return json(200, presentTo(caller, changed, ancestors, externalUrl(event)))
    })

/** GitLab takes the id of a namespace or its full path. */
const findTarget = async (db: Database, event: APIGatewayProxyEvent): Promise<Located<Group> | undefined> => {
  const text = parseParams(await allParams(event), (read) => read.required('namespace', read.text('namespace')))
  return findLocated(db, parseReference('group', text))
}

/**
 * `PUT /projects/:id/transfer`: moves a project into another namespace, with all its packages. Lists show it at once,
 * and the old path leads on. In a namespace that is less visible it becomes so too.
 *
 * 200; 400 for a parameter and a path that is taken there; 401 for anonymous callers; 403 below Owner of the project and
 * Developer of the target; 404 for what is not there or not to be seen; 409 while an earlier change of a large project is
 * still on its way.
 */
export const transferProject = (db: () => Database) =>
  endpoint('transferProject', db)
    .use(requireLogin())
    .use(loadProject(db, 'change_namespace', { ahead: (event) => findTarget(db(), event) }))
    .handler(async (event, context) => {
      const { project, ahead: found } = context
      // The caller's roles were read for the project; the target has groups of its own around it.
      const everywhere = await findCallerOfNow(db(), context)
      const target = openNamespace(everywhere, found?.thing)
      assertValid(projectProblems({ ...project, visibility: visibilityIn(target, project.visibility) }, target))

      const moved = await db().groups.transferProject(project.id, target, new Date().toISOString())
      await settleSoon(db(), project.id)
      return json(200, presentTo(everywhere, moved, [...(found?.ancestors ?? []), target], externalUrl(event)))
    })

/**
 * `DELETE /projects/:id`: removes a project with all its packages. It is gone from every list at once, and its path is
 * free.
 *
 * 202; 401 for anonymous callers; 403 below Owner; 404 for a project that is not there or not to be seen; 409 while an
 * earlier change of a large project is still on its way; 412 when it was made after `If-Unmodified-Since`.
 */
export const deleteProject = (db: () => Database) =>
  endpoint('deleteProject', db)
    .use(requireLogin())
    .use(loadProject(db, 'remove_project'))
    .handler(async (event, { project: { id, createdAt } }) => {
      const since = unmodifiedSince(event)
      if (since !== undefined && createdAt > since) throw new PackagesError({ code: 'modified_since' })

      await db().groups.deleteProject(id, new Date().toISOString())
      await settleSoon(db(), id)

      return json(202, { message: '202 Accepted' })
    })
