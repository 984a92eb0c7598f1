import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, startChild, untilReady } from '../../local/children.ts'
import { dynoxideProgram, hasJava, startDynamoDBLocal, startDynoxide } from '../../local/engines.ts'
import { startObjectStore } from '../../local/objectStore.ts'
import { shareEnvironment } from './environment.ts'
import { stops } from './stops.ts'

export const ROOT_TOKEN = 'pat-root-token-of-the-test-suites'

/** Starts, once for all suites, the two engines, an object store and the service itself. */
const startAll = async () => {
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    // DynamoDB Local and mvn end before a second compilation of what they run, or a proof of it, would pay.
    JDK_JAVA_OPTIONS:
      '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote',
    // dynoxide does one thing at a time: a second thread costs it a fifth of its time and does nothing.
    TOKIO_WORKER_THREADS: '1',
  })
  const directory = await mkdtemp(join(tmpdir(), 'packages-api-test-'))
  const program = dynoxideProgram()
  const [dynoxide, dynamodbLocal, objectStore] = await Promise.all([
    program === undefined ? startDynamoDBLocal() : startDynoxide(program),
    hasJava() ? startDynamoDBLocal() : undefined,
    startObjectStore(join(directory, 'objects'), []),
  ])
  stops.push(dynoxide.stop, async () => dynamodbLocal?.stop(), objectStore.stop)

  const port = await freePort()
  const service = startChild('npm start', process.execPath, [resolve('local/start.ts')], {
    env: {
      ...process.env,
      PORT: String(port),
      DATA_DIR: join(directory, 'data'),
      ROOT_TOKEN,
      DYNAMODB_ENDPOINT: dynoxide.endpoint,
    },
  })
  stops.push(service.stop)
  const url = `http://localhost:${port}`
  await untilReady('npm start', service, async () => (await fetch(`${url}/-/readiness`)).status === 200)
  shareEnvironment({
    dynoxide: dynoxide.endpoint,
    dynamodbLocal: dynamodbLocal?.endpoint ?? '',
    objectStore: objectStore.endpoint,
    service: url,
    serviceTable: 'packages-api-local',
    rootToken: ROOT_TOKEN,
  })
}

// biome-ignore lint/style/noDefaultExport: Jest asks for it
export default startAll
