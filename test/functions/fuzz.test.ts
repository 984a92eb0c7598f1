import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import fc from 'fast-check'
import { COMMON_HEADERS } from '../../lib/middleware/addHeaders.ts'
import { eventFor, lambdaDoor, routes } from '../support/doors.ts'
import { asFunction } from '../support/permissions.ts'
import { createWorld, type Json, publishBody } from '../support/world.ts'
import { BEYOND_DOUBLE, FORM } from './access/requests.ts'

/** The same cases each time; other numbers look at others: FUZZ_SEED=7 FUZZ_RUNS=500 npm test -- test/functions/fuzz */
const SEED = Number(process.env.FUZZ_SEED ?? 1)
const RUNS_PER_ROUTE = Number(process.env.FUZZ_RUNS ?? 8)

const door = lambdaDoor()
const world = createWorld(door)

/** What is there when the cases run, by the name that they call it; in paths it stands encoded. */
let known: Record<string, string | number>
/** What `npm publish` sends. */
let published: Json
beforeAll(async () => {
  await door.open()
  const group = await world.group()
  const project = await world.project({ namespace_id: group.id })
  const [administrator, owner, guest] = [
    await world.user(['api'], { admin: true }),
    await world.member('groups', group.id, 50),
    await world.member('projects', project.id, 10),
  ]
  published = await publishBody('@foo/bar', '1.0.0')
  const earlier = await publishBody('@foo/bar', '0.1.0')
  const packages = `/projects/${project.id}/packages`
  await world.call(world.root, 'PUT', `${packages}/npm/@foo%2fbar`, earlier)
  const uploaded = await world.call(world.root, 'PUT', `${packages}/generic/tool/1.0.0/a.txt?select=package_file`, {})
  for (const path of [`${APP}/1.0/my-app-1.0.jar`, `${APP}/maven-metadata.xml`]) {
    await world.call(world.root, 'PUT', `${packages}/maven/${path}`, {})
  }
  const rule = await world.make(`${packages}/protection/rules`, {
    package_name_pattern: 'nothing',
    package_type: 'npm',
    minimum_access_level_for_push: 'maintainer',
  })
  const file = uploaded.json as { id: number; package_id: number }
  known = {
    group: group.id,
    project: project.id,
    user: guest.id,
    username: guest.username,
    groupPath: encodeURIComponent(String(group.full_path)),
    projectPath: encodeURIComponent(String(project.path_with_namespace)),
    administrator: administrator.token,
    owner: owner.token,
    guest: guest.token,
    reader: (await world.deployToken('groups', group.id)).deployToken,
    writer: (await world.deployToken('projects', project.id, ['write_package_registry'])).deployToken,
    item: file.package_id,
    file: file.id,
    rule: rule.id,
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
const segments = literal(
  fc
    .oneof(
      fc.constantFrom('..', '%', '%zz', '%00', '%2e%2e%2f', '\\', '%EF%BF%BF', '%C0%AF', '-1', '0', '1e9', LONG),
      fc.constantFrom(BEYOND_DOUBLE, '9'.repeat(400), '%F0%9F%9A%80', '%ud800', '+1', '%20', '1%00'),
      text.map((value) => encodeURIComponent(value.toWellFormed())),
      fc.string({ maxLength: 40 }).map((value) => value.replaceAll(/[/?#]/g, '')),
      fc.bigInt().map((value) => String(-value)),
    )
    .filter((value) => !/^\d{1,6}$/.test(value)),
)

const APP = 'com/mycompany/my-app'

const oneOf = (...words: string[]) => literal(fc.constantFrom(...words))

/** What exists and may stand in a path, by the name of the parameter. */
const existing: Record<string, fc.Arbitrary<Given>> = {
  user_id: knownAs('user'),
  package_id: knownAs('item'),
  package_file_id: knownAs('file'),
  package_protection_rule_id: knownAs('rule'),
  package_version: oneOf('1.0.0'),
  file_path: oneOf('a.txt', 'new.txt', 'a/b%2fc.txt'),
  path: oneOf(`${APP}/1.0/my-app-1.0.jar`, `${APP}/maven-metadata.xml`, `${APP}/maven-metadata.xml.sha1`, `${APP}/2.0`),
  rest: oneOf(
    ...['bar', 'bar/-/@foo/bar-0.1.0.tgz', '-/@foo/bar-0.1.0.tgz', 'bar/dist-tags', 'package/@foo/bar/dist-tags'],
    ...['-rev/undefined', 'bar/-rev/1', '-/@foo/bar-9.9.9.tgz/-rev/undefined', 'whoami', 'v1/search'],
    ...['npm/v1/security/advisories/bulk', 'npm/v1/security/audits/quick'],
  ),
  tag: oneOf('latest', 'next'),
}

/** Of groups and projects. Tokens stand in no path: the cases could take them all from whoever they need. */
const ids = (resource: string): fc.Arbitrary<Given> => {
  if (resource.startsWith('/api/v4/groups/')) return knownAs('group', 'groupPath')
  return resource.startsWith('/api/v4/projects/') ? knownAs('project', 'projectPath') : segments
}

const right = (name: string, resource: string) => {
  if (name === 'id') return ids(resource)
  if (name !== 'package_name') return existing[name]
  return resource.includes('/npm/') ? oneOf('@foo%2fbar', '@foo%2Fbar', '@foo', 'tool') : oneOf('tool')
}

const inPath = (method: string, resource: string) => {
  const names = [...resource.matchAll(/\{(\w+)\+?\}/g)].map(([, name = '']) => name)
  const values = names.map((name, place) => {
    const arbitrary = right(name, resource)
    // What a case deletes would be missing for the next; members come and go.
    const isKept = method === 'DELETE' && place === names.length - 1 && name !== 'user_id'
    return arbitrary && !isKept ? fc.oneof({ weight: 4, arbitrary }, { weight: 1, arbitrary: segments }) : segments
  })
  return fc.tuple(...values)
}

const NAMES = [
  ...['name', 'path', 'description', 'visibility', 'parent_id', 'namespace_id', 'user_id', 'username', 'access_level'],
  ...['expires_at', 'email', 'admin', 'scopes', 'page', 'per_page', 'order_by', 'sort', 'search', 'owned'],
  ...['membership', 'min_access_level', 'package_type', 'package_name', 'package_version', 'status', 'select'],
  ...['package_name_pattern', 'minimum_access_level_for_push', 'minimum_access_level_for_delete'],
  ...['generic_duplicates_allowed', 'maven_duplicate_exception_regex'],
  ...['include_versionless', 'exclude_subgroups', 'cursor', 'pagination', 'id', '__proto__', 'constructor', 'toString'],
]

/** Values that mean something to some parameter, and values that mean nothing to any. */
const values = fc.oneof(
  knownAs('group', 'project', 'user', 'username', 'groupPath'),
  literal(
    fc.constantFrom(0, -1, 1e9, 2 ** 53, 2 ** 60, 1.5, -0, 1e300, true, false, null, '', ' ', '\0', 'a\0b', LONG),
  ),
  literal(fc.constantFrom('public', 'private', 'api', ['api'], ['api', 'root'], '30', 50, 'name', 'desc', 'true')),
  oneOf('maintainer', '[', '(a*)*', '((((a{9}){99}){99}){99})', '*'),
  oneOf('npm', 'keyset', 'hidden', 'package_file', 'type', '2', 'e30'),
  literal(fc.constantFrom('2999-12-31', '2020-01-01', '2999-02-30', '275760-09-14', 'a@b', 'x'.repeat(250), '..')),
  literal(fc.constantFrom('\ud800', 'a\udc00', '\u0130'.repeat(255), '\ufdfa'.repeat(255), BEYOND_DOUBLE, '1e400')),
  literal(text),
  literal(fc.string({ maxLength: 12 })),
  literal(fc.jsonValue({ maxDepth: 2 })),
)

const parameters = (maxKeys: number) =>
  fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...NAMES) }, text), values, { maxKeys })

/** What routes take, for cases that are right but for a parameter or two. */
const fresh = literal(fc.stringMatching(/^[a-z]{12}$/))
const RIGHT: Record<string, Record<string, fc.Arbitrary<Given>>> = {
  '/api/v4/groups': { name: fresh, path: fresh },
  '/api/v4/projects': { name: fresh },
  '/api/v4/users': { name: fresh, username: fresh, email: fresh.map(({ literal }) => ({ literal: `${literal}@b` })) },
  '/api/v4/users/{user_id}/personal_access_tokens': { name: fresh, scopes: literal(fc.constant(['api'])) },
  '/api/v4/projects/{id}/deploy_tokens': { name: fresh, scopes: literal(fc.constant(['write_package_registry'])) },
  '/api/v4/groups/{id}/deploy_tokens': { name: fresh, scopes: literal(fc.constant(['read_package_registry'])) },
  '/api/v4/groups/{id}/members': { user_id: knownAs('user'), access_level: literal(fc.constant(30)) },
  '/api/v4/projects/{id}/packages/protection/rules': {
    package_name_pattern: fresh,
    package_type: oneOf('npm', 'maven'),
    // Nobody whom the other cases need is kept from anything.
    minimum_access_level_for_push: oneOf('maintainer'),
  },
  '/api/v4/projects/{id}/packages/protection/rules/{package_protection_rule_id}': {
    minimum_access_level_for_delete: oneOf('owner'),
  },
  '/api/v4/projects/{id}/members': { user_id: knownAs('user'), access_level: literal(fc.constant(30)) },
}

/** A body as it arrives; `type` is the content type that goes with it. */
type Body = { type?: string; bytes: () => string | Uint8Array }

const asPairs = (given: Record<string, Given>) =>
  Object.entries(given).map(([name, value]): [string, unknown] => [name, settle(value)])

/** An object may have a `toString` of its own. */
const asText = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))

