import type { Scope } from '../../lib/domain/token.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { Answer } from '../../lib/http/answers.ts'
import type { Database } from '../../lib/repository/database.ts'

type Refusal = { message?: unknown; error?: unknown; error_description?: unknown }

/** GitLab tells npm without a prefix what a rule protects. */
const PROTECTED = /^403 Forbidden - (?=Package (is deletion )?protected\.$)/

/** npm shows `error` of a refusal, where GitLab's other clients look for `message`: both keys, the same text. */
const withBothKeys = (answer: Answer): Answer => {
  const body = JSON.parse(answer.body) as Refusal
  const told = body.message ?? body.error_description ?? body.error
  const text = typeof told === 'string' ? told.replace(PROTECTED, '') : told
  return { ...answer, body: JSON.stringify({ ...body, message: text, error: text }) }
}

/** An endpoint that takes what npm sends, and whose refusals it can read. */
export const npmEndpoint = (name: string, db: () => Database, scopes: readonly Scope[] = []) =>
  endpoint(name, db, { reword: withBothKeys, deployTokens: true, scopes })
