import { type Answer, operationOf, startProxy } from '../test/support/proxy.ts'

/**
 * A database that takes no time: what it was asked once it answers from memory. What it does not know goes to the
 * engine, the first time; a transaction, in which times and random ids differ, is known by its kind alone.
 */
export const startStubDatabase = (engine: string) => {
  const known = new Map<string, Answer>()
  return startProxy(engine, async (headers, body, ask) => {
    const operation = operationOf(headers)
    const name = operation === 'TransactWriteItems' ? operation : `${operation}\n${body}`
    const answer = known.get(name) ?? (await ask(body))
    known.set(name, answer)
    return answer
  })
}
