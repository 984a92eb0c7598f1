import type { APIGatewayProxyResult, Context } from 'aws-lambda'
import fc from 'fast-check'
import { handler as readHandler } from '../../../functions/access/accessRead.ts'
import { handler as writeHandler } from '../../../functions/access/accessWrite.ts'
import { eventFor, lambdaDoor, routes } from '../../support/doors.ts'
import { createWorld } from '../../support/world.ts'
import { BEYOND_DOUBLE, FORM } from './requests.ts'

/** What ends the caller's own token comes last: the cases before it need theirs. */
const endsToken = ({ method, resource }: { method: string; resource: string }) =>
  method !== 'GET' && resource.includes('/self')
const ROUTES = routes()
  .filter(({ functionName }) => functionName === 'accessRead' || functionName === 'accessWrite')
  .sort((one, other) => Number(endsToken(one)) - Number(endsToken(other)))

const door = lambdaDoor()
const world = createWorld(door)
/** What is there when the cases run, by the name that they call it. */
let known: Record<string, string | number>
beforeAll(async () => {
  await door.open()
  const group = await world.group()
  const project = await world.project({ namespace_id: group.id })
  const [administrator, owner, guest] = [
    await world.user(['api'], { admin: true }),
    await world.member('groups', group.id, 50),
    await world.member('projects', project.id, 10),
  ]
  known = {
    group: group.id,
    project: project.id,
    user: guest.id,
    username: guest.username,
    groupPath: String(group.full_path),
    projectPath: encodeURIComponent(String(project.path_with_namespace)),
    administrator: administrator.token,
    owner: owner.token,
    guest: guest.token,
  }
})

/** A value, or the name of a thing that is made only after the cases are written. */
type Given = { known: string } | { literal: unknown }
const knownAs = (...names: string[]) => fc.constantFrom(...names.map((name): Given => ({ known: name })))
const literal = (values: fc.Arbitrary<unknown>) => values.map((value) => ({ literal: value }))
const settle = (given: Given) => ('known' in given ? known[given.known] : given.literal)

const LONG = 'a'.repeat(10_000)
const text = fc.string({ unit: 'binary', maxLength: 40 })

/** What stands in a path: encoded, or broken. No id that exists, so that no case takes what the next one needs. */
const segments = fc
  .oneof(
    fc.constantFrom('..', '%', '%zz', '%00', '%2e%2e%2f', '\\', '%EF%BF%BF', '%C0%AF', '-1', '0', '1e9', LONG),
    fc.constantFrom(BEYOND_DOUBLE, '9'.repeat(400), '%F0%9F%9A%80', '%ud800', '+1', '%20', '1%00'),
    text.map((value) => encodeURIComponent(value.toWellFormed())),
    fc.string({ maxLength: 40 }).map((value) => value.replaceAll(/[/?#]/g, '')),
    fc.bigInt().map((value) => String(-value)),
  )
  .filter((value) => !/^\d{1,6}$/.test(value))

const NAMES = [
  'name',
  'path',
  'description',
  'visibility',
  'parent_id',
  'namespace_id',
  'user_id',
  'username',
  'access_level',
  'expires_at',
  'email',
  'admin',
  'scopes',
  'page',
  'per_page',
  'order_by',
  'sort',
  'search',
  'owned',
  'membership',
  'min_access_level',
  'id',
  '__proto__',
  'constructor',
  'query',
  'user_ids',
  'skip_groups',
  'all_available',
  'top_level_only',
  'include_subgroups',
  'simple',
  'state',
  'revoked',
  'toString',
]

/** Values that mean something to some parameter, and values that mean nothing to any. */
const values = fc.oneof(
  knownAs('group', 'project', 'user', 'username', 'groupPath'),
  literal(
    fc.constantFrom(0, -1, 1e9, 2 ** 53, 2 ** 60, 1.5, -0, 1e300, true, false, null, '', ' ', '\0', 'a\0b', LONG),
  ),
  literal(fc.constantFrom('public', 'private', 'api', ['api'], ['api', 'root'], '30', 50, 'name', 'desc', 'true')),
  literal(fc.constantFrom('2999-12-31', '2020-01-01', '2999-02-30', '275760-09-14', 'a@b', 'x'.repeat(250), '..')),
  literal(fc.constantFrom('\ud800', 'a\udc00', '\u0130'.repeat(255), '\ufdfa'.repeat(255), BEYOND_DOUBLE, '1e400')),
  literal(text),
  literal(fc.string({ maxLength: 12 })),
  literal(fc.jsonValue({ maxDepth: 2 })),
)

const parameters = (maxKeys: number) =>
  fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...NAMES) }, text), values, { maxKeys })

