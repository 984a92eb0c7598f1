import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { ScheduledEvent } from 'aws-lambda'
import { settleMetadata as job } from '../../../functions/jobs/settleMetadata.ts'
import { METADATA_KEPT, settleMetadata } from '../../../functions/maven/settleMetadata.ts'
import { objectStore } from '../../../lib/deps.ts'
import { FILES_PER_PACKAGE_LIMIT } from '../../../lib/domain/package.ts'
import { hashesOf } from '../../../lib/files/hashes.ts'
import type { ObjectStore } from '../../../lib/files/store.ts'
import { type Database, openDatabase } from '../../../lib/repository/database.ts'
import { packageKey } from '../../../lib/repository/keys.ts'
import { createClient } from '../../../lib/repository/table.ts'
import { lambdaDoor } from '../../support/doors.ts'
import { isWrite } from '../../support/stopping.ts'
import { now, writerOf } from '../../support/store.ts'
import { createWorld } from '../../support/world.ts'

const door = lambdaDoor()
const world = createWorld(door)
const db = door.database()
beforeAll(async () => {
  await door.open()
  projectId = (await world.project()).id
})

const versionsIn = (xml: string) => [...xml.matchAll(/<version>(.*?)<\/version>/g)].map(([, version]) => version)
const metadataOf = (...versions: string[]) =>
  `<metadata><versioning><versions>${versions.map((version) => `<version>${version}</version>`).join('')}</versions></versioning></metadata>`

let projectId: number
let made = 0
const unusedName = () => ({ projectId, type: 'maven', name: `com/mycompany/app-${++made}` }) as const
type Artifact = ReturnType<typeof unusedName>

const by = (artifact: Artifact) => writerOf({ id: artifact.projectId })

const add = async (database: Database, artifact: Artifact, version: string | null, fileName: string, text: string) => {
  const bytes = Buffer.from(text)
  const id = await database.packages.nextFileId()
  const file = { id, fileName, size: bytes.length, ...hashesOf(bytes), createdAt: now() }
  return objectStore().put({ projectId: artifact.projectId, fileId: id }, bytes, () =>
    database.files.add({ ...artifact, version }, file, { writer: by(artifact), matches: async () => false }),
  )
}
const addVersion = (artifact: Artifact, version: string) => add(db, artifact, version, 'my-app.jar', version)
const addMetadata = (artifact: Artifact, ...versions: string[]) =>
  add(db, artifact, null, 'maven-metadata.xml', metadataOf(...versions))

/** What the newest metadata lists, or undefined where there is no versionless package. */
const listed = async (artifact: Artifact) => {
  const found = await db.files.findByName({ ...artifact, version: null }, 'maven-metadata.xml')
  const bytes = found && (await objectStore().read({ projectId: artifact.projectId, fileId: found.file.id }))
  return bytes && versionsIn(bytes.toString())
}

const runJob = (database = db) =>
  job(() => database, objectStore)({} as ScheduledEvent, { getRemainingTimeInMillis: () => 60_000 })

/** A database and an object store that write so many times, and then no more: their process has been stopped. */
const stopping = (writes: number) => {
  let left = writes
  const take = () => {
    if (left-- <= 0) throw new Error('stopped')
  }
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (isWrite(context)) take()
      return next(args)
    },
    { step: 'initialize', name: 'stopping' },
  )
  const { put, ...store } = objectStore()
  return {
    db: openDatabase(client, process.env.TABLE_NAME ?? ''),
    store: {
      ...store,
      put: async (id, bytes, refer) => {
        take()
        return put(id, bytes, refer)
      },
    } as ObjectStore,
  }
}

/** Does something that is stopped after one write more each time, until it comes to its end. */
const stopAnywhere = async (
  prepare: () => Promise<Artifact>,
  work: (artifact: Artifact, database: Database, store: ObjectStore) => Promise<unknown>,
  check: (artifact: Artifact, hasEnded: boolean) => Promise<void>,
) => {
  for (let writes = 0; ; writes++) {
    const artifact = await prepare()
    const { db: database, store } = stopping(writes)
    const hasEnded = await work(artifact, database, store).then(
      () => true,
      (error: Error) => {
        expect(error.message).toBe('stopped')
        return false
      },
    )
    await check(artifact, hasEnded)
    if (hasEnded) return writes
  }
}

const newArtifact = async (...versions: string[]) => {
  const artifact = unusedName()
  for (const version of versions) await addVersion(artifact, version)
  await addMetadata(artifact, ...versions)
  await settleMetadata(db, objectStore(), artifact)
  return artifact
}
const idOf = async (artifact: Artifact, version: string) =>
  (await db.packages.listVersions(artifact)).find((found) => found.version === version)?.id ?? 0

