import { operationOf, startProxy } from './proxy.ts'

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

/**
 * Stands between the service and DynamoDB, asks for the consumed capacity with every call, and adds up what the engine
 * answers. So whatever speaks to a database can be measured as it is.
 */
export const startMeter = async (engine: string): Promise<Meter> => {
  let cost: Cost = { calls: 0, readUnits: 0, writeUnits: 0 }

  const note = (operation: string, answer: { ConsumedCapacity?: Capacity | Capacity[] }) => {
    cost.calls++
    for (const { CapacityUnits = 0 } of [answer.ConsumedCapacity ?? []].flat()) {
      if (READS.includes(operation)) cost.readUnits += CapacityUnits
      else cost.writeUnits += CapacityUnits
    }
  }

  const proxy = await startProxy(engine, async (headers, body, ask) => {
    const given = JSON.parse(body.toString() || '{}') as object
    const answer = await ask(Buffer.from(JSON.stringify({ ...given, ReturnConsumedCapacity: 'TOTAL' })))
    note(operationOf(headers), JSON.parse(answer.body.toString() || '{}') as { ConsumedCapacity?: Capacity })
    return answer
  })

  return {
    ...proxy,
    engine,
    async read(work) {
      cost = { calls: 0, readUnits: 0, writeUnits: 0 }
      const answer = await work()
      return { ...cost, answer }
    },
  }
}
