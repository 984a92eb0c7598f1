import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound } from '../../lib/domain/errors.ts'
import { isInstallable } from '../../lib/domain/package.ts'
import type { Project } from '../../lib/domain/project.ts'
import { answerDownload } from '../../lib/download.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { parseGenericPath } from '../../lib/generic/names.ts'
import { fileHeaders } from '../../lib/http/answers.ts'
import { pathParams } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'

const findFile = async (db: Database, event: APIGatewayProxyEvent, { id }: Project) => {
  const { name, version, fileName } = parseGenericPath(pathParams(event))
  const found = await db.files.findByName({ projectId: id, type: 'generic', name, version }, fileName)
  return found && isInstallable(found.package.status) ? found.file : undefined
}

const loadReadable = (db: () => Database) =>
  loadProject(db, 'read_package', {
    asksForLogin: true,
    ahead: (event, project) => findFile(db(), event, project),
  })

/**
 * `GET …/generic/:package_name/:package_version/:file_name`: the newest file of that name, by a redirect to the object
 * store. A hidden package is no secret: who may read the project and knows the name gets it.
 *
 * 302; 400 for a name; 401 anonymous where the project is not public; 403 for a Guest; 404.
 */
export const downloadFile = (db: () => Database, store: () => ObjectStore) =>
  endpoint('downloadGenericFile', db, { deployTokens: true, asksForBasic: true })
    .use(loadReadable(db))
    .handler(async (_event, context) => {
      const { ahead: file, project } = context
      if (!file) throw notFound('package')

      const answer = await answerDownload(context, db(), store(), project, file)
      return { ...answer, headers: { ...answer.headers, 'X-Checksum-SHA256': file.sha256 } }
    })

/**
 * `HEAD` of the same path: size, hash and date of the file, without a redirect, as a URL that is signed for GET refuses
 * HEAD. It is no download.
 *
 * 200 without a body; else as GET.
 */
export const describeFile = (db: () => Database) =>
  endpoint('describeGenericFile', db, { deployTokens: true, asksForBasic: true })
    .use(loadReadable(db))
    .handler(async (_event, { ahead: file }) => {
      if (!file) throw notFound('package')

      return { statusCode: 200, headers: fileHeaders(file), body: '' }
    })
