import { matchesPattern } from '../../lib/access/patterns.ts'
import type { PackageFile } from '../../lib/domain/package.ts'
import type { GenericPath } from '../../lib/generic/names.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { Upload } from '../../lib/repository/files.ts'

/** Makes a stored file part of the version that its path names, however its bytes came. */
export const addFile = (
  db: Database,
  { name, version, fileName }: GenericPath,
  stored: Omit<PackageFile, 'packageId' | 'fileName' | 'createdAt'>,
  upload: Pick<Upload, 'writer' | 'status' | 'directUploadId'>,
): Promise<PackageFile> =>
  db.files.add(
    { type: 'generic', name, version },
    { ...stored, fileName, createdAt: new Date().toISOString() },
    { ...upload, matches: matchesPattern },
  )
