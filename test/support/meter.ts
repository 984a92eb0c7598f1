import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What DynamoDB was asked for: calls, and the capacity that it says they consumed. */
export type Cost = { calls: number; readUnits: number; writeUnits: number }

export type Meter = {
  /** The database behind it. */
  engine: string
  endpoint: string
  /** What `work` costs. Nothing else may use the meter meanwhile. */
  read: <Answer>(work: () => Promise<Answer>) => Promise<Cost & { answer: Answer }>
  stop: () => Promise<void>
}

type Capacity = { CapacityUnits?: number; ReadCapacityUnits?: number; WriteCapacityUnits?: number }

const READS = ['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan']

const bytesOf = async (message: IncomingMessage) => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/**
 * Stands between the service and DynamoDB, asks for the consumed capacity with every call, and adds up what the engine
 * answers. So whatever speaks to a database can be measured as it is.
 */
export const startMeter = async (engine: string): Promise<Meter> => {
  const { hostname, port } = new URL(engine)
  let cost: Cost = { calls: 0, readUnits: 0, writeUnits: 0 }

  const note = (operation: string, answer: { ConsumedCapacity?: Capacity | Capacity[] }) => {
    cost.calls++
    for (const { CapacityUnits = 0 } of [answer.ConsumedCapacity ?? []].flat()) {
      if (READS.includes(operation)) cost.readUnits += CapacityUnits
      else cost.writeUnits += CapacityUnits
    }
  }

  const passOn = async (asked: IncomingMessage, answered: ServerResponse) => {
    const operation = String(asked.headers['x-amz-target'] ?? '').split('.')[1] ?? ''
    const given = JSON.parse((await bytesOf(asked)).toString() || '{}') as object
    const body = Buffer.from(JSON.stringify({ ...given, ReturnConsumedCapacity: 'TOTAL' }))
    const headers = { ...asked.headers, 'content-length': String(body.length) }
    const answer = await new Promise<IncomingMessage>((done, fail) => {
      const options = { hostname, port, method: asked.method, path: asked.url, headers }
      request(options, done).on('error', fail).end(body)
    })
    const bytes = await bytesOf(answer)
    note(operation, JSON.parse(bytes.toString() || '{}') as { ConsumedCapacity?: Capacity })
    answered.writeHead(answer.statusCode ?? 500, answer.headers).end(bytes)
  }
  const server = createServer((asked, answered) => {
    passOn(asked, answered).catch((error: Error) => answered.destroy(error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  return {
    engine,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async read(work) {
      cost = { calls: 0, readUnits: 0, writeUnits: 0 }
      const answer = await work()
      return { ...cost, answer }
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
