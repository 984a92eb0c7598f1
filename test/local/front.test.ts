import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BODY_LIMIT_BYTES } from '../../lib/http/params.ts'
import { createFront } from '../../local/front.ts'

const LIMIT_BYTES = 10 * 1024 * 1024

type Reply = { status: number; headers: IncomingMessage['headers']; body: Buffer }

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

const bodyOf = async (message: IncomingMessage) => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Says what arrived, in headers and as the very same body; `/status/:status` answers so instead. */
const answer = async (request: IncomingMessage, response: ServerResponse) => {
  const body = await bodyOf(request)
  const status = Number(/^\/status\/(\d+)/.exec(request.url ?? '')?.[1] ?? 200)
  const arrived = {
    'x-method': request.method ?? '',
    'x-url': request.url ?? '',
    'x-content-type': request.headers['content-type'] ?? 'none',
    'x-token': request.headers['private-token'] ?? 'none',
  }
  // As hapi adds it.
  response.writeHead(status, { ...arrived, 'content-type': 'application/json; charset=utf-8' }).end(body)
}

// A request that the entrance refuses half-way breaks off here.
const echo = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))

let backendPort: number | undefined
const front = createFront(() => backendPort)
let frontPort: number

beforeAll(async () => {
  frontPort = await listen(front)
})
beforeEach(async () => {
  backendPort = (echo.address() as AddressInfo | null)?.port ?? (await listen(echo))
})
afterAll(() => {
  for (const server of [front, echo]) {
    server.close()
    server.closeAllConnections()
  }
})

const call = (method: string, path: string, headers: Record<string, string> = {}, body: Buffer[] = []) =>
  new Promise<Reply>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: frontPort, method, path, headers, agent: false }
    const request = send(options, (response) => {
      const { statusCode: status = 0, headers: answered } = response
      bodyOf(response).then((bytes) => resolve({ status, headers: answered, body: bytes }), reject)
    })
    request.on('error', reject)
    for (const chunk of body) request.write(chunk)
    request.end()
  })

const json = ({ body }: Reply): unknown => JSON.parse(body.toString('utf8'))

const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const sized = (body: Buffer) => ({ 'content-length': String(body.length) })

describe('a path with dot segments', () => {
  it.each([
    '/api/v4/projects/../groups',
    '/api/v4/packages/maven/a/%2e%2e/b/1.0/b.jar',
    '/api/v4/packages/maven/a/.%2E/b?x=1',
    '/api/v4/packages/maven/a/./b',
    '/a/..',
    '/a/..?b',
  ])('is refused, and not resolved: %s', async (path) => {
    const reply = await call('PUT', path, sized(allBytes), [allBytes])
    expect([reply.status, json(reply), reply.headers['x-url']]).toEqual([400, { error: '400 Bad Request' }, undefined])
  })

  it.each(['/a/..b', '/a/b../c', '/a/...', '/a/..%2Fb', '/a?path=/../b', '/a/%2e%2e%2fb'])(
    'is none where dots are part of a segment: %s',
    async (path) => {
      expect((await call('GET', path)).headers['x-url']).toBe(path)
    },
  )
})

