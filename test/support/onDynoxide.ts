import { randomUUID } from 'node:crypto'
import { testEnvironment } from './environment.ts'

const { dynoxide, objectStore, bucket } = testEnvironment()
/** Each test file has a table of its own, and links from the request's own domain and stage, as on AWS. */
Object.assign(process.env, {
  DYNAMODB_ENDPOINT: dynoxide,
  TABLE_NAME: `test-${randomUUID()}`,
  BUCKET_NAME: bucket,
  S3_ENDPOINT: objectStore,
  EXTERNAL_URL: '',
})

// The handlers' log lines are for operators; a failed request shows in its test.
console.info = () => {}
