import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

type Answer = { status: number; headers: IncomingMessage['headers']; body: Buffer }

const OPERATION = 'x-amz-target'

/**
 * A database that takes no time: what it was asked once it answers from memory. What it does not know goes to the
 * engine, the first time; a transaction, in which times and random ids differ, is known by its kind alone.
 */
export const startStubDatabase = async (engine: string) => {
  const { hostname, port } = new URL(engine)
  const known = new Map<string, Answer>()

  const ask = async ({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> => {
    const message = await new Promise<IncomingMessage>((done, fail) => {
      request({ hostname, port, method, path: url, headers }, done).on('error', fail).end(body)
    })
    return { status: message.statusCode ?? 500, headers: message.headers, body: await buffer(message) }
  }
  const answer = async (asked: IncomingMessage, answered: ServerResponse) => {
    const body = await buffer(asked)
    const operation = String(asked.headers[OPERATION])
    const name = operation.endsWith('.TransactWriteItems') ? operation : `${operation}\n${body}`
    const found = known.get(name) ?? (await ask(asked, body))
    known.set(name, found)
    answered.writeHead(found.status, found.headers).end(found.body)
  }
  const server = createServer((asked, answered) => {
    answer(asked, answered).catch((error: Error) => answered.destroy(error))
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
