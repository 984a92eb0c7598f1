import { notFound } from '../../lib/domain/errors.ts'
import { isOpenable } from '../../lib/domain/package.ts'
import { answerDownload } from '../../lib/download.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { pathParams } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { attachmentName, parsePackagePath } from '../../lib/npm/names.ts'
import { parseDetails } from '../../lib/npm/packument.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { answerPackument, findVersions, nameIn } from './packument.ts'

/**
 * `GET …/npm/:package_name`: the packument; in its short form where the client prefers
 * `application/vnd.npm.install-v1+json`.
 *
 * 200; 302 to the object store when it is too long for an answer; 304 for `If-None-Match`; 401 anonymous where the
 * project is not public; 403 for a Guest; 404 when no version is to be had.
 */
export const getPackument = (db: () => Database, store: () => ObjectStore) =>
  npmEndpoint('getPackument', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async (event, { project }) => {
      const path = parsePackagePath(pathParams(event).package_name ?? '')
      if (!path) throw notFound('npm_packages')

      return answerPackument(event, store, path.name, await findVersions(db(), event, project, path.name))
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
      const { name, version } = path
      if (version === undefined) {
        return answerPackument(event, store, name, await findVersions(db(), event, project, name))
      }

      const found = await db().packages.findVersionDetails({ ...nameIn(project, name), version })
      if (!found || !isOpenable(found.status)) throw notFound('npm_package')

      const { fileId } = parseDetails(found.details)
      const file = { id: fileId, packageId: found.id, fileName: attachmentName(name, version) }
      return answerDownload(context, db(), store(), project, file)
    })
