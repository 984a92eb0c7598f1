import { selectTokens } from '../../lib/access/lists.ts'
import { assertValid, dayProblems, nameProblems } from '../../lib/access/validity.ts'
import { notFound, PackagesError } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { User } from '../../lib/domain/permissions.ts'
import {
  isExpired,
  type PersonalToken,
  ROTATED_TOKEN_LIFE_DAYS,
  TOKEN_LIFE_DAYS,
  tokenScopes,
} from '../../lib/domain/token.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { allParams, type Params, parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentNewPersonalToken, presentPersonalToken } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { today } from '../../lib/middleware/authenticate.ts'
import { requireUser } from '../../lib/middleware/identify.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { readAhead } from '../../lib/middleware/readAhead.ts'
import { requireAdministrator } from '../../lib/middleware/requireAdministrator.ts'
import type { Database } from '../../lib/repository/database.ts'
import { newSecret } from '../../lib/repository/tokens.ts'
import { parseTokensQuery } from './listQuery.ts'

const DAY_MS = 86_400_000

const dayIn = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)

const present = (token: PersonalToken) => presentPersonalToken(token, !token.revoked && !isExpired(token, today()))

/** Whose own it is, or an administrator. */
const mayHandle = (user: User, token: PersonalToken) => user.admin || token.userId === user.id

/** GitLab tells administrators only whether a token is there: others are asked who they are. */
const openToken = (user: User, token: PersonalToken | undefined): PersonalToken => {
  if (token && mayHandle(user, token)) return token
  throw user.admin ? notFound('token') : new PackagesError({ code: 'login_required' })
}

const readNewToken = (read: Reader) => ({
  name: read.required('name', read.text('name')),
  scopes: [...new Set(read.required('scopes', read.list('scopes', tokenScopes)))],
  expiresOn: read.day('expires_at') ?? dayIn(TOKEN_LIFE_DAYS),
})

/**
 * `POST /users/:user_id/personal_access_tokens`: makes a token for a user. Only this answer ever shows its secret.
 *
 * 201; 400 for a parameter; 401 for anonymous callers; 403 for all but administrators; 404 for a user that is not
 * there.
 */
export const createPersonalToken = (db: () => Database) =>
  endpoint('createPersonalToken', db)
    .use(requireUser(db))
    .use(requireAdministrator())
    .handler(async (event) => {
      const userId = parseId('user_id', pathParams(event).user_id)
      const wanted = parseParams(await allParams(event), readNewToken)
      assertValid({
        name: nameProblems(wanted.name),
        scopes: wanted.scopes.length === 0 ? ["can't be blank"] : [],
        expires_at: dayProblems(wanted.expiresOn, today()),
      })

      const secret = newSecret(userId)
      const token = await db().tokens.create(secret, { userId, ...wanted }, new Date().toISOString())
      return json(201, presentNewPersonalToken(token, !isExpired(token, today()), secret))
    })

/**
 * `GET /personal_access_tokens`: the caller's own tokens, by id, paged; an administrator's list is of all users, or of
 * `user_id`. No secret is in it.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for anonymous callers, and for somebody else's
 * `user_id`, whether he is there or not.
 */
export const listPersonalTokens = (db: () => Database) =>
  endpoint('listPersonalTokens', db)
    .use(paginate())
    .use(requireUser(db))
    .handler(async (event, { user }) => {
      const page = parsePage(event)
      const { userId, ...query } = parseTokensQuery(event)
      if (userId !== undefined && userId !== user.id && !user.admin) throw new PackagesError({ code: 'login_required' })

      const whose = user.admin ? userId : user.id
      const tokens = await (whose === undefined ? db().tokens.listAll() : db().tokens.listByUser(whose))
      const found = selectTokens(tokens, query, today())
      const shown = sliceOf(found, page)
      const tokensNow = whose === undefined ? await db().tokens.refresh(shown) : shown
      return { rows: tokensNow.map(present), total: found.length, page }
    })

