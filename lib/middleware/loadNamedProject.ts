import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, PackagesError } from '../domain/errors.ts'
import { canInProject, leastRoleName } from '../domain/permissions.ts'
import type { Group, Project } from '../domain/project.ts'
import type { Database } from '../repository/database.ts'
import type { Authenticated } from './authenticate.ts'
import { findCaller, type Identified } from './identify.ts'
import { startEarly } from './startEarly.ts'

export type InNamedProject<Ahead> = Authenticated & Identified & { project: Project; ancestors: Group[]; ahead: Ahead }

/**
 * The project with which the name of a package begins, whose packages the caller may read. Where there is none GitLab
 * answers 403, and so does what is hidden; an anonymous caller is asked to log in.
 */
export const loadNamedProject = <Ahead>(
  database: () => Database,
  pathsOf: (event: APIGatewayProxyEvent) => readonly string[],
  ahead: (event: APIGatewayProxyEvent, project: Project) => Promise<Ahead>,
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InNamedProject<Ahead>> => ({
  before: async ({ event, context }) => {
    const finding = startEarly(() => database().holders.findProjectAt(pathsOf(event)))
    const token = await context.authentication
    const hidden = () =>
      token
        ? forbidden('no project has a path that this name begins with')
        : new PackagesError({ code: 'login_required' })
    const found = await finding
    if (!found) throw hidden()
    const { thing: project, ancestors } = found

    const early = startEarly(() => ahead(event, project))
    const caller = await findCaller(database(), token, [
      { kind: 'project', id: project.id },
      ...project.ancestorIds.map((id) => ({ kind: 'group', id }) as const),
    ])
    if (!canInProject(caller, 'read_project', project)) throw hidden()
    if (!canInProject(caller, 'read_package', project)) {
      throw forbidden(`this needs the role ${leastRoleName('read_package')} in the project`)
    }
    Object.assign(context, { project, ancestors, caller, ahead: await early })
  },
})
