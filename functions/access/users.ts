import { selectUsers } from '../../lib/access/lists.ts'
import { assertValid, emailProblems, nameProblems, pathProblems } from '../../lib/access/validity.ts'
import { forbidden, notFound } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { parseId } from '../../lib/http/ids.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, pathParams, type Reader } from '../../lib/http/params.ts'
import { presentOwnUser, presentUser, presentUserProfile } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { identify, requireUser } from '../../lib/middleware/identify.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { readAhead } from '../../lib/middleware/readAhead.ts'
import { requireAdministrator } from '../../lib/middleware/requireAdministrator.ts'
import type { Database } from '../../lib/repository/database.ts'
import { parseUsersQuery } from './listQuery.ts'

/** GitLab's parameters about passwords are accepted and mean nothing here: users have tokens only. */
const readNewUser = (read: Reader) => ({
  email: read.required('email', read.text('email')),
  name: read.required('name', read.text('name')),
  username: read.required('username', read.text('username')),
  admin: read.boolean('admin') ?? false,
})

/**
 * `POST /users`: makes a user with his personal namespace.
 *
 * 201; 400 for a parameter and a reserved name; 401 for anonymous callers; 403 for all but administrators; 409 when the user name or the
 * e-mail address is taken.
 */
export const createUser = (db: () => Database) =>
  endpoint('createUser', db)
    .use(requireUser(db))
    .use(requireAdministrator())
    .handler(async (event) => {
      const wanted = parseParams(await allParams(event), readNewUser)
      assertValid({
        email: emailProblems(wanted.email),
        name: nameProblems(wanted.name),
        username: pathProblems(wanted.username),
      })

      const user = await db().users.create(wanted, new Date().toISOString())
      return json(201, presentOwnUser(user, { url: externalUrl(event) }))
    })

const named = async (db: Database, username: string) => {
  const user = await db.users.findByUsername(username)
  return user ? [user] : []
}

/**
 * `GET /users`: the users, the newest first, paged; `username` finds one, `search` looks into names. Administrators see
 * all of their fields.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 403 for anonymous callers who do not
 * ask for one user by name.
 */
export const listUsers = (db: () => Database) =>
  endpoint('listUsers', db)
    .use(paginate())
    .use(identify(db))
    .handler(async (event, { caller }) => {
      const page = parsePage(event)
      const query = parseUsersQuery(event)
      if (!caller.user && !query.username) throw forbidden('Not authorized to access /api/v4/users')

      const users = query.username === undefined ? await db().users.listAll() : await named(db(), query.username)
      const found = selectUsers(users, caller, query.search)
      const present = caller.user?.admin ? presentOwnUser : presentUser
      const site = { url: externalUrl(event) }
      return { rows: sliceOf(found, page).map((user) => present(user, site)), total: found.length, page }
    })

/**
 * `GET /users/:user_id`: one user. Administrators see all of his fields.
 *
 * 200; 400 for an id that is no integer; 401 for a bad token; 403 for anonymous callers; 404 for a user that is not
 * there.
 */
export const getUserById = (db: () => Database) =>
  endpoint('getUserById', db)
    .use(readAhead((event) => db().users.find(parseId('id', pathParams(event).user_id))))
    .use(identify(db))
    .handler(async (event, { caller, reading }) => {
      if (!caller.user) throw forbidden('Not authorized!')

      const user = await reading
      if (!user) throw notFound('user')
      const present = caller.user.admin ? presentOwnUser : presentUserProfile
      return json(200, present(user, { url: externalUrl(event) }))
    })

/**
 * `GET /user`: who the caller is.
 *
 * 200; 401 for anonymous callers and a bad token.
 */
export const getUser = (db: () => Database) =>
  endpoint('getUser', db)
    .use(requireUser(db))
    .handler(async (event, { user }) => json(200, presentOwnUser(user, { url: externalUrl(event) })))
