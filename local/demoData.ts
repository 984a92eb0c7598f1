/**
 * Fills the database of `npm start` with a registry to look at and to measure:
 *
 *   npm run demo-data -- --packages 10000 --projects 500 --groups 50
 *
 * DATA_DIR and DYNAMODB_ENDPOINT are those of `npm start`, which must not run meanwhile on the same DATA_DIR.
 */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureAdministrator } from '../deploy/firstAdministrator.ts'
import { databaseOver, openDatabase } from '../lib/repository/database.ts'
import { createClient } from '../lib/repository/table.ts'
import { bufferTable } from './bufferedTable.ts'
import { startEngine } from './engines.ts'
import { isNewWith, makeRegistry, type RegistrySize } from './registry.ts'
import { StartError } from './startError.ts'
import { createTable, LOCAL_TABLE } from './table.ts'

const USAGE = `Usage: npm run demo-data -- [--packages 1000] [--projects 50] [--groups 10] [--depth 4] [--seed 1]

  The same seed makes the same registry, in a group of its own called demo-<seed>.`

const DEFAULTS = { packages: 1_000, projects: 50, groups: 10, depth: 4, seed: 1 }
/** More of a kind than a test ever needs. */
const MOST = 10_000_000
const DEEPEST = 20

const readSize = (args: string[]): RegistrySize => {
  const names = Object.keys(DEFAULTS) as (keyof RegistrySize)[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ args, options })
  const size = { ...DEFAULTS }
  for (const name of names) {
    const most = name === 'depth' ? DEEPEST : MOST
    const least = name === 'depth' ? 2 : 1
    const number = values[name] === undefined ? DEFAULTS[name] : Number(values[name])
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new StartError(`--${name} is "${values[name]}"; it may be a number from ${least} to ${most}.\n\n${USAGE}`)
    }
    size[name] = number
  }
  return size
}

const fill = async (endpoint: string, size: RegistrySize): Promise<void> => {
  await createTable(endpoint, LOCAL_TABLE)
  const client = createClient(endpoint)
  const db = openDatabase(client, LOCAL_TABLE)
  const secret = await ensureAdministrator(db)
  const owner = await db.users.findByUsername('root')
  const top = `demo-${size.seed}`
  if (await db.groups.findGroup({ fullPath: top })) {
    throw new StartError(
      `The group ${top} is there already. Choose another: npm run demo-data -- --seed ${size.seed + 1}`,
    )
  }
  const table = bufferTable(client, LOCAL_TABLE, isNewWith)
  const start = Date.now()
  await makeRegistry(databaseOver(table), { id: owner?.id as number }, size, async (done) => {
    await table.flushBehind()
    console.log(`${done} of ${size.packages} packages`)
  })
  await table.flush()
  const seconds = ((Date.now() - start) / 1000).toFixed(1)
  console.log(
    `The group ${top} holds them, in ${size.projects} projects and ${size.groups} groups. ${seconds} seconds.`,
  )
  console.log('Their files are listed with sizes and hashes; there are no bytes to download.')
  if (secret !== undefined) console.log(`Administrator: root   Token: ${secret}`)
}

const run = async (): Promise<void> => {
  const size = readSize(process.argv.slice(2))
  process.env.AWS_REGION ??= 'eu-central-1'
  process.env.AWS_ACCESS_KEY_ID ??= 'S3RVER'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'S3RVER'
  const { DYNAMODB_ENDPOINT: given, DATA_DIR } = process.env
  if (given) return fill(given, size)
  const engine = await startEngine(resolve(DATA_DIR || join(import.meta.dirname, '..', '.data')))
  try {
    await fill(engine.endpoint, size)
  } finally {
    await engine.stop()
  }
}

run().catch((error: unknown) => {
  console.error(error instanceof Error && (error instanceof StartError || 'code' in error) ? error.message : error)
  process.exitCode = 1
})
