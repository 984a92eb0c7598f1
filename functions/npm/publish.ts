import { PackagesError } from '../../lib/domain/errors.ts'
import { writerIn } from '../../lib/domain/protection.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { json } from '../../lib/http/answers.ts'
import { parseObject, pathParams, readBody } from '../../lib/http/params.ts'
import { presentPackageRecord } from '../../lib/http/present.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { parsePublish } from '../../lib/npm/publish.ts'
import type { Database } from '../../lib/repository/database.ts'
import { addVersion } from './addVersion.ts'
import { npmEndpoint } from './npmEndpoint.ts'

/**
 * `PUT …/npm/:package_name`: `npm publish`. When the client has its 200 the version is listed and can be installed.
 *
 * 200 with the record; 400 when something about the package does not agree; 401 anonymous; 403 below Developer, when
 * a rule protects the package and when the version is there already; 404; 413 above the limit of a body.
 */
export const publishPackage = (db: () => Database, store: () => ObjectStore) =>
  npmEndpoint('publishPackage', db)
    .use(loadProject(db, 'create_package', { asksForLogin: true }))
    .handler(async (event, { project, caller }) => {
      const body = parseObject(readBody(event).toString('utf8'))
      const publish = await parsePublish(pathParams(event).package_name ?? '', body)
      const { name, version, tarball, hashes } = publish
      const coordinates = { projectId: project.id, type: 'npm', name, version } as const
      const writer = writerIn(caller, project)
      // Spares the upload of what is protected or there already; whether it lands is decided by the write below.
      const [isThere] = await Promise.all([
        db().packages.exists(coordinates),
        db().packages.assertMayPublish(writer, coordinates),
      ])
      if (isThere) throw new PackagesError({ code: 'package_exists' })

      const [packageId, fileId] = await Promise.all([db().packages.nextPackageId(), db().packages.nextFileId()])
      const stored = { packageId, fileId, size: tarball.length, hashes }
      const record = await store().put({ projectId: project.id, fileId }, tarball, () =>
        addVersion(db(), publish, stored, { writer }),
      )

      return json(200, presentPackageRecord(record))
    })
