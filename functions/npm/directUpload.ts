import { type DirectUpload, limitTo } from '../../lib/domain/directUpload.ts'
import { validationFailed } from '../../lib/domain/errors.ts'
import { assertPublishable, parseTarball, TARBALL_LIMIT_BYTES } from '../../lib/npm/publish.ts'
import type { DirectFormat } from '../uploads/directFormat.ts'
import { addVersion } from './addVersion.ts'

const tagOf = ({ options }: Pick<DirectUpload, 'options'>) => options.tag ?? 'latest'

export const npmUploads: DirectFormat = {
  nameOf: ({ path, options, size }) => {
    assertPublishable(path, tagOf({ options }))
    limitTo(TARBALL_LIMIT_BYTES, 'a direct upload of an npm package', size)
    return path
  },
  add: async ({ db, store, writer }, upload, { size, sha512, ...hashes }) => {
    const { id, projectId, fileId, path } = upload
    const tarball = await store.open({ projectId, fileId })
    if (!tarball) throw validationFailed('400 Bad request - no file has been sent to the URL of this upload')
    const published = await parseTarball(path, tagOf(upload), tarball)
    const packageId = await db.packages.nextPackageId()
    const integrity = `sha512-${Buffer.from(sha512, 'hex').toString('base64')}`
    const stored = { packageId, fileId, size, hashes: { ...hashes, integrity } }
    await addVersion(db, published, stored, { writer, directUploadId: id })
  },
}
