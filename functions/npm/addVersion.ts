import type { Writer } from '../../lib/domain/protection.ts'
import { attachmentName } from '../../lib/npm/names.ts'
import type { Hashes, PublishedVersion } from '../../lib/npm/publish.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { NewPackage } from '../../lib/repository/packages.ts'

/** Publishes a version whose tarball is stored, however its bytes came. */
export const addVersion = (
  db: Database,
  { name, version, tag, manifest }: PublishedVersion,
  { packageId, fileId, size, hashes }: { packageId: number; fileId: number; size: number; hashes: Hashes },
  { writer, directUploadId }: Pick<NewPackage, 'directUploadId'> & { writer: Writer },
) => {
  const { md5, sha1, sha256, integrity } = hashes
  return db.packages.publish(writer, {
    id: packageId,
    name,
    version,
    type: 'npm',
    status: 'default',
    creatorId: writer.userId,
    createdAt: new Date().toISOString(),
    files: [{ id: fileId, fileName: attachmentName(name, version), size, md5, sha1, sha256 }],
    details: { manifest, sha1, integrity, fileId },
    tags: [tag],
    directUploadId,
  })
}
