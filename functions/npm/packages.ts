import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound } from '../../lib/domain/errors.ts'
import { isOpenable } from '../../lib/domain/package.ts'
import type { Project } from '../../lib/domain/project.ts'
import { answerDownload } from '../../lib/download.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import { apiUrl } from '../../lib/http/links.ts'
import { pathParams } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { attachmentName, type PackagePath, parsePackagePath } from '../../lib/npm/names.ts'
import { parseDetails, presentPackument } from '../../lib/npm/packument.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'

const nameIn = ({ id }: Project, { name }: PackagePath) => ({ projectId: id, type: 'npm', name }) as const

const answerPackument = async (db: Database, event: APIGatewayProxyEvent, project: Project, path: PackagePath) => {
  const name = nameIn(project, path)
  const [versions, { tags }] = await Promise.all([db.packages.listVersionDetails(name), db.packages.findTags(name)])
  const base = apiUrl(event, `/projects/${project.id}/packages/npm`)
  const packument = presentPackument(path.name, versions, tags, base)
  if (!packument) throw notFound('npm_packages')

  return json(200, packument)
}

/**
 * `GET …/npm/:package_name`: the packument.
 *
 * 200; 401 anonymous where the project is not public; 403 for a Guest; 404 when no version is to be had.
 */
export const getPackument = (db: () => Database) =>
  npmEndpoint('getPackument', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async (event, { project }) => {
      const path = parsePackagePath(pathParams(event).package_name ?? '')
      if (!path) throw notFound('npm_packages')

      return answerPackument(db(), event, project, path)
    })

/**
 * `GET …/npm/:package_name/-/:file`: the tarball, by a redirect to the object store. A scope's slash may stand plain in
 * the path, so `@scope/name` alone, which is a packument, arrives here too.
 *
 * 302; 200 for a packument; 401 anonymous where the project is not public; 403 for a Guest; 404.
 */
export const getTarballOrPackument = (db: () => Database, store: () => ObjectStore) =>
  npmEndpoint('getTarball', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async (event, context) => {
      const { project } = context
      const { package_name, rest } = pathParams(event)
      const path = parsePackagePath(`${package_name}/${rest}`)
      if (!path) throw notFound('npm_package')
      if (path.version === undefined) return answerPackument(db(), event, project, path)

      const found = await db().packages.findVersionDetails({ ...nameIn(project, path), version: path.version })
      if (!found || !isOpenable(found.status)) throw notFound('npm_package')

      const { fileId } = parseDetails(found.details)
      const file = { id: fileId, packageId: found.id, fileName: attachmentName(path.name, path.version) }
      return answerDownload(context, db(), store(), project, file)
    })
