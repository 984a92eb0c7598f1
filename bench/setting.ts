import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureAdministrator } from '../deploy/firstAdministrator.ts'
import { databaseOver, openDatabase } from '../lib/repository/database.ts'
import {
  counterKey,
  groupOfPartition,
  type Key,
  PACKAGE_PREFIX,
  type Source,
  VERSION_PREFIX,
} from '../lib/repository/keys.ts'
import { createClient, openTable } from '../lib/repository/table.ts'
import { bufferTable } from '../local/bufferedTable.ts'
import { startDynamoDBLocal } from '../local/engines.ts'
import { startObjectStore } from '../local/objectStore.ts'
import { isNewWith, makeRegistry, type RegistrySize } from '../local/registry.ts'
import { createTable } from '../local/table.ts'
import { lambdaDoor } from '../test/support/doors.ts'
import { shareEnvironment } from '../test/support/environment.ts'
import { startMeter } from '../test/support/meter.ts'
import { createWorld } from '../test/support/world.ts'
import { ROOT_TOKEN } from './service.ts'

export const TABLE = 'packages-api-bench'
/** So many items are written behind what is made next. */
const WAITING = 20_000

/**
 * Says what lists of packages read, in projects and in this group: to write the rest, records of packages and the shelves
 * of all other groups, takes as long again.
 */
const ofListsOf =
  (groupId: number) =>
  ({ pk, sk }: Key) => {
    const isRecord = pk.startsWith(PACKAGE_PREFIX) || sk.startsWith(VERSION_PREFIX)
    const isOfOther = /^(NAMES#)?GROUP#\d+#/.test(pk) && groupOfPartition(pk) !== groupId
    return !isRecord && !isOfOther
  }
const NOBODY = 0

/** The service's functions over DynamoDB Local, which tells the capacity that calls consume, and a way to fill it. */
export const openSetting = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'packages-api-bench-'))
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    TABLE_NAME: TABLE,
    BUCKET_NAME: TABLE,
    EXTERNAL_URL: '',
  })
  const [engine, store] = await Promise.all([
    startDynamoDBLocal(),
    startObjectStore(join(directory, 'objects'), [TABLE]),
  ])
  const meter = await startMeter(engine.endpoint)
  Object.assign(process.env, { DYNAMODB_ENDPOINT: meter.endpoint, S3_ENDPOINT: store.endpoint })
  shareEnvironment({
    dynoxide: engine.endpoint,
    dynamodbLocal: engine.endpoint,
    objectStore: store.endpoint,
    service: '',
    serviceTable: TABLE,
    rootToken: ROOT_TOKEN,
  })
  await createTable(engine.endpoint, TABLE)
  const client = createClient(engine.endpoint)
  const db = openDatabase(client, TABLE)
  await ensureAdministrator(db, { given: ROOT_TOKEN })
  // The handlers' log lines are for operators.
  console.info = () => {}

  return {
    db,
    meter,
    world: createWorld(lambdaDoor()),

    /** Adds a registry to those that are there: all of it, or what lists of its top group and its projects read. */
    async fill(size: RegistrySize, what: 'all' | 'lists' = 'all') {
      console.log(`Filling: ${size.packages} packages, ${size.projects} projects, ${size.groups} groups`)
      const owner = (await db.users.findByUsername('root')) as { id: number }
      const last = await openTable(client, TABLE).get(counterKey('group'))
      const isKept = what === 'all' ? undefined : ofListsOf(Number(last?.last_id ?? 0) + 1)
      const table = bufferTable(client, TABLE, isNewWith, isKept)
      const registry = await makeRegistry(databaseOver(table), owner, size, table.flushBehind, what === 'all')
      await table.flush()
      return registry
    },

    /** Adds a project of this many npm names with this many versions each. @returns its id */
    async fillNames(names: number, versions: number) {
      const owner = (await db.users.findByUsername('root')) as { id: number }
      const path = `names-${names}-${versions}`
      const wanted = { name: path, path, description: '', visibility: 'public' } as const
      const table = bufferTable(client, TABLE, isNewWith, ofListsOf(NOBODY))
      const { groups, packages } = databaseOver(table)
      const group = await groups.createGroup(undefined, wanted, owner.id, new Date().toISOString())
      const project = await groups.createProject(group, wanted, owner.id, new Date().toISOString())
      const writer = { project, accessLevel: 60, userId: null }
      for (let version = 0; version < versions; version++) {
        for (let n = 0; n < names; n++) {
          await packages.publish(writer, {
            id: await packages.nextPackageId(),
            name: `measured-name-${n}`,
            version: `1.${version}.0`,
            type: 'npm',
            status: 'default',
            creatorId: null,
            createdAt: new Date().toISOString(),
            files: [],
            tags: [],
          })
        }
        if (table.waiting() > WAITING) await table.flushBehind()
      }
      await table.flush()
      return project.id
    },

    /** Does for these what the job of every minute does for all. */
    async count(...sources: Source[]) {
      for (const source of sources) while (!(await db.counting.count(source)));
    },

    async stop() {
      client.destroy()
      await meter.stop()
      await Promise.all([engine.stop(), store.stop()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export type Setting = Awaited<ReturnType<typeof openSetting>>
