import { validationFailed } from '../../lib/domain/errors.ts'
import { type MavenPath, parseMavenPath, sidecarOf } from '../../lib/maven/paths.ts'
import type { DirectFormat } from '../uploads/directFormat.ts'
import { addFile } from './addFile.ts'
import { settleOnTheWay } from './settleMetadata.ts'

/** As in the route of Maven, where the hash of a file is compared and never stored: there is nothing to send directly. */
const parsePath = (path: string): MavenPath => {
  const parsed = parseMavenPath(path)
  if (sidecarOf(parsed.fileName).hash) {
    throw validationFailed('400 Bad request - the hash of a file is no direct upload: it is sent by the route of Maven')
  }
  return parsed
}

export const mavenUploads: DirectFormat = {
  nameOf: ({ path }) => parsePath(path).name,
  add: async ({ context, db, store, writer }, { id, fileId, path }, { size, ...hashes }) => {
    const parsed = parsePath(path)
    await addFile(db, parsed, { id: fileId, size, ...hashes }, { writer, directUploadId: id })
    const { name, version } = parsed
    if (version === null)
      await settleOnTheWay(context, db, store, { projectId: writer.project.id, type: 'maven', name })
  },
}
