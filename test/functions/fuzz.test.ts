import type { Context } from 'aws-lambda'
import fc from 'fast-check'
import { eventFor, lambdaDoor, routes } from '../support/doors.ts'
import { createWorld } from '../support/world.ts'

const FIVE = ['listProjectPackages', 'listGroupPackages', 'getPackage', 'listFiles', 'deletePackage']

const door = lambdaDoor()
const world = createWorld(door)
let known: { project: number; group: number; item: number; path: string; tokens: string[] }
beforeAll(async () => {
  await door.open()
  const group = await world.group()
  const project = await world.project({ namespace_id: group.id })
  const { id } = await world.package(project.id)
  const guest = await world.member('projects', project.id, 10)
  known = {
    project: project.id,
    group: group.id,
    item: id,
    path: String(project.path_with_namespace),
    tokens: [String(world.root.token), guest.token],
  }
})

const nasty = fc.oneof(
  fc.constantFrom(
    '..',
    '%',
    '%zz',
    '%00',
    '%2e%2e%2f',
    '\\',
    '%EF%BF%BF',
    '%C0%AF',
    '-1',
    '0',
    '9007199254740993',
    'a'.repeat(10_000),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[/?]/g, '')),
  fc.integer().map(String),
)

const names = [
  'page',
  'per_page',
  'order_by',
  'sort',
  'package_type',
  'package_name',
  'package_version',
  'status',
  'include_versionless',
  'exclude_subgroups',
  'private_token',
  'access_token',
  'cursor',
  'pagination',
  '__proto__',
]
const queries = fc.dictionary(
  fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom(...names).map((name) => `${name}[]`),
    fc.string({ maxLength: 10 }),
  ),
  fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('1', '0', '-5', 'asc', 'npm', 'name', 'true', '1e9', 'x'.repeat(5_000)),
    ),
  ),
  { maxKeys: 6 },
)

describe.each(FIVE)('%s, whatever it is sent', (name) => {
  const { resource = '', method = '', module = '' } = routes().find(({ functionName }) => functionName === name) ?? {}

  it('never answers 5xx, and never outside the two shapes of errors', async () => {
    const { handler } = await import(`../../${module}.ts`)
    // A delete that is meant well would leave the next case nothing to find.
    const item = name === 'deletePackage' ? 'abc' : () => String(known.item)
    const ids = fc.oneof(
      nasty,
      fc
        .constantFrom('project', 'group', 'path')
        .map((which) => () => encodeURIComponent(String(known[which as 'project']))),
    )
    await fc.assert(
      fc.asyncProperty(
        ids,
        fc.oneof(nasty, fc.constant(item)),
        queries,
        fc.record(
          {
            'private-token': fc.oneof(
              fc.string(),
              fc.constantFrom(0, 1).map((which) => () => known.tokens[which] as string),
            ),
            authorization: fc.string().map((text) => `Bearer ${text}`),
            'if-unmodified-since': fc.string(),
            'content-type': fc.constantFrom('application/json', 'text/plain', ''),
          },
          { requiredKeys: [] },
        ),
        fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
        async (id, packageId, query, headers, body) => {
          const value = (given: unknown) => String(typeof given === 'function' ? given() : given)
          const path = resource
            .replace('/api/v4', '')
            .replace('{id}', () => value(id))
            .replace('{package_id}', () => value(packageId))
          const flat = Object.fromEntries(Object.entries(headers).map(([key, given]) => [key, value(given)]))
          const call = { method, path, headers: flat, ...(body === undefined ? {} : { body: body.toWellFormed() }) }
          const event = { ...eventFor(call, resource), multiValueQueryStringParameters: query }
          const answer = await handler(event, { awsRequestId: 'fuzz' } as Context)

          expect(answer.statusCode).toBeLessThan(500)
          if (answer.statusCode >= 400) {
            const keys = Object.keys(JSON.parse(answer.body))
            expect(['message', 'error'].some((key) => keys.includes(key))).toBe(true)
          }
        },
      ),
      { numRuns: 250 },
    )
  })
})

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
