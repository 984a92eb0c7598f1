import { matchesPattern } from '../../lib/access/patterns.ts'
import type { PackageFile } from '../../lib/domain/package.ts'
import { isSnapshot, type MavenPath, withoutBuild } from '../../lib/maven/paths.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { Upload } from '../../lib/repository/files.ts'

/**
 * Makes a stored file part of the version, or of the artifact as a whole, that its path names, however its bytes came.
 * The builds of a snapshot are duplicates of each other, as in GitLab.
 */
export const addFile = (
  db: Database,
  { name, version, fileName }: MavenPath,
  stored: Omit<PackageFile, 'packageId' | 'fileName' | 'createdAt'>,
  upload: Pick<Upload, 'writer' | 'directUploadId'>,
): Promise<PackageFile> =>
  db.files.add(
    { type: 'maven', name, version },
    { ...stored, fileName, createdAt: new Date().toISOString() },
    { ...upload, matches: matchesPattern, sameAs: version !== null && isSnapshot(version) ? withoutBuild : undefined },
  )
