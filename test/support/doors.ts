import { readFileSync } from 'node:fs'
import { request as send } from 'node:http'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { ensureAdministrator } from '../../deploy/firstAdministrator.ts'
import { unknownRoute } from '../../deploy/gatewayResponses.ts'
import { type Database, openDatabase } from '../../lib/repository/database.ts'
import { createClient } from '../../lib/repository/table.ts'
import { createTable, parseServerlessYml } from '../../local/table.ts'
import { testEnvironment } from './environment.ts'
import { asFunction } from './permissions.ts'

export type Call = {
  method?: string
  /** Below `/api/v4`, or from the root when it starts with `/-/`; as it stands in a URL, query included. */
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}
export type Reply = {
  status: number
  headers: Record<string, string>
  text: string
  json: unknown
  /** How long the answer is as a Lambda returns it, where a Lambda does. */
  inLambda?: number
}

/**
 * A way into the service. The same cases go through both: the exported handler with the event that a REST API makes and
 * with the rights of its role, and HTTP through serverless-offline.
 */
export type Door = {
  name: string
  open: () => Promise<void>
  call: (call: Call) => Promise<Reply>
  /** The service's own data, for what no route can bring in yet. */
  database: () => Database
  /** How links start. */
  origin: string
}

const reply = (status: number, headers: Record<string, string>, text: string): Reply => ({
  status,
  headers,
  text,
  json: parse(text),
})