/** What each route takes, for cases that are right but for a parameter or two. */
const fresh = literal(fc.stringMatching(/^[a-z]{12}$/))
const RIGHT: Record<string, Record<string, fc.Arbitrary<Given>>> = {
  '/api/v4/groups': { name: fresh, path: fresh },
  '/api/v4/projects': { name: fresh },
  '/api/v4/users': { name: fresh, username: fresh, email: fresh.map(({ literal }) => ({ literal: `${literal}@b` })) },
  '/api/v4/users/{user_id}/personal_access_tokens': { name: fresh, scopes: literal(fc.constant(['api'])) },
  '/api/v4/groups/{id}/members': { user_id: knownAs('user'), access_level: literal(fc.constant(30)) },
  '/api/v4/projects/{id}/members': { user_id: knownAs('user'), access_level: literal(fc.constant(30)) },
}

const asForm = (pairs: [string, unknown][]) =>
  new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value).toWellFormed()])).toString()

type Body = { as: 'json' | 'form'; given: Record<string, Given> } | { as: 'it is'; raw: string | undefined }

/** A body: parameters as JSON or as a form, JSON of any kind, no sense at all, or none. */
const bodies = (resource: string): fc.Arbitrary<Body> => {
  const nearlyRight = fc
    .tuple(fc.record(RIGHT[resource] ?? {}), parameters(2))
    .map(([right, wrong]): Record<string, Given> => ({ ...right, ...wrong }))
  const given = fc.oneof({ weight: 3, arbitrary: nearlyRight }, { weight: 1, arbitrary: parameters(9) })
  const raw = fc.oneof(
    fc.json(),
    text.map((value) => value.toWellFormed()),
    fc.constantFrom('null', '[]', '"', '{', '{"name":', '\0', `["${LONG}"]`, '%', '&&=&', undefined),
  )
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ as: fc.constant('json' as const), given }) },
    { weight: 3, arbitrary: fc.record({ as: fc.constant('form' as const), given }) },
    { weight: 1, arbitrary: fc.record({ as: fc.constant('it is' as const), raw }) },
  )
}

const bodyOf = (body: Body) => {
  if (body.as === 'it is') return body.raw
  const pairs = Object.entries(body.given).map(([name, given]): [string, unknown] => [name, settle(given)])
  return body.as === 'form' ? asForm(pairs) : JSON.stringify(Object.fromEntries(pairs))
}

/** A query as API Gateway hands it over: every name with all of its values. */
const queries = (maxKeys: number) =>
  fc.dictionary(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...NAMES) },
      { weight: 3, arbitrary: fc.constantFrom(...NAMES).map((name) => `${name}[]`) },
      { weight: 3, arbitrary: fc.string({ maxLength: 10 }) },
      { weight: 1, arbitrary: fc.constantFrom('private_token', 'access_token') },
    ),
    fc.array(values, { maxLength: 3 }),
    { maxKeys },
  )

const secrets = fc.oneof(
  { weight: 6, arbitrary: knownAs('administrator') },
  { weight: 3, arbitrary: knownAs('owner', 'guest') },
  { weight: 1, arbitrary: literal(fc.oneof(fc.constant(''), fc.string())) },
)
const headers = fc.record(
  {
    'private-token': secrets,
    authorization: fc.oneof(literal(fc.string().map((value) => `Bearer ${value}`)), literal(fc.string())),
    'content-type': fc.oneof(
      { weight: 6, arbitrary: literal(fc.constantFrom('application/json', 'APPLICATION/JSON; x=y')) },
      {
        weight: 3,
        arbitrary: literal(fc.constantFrom(FORM, 'multipart/form-data; boundary=x', 'text/plain', '', ';')),
      },
    ),
  },
  { requiredKeys: ['private-token', 'content-type'] },
)

