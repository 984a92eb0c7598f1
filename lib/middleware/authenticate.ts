import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import {
  deployScopesFor,
  isDeployToken,
  isExpired,
  isOver,
  isUseDue,
  type Scope,
  scopesFor,
  type Token,
  userTold,
} from '../domain/token.ts'
import { type Credentials, credentialsOf, type Takes } from '../http/credentials.ts'
import type { Database } from '../repository/database.ts'
import type { Logged } from './logRequest.ts'
import { noteUse } from './noteUse.ts'
import { startEarly } from './startEarly.ts'

/**
 * `authentication` is the caller's valid token, or undefined for an anonymous caller. It is a promise, so that other
 * reads go out together with that of the token; whoever loads something awaits it first. `likelyUserId` is whose token
 * it probably is; it must not decide anything. `isAnonymous` says that he shows nothing.
 */
export type Authenticated = Context & {
  authentication: Promise<Token | undefined>
  likelyUserId?: number | undefined
  isAnonymous: boolean
}

/** `scopes` open this route besides the scopes that open every one of its method. */
type Options = Takes & { scopes?: readonly Scope[] }

/**
 * Finds out who calls, and notes that his token was used. A token that is unknown, expired, revoked or too narrow is
 * refused on every route.
 */
export const authenticate = (
  database: () => Database,
  { scopes, ...takes }: Options = {},
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Authenticated & Logged> => {
  const notes = new WeakMap<object, Promise<string>>()

  const awaitNote = async ({ context }: { context: Logged }) => {
    const note = await notes.get(context)
    if (note !== undefined && note !== 'done') context.facts = { ...context.facts, token_note: note }
  }

  return {
    before: ({ event, context }) => {
      const credentials = credentialsOf(event, takes)
      context.isAnonymous = credentials === undefined
      if (credentials && 'secret' in credentials) context.likelyUserId = userTold(credentials.secret)
      context.authentication = startEarly(async () => {
        if (!credentials) return undefined
        if (credentials.kind === 'job') throw new PackagesError({ code: 'job_token_unsupported' })

        const token = await database().tokens.findBySecret(credentials.secret)
        if (!token || !fits(credentials, token, takes)) throw new PackagesError({ code: 'token_unknown' })
        assertValid(token, event.httpMethod, scopes)

        const now = new Date().toISOString()
        if (!isUseDue(token, now)) return token
        notes.set(context, noteUse(database(), credentials.secret, now))
        return { ...token, lastUsedAt: now }
      })
    },
    after: awaitNote,
    onError: awaitNote,
  }
}

/** Whether a token of this kind may stand where it was found. */
const fits = (credentials: Exclude<Credentials, { kind: 'job' }>, token: Token, { deployTokens = false }: Takes) => {
  if (!isDeployToken(token)) return credentials.kind !== 'deploy'
  if (!deployTokens || credentials.kind === 'personal') return false
  return credentials.kind !== 'basic' || credentials.username === token.username
}

const assertValid = (token: Token, method: string, more: readonly Scope[] | undefined): void => {
  const [hasEnded, allowed] = isDeployToken(token)
    ? [isOver(token, new Date().toISOString()), deployScopesFor(method, more)]
    : [isExpired(token, today()), scopesFor(method, more)]
  if (!isDeployToken(token) && token.revoked) throw new PackagesError({ code: 'token_revoked' })
  if (hasEnded) throw new PackagesError({ code: 'token_expired' })
  if (!token.scopes.some((scope) => allowed.includes(scope))) {
    throw new PackagesError({ code: 'scope_insufficient', allowed })
  }
}

/** The day it is in UTC. */
export const today = () => new Date().toISOString().slice(0, 10)
