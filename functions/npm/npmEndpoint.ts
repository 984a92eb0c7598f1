import { endpoint } from '../../lib/endpoint.ts'
import type { Answer } from '../../lib/http/answers.ts'
import type { Database } from '../../lib/repository/database.ts'

/** npm shows `error` of a refusal, where GitLab's other clients look for `message`: both keys, the same text. */
const withBothKeys = (answer: Answer): Answer => {
  const body = JSON.parse(answer.body) as { message?: unknown; error?: unknown }
  const text = body.error ?? body.message
  return { ...answer, body: JSON.stringify({ message: text, error: text, ...body }) }
}

/** An endpoint whose refusals npm can read. */
export const npmEndpoint = (name: string, db: () => Database) => endpoint(name, db, withBothKeys)