/**
 * `GET /personal_access_tokens/:token_id`: one of the caller's own tokens; administrators see any.
 *
 * 200; 400 for an id that is no integer; 401 for anonymous callers, and for a token that is not there or another's; an
 * administrator hears 404.
 */
export const getPersonalToken = (db: () => Database) =>
  endpoint('getPersonalToken', db)
    .use(readAhead((event) => db().tokens.findById(parseId('token_id', pathParams(event).token_id))))
    .use(requireUser(db))
    .handler(async (_event, { user, reading }) => json(200, present(openToken(user, await reading))))

/**
 * `GET /personal_access_tokens/self`: the token that asks.
 *
 * 200; 401 for anonymous callers.
 */
export const getOwnPersonalToken = (db: () => Database) =>
  endpoint('getOwnPersonalToken', db)
    .use(requireUser(db))
    .handler(async (_event, { authentication }) => json(200, present((await authentication) as PersonalToken)))

/** Ids, scopes and names of a body change nothing: the new token is the old one with another secret and end. */
const rotate = async (db: Database, old: PersonalToken, params: Params) => {
  const expiresOn = parseParams(params, (read) => read.day('expires_at')) ?? dayIn(ROTATED_TOKEN_LIFE_DAYS)
  assertValid({ expires_at: dayProblems(expiresOn, today()) })

  const secret = newSecret(old.userId)
  const token = await db.tokens.rotate(old, secret, expiresOn, new Date().toISOString())
  return json(200, presentNewPersonalToken(token, !isExpired(token, today()), secret))
}

/**
 * `POST /personal_access_tokens/:token_id/rotate`: puts a new token in the place of one of the caller's own, which ends
 * at once; administrators rotate any. Only this answer ever shows the new secret.
 *
 * 200; 400 for a parameter and for a token that was revoked; 401 for anonymous callers, and for a token that is not
 * there or another's; an administrator hears 404.
 */
export const rotatePersonalToken = (db: () => Database) =>
  endpoint('rotatePersonalToken', db)
    .use(readAhead((event) => db().tokens.findById(parseId('token_id', pathParams(event).token_id))))
    .use(requireUser(db))
    .handler(async (event, { user, reading }) => rotate(db(), openToken(user, await reading), await allParams(event)))

/**
 * `POST /personal_access_tokens/self/rotate`: the same for the token that asks. The scope `self_rotate` is enough.
 *
 * 200; 400 for a parameter, and when it was revoked at the same moment; 401 for anonymous callers.
 */
export const rotateOwnPersonalToken = (db: () => Database) =>
  endpoint('rotateOwnPersonalToken', db, { scopes: ['self_rotate'] })
    .use(requireUser(db))
    .handler(async (event, { authentication }) =>
      rotate(db(), (await authentication) as PersonalToken, await allParams(event)),
    )

/**
 * `DELETE /personal_access_tokens/:token_id`: revokes one of the caller's own tokens; administrators revoke any.
 *
 * 204; 400 for an id that is no integer; 401 for anonymous callers; 404 for a token that is not there or another's.
 */
export const revokePersonalToken = (db: () => Database) =>
  endpoint('revokePersonalToken', db)
    .use(readAhead((event) => db().tokens.findById(parseId('token_id', pathParams(event).token_id))))
    .use(requireUser(db))
    .handler(async (_event, { user, reading }) => {
      const token = await reading
      if (!token || !mayHandle(user, token)) throw notFound('token')

      await db().tokens.revoke(token.id)
      return noContent()
    })

/**
 * `DELETE /personal_access_tokens/self`: revokes the token that asks.
 *
 * 204; 401 for anonymous callers.
 */
export const revokeOwnPersonalToken = (db: () => Database) =>
  endpoint('revokeOwnPersonalToken', db)
    .use(requireUser(db))
    .handler(async (_event, { authentication }) => {
      const { id } = (await authentication) as PersonalToken
      await db().tokens.revoke(id)
      return noContent()
    })
