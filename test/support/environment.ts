/** What the global set-up tells the suites, by way of the environment that workers inherit. */
export type TestEnvironment = {
  dynoxide: string
  /** Empty when DynamoDB Local cannot run here. */
  dynamodbLocal: string
  objectStore: string
  /** `npm start`, on the same dynoxide and object store of its own. */
  service: string
  serviceTable: string
  rootToken: string
}

const NAME = 'PACKAGES_API_TEST'

export const shareEnvironment = (environment: TestEnvironment) => {
  process.env[NAME] = JSON.stringify(environment)
}

export const testEnvironment = (): TestEnvironment => {
  const text = process.env[NAME]
  if (text === undefined) throw new Error('The test servers are not up: run the tests with npm test')
  return JSON.parse(text) as TestEnvironment
}
