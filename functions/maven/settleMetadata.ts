import { PackagesError } from '../../lib/domain/errors.ts'
import { serviceIn } from '../../lib/domain/protection.ts'
import { hashesOf, sha512Of } from '../../lib/files/hashes.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { METADATA_LIMIT_BYTES, type Revision, reviseMetadata } from '../../lib/maven/metadata.ts'
import { METADATA_FILE } from '../../lib/maven/paths.ts'
import type { Logged } from '../../lib/middleware/logRequest.ts'
import type { Database } from '../../lib/repository/database.ts'

type Overview = NonNullable<Awaited<ReturnType<Database['overviews']['findOutdated']>>>
export type Artifact = Parameters<Database['overviews']['findOutdated']>[0]

/** As often as others may come between in one request; whatever is left stays noted. */
const ATTEMPTS = 8

/**
 * Every deploy sends the metadata of its artifact anew. Of those that newer ones have replaced so many are kept, far more
 * than deploys at one moment ask for; else an artifact could not be deployed more often than a package has files.
 */
export const METADATA_KEPT = 100

/**
 * Makes the metadata of an artifact fit its versions, if something is noted. It may stop anywhere, run twice and run
 * beside itself: the note goes only when the newest metadata was seen to fit, and nothing else was noted meanwhile.
 */
export const settleMetadata = async (db: Database, store: ObjectStore, artifact: Artifact): Promise<void> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const overview = await db.overviews.findOutdated(artifact, METADATA_FILE)
    if (!overview) return
    const now = new Date().toISOString()
    const revision = await revise(store, overview, now)
    if (revision.outcome === 'right' && (await db.overviews.settled(overview.outdated))) {
      return removeReplaced(db, overview, now)
    }
    if (revision.outcome === 'empty') await db.packages.deleteLeftAlone(artifact, now, overview.kept?.package.revision)
    if (revision.outcome === 'revised') {
      // A package that is full of what was replaced has no room for one more.
      await removeReplaced(db, overview, now)
      await replace(db, store, overview, revision.xml, now)
    }
  }
}

/** The same where it is done on the way: what comes of it is told in the log, and the note stays for others. */
export const settleOnTheWay = async (context: Logged, ...work: Parameters<typeof settleMetadata>): Promise<void> => {
  try {
    await settleMetadata(...work)
  } catch (error) {
    context.facts = { ...context.facts, metadata: String(error) }
  }
}

const revise = async (store: ObjectStore, overview: Overview, now: string): Promise<Revision> => {
  const { kept } = overview
  if (!kept || kept.file.size > METADATA_LIMIT_BYTES) return { outcome: 'right' }
  const bytes = await store.read({ projectId: kept.package.projectId, fileId: kept.file.id })
  return bytes ? reviseMetadata(bytes.toString('utf8'), overview, now) : { outcome: 'right' }
}

/** Metadata of an artifact is written anew with each version: no group's rule about duplicates is about it. */
const asksNoPattern = async () => false

/** Adds metadata in the place of what was read. Where that is not the newest any more, it adds nothing. */
const replace = async (db: Database, store: ObjectStore, { outdated, kept }: Overview, xml: string, now: string) => {
  const bytes = Buffer.from(xml)
  const { projectId, type, name } = outdated
  const id = await db.packages.nextFileId()
  const size = bytes.length
  const file = { id, fileName: METADATA_FILE, size, ...hashesOf(bytes), sha512: sha512Of(bytes), createdAt: now }
  const writer = serviceIn(projectId)
  const upload = { writer, matches: asksNoPattern, ...(kept ? { replaces: kept.file.id } : {}) }
  try {
    await store.put({ projectId, fileId: id }, bytes, () => db.files.add({ type, name, version: null }, file, upload))
  } catch (error) {
    if (!(error instanceof PackagesError && error.failure.code === 'modified_since')) throw error
  }
}

/** Removes the oldest of the metadata that was replaced: a few more than came, so that it comes to an end. */
const removeReplaced = async (db: Database, { kept }: Overview, now: string) => {
  const spare = Math.min((kept?.package.fileCount ?? 0) - METADATA_KEPT, REMOVED_AT_ONCE)
  if (!kept || spare <= 0) return
  const page = { number: 1, size: spare, asked: spare }
  const { rows } = await db.files.list(kept.package.id, { page, order: 'id', sort: 'asc' })
  for (const { id } of rows.filter((file) => file.id !== kept.file.id)) {
    try {
      await db.files.delete(serviceIn(kept.package.projectId), kept.package.id, id, now)
    } catch (error) {
      // Somebody else removes them too.
      if (!(error instanceof PackagesError && error.failure.code === 'not_found')) throw error
    }
  }
}

const REMOVED_AT_ONCE = 3