describe.each(ROUTES.map(({ method, resource }) => [`${method} ${resource}`, method, resource] as const))(
  '%s, whatever it is sent',
  (_route, method, resource) => {
    /** What exists and may stand in the path; a token must not, or administrators would soon have none. */
    const ids = resource.includes('/groups/') ? knownAs('group', 'groupPath') : knownAs('project', 'projectPath')
    const inPath = {
      id: fc.oneof({ weight: 2, arbitrary: ids }, { weight: 1, arbitrary: literal(segments) }),
      user_id: fc.oneof({ weight: 1, arbitrary: knownAs('user') }, { weight: 1, arbitrary: literal(segments) }),
      token_id: literal(segments),
    }
    const query = queries(method === 'GET' ? 4 : 1)

    it('never answers 5xx, and never outside the two shapes of errors', async () => {
      await fc.assert(
        fc.asyncProperty(fc.record(inPath), query, headers, bodies(resource), async (path, asked, head, body) => {
          const filled = Object.entries(path).reduce(
            (url, [name, given]) => url.replace(`{${name}}`, () => String(settle(given))),
            resource.replace('/api/v4', ''),
          )
          const text = bodyOf(body)
          const call = {
            method,
            path: filled,
            headers: Object.fromEntries(Object.entries(head).map(([name, given]) => [name, String(settle(given))])),
            ...(text === undefined ? {} : { body: text }),
          }
          const multi = Object.entries(asked).map(([name, all]) => [name, all.map((given) => String(settle(given)))])
          const event = { ...eventFor(call, resource), multiValueQueryStringParameters: Object.fromEntries(multi) }
          const handler = method === 'GET' ? readHandler : writeHandler
          const answer: APIGatewayProxyResult = await handler(event, { awsRequestId: 'fuzz' } as Context)

          expect(answer.statusCode).toBeLessThan(500)
          if (answer.statusCode === 204) expect(answer.body).toBe('')
          else {
            const said: unknown = JSON.parse(answer.body)
            if (answer.statusCode < 400) expect([200, 201]).toContain(answer.statusCode)
            else expect(Object.keys(said as object)).toContainEqual(expect.stringMatching(/^(message|error)$/))
          }
        }),
        { numRuns: 60 },
      )
    })
  },
)

it('covers every route of the Lambdas', () => {
  expect(ROUTES.map(({ method, resource }) => `${method} ${resource.replace('/api/v4', '')}`).sort()).toEqual([
    'DELETE /groups/{id}/members/{user_id}',
    'DELETE /personal_access_tokens/self',
    'DELETE /personal_access_tokens/{token_id}',
    'DELETE /projects/{id}/members/{user_id}',
    'GET /groups',
    'GET /groups/{id}',
    'GET /groups/{id}/descendant_groups',
    'GET /groups/{id}/members',
    'GET /groups/{id}/members/all',
    'GET /groups/{id}/members/all/{user_id}',
    'GET /groups/{id}/members/{user_id}',
    'GET /groups/{id}/projects',
    'GET /groups/{id}/subgroups',
    'GET /personal_access_tokens',
    'GET /personal_access_tokens/self',
    'GET /personal_access_tokens/{token_id}',
    'GET /projects',
    'GET /projects/{id}',
    'GET /projects/{id}/members',
    'GET /projects/{id}/members/all',
    'GET /projects/{id}/members/all/{user_id}',
    'GET /projects/{id}/members/{user_id}',
    'GET /user',
    'GET /users',
    'GET /users/{user_id}',
    'GET /version',
    'POST /groups',
    'POST /groups/{id}/members',
    'POST /personal_access_tokens/self/rotate',
    'POST /personal_access_tokens/{token_id}/rotate',
    'POST /projects',
    'POST /projects/{id}/members',
    'POST /users',
    'POST /users/{user_id}/personal_access_tokens',
    'PUT /groups/{id}',
    'PUT /groups/{id}/members/{user_id}',
    'PUT /projects/{id}',
    'PUT /projects/{id}/members/{user_id}',
  ])
})
