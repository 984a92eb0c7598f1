import { select } from '../../lib/access/lists.ts'
import { rolesIn } from '../../lib/access/roles.ts'
import { assertValid, pathFromName, projectProblems } from '../../lib/access/validity.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { Caller } from '../../lib/domain/permissions.ts'
import { type Group, type Project, parentId, visibilities } from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, type Reader } from '../../lib/http/params.ts'
import { presentProject } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { identify, requireUser } from '../../lib/middleware/identify.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import type { Database } from '../../lib/repository/database.ts'
import { parseProjectsQuery } from './listQuery.ts'
import { findNamed, openNamespace } from './namespaces.ts'
import { readAhead } from './readAhead.ts'

/** Every project is in a namespace. */
const namespaceId = (project: Pick<Project, 'ancestorIds'>) => parentId(project) as number

/** A signed-in caller is told his roles too. */
const presentTo = (caller: Caller, project: Project, namespace: Group, url: string) =>
  presentProject(project, namespace, { url }, caller.user && rolesIn(caller, project, namespace))

/**
 * `GET /projects`: the projects that the caller may see, the newest first, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token.
 */
export const listProjects = (db: () => Database) =>
  endpoint('listProjects', db)
    .use(paginate({ order_by: 'created_at', sort: 'desc' }))
    .use(readAhead(() => db().groups.listContents('project')))
    .use(identify(db))
    .handler(async (event, { caller, reading }) => {
      const page = parsePage(event)
      const query = parseProjectsQuery(event)
      const found = select('project', await reading, caller, query)
      const shown = sliceOf(found, page)
      const [projects, namespaces] = await Promise.all([
        db().groups.listProjectsById(shown.map(({ id }) => id)),
        db().groups.listGroupsById(shown.map(namespaceId)),
      ])

      const url = externalUrl(event)
      const rows = shown.flatMap(({ id }) => {
        const project = projects.find((candidate) => candidate.id === id)
        const namespace = project && namespaces.find((candidate) => candidate.id === namespaceId(project))
        return project && namespace ? [presentTo(caller, project, namespace, url)] : []
      })
      return { rows, total: found.length, page }
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
 * 201; 400 for a parameter, a path that is taken and more visibility than the group's; 401 for anonymous callers; 403
 * below Developer of the group; 404 for a namespace that is not there or not to be seen.
 */
export const createProject = (db: () => Database) =>
  endpoint('createProject', db)
    .use(readAhead((event) => findNamed(db(), event, 'namespace_id')))
    .use(requireUser(db))
    .handler(async (event, { caller, user, reading }) => {
      const { namespace: found } = (await reading) ?? {
        namespace: await db().groups.findGroup({ id: user.namespaceId }),
      }
      const namespace = openNamespace(caller, found)
      const wanted = parseParams(allParams(event), readNewProject)
      assertValid(projectProblems(wanted, namespace))

      const project = await db().groups.createProject(namespace, wanted, user.id, new Date().toISOString())
      return json(201, presentProject(project, namespace, { url: externalUrl(event) }))
    })

/**
 * `GET /projects/:id`: one project, with the caller's roles in it when he is signed in.
 *
 * 200; 401 for a bad token; 404 for a project that is not there or not to be seen.
 */
export const getProject = (db: () => Database) =>
  endpoint('getProject', db)
    .use(
      loadProject(db, 'read_project', {
        ahead: (_event, project) => db().groups.findGroup({ id: namespaceId(project) }),
      }),
    )
    .handler(async (event, { project, caller, ahead: namespace }) => {
      if (!namespace) throw new Error(`Project ${project.id} is in a namespace that does not exist`)

      return json(200, presentTo(caller, project, namespace, externalUrl(event)))
    })
