import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http'
import { tooLarge, unknownRoute } from '../deploy/gatewayResponses.ts'

/** API Gateway's limit on a body. Source: Amazon API Gateway quotas for REST APIs. */
const GATEWAY_BODY_LIMIT_BYTES = 10 * 1024 * 1024

const answer = (response: ServerResponse, status: number, body: object) => {
  response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify(body))
}

/**
 * The local entrance: what API Gateway does and serverless-offline does not. A body keeps its bytes, one over API
 * Gateway's limit is refused, so is a path with dot segments, which serverless-offline would resolve, an unknown route
 * gets GitLab's words, and the type of an answer stays as it is.
 */
export const createFront = (backendPort: () => number | undefined): Server =>
  createServer((request, response) => {
    const port = backendPort()
    if (port === undefined) return answer(response, 503, { status: 'failed', message: 'Packages API is starting' })
    if (Number(request.headers['content-length'] ?? 0) > GATEWAY_BODY_LIMIT_BYTES) return refuseBody(request, response)
    if (DOT_SEGMENT.test(request.url ?? '')) return refusePath(request, response)
    forward(request, response, port)
  })

/** The rest of the body is read and dropped: closing the door on a client that still sends shows him a reset instead. */
const refuseBody = (request: IncomingMessage, response: ServerResponse) => {
  request.once('end', () => answer(response, tooLarge.status, tooLarge.body)).resume()
}

/** `.` or `..` as a whole segment of the path, encoded or not. What comes behind a question mark is no path. */
const DOT_SEGMENT = /^[^?]*\/(\.|%2e){1,2}(\/|\?|$)/i

const refusePath = (request: IncomingMessage, response: ServerResponse) => {
  request.once('end', () => answer(response, 400, { error: '400 Bad Request' })).resume()
}

/**
 * serverless-offline hands a body over as its bytes where the content type has these words in it. Of others it makes
 * text, and of a JSON string the text inside the quotes.
 */
const AS_BYTES = 'application/octet-stream'

const asBytes = (contentType = AS_BYTES) =>
  contentType.includes(AS_BYTES) ? contentType : `${contentType}; as="${AS_BYTES}"`

/** Without the charset that hapi adds to JSON: python-gitlab 3 reads no JSON but `application/json` to the letter. */
const headersOf = ({ headers }: IncomingMessage) =>
  headers['content-type']?.startsWith('application/json;')
    ? { ...headers, 'content-type': 'application/json' }
    : headers

const forward = (request: IncomingMessage, response: ServerResponse, port: number) => {
  const hasBody =
    Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined
  const headers = {
    ...request.headers,
    ...(hasBody ? { 'content-type': asBytes(request.headers['content-type']) } : {}),
  }
  const { method, url } = request
  const backend = send({ host: '127.0.0.1', port, method, path: url, headers }, (answered) => {
    if (answered.statusCode === 404 || answered.statusCode === 400) {
      pass(answered, response).catch(() => response.destroy())
    } else {
      response.writeHead(answered.statusCode ?? 502, headersOf(answered))
      answered.pipe(response)
    }
  })
  let isRefused = false
  backend.on('error', () => {
    if (!response.headersSent && !isRefused) answer(response, 502, { message: '502 Bad Gateway' })
  })
  response.on('close', () => backend.destroy())

  let seen = 0
  request.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen > GATEWAY_BODY_LIMIT_BYTES && !response.headersSent && !isRefused) {
      isRefused = true
      request.unpipe(backend)
      backend.destroy()
      refuseBody(request, response)
    }
  })
  request.pipe(backend)
}

/** serverless-offline lists all routes when it knows none, and hapi has words of its own for a broken URL. */
const pass = async (answered: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = []
  for await (const chunk of answered) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const text = body.toString('utf8')
  if (text.includes('"currentRoute"')) return answer(response, unknownRoute.status, unknownRoute.body)
  if (text.startsWith('{"statusCode":400,"error":"Bad Request"'))
    return answer(response, 400, { error: '400 Bad Request' })
  response.writeHead(answered.statusCode ?? 502, headersOf(answered)).end(body)
}