const asForm = (given: Record<string, Given>) =>
  new URLSearchParams(
    asPairs(given).map(([name, value]): [string, string] => [name, asText(value).toWellFormed()]),
  ).toString()

const asPart = ([name, value]: [string, unknown]) => {
  const file = name === 'file' ? '; filename="a"' : ''
  return `--B\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${asText(value)}\r\n`
}

const asMultipart = (given: Record<string, Given>) => `${asPairs(given).map(asPart).join('')}--B--\r\n`.toWellFormed()

/** What `npm publish` sends, with something else in one or two places. */
const publishes = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        ...['_id', 'name', 'versions', 'dist-tags', '_attachments', 'dist-tags.latest', 'versions.1!0!0'],
        ...['versions.1!0!0.name', 'versions.1!0!0.version', 'versions.1!0!0.dist', 'versions.1!0!0.dist.shasum'],
        ...['versions.1!0!0.dist.integrity', 'versions.1!0!0.dependencies', '_attachments.@foo/bar-1!0!0!tgz'],
        ...['versions.1!0!0.deprecated', '_rev', 'users'],
        ...['_attachments.@foo/bar-1!0!0!tgz.data', '_attachments.@foo/bar-1!0!0!tgz.length', 'access', '__proto__'],
      ),
      values,
    ),
    { maxLength: 2 },
  )
  .map(
    (changes): Body => ({
      type: 'application/json',
      bytes: () => {
        const body = structuredClone(published)
        for (const [path, given] of changes) {
          const keys = path.split('.').map((key) => key.replaceAll('!', '.'))
          const last = keys.pop() ?? ''
          const place = keys.reduce<unknown>((inside, key) => (inside as Json | null)?.[key], body)
          if (typeof place === 'object' && place !== null) Object.assign(place, { [last]: settle(given) })
        }
        return JSON.stringify(body)
      },
    }),
  )

