import type { Context, ScheduledEvent } from 'aws-lambda'
import { database, objectStore } from '../../lib/deps.ts'
import { PackagesError } from '../../lib/domain/errors.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Database } from '../../lib/repository/database.ts'
import { settleMetadata as settle } from '../maven/settleMetadata.ts'

/** What is left of the function's time when it stops. */
const RESERVE_MS = 10_000

/**
 * Every minute: makes Maven's metadata fit the versions that are there, where a version was deleted or a request
 * stopped half-way. Whoever asks for metadata does the same; this is for those who only look at lists. It may stop
 * anywhere, run twice and run beside itself.
 */
export const settleMetadata =
  (db: () => Database, store: () => ObjectStore) =>
  async (_event: ScheduledEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<void> => {
    for (const outdated of await db().overviews.listOutdated()) {
      if (context.getRemainingTimeInMillis() < RESERVE_MS) return
      const { projectId, name } = outdated
      const line = { job: 'settleMetadata', project_id: projectId, package_name: name }
      try {
        const project = await db().groups.findProject({ id: projectId })
        const isThere = project && (await db().groups.locate(project))
        await (isThere ? settle(db(), store(), outdated) : db().overviews.settled(outdated))
        console.info(JSON.stringify({ level: 'info', ...line }))
      } catch (error) {
        // One that cannot be settled now must not keep the others waiting.
        const failure = error instanceof PackagesError ? error.failure : undefined
        console.error(JSON.stringify({ level: 'error', ...line, error: String(error), ...(failure && { failure }) }))
      }
    }
  }

export const handler = settleMetadata(database, objectStore)