describe('the job that makes metadata fit', () => {
  it('rewrites what lists a deleted version, and leaves nothing noted', async () => {
    const artifact = await newArtifact('1.0', '1.1')
    await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
    expect(await listed(artifact)).toEqual(['1.0', '1.1'])
    await runJob()

    expect(await listed(artifact)).toEqual(['1.1'])
    expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
    await runJob()
    expect(await listed(artifact)).toEqual(['1.1'])
  })

  it('forgets a project that is deleted, and stops when its time is over', async () => {
    const artifact = await newArtifact('1.0', '1.1')
    await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
    await job(() => db, objectStore)({} as ScheduledEvent, { getRemainingTimeInMillis: () => 0 })
    expect(await db.overviews.outdatedAmong([artifact])).toHaveLength(1)

    await db.groups.deleteProject(artifact.projectId, now())
    projectId = (await world.project()).id
    await runJob()
    expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
  })

  it('leaves metadata alone whose bytes are missing or too many', async () => {
    const artifact = await newArtifact('1.0', '1.1')
    const id = await db.packages.nextFileId()
    const file = { id, fileName: 'maven-metadata.xml', size: 1, md5: 'm', sha1: 's', sha256: 'h', createdAt: now() }
    await db.files.add({ ...artifact, version: null }, file, { writer: by(artifact), matches: async () => false })
    await runJob()
    expect(await db.overviews.outdatedAmong([artifact])).toEqual([])

    await add(db, artifact, null, 'maven-metadata.xml', metadataOf('0.9', '1.0', '1.1').padEnd(2_000_001))
    await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
    await runJob()
    expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
    expect(await listed(artifact)).toEqual(['0.9', '1.0', '1.1'])
  })
})

describe('metadata', () => {
  it('fits in the end wherever the delete of a version is stopped', async () => {
    const writes = await stopAnywhere(
      () => newArtifact('1.0', '1.1'),
      async (artifact, database) => database.packages.delete(by(artifact), await idOf(artifact, '1.1'), now()),
      async (artifact, hasEnded) => {
        await runJob()
        const there = await db.packages.listVersions(artifact)
        expect(await listed(artifact)).toEqual(there.map(({ version }) => version))
        if (hasEnded) expect(there).toHaveLength(1)
      },
    )
    expect(writes).toBeGreaterThan(0)
  })

  it('is gone in the end wherever the delete of the last version is stopped', async () => {
    await stopAnywhere(
      () => newArtifact('1.0'),
      async (artifact, database) => database.packages.delete(by(artifact), await idOf(artifact, '1.0'), now()),
      async (artifact) => {
        await runJob()
        const there = await db.packages.listVersions(artifact)
        expect(await listed(artifact)).toEqual(there.length === 0 ? undefined : ['1.0'])
      },
    )
  })

  it('fits in the end wherever the upload of what does not fit is stopped', async () => {
    await stopAnywhere(
      () => newArtifact('1.0', '1.1'),
      async (artifact, database, store) => {
        await add(database, artifact, null, 'maven-metadata.xml', metadataOf('1.1', '1.2'))
        await settleMetadata(database, store, artifact)
      },
      async (artifact) => {
        await runJob()
        expect(['1.0,1.1', '1.1,1.2,1.0']).toContain((await listed(artifact))?.join())
        expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
      },
    )
  })

  it('fits in the end wherever the work on it is stopped, and when many do it at once', async () => {
    const prepare = async () => {
      const artifact = await newArtifact('1.0', '1.1')
      await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
      return artifact
    }
    await stopAnywhere(
      prepare,
      (artifact, database, store) => settleMetadata(database, store, artifact),
      async (artifact) => {
        await Promise.all([runJob(), runJob(), settleMetadata(db, objectStore(), artifact)])
        expect(await listed(artifact)).toEqual(['1.1'])
        expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
      },
    )
  })

  it('is written once, however many find that it does not fit', async () => {
    const artifact = await newArtifact('1.0', '1.1')
    await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
    await Promise.all(Array.from({ length: 8 }, () => settleMetadata(db, objectStore(), artifact)))

    const found = await db.files.findByName({ ...artifact, version: null }, 'maven-metadata.xml')
    expect(found?.package.fileCount).toBe(2)
  })

  it('fits also in a package that has as many files as it may, most of them metadata that was replaced', async () => {
    const artifact = await newArtifact('1.0', '1.1')
    for (let n = 0; n < METADATA_KEPT; n++) await addMetadata(artifact, '1.0', '1.1')
    await db.packages.delete(by(artifact), await idOf(artifact, '1.0'), now())
    const found = await db.files.findByName({ ...artifact, version: null }, 'maven-metadata.xml')
    const client = createClient(process.env.DYNAMODB_ENDPOINT)
    await client.send(
      new UpdateCommand({
        TableName: process.env.TABLE_NAME,
        Key: packageKey(found?.package.id as number),
        UpdateExpression: 'SET fileCount = :full',
        ExpressionAttributeValues: { ':full': FILES_PER_PACKAGE_LIMIT },
      }),
    )
    client.destroy()

    await runJob()
    expect(await listed(artifact)).toEqual(['1.1'])
    expect(await db.overviews.outdatedAmong([artifact])).toEqual([])
  })

  it('that was replaced long ago makes room', async () => {
    const artifact = await newArtifact('1.0')
    for (let n = 0; n < METADATA_KEPT; n++) await addMetadata(artifact, '1.0')
    const count = async () =>
      (await db.files.findByName({ ...artifact, version: null }, 'maven-metadata.xml'))?.package.fileCount
    expect(await count()).toBe(METADATA_KEPT + 1)

    await settleMetadata(db, objectStore(), artifact)
    expect(await count()).toBe(METADATA_KEPT)
    expect(await listed(artifact)).toEqual(['1.0'])
    await settleMetadata(db, objectStore(), artifact)
    expect(await count()).toBe(METADATA_KEPT)
  })
})