/** A body: parameters as JSON or as a form, JSON of any kind, no sense at all, or none. */
const bodies = (resource: string): fc.Arbitrary<Body | undefined> => {
  const nearlyRight = fc
    .tuple(fc.record(RIGHT[resource] ?? {}), parameters(2))
    .map(([right, wrong]): Record<string, Given> => ({ ...right, ...wrong }))
  const given = fc.oneof({ weight: 3, arbitrary: nearlyRight }, { weight: 1, arbitrary: parameters(9) })
  const upload = fc.tuple(parameters(2), fc.option(values)).map(([more, file]) => (file ? { ...more, file } : more))
  const raw = fc.oneof(
    fc.json(),
    text.map((value) => value.toWellFormed()),
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom('null', '[]', '"', '{', '{"name":', '\0', `["${LONG}"]`, '%', '&&=&', '"0.1.0"', '--B', '--B--'),
  )
  return fc.oneof(
    {
      weight: 6,
      arbitrary: given.map((all) => ({
        type: 'application/json',
        bytes: () => JSON.stringify(Object.fromEntries(asPairs(all))),
      })),
    },
    { weight: 3, arbitrary: given.map((all) => ({ type: FORM, bytes: () => asForm(all) })) },
    {
      weight: resource.includes('/generic/') ? 6 : 1,
      arbitrary: upload.map((all) => ({ type: 'multipart/form-data; boundary=B', bytes: () => asMultipart(all) })),
    },
    ...(resource.includes('/npm/') ? [{ weight: 10, arbitrary: publishes }] : []),
    { weight: 2, arbitrary: raw.map((body) => ({ bytes: () => body })) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
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

const headers = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: knownAs('administrator') },
      { weight: 3, arbitrary: knownAs('owner', 'guest') },
      { weight: 1, arbitrary: literal(fc.oneof(fc.constant(''), fc.string())) },
      { weight: 1, arbitrary: literal(fc.constant(undefined)) },
    ),
    fc.dictionary(
      fc.constantFrom(
        'authorization',
        'deploy-token',
        'job-token',
        'if-unmodified-since',
        'npm-command',
        'range',
        'content-type',
        'referer',
        'if-none-match',
      ),
      fc.oneof(
        { weight: 1, arbitrary: fc.string().map((value) => `Bearer ${value}`) },
        { weight: 1, arbitrary: fc.string().map((value) => `Basic ${value}`) },
        { weight: 1, arbitrary: fc.constantFrom('deprecate', '*') },
        { weight: 1, arbitrary: fc.string().map((value) => `Basic ${Buffer.from(value).toString('base64')}`) },
        { weight: 3, arbitrary: fc.oneof(fc.string(), fc.constantFrom('multipart/form-data', 'text/plain', '', ';')) },
      ),
      { maxKeys: 1 },
    ),
    fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: knownAs('reader', 'writer') }),
  )
  .map(([secret, others, deployToken]) => ({ 'private-token': secret, 'deploy-token': deployToken, others }))

