import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import { isExpired, type PersonalToken, scopesFor, type TokenScope } from '../domain/token.ts'
import { header, queryParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import { startEarly } from './startEarly.ts'

/**
 * `authentication` is the caller's valid token, or undefined for an anonymous caller. It is a promise, so that other
 * reads go out together with that of the token; whoever loads something awaits it first.
 */
export type Authenticated = Context & { authentication: Promise<PersonalToken | undefined> }

/**
 * Finds out who calls. A token that is unknown, expired, revoked or too narrow is refused on every route.
 * @param scopes what opens this route besides the scopes that open every one of its method
 * @param takesBasic whether the token may also be the password of HTTP Basic, with any user name
 */
export const authenticate = (
  database: () => Database,
  scopes: readonly TokenScope[] = [],
  takesBasic = false,
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Authenticated> => ({
  before: ({ event, context }) => {
    context.authentication = startEarly(async () => {
      const secret = secretOf(event, takesBasic)
      return secret === undefined
        ? undefined
        : valid(await database().tokens.findBySecret(secret), scopesFor(event.httpMethod, scopes))
    })
  },
})

/** GitLab's order of preference: parameter, header, bearer, password. */
const secretOf = (event: APIGatewayProxyEvent, takesBasic: boolean): string | undefined => {
  const { private_token, access_token } = queryParams(event)
  const authorization = header(event, 'authorization') ?? ''
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  const password = takesBasic ? passwordOf(authorization) : undefined
  return [private_token, header(event, 'private-token'), access_token, bearer, password]
    .map((candidate) => (typeof candidate === 'string' ? candidate.trim() : ''))
    .find((candidate) => candidate !== '')
}

/** Source: RFC 7617. The user name ends at the first colon. */
const passwordOf = (authorization: string): string | undefined => {
  const credentials = /^Basic +(\S+) *$/i.exec(authorization)?.[1]
  return credentials && /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8'))?.[1]
}

const valid = (token: PersonalToken | undefined, allowed: readonly TokenScope[]): PersonalToken => {
  if (!token) throw new PackagesError({ code: 'token_unknown' })
  if (token.revoked) throw new PackagesError({ code: 'token_revoked' })
  if (isExpired(token, today())) throw new PackagesError({ code: 'token_expired' })
  if (!token.scopes.some((scope) => allowed.includes(scope))) {
    throw new PackagesError({ code: 'scope_insufficient', allowed })
  }
  return token
}

/** The day it is in UTC. */
export const today = () => new Date().toISOString().slice(0, 10)
