import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound, notOffered, validationFailed } from '../../lib/domain/errors.ts'
import type { Project } from '../../lib/domain/project.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { pathParams, readBody } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { assertTag, isPackageName, isVersion } from '../../lib/npm/names.ts'
import { distTags } from '../../lib/npm/packument.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { ACCESS } from './refuseOthers.ts'

/** The package of the path. A scope's slash may stand plain: then the rest of the name is in `rest`. */
const nameOf = (event: APIGatewayProxyEvent, { id }: Project) => {
  const { package_name = '', rest } = pathParams(event)
  const name = rest === undefined ? package_name : `${package_name}/${rest.replace(/\/dist-tags$/, '')}`
  if (rest !== undefined && !rest.endsWith('/dist-tags')) throw notOffered(ACCESS)
  if (!isPackageName(name)) throw notFound('npm_package')
  return { projectId: id, type: 'npm', name } as const
}

/** `GET …/npm/-/package/:package_name/dist-tags`: tags with their versions. 200; 401; 403 for a Guest; 404. */
export const listDistTags = (db: () => Database) =>
  npmEndpoint('listDistTags', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async (event, { project }) => {
      const versions = await db().packages.listVersions(nameOf(event, project))
      if (versions.length === 0) throw notFound('npm_package')

      return json(
        200,
        distTags(
          versions,
          versions.flatMap(({ tags }) => tags),
        ),
      )
    })

const tagOf = (event: APIGatewayProxyEvent) => {
  const { tag = '' } = pathParams(event)
  assertTag(tag)
  return tag
}

/** `PUT …/dist-tags/:tag` with the version as a JSON string. 204; 400; 401; 403 below Developer; 404. */
export const putDistTag = (db: () => Database) =>
  npmEndpoint('putDistTag', db)
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const coordinates = { ...nameOf(event, project), version: parseVersion(readBody(event).toString('utf8')) }
      await db().packages.putTag(writerIn(caller, project), coordinates, tagOf(event), new Date().toISOString())

      return noContent()
    })

const parseVersion = (text: string): string => {
  try {
    const version: unknown = JSON.parse(text)
    if (typeof version === 'string' && isVersion(version)) return version
  } catch {
    // Told below in the same words as JSON that is no version.
  }
  throw validationFailed('Validation failed: the body is not a version as a JSON string, such as "1.2.3"')
}

/** `DELETE …/dist-tags/:tag`. Needs the right to delete, as in GitLab. 204; 401; 403 below Maintainer; 404. */
export const deleteDistTag = (db: () => Database) =>
  npmEndpoint('deleteDistTag', db)
    .use(loadProject(db, 'destroy_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const name = nameOf(event, project)
      await db().packages.deleteTag(writerIn(caller, project), name, tagOf(event), new Date().toISOString())

      return noContent()
    })
