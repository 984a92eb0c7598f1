import { randomUUID } from 'node:crypto'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { readUnlessOvertaken } from '../../lib/domain/overtaken.ts'
import type { Package, PackageStatus, PackageType } from '../../lib/domain/package.ts'
import { type Caller, isAnonymous } from '../../lib/domain/permissions.ts'
import type { Group, Project, Visibility } from '../../lib/domain/project.ts'
import type { Writer } from '../../lib/domain/protection.ts'
import { type Database, databaseOver, openDatabase } from '../../lib/repository/database.ts'
import type { GroupQuery } from '../../lib/repository/groupListings.ts'
import { counterKey, type Shelf } from '../../lib/repository/keys.ts'
import { standingOf } from '../../lib/repository/shelves.ts'
import { createClient } from '../../lib/repository/table.ts'
import { bufferTable } from '../../local/bufferedTable.ts'
import { createTable } from '../../local/table.ts'

/** Somebody whom no rule stops. */
export const writerOf = ({ id, ancestorIds = [] }: { id: number; ancestorIds?: number[] }): Writer => ({
  project: { id, ancestorIds },
  accessLevel: 60,
  userId: null,
})

export const now = () => new Date().toISOString()

/** The shelves of a project's packages where nothing around it is on its way. */
export const shelvesOf = (project: Project): Shelf[] => {
  const { own, counting } = standingOf({ thing: project, ancestors: [] })
  return [own, ...counting]
}

/** An empty table on the engine of this run, and short ways to fill it. */
export const openStore = async ({ holdMs }: { holdMs?: number } = {}) => {
  const endpoint = process.env.DYNAMODB_ENDPOINT ?? ''
  const tableName = `test-${randomUUID()}`
  await createTable(endpoint, tableName)
  const client = createClient(endpoint)
  const db = openDatabase(client, tableName, holdMs)
  const owner = await db.users.create(
    { username: 'owner', name: 'Owner', email: 'owner@example.com', admin: false },
    now(),
  )
  /**
   * Many packages of projects that nobody else writes to meanwhile, as publishing one by one makes them, in batches:
   * `count` of each, in turns.
   */
  const fillAll = async (
    projects: readonly Pick<Project, 'id'>[],
    count: number,
    nth: (n: number, place: number) => Wanted = (n) => ({ name: `name-${n % 40}`, version: `1.0.${n}` }),
  ): Promise<Package[][]> => {
    const table = bufferTable(client, tableName)
    const buffered = databaseOver(table)
    const packages = projects.map((): Package[] => [])
    for (let n = 0; n < count; n++) {
      for (const [place, { id }] of projects.entries()) {
        packages[place]?.push(await publish(buffered, id, nth(n, place)))
      }
    }
    await table.flush()
    return packages
  }
  const fill = async (project: Pick<Project, 'id'>, count: number, nth?: (n: number) => Wanted): Promise<Package[]> =>
    (await fillAll([project], count, nth)).flat()
  /** Ids of packages go on from there, as in an instance where others publish too. */
  const skipIds = (to: number) =>
    client.send(
      new UpdateCommand({
        TableName: tableName,
        Key: counterKey('package'),
        UpdateExpression: 'SET last_id = :to',
        ExpressionAttributeValues: { ':to': to },
      }),
    )
  return { db, client, tableName, owner, fill, fillAll, skipIds, ...fillers(db, owner.id) }
}

/** A page of a group's list, as a request reads it. */
export const readGroup = async (db: Database, group: Group, caller: Caller, query: GroupQuery) => {
  return readUnlessOvertaken(async () => {
    // A request reads both at the same moment: what begins may be the older one.
    const begun = db.groupListings.begin(group.id, query, isAnonymous(caller))
    const revision = await db.groups.transitRevision(group.id)
    return begun.read(group, caller, revision)
  })
}

let made = 0

const fillers = (db: Database, ownerId: number) => ({
  group: (parent?: Parameters<Database['groups']['createGroup']>[0], visibility: Visibility = 'public') => {
    const path = `group-${++made}`
    return db.groups.createGroup(parent, { name: path, path, description: '', visibility }, ownerId, now())
  },

  project: (
    parent: Parameters<Database['groups']['createProject']>[0],
    visibility: Visibility = 'public',
    path = `project-${++made}`,
  ) => db.groups.createProject(parent, { name: path, path, description: '', visibility }, ownerId, now()),

  publish: (project: Pick<Project, 'id'>, wanted: Wanted = {}): Promise<Package> => publish(db, project.id, wanted),
})

export type Wanted = {
  name?: string
  version?: string | null
  type?: PackageType
  status?: PackageStatus
  tags?: string[]
  files?: number
}

const publish = async (db: Database, projectId: number, wanted: Wanted) => {
  const packageId = await db.packages.nextPackageId()
  const files = await Promise.all(
    Array.from({ length: wanted.files ?? 1 }, async () => {
      const id = await db.packages.nextFileId()
      return { id, fileName: `file-${id}.tgz`, size: id, md5: 'm', sha1: 's', sha256: 'h' }
    }),
  )
  return db.packages.publish(writerOf({ id: projectId }), {
    id: packageId,
    name: wanted.name ?? 'pkg',
    version: wanted.version === undefined ? `1.0.${packageId}` : wanted.version,
    type: wanted.type ?? 'npm',
    status: wanted.status ?? 'default',
    creatorId: null,
    createdAt: now(),
    files,
    details: { note: 'kept' },
    tags: wanted.tags ?? [],
  })
}
