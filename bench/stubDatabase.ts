import { type Answer, operationOf, startProxy } from '../test/support/proxy.ts'

/**
 * A database that takes no time: what it was asked once it answers from memory. What it does not know goes to the
 * engine, the first time; a write, in which times and random ids differ, is known by its kind alone, and by its key where
 * it has one.
 */
export const startStubDatabase = (engine: string) => {
  const known = new Map<string, Answer>()
  return startProxy(engine, async (headers, body, ask) => {
    const name = nameOf(operationOf(headers), body.toString())
    const answer = known.get(name) ?? (await ask(body))
    known.set(name, answer)
    return answer
  })
}

const nameOf = (operation: string, body: string) => {
  if (operation === 'TransactWriteItems') return operation
  if (operation === 'UpdateItem') return `${operation}\n${JSON.stringify((JSON.parse(body) as { Key: object }).Key)}`
  return `${operation}\n${body}`
}
