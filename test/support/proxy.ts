import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }

/** @param ask asks the engine, with the body that was sent or another */
type Handle = (headers: IncomingHttpHeaders, body: Buffer, ask: (body: Buffer) => Promise<Answer>) => Promise<Answer>

/** Stands between the service and a database: `handle` says what the service hears. */
export const startProxy = async (engine: string, handle: Handle) => {
  const { hostname, port } = new URL(engine)

  const ask = async ({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> => {
    const options = { hostname, port, method, path: url, headers: { ...headers, 'content-length': body.length } }
    const message = await new Promise<IncomingMessage>((done, fail) => {
      request(options, done).on('error', fail).end(body)
    })
    return { status: message.statusCode ?? 500, headers: message.headers, body: await buffer(message) }
  }
  const passOn = async (asked: IncomingMessage, answered: ServerResponse) => {
    const { status, headers, body } = await handle(asked.headers, await buffer(asked), (sent) => ask(asked, sent))
    answered.writeHead(status, headers).end(body)
  }
  const server = createServer((asked, answered) => {
    passOn(asked, answered).catch((error: Error) => answered.destroy(error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** The operation that a call to DynamoDB names, such as `Query`. */
export const operationOf = (headers: IncomingHttpHeaders) => String(headers['x-amz-target'] ?? '').split('.')[1] ?? ''
