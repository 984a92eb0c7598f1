import { mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureAdministrator } from '../deploy/firstAdministrator.ts'
import { openDatabase } from '../lib/repository/database.ts'
import { createClient } from '../lib/repository/table.ts'
import { type Child, freePort, startChild, untilReady } from './children.ts'
import { startEngine } from './engines.ts'
import { createFront } from './front.ts'
import { startObjectStore } from './objectStore.ts'
import { StartError } from './startError.ts'
import { createTable, LOCAL_TABLE } from './table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(join(root, 'package.json'))

const BUCKET = 'packages-api-local'

type Settings = {
  port: number
  dataDirectory: string
  rootToken: string | undefined
  dynamodbEndpoint: string | undefined
}

const readSettings = (environment: NodeJS.ProcessEnv): Settings => {
  const port = Number(environment.PORT ?? 3000)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StartError(`PORT is "${environment.PORT}", which is no port. Set it to a number from 1 to 65535.`)
  }
  const rootToken = environment.ROOT_TOKEN || undefined
  if (rootToken !== undefined && !/^[\x21-\x7e]{20,255}$/.test(rootToken)) {
    throw new StartError('ROOT_TOKEN must have 20 to 255 printable characters without blanks.')
  }
  return {
    port,
    dataDirectory: resolve(environment.DATA_DIR || join(root, '.data')),
    rootToken,
    dynamodbEndpoint: environment.DYNAMODB_ENDPOINT || undefined,
  }
}

/** Listens on both loopback addresses: `localhost` means one or the other. */
const listen = async (createServer: () => Server, port: number): Promise<() => Promise<void>> => {
  const servers: Server[] = []
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer()
    const problem = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      server.once('error', done)
      server.listen(port, host, () => done(undefined))
    })
    if (problem === undefined) servers.push(server)
    else if (problem.code === 'EADDRINUSE') {
      await Promise.all(servers.map(close))
      throw new StartError(`Port ${port} is in use. Stop what listens there, or choose another: PORT=3001 npm start`)
    } else if (host === '127.0.0.1') throw problem
  }
  return async () => {
    await Promise.all(servers.map(close))
  }
}

const close = (server: Server) =>
  new Promise<void>((done) => {
    server.close(() => done())
    server.closeAllConnections()
  })

const startOffline = async (environment: Record<string, string>): Promise<Child & { port: number }> => {
  const [port, lambdaPort] = await Promise.all([freePort(), freePort()])
  const cli = join(dirname(require.resolve('serverless/package.json')), 'bin', 'serverless.js')
  const ports = ['--httpPort', String(port), '--lambdaPort', String(lambdaPort), '--host', '127.0.0.1']
  const child = startChild(
    'serverless offline',
    process.execPath,
    [cli, 'offline', 'start', '--stage', 'local', ...ports],
    {
      cwd: root,
      env: { ...process.env, ...environment, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
      show: showLogLine,
    },
  )
  return { ...child, port }
}

/** Of all that serverless-offline prints, the service's own lines: JSON, one a request. */
const showLogLine = (line: string) => {
  if (line.startsWith('{"level"')) console.log(line)
}

const hello = (url: string, dataDirectory: string, engine: string, token: string | undefined) => `
Packages API listens on ${url}
Data: ${dataDirectory} (${engine}). Stop with Ctrl-C.
${
  token === undefined
    ? 'The administrator has a token already: the one that the first start printed, or was given as ROOT_TOKEN.'
    : `Administrator: root   Token: ${token}`
}

Try:
  TOKEN=${token ?? '<your token>'}
  curl -H "PRIVATE-TOKEN: $TOKEN" -d name=demo -d visibility=public ${url}/api/v4/projects
  curl -H "PRIVATE-TOKEN: $TOKEN" ${url}/api/v4/projects/root%2Fdemo/packages
`

const stops: (() => Promise<void>)[] = []
let isStopping = false

/** Ends everything in the reverse order of its start. */
const stop = async (exitCode: number, why?: string) => {
  if (isStopping) return
  isStopping = true
  if (why !== undefined) console.error(why)
  for (const end of stops.reverse()) await end().catch(() => {})
  process.exit(exitCode)
}

const start = async () => {
  const { port, dataDirectory, rootToken, dynamodbEndpoint } = readSettings(process.env)
  let backend: number | undefined
  stops.push(await listen(() => createFront(() => backend), port))

  await mkdir(dataDirectory, { recursive: true })
  const watch = (child: Child) => {
    stops.push(child.stop)
    void child.ended.then((how) => stop(1, how))
  }
  process.env.AWS_REGION ??= 'eu-central-1'
  process.env.AWS_ACCESS_KEY_ID ??= 'S3RVER'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'S3RVER'

  const engine = dynamodbEndpoint
    ? { name: dynamodbEndpoint, endpoint: dynamodbEndpoint }
    : await startEngine(dataDirectory)
  if ('ended' in engine) watch(engine)
  const store = await startObjectStore(join(dataDirectory, 'files'), [BUCKET])
  stops.push(store.stop)

  await createTable(engine.endpoint, LOCAL_TABLE)
  const db = openDatabase(createClient(engine.endpoint), LOCAL_TABLE)
  const secret = await ensureAdministrator(db, { given: rootToken })

  // Of its own, as another npm start may run from here, and not in the folder that packaging for AWS empties.
  const buildFolder = join('.data', `build-${port}`)
  stops.push(() => rm(join(root, buildFolder), { recursive: true, force: true }))
  const url = process.env.EXTERNAL_URL || `http://localhost:${port}`
  const offline = await startOffline({
    TABLE_NAME: LOCAL_TABLE,
    BUCKET_NAME: BUCKET,
    DYNAMODB_ENDPOINT: engine.endpoint,
    S3_ENDPOINT: store.endpoint,
    EXTERNAL_URL: url,
    BUNDLER: './local/bundle.ts',
    BUILD_FOLDER: buildFolder,
  })
  watch(offline)
  await untilReady('serverless offline', offline, async () => {
    return (await fetch(`http://127.0.0.1:${offline.port}/`)).status > 0
  })
  backend = offline.port
  console.log(hello(url, dataDirectory, engine.name, secret))
}

process.on('SIGINT', () => void stop(0))
process.on('SIGTERM', () => void stop(0))
// npm passes a SIGTERM to the shell between it and us, and no further: then our parent is gone.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) void stop(0)
}, 500).unref()

start().catch((error: unknown) => {
  const isPlain = error instanceof StartError
  void stop(
    1,
    isPlain ? error.message : `Packages API could not start: ${error instanceof Error ? error.stack : error}`,
  )
})
