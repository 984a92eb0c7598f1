import { assertValid, emailProblems, nameProblems, pathProblems } from '../../lib/access/validity.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, type Reader } from '../../lib/http/params.ts'
import { presentOwnUser } from '../../lib/http/present.ts'
import { requireUser } from '../../lib/middleware/identify.ts'
import type { Database } from '../../lib/repository/database.ts'
import { requireAdministrator } from './requireAdministrator.ts'

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
 * 201; 400 for a parameter; 401 for anonymous callers; 403 for all but administrators; 409 when the user name or the
 * e-mail address is taken.
 */
export const createUser = (db: () => Database) =>
  endpoint('createUser', db)
    .use(requireUser(db))
    .use(requireAdministrator())
    .handler(async (event) => {
      const wanted = parseParams(allParams(event), readNewUser)
      assertValid({
        email: emailProblems(wanted.email),
        name: nameProblems(wanted.name),
        username: pathProblems(wanted.username),
      })

      const user = await db().users.create(wanted, new Date().toISOString())
      return json(201, presentOwnUser(user, { url: externalUrl(event) }))
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