describe('what arrives behind the local entrance', () => {
  it('is the request as it was: method, path, query, headers and answer', async () => {
    const path = '/api/v4/projects/a%2Fb/packages?package_name=%40x%2fy&page=2'
    const reply = await call('PUT', path, { 'private-token': 'secret', 'content-length': '2' }, [Buffer.from('{}')])

    expect(reply).toMatchObject({ status: 200, headers: { 'x-method': 'PUT', 'x-url': path, 'x-token': 'secret' } })
  })

  it('is every byte of a body without a content type, sized or in chunks', async () => {
    const replies = await Promise.all([
      call('PUT', '/', sized(allBytes), [allBytes]),
      call('PUT', '/', { 'transfer-encoding': 'chunked' }, [allBytes.subarray(0, 100), allBytes.subarray(100)]),
    ])

    for (const { headers, body } of replies) {
      expect(headers['x-content-type']).toBe('application/octet-stream')
      expect(body.equals(allBytes)).toBe(true)
    }
  })

  it.each([
    ['application/json', 'application/json; as="application/octet-stream"'],
    ['text/plain; charset=latin1', 'text/plain; charset=latin1; as="application/octet-stream"'],
    ['application/octet-stream', 'application/octet-stream'],
  ])('has a content type that serverless-offline reads as bytes: of %s it is %s', async (given, arrived) => {
    const { headers } = await call('PUT', '/', { ...sized(allBytes), 'content-type': given }, [allBytes])

    expect(headers['x-content-type']).toBe(arrived)
  })

  it('has no content type where there is no body', async () => {
    const { headers } = await call('GET', '/')

    expect(headers['x-content-type']).toBe('none')
  })
})

describe('what the local entrance answers in place of serverless-offline', () => {
  const unknown = Buffer.from(
    JSON.stringify({ currentRoute: 'get - /nothing', error: 'Route not found.', existingRoutes: ['get - /here'] }),
  )

  it("words an unknown route as GitLab does and keeps the service's own 404", async () => {
    const own = Buffer.from('{"message":"404 Project Not Found"}')

    expect(json(await call('POST', '/status/404', sized(unknown), [unknown]))).toEqual({ error: '404 Not Found' })
    expect(json(await call('POST', '/status/404', sized(own), [own]))).toEqual({ message: '404 Project Not Found' })
  })

  it("words a broken URL as a bad request and keeps the service's own 400", async () => {
    const broken = Buffer.from('{"statusCode":400,"error":"Bad Request","message":"Bad Request"}')
    const own = Buffer.from('{"error":"page is invalid"}')

    expect(json(await call('POST', '/status/400', sized(broken), [broken]))).toEqual({ error: '400 Bad Request' })
    expect(json(await call('POST', '/status/400', sized(own), [own]))).toEqual({ error: 'page is invalid' })
  })

  it('takes 10 MiB and refuses a byte more in the words of the template, which name the limit of handlers', async () => {
    const chunk = Buffer.alloc(1024 * 1024)
    const full = Array.from({ length: 10 }, () => chunk)
    const over = [...full, Buffer.alloc(1)]
    // So much that it is still on its way when the entrance has seen enough.
    const farOver = Array.from({ length: 40 }, () => chunk)

    const taken = await call('PUT', '/', { 'content-length': String(LIMIT_BYTES) }, full)
    const refused = [
      await call('PUT', '/', { 'content-length': String(LIMIT_BYTES + 1) }, over),
      await call('PUT', '/', { 'transfer-encoding': 'chunked' }, over),
      await call('PUT', '/', { 'content-length': String(40 * chunk.length) }, farOver),
      await call('PUT', '/', { 'transfer-encoding': 'chunked' }, farOver),
    ]

    expect({ status: taken.status, length: taken.body.length }).toEqual({ status: 200, length: LIMIT_BYTES })
    for (const reply of refused) {
      expect(reply.status).toBe(413)
      const text = `413 Content Too Large - the body may have at most ${BODY_LIMIT_BYTES} bytes`
      expect(json(reply)).toEqual({ message: text, error: text })
    }
  })

  it.each([200, 404])('has the content type that API Gateway sends, without a charset: %i', async (status) => {
    const { headers } = await call('GET', `/status/${status}`)

    expect(headers['content-type']).toBe('application/json')
  })

  it('says that the service is starting, or that nothing answers behind it', async () => {
    backendPort = undefined
    expect(await call('GET', '/-/readiness')).toMatchObject({ status: 503 })

    const gone = createServer()
    backendPort = await listen(gone)
    await new Promise((done) => gone.close(done))
    expect(await call('GET', '/-/readiness')).toMatchObject({ status: 502 })
  })
})
