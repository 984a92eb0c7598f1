import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notOffered } from '../../lib/domain/errors.ts'
import { readingScopes } from '../../lib/domain/token.ts'
import { identify } from '../../lib/middleware/identify.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'

export const ACCESS =
  'npm access is not offered; the visibility of the project and the roles in it say who reads and publishes'

/** What clients of npm's own registry ask for, by what follows `/-/`, and what there is in its place. */
const others: [rest: RegExp, what: string][] = [
  [
    /^(v1\/search|all)\b/,
    'npm search is offered by projects alone; GET /groups/:id/packages?package_name= searches a group by name',
  ],
  [/^(v1\/login|user)\b/, 'npm login is not offered; set a personal access token as _authToken of the registry'],
  [/^npm\/v1\/tokens\b/, 'npm token is not offered; GET /personal_access_tokens lists tokens'],
  [/^npm\/v1\/user\b/, 'npm profile is not offered; GET /user shows who the caller is'],
  [/^package\//, ACCESS],
  [/^(org|team)\b/, 'npm org and npm team are not offered; groups and their members say who may do what'],
  [/^_view\b/, 'npm star is not offered'],
]

const whatOf = ({ path }: APIGatewayProxyEvent) => {
  const [, rest = ''] = /\/packages\/npm\/-\/(.*)$/.exec(path) ?? []
  return others.find(([start]) => start.test(rest))?.[1] ?? "this part of npm's registry is not offered"
}

/** What npm's own registry has and this one does not, at `…/npm/-/…`. 404, which says so; 401 for a bad token. */
export const refuseOthers = (db: () => Database) =>
  npmEndpoint('refuseOthers', db, readingScopes)
    .use(identify(db))
    .handler(async (event) => {
      throw notOffered(whatOf(event))
    })
