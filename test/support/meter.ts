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

type Answer = { ConsumedCapacity?: Capacity | Capacity[]; ScannedCount?: number }
type Capacity = { CapacityUnits?: number; ReadCapacityUnits?: number; WriteCapacityUnits?: number }

const READS = ['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan']

/**
 * Stands between the service and DynamoDB, asks for the consumed capacity with every call, and adds up what the engine
 * answers. So whatever speaks to a database can be measured as it is. DynamoDB Local says nothing of a query that finds
 * nothing, which DynamoDB counts as the least that a query can be (API reference, Query).
 */
export const startMeter = async (engine: string): Promise<Meter> => {
  let cost: Cost = { calls: 0, readUnits: 0, writeUnits: 0 }

  const note = (operation: string, { ConsumedCapacity = [], ScannedCount }: Answer, isConsistent: boolean) => {
    const reported = [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0)
    const least = ScannedCount === 0 ? (isConsistent ? 1 : 0.5) : 0
    cost.calls++
    if (READS.includes(operation)) cost.readUnits += Math.max(reported, least)
    else cost.writeUnits += reported
  }

  const proxy = await startProxy(engine, async (headers, body, ask) => {
    const given = JSON.parse(body.toString() || '{}') as { ConsistentRead?: boolean }
    const answer = await ask(Buffer.from(JSON.stringify({ ...given, ReturnConsumedCapacity: 'TOTAL' })))
    note(operationOf(headers), JSON.parse(answer.body.toString() || '{}') as Answer, given.ConsistentRead === true)
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
