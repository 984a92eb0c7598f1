import { assertValid, dayProblems, nameProblems } from '../../lib/access/validity.ts'
import { notFound } from '../../lib/domain/errors.ts'
import { isExpired, TOKEN_LIFE_DAYS, tokenScopes } from '../../lib/domain/token.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json, noContent } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { allParams, parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentPersonalToken } from '../../lib/http/present.ts'
import { today } from '../../lib/middleware/authenticate.ts'
import { requireUser } from '../../lib/middleware/identify.ts'
import type { Database } from '../../lib/repository/database.ts'
import { newSecret } from '../../lib/repository/tokens.ts'
import { readAhead } from './readAhead.ts'
import { requireAdministrator } from './requireAdministrator.ts'

const DAY_MS = 86_400_000

const lastDay = () => new Date(Date.now() + TOKEN_LIFE_DAYS * DAY_MS).toISOString().slice(0, 10)

const readNewToken = (read: Reader) => ({
  name: read.required('name', read.text('name')),
  scopes: [...new Set(read.required('scopes', read.list('scopes', tokenScopes)))],
  expiresOn: read.day('expires_at') ?? lastDay(),
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
      const wanted = parseParams(allParams(event), readNewToken)
      assertValid({
        name: nameProblems(wanted.name),
        scopes: wanted.scopes.length === 0 ? ["can't be blank"] : [],
        expires_at: dayProblems(wanted.expiresOn, today()),
      })

      const secret = newSecret()
      const token = await db().tokens.create(secret, { userId, ...wanted }, new Date().toISOString())
      return json(201, { ...presentPersonalToken(token, !isExpired(token, today())), token: secret })
    })

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
      if (!token || (token.userId !== user.id && !user.admin)) throw notFound('token')

      await db().tokens.revoke(token.id)
      return noContent()
    })
