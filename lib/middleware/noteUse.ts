import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../repository/database.ts'

/**
 * The longest that an answer is held up by the note of a token's use, which is written while the request is at work.
 * Lambda stops when the answer is out, so a note that is only begun might never be written.
 */
export const NOTE_USE_WITHIN_MS = 200

/** Never fails. @returns `done`, or what came of it for the log */
export const noteUse = async (database: Database, secret: string, now: string): Promise<string> =>
  Promise.race([write(database, secret, now), sleep(NOTE_USE_WITHIN_MS, 'late', { ref: false })])

const write = async (database: Database, secret: string, now: string) => {
  try {
    await database.tokens.noteUse(secret, now)
    return 'done'
  } catch (error) {
    return String(error)
  }
}
