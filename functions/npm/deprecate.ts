import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound } from '../../lib/domain/errors.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import { json } from '../../lib/http/answers.ts'
import { bodyText, header, parseObject, pathParams, readBody } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { parseDeprecations } from '../../lib/npm/changes.ts'
import { isPackageName } from '../../lib/npm/names.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { nameIn } from './packument.ts'

/**
 * npm says which command it runs; npm 6, which has no header for that, in `Referer`. Others, such as pnpm 12.4, say
 * nothing: but who deprecates sends no tarball along.
 */
export const isDeprecation = (event: APIGatewayProxyEvent): boolean => {
  const command = header(event, 'npm-command') ?? header(event, 'referer')?.split(' ')[0]
  if (command === 'deprecate' || command === 'undeprecate') return true
  const text = bodyText(event)
  return text.includes('"deprecated"') && !text.includes('"_attachments"')
}

/**
 * `PUT …/npm/:package_name` by `npm deprecate`: the packument with a message at each version that it is about. An empty
 * message takes it back. Needs the right to delete, as in GitLab.
 *
 * 200; 400 when the body says nothing of the kind; 401 anonymous; 403 below Maintainer and when a rule protects the
 * package; 404 when none of the versions is there; 413; 503 when there were too many for one request, which may be sent again to go on.
 */
export const deprecatePackage = (db: () => Database) =>
  npmEndpoint('deprecatePackage', db)
    .use(loadProject(db, 'destroy_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const name = pathParams(event).package_name ?? ''
      const messages = parseDeprecations(name, parseObject(readBody(event).toString('utf8')))
      if (!isPackageName(name)) throw notFound('npm_package')
      const writer = writerIn(caller, project)
      await db().packages.deprecate(writer, nameIn(project, name), messages, new Date().toISOString())

      return json(200, { ok: true })
    })