/** In base64 as AWS sends it, as text that only says so, or as serverless-offline hands text over. */
const encodings = fc.oneof(
  { weight: 8, arbitrary: fc.constant('base64' as const) },
  { weight: 1, arbitrary: fc.constantFrom('not base64' as const, 'text' as const) },
)

const ERROR_KEYS = /^(message|error|error_description|scope)$/

const check = (method: string, resource: string, { statusCode, headers: sent, body }: APIGatewayProxyResult) => {
  const isUnready = resource === '/-/readiness' && statusCode === 503
  if (!isUnready) expect(statusCode).toBeLessThan(500)
  expect(sent).toMatchObject({
    ...COMMON_HEADERS,
    'Cache-Control': expect.any(String),
    Vary: expect.stringContaining('Origin'),
  })
  if (statusCode >= 400 && !isUnready) {
    const keys = Object.keys(JSON.parse(body) as object)
    expect(keys.some((key) => key === 'message' || key === 'error')).toBe(true)
    for (const key of keys) expect(key).toMatch(ERROR_KEYS)
  } else if (statusCode === 301 || statusCode === 302) expect(sent?.Location).toMatch(/^http/)
  else if (statusCode === 204 || statusCode === 304) expect(body).toBe('')
  else {
    expect([200, 201, 503]).toContain(statusCode)
    // Maven's clients are told nothing but a hash.
    if (resource.includes('/maven/')) expect(body).toMatch(/^[0-9a-f]*$/)
    else if (method !== 'HEAD') expect(JSON.parse(body)).toEqual(expect.anything())
  }
}

describe.each(routes().map((route) => [`${route.method} ${route.resource}`, route] as const))(
  '%s, whatever it is sent',
  (_name, { method, resource, functionName, module }) => {
    it('never answers 5xx, never outside the two shapes of errors, and always with the headers of safety', async () => {
      const { handler } = (await import(`../../${module}.ts`)) as {
        handler: (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>
      }
      const query = queries(method === 'GET' ? 4 : 1)
      await fc.assert(
        fc.asyncProperty(
          inPath(method, resource),
          query,
          headers,
          bodies(resource),
          encodings,
          async (path, asked, head, body, encoding) => {
            const filled = path.reduce<string>(
              (url, given) => url.replace(/\{\w+\+?\}/, () => asText(settle(given))),
              resource.replace('/api/v4', ''),
            )
            const secret = settle(head['private-token'])
            const deployToken = head['deploy-token'] ? settle(head['deploy-token']) : undefined
            const bytes = body?.bytes()
            const call = {
              method,
              path: filled,
              headers: {
                ...(body?.type === undefined ? {} : { 'content-type': body.type }),
                ...(secret === undefined ? {} : { 'private-token': String(secret) }),
                ...(deployToken === undefined ? {} : { 'deploy-token': String(deployToken) }),
                ...head.others,
              },
              ...(bytes === undefined ? {} : { body: bytes }),
            }
            const multi = Object.entries(asked).map(([name, all]) => [name, all.map((given) => asText(settle(given)))])
            const event = {
              ...eventFor(call, resource),
              multiValueQueryStringParameters: Object.fromEntries(multi),
              ...(bytes === undefined || encoding === 'base64'
                ? {}
                : { body: String(bytes), isBase64Encoded: encoding === 'not base64' }),
            }
            const answer = await asFunction(functionName, () => handler(event, { awsRequestId: 'fuzz' } as Context))

            check(method, resource, answer)
          },
        ),
        { numRuns: RUNS_PER_ROUTE, seed: SEED },
      )
    })
  },
)

describe('bad input', () => {
  it.each([
    ['/projects/%zz/packages', 400],
    ['/projects/1%00/packages', 404],
    [`/projects/${'a'.repeat(10_000)}/packages`, 404],
    [`/projects/${Array(400).fill('a').join('%2F')}/packages`, 404],
    [`/groups/${'a'.repeat(3_000)}/packages`, 404],
    ['/projects/-1/packages', 404],
    ['/projects/9007199254740993/packages', 404],
    [`/projects/${'9'.repeat(400)}/packages`, 404],
    ['/groups/..%2F..%2Fetc/packages', 404],
  ])('%s is a clear refusal', async (path, status) => {
    const reply = await world.get(world.root, path)
    expect(reply.status).toBe(status)
    expect(Object.keys(reply.json as object)).toEqual([status === 400 ? 'error' : 'message'])
  })
})
