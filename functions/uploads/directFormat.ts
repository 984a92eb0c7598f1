import type { Digest, DirectUpload } from '../../lib/domain/directUpload.ts'
import type { PackageFile } from '../../lib/domain/package.ts'
import type { Caller } from '../../lib/domain/permissions.ts'
import type { Project } from '../../lib/domain/project.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'

/** Who confirms an upload, where. */
export type Confirming = { db: Database; store: ObjectStore; project: Project; caller: Caller }

/** What a format makes of a direct upload. */
export type DirectFormat = {
  /** @throws what the format's own route would refuse before it had read the file */
  check: (wanted: Pick<DirectUpload, 'path' | 'options'>) => void
  /** Adds the file, whose bytes are stored, as the format's own route does. */
  add: (confirming: Confirming, upload: DirectUpload, digest: Digest) => Promise<PackageFile>
}
