import { randomUUID } from 'node:crypto'
import { testEnvironment } from './environment.ts'

const { dynoxide, objectStore } = testEnvironment()
/** Each test file has a table and a bucket of its own, and links from the request's own domain and stage, as on AWS. */
const name = `test-${randomUUID()}`
Object.assign(process.env, {
  DYNAMODB_ENDPOINT: dynoxide,
  TABLE_NAME: name,
  BUCKET_NAME: name,
  S3_ENDPOINT: objectStore,
  EXTERNAL_URL: '',
})

// The handlers' log lines are for operators; a failed request shows in its test.
console.info = () => {}
