import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden, notFound, PackagesError } from '../domain/errors.ts'
import { canInProject, leastRoleName, type ProjectAbility } from '../domain/permissions.ts'
import type { Group, Project, Reference } from '../domain/project.ts'
import { parseReference } from '../http/ids.ts'
import { selfUrl } from '../http/links.ts'
import { pathParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import type { Authenticated } from './authenticate.ts'
import { findCaller, type Identified } from './identify.ts'
import { startEarly } from './startEarly.ts'

/** `ancestors` are the groups around the project, from the top down. */
export type InProject<Ahead> = Authenticated & Identified & { project: Project; ancestors: Group[]; ahead: Ahead }

type Options<Ahead> = {
  /**
   * Reads that need only the project go out together with those of the caller's roles. Their outcome, a refused
   * parameter included, counts only once the caller may do what he asks.
   */
  ahead?: (event: APIGatewayProxyEvent, project: Project) => Promise<Ahead>
  /** Routes of package clients: an anonymous caller is asked to log in, where others hear that nothing is there. */
  asksForLogin?: boolean
}

/**
 * The project of the path, which the caller may see and in which he may do `ability`. The order of questions is
 * GitLab's: a bad token is 401, a project he may not see 404, a thing he may not do 403.
 */
export const loadProject = <Ahead = undefined>(
  database: () => Database,
  ability: ProjectAbility,
  { ahead, asksForLogin = false }: Options<Ahead> = {},
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InProject<Ahead>> => ({
  before: async ({ event, context }) => {
    const finding = startEarly(() => database().groups.findProject(referenceOf(event)))
    const token = await context.authentication
    const hidden = () => (asksForLogin && !token ? new PackagesError({ code: 'login_required' }) : notFound('project'))

    const stored = await finding
    if (!stored) throw hidden()

    /** While a group around it moves, the project is elsewhere than it notes: then all is read for where it is. */
    const open = async (
      project: Project,
    ): Promise<Omit<InProject<Promise<Ahead | undefined>>, keyof Authenticated>> => {
      const early = startEarly(async () => ahead?.(event, project))
      const [caller, located] = await Promise.all([
        findCaller(database(), token, [
          { kind: 'project', id: project.id },
          ...project.ancestorIds.map((id) => ({ kind: 'group', id }) as const),
        ]),
        database().groups.locate(project),
      ])
      if (!located) throw hidden()
      if (located.thing !== project) return open(located.thing)
      return { caller, project, ancestors: located.ancestors, ahead: early }
    }

    const opened = await open(stored)
    const { project, caller } = opened
    if (!canInProject(caller, 'read_project', project)) throw hidden()
    if (isFormerPath(referenceOf(event), project)) throw moved(event, project)
    if (!canInProject(caller, ability, project)) {
      if (asksForLogin && !token) throw new PackagesError({ code: 'login_required' })
      throw forbidden(`this needs the role ${leastRoleName(ability)} in the project`)
    }
    Object.assign(context, { ...opened, ahead: await opened.ahead })
  },
})

const referenceOf = (event: APIGatewayProxyEvent) => parseReference('project', pathParams(event).id ?? '')

const isFormerPath = (reference: Reference, { fullPath }: Project) =>
  'fullPath' in reference && reference.fullPath.toLowerCase() !== fullPath.toLowerCase()

/** Where the same request goes by the project's id, which no move changes. */
const moved = (event: APIGatewayProxyEvent, { id }: Project) =>
  new PackagesError({
    code: 'moved',
    location: selfUrl(event, { id: String(id) }),
    isRead: event.httpMethod === 'GET' || event.httpMethod === 'HEAD',
  })
