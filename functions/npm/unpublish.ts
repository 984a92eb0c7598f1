import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound, validationFailed } from '../../lib/domain/errors.ts'
import { isOpenable } from '../../lib/domain/package.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { json } from '../../lib/http/answers.ts'
import { parseObject, pathParams, readBody } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { parseKept, removedFrom } from '../../lib/npm/changes.ts'
import { parseRevisedPath } from '../../lib/npm/names.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { nameIn } from './packument.ts'

/** npm 6 repeats the path of the registry before that of a tarball. */
const REPEATED = /^api\/v4\/projects\/[^/]+\/packages\/npm\//

const pathOf = (event: APIGatewayProxyEvent) => {
  const { package_name, rest } = pathParams(event)
  const path = parseRevisedPath(`${package_name}/${rest}`.replace(REPEATED, ''))
  if (!path) throw notFound('npm_package')
  return path
}

/** Without it, nobody knows which versions the client has seen: one that came later would go with them. */
const required = (revision: number | undefined): number => {
  if (revision !== undefined) return revision
  throw validationFailed(
    'Validation failed: -rev is not followed by the _rev of the package, as it has with ?write=true',
  )
}

/**
 * `PUT …/npm/:package_name/-rev/:revision`: `npm unpublish` of one version sends the packument without it. Versions that
 * were published after that revision stay.
 *
 * 200; 400 for the body or the revision; 401 anonymous; 403 below Maintainer and when a rule
 * protects the package; 404 when there is no version; 409 when one
 * that should stay is gone; 413; 503 as for `npm deprecate`.
 */
export const removeVersions = (db: () => Database) =>
  npmEndpoint('removeVersions', db)
    .use(loadProject(db, 'destroy_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const path = pathOf(event)
      const name = nameIn(project, path.name)
      const kept = parseKept(path.name, parseObject(readBody(event).toString('utf8')))
      const revision = required(path.revision)
      const versions = (await db().packages.listVersionDetails(name)).filter(({ status }) => isOpenable(status))
      if (versions.length === 0) throw notFound('npm_packages')
      const ids = removedFrom(kept, revision, versions).map(({ id }) => id)
      await db().packages.deleteAll(writerIn(caller, project), name, ids, new Date().toISOString())

      return json(200, { ok: true })
    })

/**
 * `DELETE …/npm/:package_name/-/:file/-rev/:revision`: the last step of `npm unpublish` removes that version, which the
 * step before it did already. And `DELETE …/npm/:package_name/-rev/:revision`: all versions up to that revision.
 *
 * 200; 400 for the revision; 401 anonymous; 403 below Maintainer and when a rule protects the
 * package; 404 when there is no version of the package; 503 as
 * for `npm deprecate`.
 */
export const removePackage = (db: () => Database) =>
  npmEndpoint('removePackage', db)
    .use(loadProject(db, 'destroy_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const { name, version, revision } = pathOf(event)
      const versions = await db().packages.listVersions(nameIn(project, name))
      const known = version === undefined ? required(revision) : (revision ?? Number.POSITIVE_INFINITY)
      const there = versions.filter(({ id, status }) => isOpenable(status) && id <= known)
      if (there.length === 0) throw notFound('npm_packages')
      const removed = version === undefined ? there : there.filter((found) => found.version === version)
      const ids = removed.map(({ id }) => id)
      await db().packages.deleteAll(writerIn(caller, project), nameIn(project, name), ids, new Date().toISOString())

      return json(200, { ok: true })
    })
