import type { Digest, DirectUpload } from '../../lib/domain/directUpload.ts'
import type { Writer } from '../../lib/domain/protection.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Logged } from '../../lib/middleware/logRequest.ts'
import type { Database } from '../../lib/repository/database.ts'

/** Who confirms an upload, where. */
export type Confirming = { context: Logged; db: Database; store: ObjectStore; writer: Writer }

/** What a format makes of a direct upload. */
export type DirectFormat = {
  /**
   * The name of the package that the file is to be part of.
   * @throws what the format's own route would refuse before it had read the file
   */
  nameOf: (wanted: Pick<DirectUpload, 'path' | 'options' | 'size'>) => string
  /** Adds the file, whose bytes are stored, as the format's own route does. */
  add: (confirming: Confirming, upload: DirectUpload, digest: Digest) => Promise<unknown>
}