/** The path of the next page, as `call` takes it, if a list's `Link` leads to one. */
export const nextOf = ({ headers }: Reply) => {
  const next = /<([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
  return next?.slice(next.indexOf('/api/v4') + '/api/v4'.length)
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the client reads, having unpacked it. */
const textOf = (bytes: Buffer, headers: Record<string, string>) =>
  (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')

const fullPath = (path: string) => (path.startsWith('/-/') ? path : `/api/v4${path}`)

type Route = { method: string; resource: string; parts: string[]; rank: string; functionName: string; module: string }

let known: Route[] | undefined
/** The routes of `serverless.yml`, which is where API Gateway gets them from. */
export const routes = (): Route[] => {
  known ??= readRoutes()
  return known
}

const readRoutes = (): Route[] => {
  const { functions } = parseServerlessYml(readFileSync(resolve('serverless.yml'), 'utf8'))
  return Object.entries(functions).flatMap(([functionName, { handler, events }]) =>
    events.flatMap(({ http }) => {
      const [method = '', resource = ''] = http?.split(' ') ?? []
      if (!http) return []
      const parts = resource.split('/')
      const rank = parts.map((part) => (part.endsWith('+}') ? 2 : part.startsWith('{') ? 1 : 0)).join('')
      return [{ method, resource, parts, rank, functionName, module: handler.replace(/\.handler$/, '') }]
    }),
  )
}

/** API Gateway's choice among routes: at each level the literal part before the variable, that before the greedy one. */
const match = (method: string, path: string, all: readonly Route[]): Route | undefined => {
  const parts = path.split('/')
  const fits = ({ parts: pattern }: Route) => {
    const isGreedy = pattern.at(-1)?.endsWith('+}')
    if (isGreedy ? parts.length < pattern.length : parts.length !== pattern.length) return false
    return pattern.every((part, place) => (part.startsWith('{') ? parts[place] !== '' : part === parts[place]))
  }
  return all
    .filter((route) => route.method === method && fits(route))
    .sort((one, other) => (one.rank < other.rank ? -1 : 1))[0]
}

const group = (pairs: Iterable<[string, string]>): Record<string, string[]> => {
  const grouped: Record<string, string[]> = {}
  for (const [name, value] of pairs) grouped[name] = [...(grouped[name] ?? []), value]
  return grouped
}

/** The event as a REST API sends it: parameters of the path encoded, bodies in base64, a stage in the context's path. */
const eventOf = ({ method = 'GET', headers = {}, body }: Call, path: string, query: string, resource: string) => {
  const multi = group(new URLSearchParams(query))
  const values = path.split('/')
  const names = resource.split('/')
  const pathParameters = Object.fromEntries(
    names.flatMap((name, place) =>
      name.startsWith('{')
        ? [[name.replace(/[{}+]/g, ''), name.endsWith('+}') ? values.slice(place).join('/') : (values[place] ?? '')]]
        : [],
    ),
  )
  return {
    resource,
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: Object.fromEntries(Object.entries(multi).map(([name, all]) => [name, all.at(-1)])),
    multiValueQueryStringParameters: query === '' ? null : multi,
    pathParameters,
    stageVariables: null,
    body: body === undefined ? null : Buffer.from(body).toString('base64'),
    isBase64Encoded: body !== undefined,
    requestContext: {
      path: `/prod${path}`,
      stage: 'prod',
      domainName: 'packages.example.com',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      httpMethod: method,
      resourcePath: resource,
    },
  } as unknown as APIGatewayProxyEvent
}

/** The event for one resource, without asking which route would match. */
export const eventFor = (call: Call, resource: string) => {
  const [path = '', query = ''] = fullPath(call.path).split(/\?(.*)/s)
  return eventOf(call, path, query, resource)
}

type LambdaModule = { handler: (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult> }

/** Answers of API Gateway itself never reach a handler; the template words them like GitLab. */
const UNKNOWN_ROUTE = reply(unknownRoute.status, {}, JSON.stringify(unknownRoute.body))

const createBucket = async () => {
  const s3 = new S3Client({ endpoint: process.env.S3_ENDPOINT ?? '', forcePathStyle: true })
  try {
    await s3.send(new CreateBucketCommand({ Bucket: process.env.BUCKET_NAME }))
  } catch (error) {
    if (!(error instanceof Error && error.name.startsWith('BucketAlready'))) throw error
  } finally {
    s3.destroy()
  }
}

const LAMBDA_DOOR = 'as a Lambda behind a REST API'

export const lambdaDoor = (): Door => {
  const all = routes()
  const database = openDatabase(createClient(process.env.DYNAMODB_ENDPOINT), process.env.TABLE_NAME ?? '')
  return {
    name: LAMBDA_DOOR,
    origin: 'https://packages.example.com/prod',
    database: () => database,
    async open() {
      await Promise.all([
        createTable(process.env.DYNAMODB_ENDPOINT ?? '', process.env.TABLE_NAME ?? ''),
        createBucket(),
      ])
      await ensureAdministrator(database, { given: testEnvironment().rootToken })
    },
    async call(call) {
      const [path = '', query = ''] = fullPath(call.path).split(/\?(.*)/s)
      const route = match(call.method ?? 'GET', path, all)
      if (!route) return UNKNOWN_ROUTE
      const { handler } = (await import(`../../${route.module}.ts`)) as LambdaModule
      const event = eventOf(call, path, query, route.resource)
      const answer = await asFunction(route.functionName, () => handler(event, { awsRequestId: 'test' } as Context))
      const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
      const bytes = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8')
      const sent = Object.fromEntries(headers)
      return { ...reply(answer.statusCode, sent, textOf(bytes, sent)), inLambda: JSON.stringify(answer).length }
    },
  }
}

export const httpDoor = (): Door => {
  const { service, serviceTable, dynoxide } = testEnvironment()
  const database = openDatabase(createClient(dynoxide), serviceTable)
  const { hostname, port } = new URL(service)
  return {
    name: 'over HTTP',
    origin: service,
    database: () => database,
    open: async () => {},
    call: ({ method = 'GET', path, headers = {}, body }) =>
      new Promise((done, fail) => {
        const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
        const options = {
          hostname,
          port,
          method,
          path: fullPath(path),
          headers: { ...length, ...headers },
          agent: false,
        }
        const request = send(options, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', fail)
          response.on('end', () => {
            const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
            const sent = Object.fromEntries(flat)
            done(reply(response.statusCode ?? 0, sent, textOf(Buffer.concat(chunks), sent)))
          })
        })
        request.on('error', fail)
        request.end(body)
      }),
  }
}

export const doors = () => [lambdaDoor(), httpDoor()]

/** `it`, and `it.everywhere` for what is about the way in itself. */
type ItThrough = jest.It & { everywhere: jest.It }

/**
 * `describe` and `it` of suites that go through both doors. The Lambda's door is tried with everything. HTTP is shown to
 * make no difference: with the first test of each `describe`, with the first case of a list, and with each test that is
 * about what a way in does to a request.
 */
export const through = ({ name }: Door): { describe: jest.Describe; it: ItThrough } => {
  if (name === LAMBDA_DOOR)
    return { describe, it: Object.assign(it.bind(undefined), it, { everywhere: it }) as ItThrough }

  const begun = [false]
  const isFirst = () => !begun.splice(-1, 1, true)[0]
  const inBlock =
    (run: (...given: unknown[]) => void) =>
    (...given: unknown[]) => {
      begun.push(false)
      run(...given)
      begun.pop()
    }
  const describeEach = (cases: unknown[][]) => (title: string, run: (...given: unknown[]) => void) =>
    describe.each(cases)(title, inBlock(run))
  const itEach = (cases: unknown[][]) => (isFirst() ? it.each(cases.slice(0, 1)) : () => {})
  return {
    describe: Object.assign((title: string, run: () => void) => describe(title, inBlock(run)), describe, {
      each: describeEach,
    }) as unknown as jest.Describe,
    it: Object.assign((...test: Parameters<jest.It>) => (isFirst() ? it(...test) : undefined), it, {
      each: itEach,
      everywhere: it,
    }) as unknown as ItThrough,
  }
}
