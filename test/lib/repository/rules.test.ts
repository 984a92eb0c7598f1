import { PackagesError } from '../../../lib/domain/errors.ts'
import { RULES_PER_PROJECT_LIMIT, type Writer } from '../../../lib/domain/protection.ts'
import { openDatabase } from '../../../lib/repository/database.ts'
import { packageGuard } from '../../../lib/repository/guard.ts'
import { rulesKey } from '../../../lib/repository/keys.ts'
import { createClient, openTable } from '../../../lib/repository/table.ts'
import { now, openStore, writerOf } from '../../support/store.ts'

let store: Awaited<ReturnType<typeof openStore>>
beforeAll(async () => {
  store = await openStore()
})

const everything = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'asc',
  page: { number: 1, size: 100, asked: 100 },
} as const

const ADMINISTRATORS_ONLY = {
  namePattern: 'kept*',
  type: 'generic',
  leastToPush: 'admin',
  leastToDelete: 'admin',
} as const

/** Does something right before the first transaction that `work` sends, when all of it is prepared. */
const between = async (
  happening: () => Promise<unknown>,
  work: (db: ReturnType<typeof openDatabase>) => Promise<unknown>,
) => {
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  let happened: Promise<unknown> | undefined
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'TransactWriteItemsCommand' && !happened) {
        happened = happening()
        await happened
      }
      return next(args)
    },
    { step: 'initialize', name: 'between' },
  )
  const outcome = await work(openDatabase(client, store.tableName)).then(
    () => 'done',
    (error: unknown) => (error instanceof PackagesError ? error.failure.code : error),
  )
  expect(happened).toBeDefined()
  client.destroy()
  return outcome
}

const setUp = async () => {
  const project = await store.project(await store.group())
  const developer: Writer = { ...writerOf(project), accessLevel: 30 }
  const add = async (db = store.db, writer = developer, fileName = 'a.txt', more = {}) => {
    const id = await db.packages.nextFileId()
    const file = { id, fileName, size: 1, md5: 'm', sha1: 's', sha256: 'h', createdAt: now() }
    const matches = async (pattern: string, text: string) => pattern === text
    return db.files.add({ type: 'generic', name: 'kept', version: '1.0' }, file, { writer, matches, ...more })
  }
  const total = async () =>
    (await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)).total
  return { project, developer, add, total }
}

