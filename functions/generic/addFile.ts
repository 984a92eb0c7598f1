import type { PackageFile } from '../../lib/domain/package.ts'
import type { Caller } from '../../lib/domain/permissions.ts'
import type { Project } from '../../lib/domain/project.ts'
import type { GenericPath } from '../../lib/generic/names.ts'
import type { Database } from '../../lib/repository/database.ts'
import type { Upload } from '../../lib/repository/files.ts'

/** Makes a stored file part of the version that its path names, however its bytes came. */
export const addFile = (
  { db, project, caller }: { db: Database; project: Project; caller: Caller },
  { name, version, fileName }: GenericPath,
  stored: Omit<PackageFile, 'packageId' | 'fileName' | 'createdAt'>,
  options: Omit<Upload, 'creatorId'>,
): Promise<PackageFile> =>
  db.files.add(
    { projectId: project.id, type: 'generic', name, version },
    { ...stored, fileName, createdAt: new Date().toISOString() },
    { ...options, creatorId: caller.user?.id ?? null },
  )
