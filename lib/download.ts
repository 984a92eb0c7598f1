import { setTimeout as sleep } from 'node:timers/promises'
import { baseNameOf, type PackageFile } from './domain/package.ts'
import type { Project } from './domain/project.ts'
import type { ObjectStore } from './files/store.ts'
import { type Answer, redirect } from './http/answers.ts'
import type { Logged } from './middleware/logRequest.ts'
import type { Database } from './repository/database.ts'

/**
 * The longest that a download is held up by the note of it. Lambda stops when the answer is out, so a note that is
 * only begun might never be written.
 */
export const NOTE_WITHIN_MS = 200

type Downloaded = Pick<PackageFile, 'id' | 'packageId' | 'fileName'>

/**
 * Answers a download: a redirect to the object store, which also honours ranges. That the package was downloaded is
 * noted meanwhile; what comes of that is told in the log and never to the client.
 */
export const answerDownload = async (
  context: Logged,
  db: Database,
  store: ObjectStore,
  { id: projectId }: Pick<Project, 'id'>,
  { id: fileId, packageId, fileName }: Downloaded,
): Promise<Answer> => {
  const [url, note] = await Promise.all([
    store.presignGet({ projectId, fileId }, baseNameOf(fileName)),
    Promise.race([noteDownload(db, packageId), sleep(NOTE_WITHIN_MS, 'late', { ref: false })]),
  ])
  if (note !== 'done') context.facts = { ...context.facts, download_note: note }

  return redirect(url)
}

const noteDownload = async (db: Database, packageId: number) => {
  try {
    await db.packages.noteDownload(packageId, new Date().toISOString())
    return 'done'
  } catch (error) {
    return String(error)
  }
}