describe('rules about packages', () => {
  it('hold at the moment of the write: one that arrives after the question refuses a publish', async () => {
    const { project, add, total } = await setUp()
    const protect = () => store.db.protectionRules.create(project.id, ADMINISTRATORS_ONLY)
    expect(await between(protect, (db) => add(db))).toBe('protected')
    expect(await total()).toBe(0)
  })

  it('hold for a file that joins others, for a deleted file and for a deleted package', async () => {
    const { project, developer, add, total } = await setUp()
    const { id, packageId } = await add()
    const protect = async () => {
      for (const rule of await store.db.protectionRules.list(project.id)) {
        await store.db.protectionRules.delete(project.id, rule.id)
      }
      await store.db.protectionRules.create(project.id, ADMINISTRATORS_ONLY)
    }
    const free = async () => {
      const [rule] = await store.db.protectionRules.list(project.id)
      if (rule) await store.db.protectionRules.delete(project.id, rule.id)
    }
    const ways = [
      (db: typeof store.db) => add(db, developer, 'b.txt'),
      (db: typeof store.db) => add(db, developer, 'c.txt', { status: 'hidden' }),
      (db: typeof store.db) => db.files.delete(developer, packageId, id, now()),
      (db: typeof store.db) => db.packages.delete(developer, packageId, now()),
    ]
    for (const way of ways) {
      await free()
      expect(await between(protect, way)).toBe('protected')
      expect(await total()).toBe(1)
      expect(await store.db.packages.find(packageId)).toMatchObject({ fileCount: 1, status: 'default' })
    }
  })

  it('that go away meanwhile, or are about something else, do not stand in the way', async () => {
    const { project, add, total } = await setUp()
    const other = () => store.db.protectionRules.create(project.id, { ...ADMINISTRATORS_ONLY, namePattern: 'other' })
    expect(await between(other, (db) => add(db))).toBe('done')
    expect(await total()).toBe(1)
  })

  it('are all there when ten are made at once, among publishers', async () => {
    const { project, add, total } = await setUp()
    await add()
    const names = Array.from({ length: 10 }, (_, n) => `rule-${n}`)
    await Promise.all([
      ...names.map((namePattern) =>
        store.db.protectionRules.create(project.id, { ...ADMINISTRATORS_ONLY, namePattern }),
      ),
      ...names.map((name) => add(store.db, writerOf(project), `${name}.txt`)),
    ])
    const rules = await store.db.protectionRules.list(project.id)
    expect(rules.map(({ namePattern }) => namePattern).sort()).toEqual(names)
    expect(await total()).toBe(1)
  })

  it(`are ${RULES_PER_PROJECT_LIMIT} at the most, also when three arrive at once`, async () => {
    const { project } = await setUp()
    const rule = (n: number) => ({ ...ADMINISTRATORS_ONLY, id: n + 1, namePattern: `rule-${n}` })
    const rules = Array.from({ length: RULES_PER_PROJECT_LIMIT - 2 }, (_, n) => rule(n))
    await openTable(store.client, store.tableName).transact(() => [
      { put: { ...rulesKey(project.id), revision: 1, rules } },
    ])

    const outcomes = await Promise.allSettled(
      ['x', 'y', 'z'].map((namePattern) =>
        store.db.protectionRules.create(project.id, { ...ADMINISTRATORS_ONLY, namePattern }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { failure: { problems: ['A project may have at most 100 package protection rules'] } },
    })
    expect(await store.db.protectionRules.list(project.id)).toHaveLength(RULES_PER_PROJECT_LIMIT)
  })

  it('are not made for a project that is gone', async () => {
    await expect(store.db.protectionRules.create(999_999, ADMINISTRATORS_ONLY)).rejects.toMatchObject({
      failure: { code: 'not_found', resource: 'project' },
    })
  })
})

describe('a file that a format counts as the same as another', () => {
  const build = (n: number) => `app-1.0-20261123.09174${n}-${n}.jar`
  const sameAs = (fileName: string) => fileName.replace(/-\d{8}\.\d{6}-\d+/, '')

  it('is a duplicate where the group refuses those, also of ten that arrive at once', async () => {
    const group = await store.group()
    const project = await store.project(group)
    await store.db.groupSettings.change(group.id, { genericDuplicatesAllowed: false })
    const add = async (fileName: string) => {
      const id = await store.db.packages.nextFileId()
      const file = { id, fileName, size: 1, md5: 'm', sha1: 's', sha256: 'h', createdAt: now() }
      const upload = { writer: writerOf(project), matches: async () => false, sameAs }
      return store.db.files.add({ type: 'generic', name: 'app', version: '1.0' }, file, upload)
    }
    await add('app.pom')
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => add(build(n % 10))))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    for (const error of failures) {
      expect(error).toMatchObject({ failure: { problems: '400 Bad request - Duplicate package is not allowed' } })
    }
    await expect(add(build(3))).rejects.toThrow(PackagesError)
  })

  it('is none where it belongs to no version, in a format without such a rule, and in a group that is not there', async () => {
    const group = await store.group()
    const project = await store.project(await store.group(group))
    await store.db.groupSettings.change(group.id, { mavenDuplicatesAllowed: false })
    const guard = packageGuard(openTable(store.client, store.tableName))
    const allows = (type: 'maven' | 'npm' | 'generic', version: string | null) =>
      guard.allowsDuplicates(writerOf(project), { type, name: 'com/acme/app', version }, async () => false)

    expect(await allows('maven', '1.0')).toBe(false)
    expect(await allows('maven', null)).toBe(true)
    expect(await allows('npm', '1.0.0')).toBe(true)
    expect(await allows('generic', '1.0')).toBe(true)
    await expect(store.db.groupSettings.change(999_999, { mavenDuplicatesAllowed: false })).rejects.toMatchObject({
      failure: { code: 'not_found' },
    })
  })
})
