import { PackagesError } from '../../../lib/domain/errors.ts'
import { FILES_PER_PACKAGE_LIMIT, type PackageStatus } from '../../../lib/domain/package.ts'
import { fileKey, namedKey, packageKey, purgeFileKey } from '../../../lib/repository/keys.ts'
import { NOTE_EVERY_MS } from '../../../lib/repository/packages.ts'
import { dueAfter } from '../../../lib/repository/records.ts'
import { openTable } from '../../../lib/repository/table.ts'
import { describeOnFastEngine, itOnFastEngine } from '../../support/moves.ts'
import { now, openStore, shelvesOf, writerOf } from '../../support/store.ts'

type Store = Awaited<ReturnType<typeof openStore>>
let store: Store
beforeAll(async () => {
  store = await openStore()
})

const table = () => openTable(store.client, store.tableName)

const page = { number: 1, size: 100, asked: 100 }
const everything = { filter: { includeVersionless: false }, order: 'created_at', sort: 'asc', page } as const
const hidden = { ...everything, filter: { includeVersionless: false, status: 'hidden' } } as const

const setUp = async () => {
  const top = await store.group()
  const project = await store.project(await store.group(top))
  return { project, version: { projectId: project.id, type: 'generic', name: 'tool', version: '1.0' } as const }
}
type Version = Awaited<ReturnType<typeof setUp>>['version']

/** Somebody whom no rule stops. */
const by = ({ projectId }: Version) => ({ ...writerOf({ id: projectId }), userId: 7 })
const matches = async (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`).test(text)

const add = async (version: Version, fileName: string, status?: PackageStatus) => {
  const id = await store.db.packages.nextFileId()
  const file = { id, fileName, size: id, md5: 'm', sha1: 's', sha256: 'h', createdAt: now() }
  return store.db.files.add(version, file, { writer: by(version), matches, status })
}

const list = async (packageId: number, order: 'id' | 'created_at' | 'file_name' = 'id', sort: 'asc' | 'desc' = 'asc') =>
  (await store.db.files.list(packageId, { page, order, sort })).rows

const newestId = async (version: Version, fileName: string) =>
  (await store.db.files.findByName(version, fileName))?.file.id

/** Record, files and pointers of a package agree, and each shelf shows it once, as it is. */
const expectConsistent = async (packageId: number) => {
  const [record, files] = await Promise.all([store.db.packages.find(packageId), list(packageId)])
  if (!record) throw new Error('there is no such package')
  expect(record.fileCount).toBe(files.length)

  const pointers = await table().queryAll({ pk: packageKey(packageId).pk, prefix: 'NAMED#' })
  const newest = new Map(files.map((file) => [file.fileName, file.id]))
  expect(new Map(pointers.map(({ fileName, id }) => [fileName, id]))).toEqual(newest)

  const project = await store.db.groups.findProject({ id: record.projectId })
  if (!project) throw new Error('there is no such project')
  const { creatorId: _c, updatedAt: _u, fileCount: _f, revision: _r, ...entry } = record
  for (const shelf of shelvesOf(project)) {
    const found = await store.db.listings.listPackages([shelf], record.status === 'hidden' ? hidden : everything)
    const rows = found.rows
      .filter(({ id }) => id === packageId)
      .map(({ place: _place, placeHash: _hash, ...row }) => row)
    expect([found.total, rows]).toEqual([found.rows.length, [entry]])
  }
}

const codeOf = (error: unknown) => (error instanceof PackagesError ? error.failure.code : error)
const outcomes = async (work: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(work)).map((outcome) => (outcome.status === 'fulfilled' ? 'done' : codeOf(outcome.reason)))

describe('adding a file', () => {
  it('makes the version with the first and joins it with the others', async () => {
    const { project, version } = await setUp()
    const one = await add(version, 'a.txt')
    const two = await add(version, 'b.txt')

    expect(two.packageId).toBe(one.packageId)
    expect(await list(one.packageId)).toEqual([one, two])
    const record = await store.db.packages.find(one.packageId)
    expect(record).toMatchObject({ projectId: project.id, name: 'tool', version: '1.0', type: 'generic' })
    expect(record).toMatchObject({ status: 'default', creatorId: 7, fileCount: 2, revision: 2 })
    expect(record?.updatedAt).toBe(two.createdAt)
    await expectConsistent(one.packageId)
  })

  it('lands all of twenty first files of one new version that arrive at once', async () => {
    const { project, version } = await setUp()
    const files = await Promise.all(Array.from({ length: 20 }, (_, n) => add(version, `file-${n}`)))

    expect(new Set(files.map(({ packageId }) => packageId)).size).toBe(1)
    const packageId = files[0]?.packageId ?? 0
    expect((await list(packageId)).map(({ id }) => id)).toEqual(files.map(({ id }) => id).sort((a, b) => a - b))
    await expectConsistent(packageId)
    expect(await store.db.listings.listPackages([{ kind: 'project', id: project.id }], everything)).toMatchObject({
      total: 1,
    })
  })

  itOnFastEngine(
    'keeps every file of one name and finds the one with the highest id, whatever the order of arrival',
    async () => {
      const { version } = await setUp()
      const files = await Promise.all(Array.from({ length: 12 }, () => add(version, 'same.bin')))
      const packageId = files[0]?.packageId ?? 0

      expect(await list(packageId)).toHaveLength(12)
      expect(await newestId(version, 'same.bin')).toBe(Math.max(...files.map(({ id }) => id)))
      await expectConsistent(packageId)
    },
  )

  itOnFastEngine('changes the status of the package when it names one, on every shelf and count', async () => {
    const { project, version } = await setUp()
    const { packageId } = await add(version, 'a', 'hidden')
    expect(await store.db.packages.find(packageId)).toMatchObject({ status: 'hidden' })
    await expectConsistent(packageId)

    await add(version, 'b')
    expect(await store.db.packages.find(packageId)).toMatchObject({ status: 'hidden', fileCount: 2 })
    await add(version, 'c', 'default')
    await expectConsistent(packageId)
    expect(await store.db.packages.listVersions(version)).toMatchObject([{ id: packageId, status: 'default' }])
    for (const shelf of shelvesOf(project)) {
      expect(await store.db.listings.listPackages([shelf], hidden)).toMatchObject({ total: 0, rows: [] })
      expect(await store.db.listings.listPackages([shelf], everything)).toMatchObject({ total: 1 })
    }
  })

  it('ends with one of the statuses asked for when many ask at once, and loses no file', async () => {
    const { version } = await setUp()
    const statuses = ['hidden', 'default', undefined] as const
    const files = await Promise.all(Array.from({ length: 15 }, (_, n) => add(version, `f-${n}`, statuses[n % 3])))

    const packageId = files[0]?.packageId ?? 0
    expect(await list(packageId)).toHaveLength(15)
    await expectConsistent(packageId)
  })

  itOnFastEngine('stops at the number of files that a package may have', async () => {
    const { version } = await setUp()
    const { packageId } = await add(version, 'a')
    await table().transact(() => [
      {
        update: packageKey(packageId),
        expression: 'SET fileCount = :count',
        values: { ':count': FILES_PER_PACKAGE_LIMIT - 2 },
      },
    ])

    expect((await outcomes(Array.from({ length: 6 }, (_, n) => add(version, `b-${n}`)))).sort()).toEqual([
      ...Array(2).fill('done'),
      ...Array(4).fill('validation_failed'),
    ])
    await expect(add(version, 'c')).rejects.toMatchObject({
      failure: { problems: expect.stringContaining(`at most ${FILES_PER_PACKAGE_LIMIT} files`) },
    })
  })

  it('makes a new version where a delete of the old one was faster, and never joins a deleted one', async () => {
    const { version } = await setUp()
    const first = await add(version, 'a')
    const [, added] = await Promise.all([
      store.db.packages.delete(by(version), first.packageId, now()),
      Promise.all(Array.from({ length: 8 }, (_, n) => add(version, `b-${n}`, n % 2 ? 'default' : undefined))),
    ])

    const live = await store.db.packages.listVersions(version)
    const counts = await Promise.all(
      [first.packageId, ...live.map(({ id }) => id)].map(async (id) => (await list(id)).length),
    )
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1 + added.length)
    expect(await store.db.packages.find(first.packageId)).toMatchObject({
      status: 'pending_destruction',
      fileCount: counts[0],
    })
    for (const { id } of live) await expectConsistent(id)
  })

  itOnFastEngine('refuses a project that is gone', async () => {
    await expect(add({ ...(await setUp()).version, projectId: 999_999 as number }, 'a')).rejects.toMatchObject({
      failure: { code: 'not_found', resource: 'project' },
    })
  })
})

describe('deleting a file', () => {
  itOnFastEngine('takes it from the list and leaves work for its object', async () => {
    const { project, version } = await setUp()
    const one = await add(version, 'a')
    const two = await add(version, 'b')
    const when = now()
    await store.db.files.delete(writerOf(project), one.packageId, one.id, when)

    expect(await list(one.packageId)).toEqual([two])
    expect(await store.db.packages.find(one.packageId)).toMatchObject({ fileCount: 1, revision: 3, updatedAt: when })
    expect(await newestId(version, 'a')).toBeUndefined()
    await expectConsistent(one.packageId)
    const due = dueAfter(when)
    expect(await table().get(purgeFileKey(one.packageId, one.id, due))).toMatchObject({
      projectId: project.id,
      packageId: one.packageId,
      due,
      file: one,
    })
  })

  itOnFastEngine('lets the next newest of its name take its place', async () => {
    const { version } = await setUp()
    const files = []
    for (const name of ['a', 'b', 'a', 'b', 'a']) files.push(await add(version, name))
    const [a1, , a2, b2, a3] = files as [
      (typeof files)[0],
      unknown,
      (typeof files)[0],
      (typeof files)[0],
      (typeof files)[0],
    ]
    const remove = (id: number) => store.db.files.delete(by(version), a1.packageId, id, now())

    await remove(a2.id)
    expect(await newestId(version, 'a')).toBe(a3.id)
    await remove(a3.id)
    expect(await newestId(version, 'a')).toBe(a1.id)
    await remove(a1.id)
    expect(await newestId(version, 'a')).toBeUndefined()
    expect(await newestId(version, 'b')).toBe(b2.id)
    await expectConsistent(a1.packageId)
  })

  it('happens once when ten ask for it at once', async () => {
    const { version } = await setUp()
    const { packageId, id } = await add(version, 'a')
    await add(version, 'b')
    const ends = await outcomes(
      Array.from({ length: 10 }, () => store.db.files.delete(by(version), packageId, id, now())),
    )

    expect(ends.sort()).toEqual(['done', ...Array(9).fill('not_found')])
    await expectConsistent(packageId)
  })

  it('happens once when another delete ends between the reads of the file and of its package', async () => {
    const { version } = await setUp()
    const { packageId, id } = await add(version, 'a')
    await add(version, 'b')
    const remove = () => store.db.files.delete(by(version), packageId, id, now())
    let tellFile = () => {}
    const isFileRead = new Promise<void>((done) => {
      tellFile = done
    })
    let isDone = false
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        const text = context.commandName === 'GetItemCommand' ? JSON.stringify(args.input) : ''
        if (!isDone && text.includes(`"${packageKey(packageId).pk}"`) && text.includes('"META"')) {
          isDone = true
          await isFileRead
          await remove()
        }
        const answer = await next(args)
        if (text.includes(`"${fileKey(packageId, id).sk}"`)) tellFile()
        return answer
      },
      { step: 'initialize', name: 'meanwhile' },
    )
    const [end] = await outcomes([remove()])
    store.client.middlewareStack.remove('meanwhile')
    expect([isDone, end]).toEqual([true, 'not_found'])
    await expectConsistent(packageId)
  })

  it('and adding, of the same names and at the same time, leave the newest of what is there', async () => {
    const { version } = await setUp()
    const old = []
    for (let n = 0; n < 6; n++) old.push(await add(version, `name-${n % 2}`))
    const packageId = old[0]?.packageId ?? 0
    const ends = await outcomes([
      ...old.map(({ id }) => store.db.files.delete(by(version), packageId, id, now())),
      ...Array.from({ length: 6 }, (_, n) => add(version, `name-${n % 2}`)),
    ])

    expect(ends).toEqual(Array(12).fill('done'))
    expect(await list(packageId)).toHaveLength(6)
    await expectConsistent(packageId)
  })

  itOnFastEngine('of the last one keeps the package, but what its format keeps for downloads goes', async () => {
    const { project } = await setUp()
    const record = await store.publish(project, { name: 'emptied', version: '1.0.0' })
    const name = { projectId: project.id, type: 'npm', name: 'emptied' } as const
    const [file] = await list(record.id)
    await store.db.files.delete(writerOf(project), record.id, file?.id ?? 0, now())

    expect(await store.db.packages.find(record.id)).toMatchObject({ status: 'default', fileCount: 0 })
    expect(await store.db.packages.listVersions(name)).toHaveLength(1)
    expect(await store.db.packages.findVersionDetails({ ...name, version: '1.0.0' })).toBeUndefined()
    await expectConsistent(record.id)
    await store.db.packages.delete(writerOf(project), record.id, now())
  })

  itOnFastEngine(
    'is refused for a younger file than asked for, an unknown one, and one of a deleted package',
    async () => {
      const { version } = await setUp()
      const file = await add(version, 'a')
      const before = new Date(Date.parse(file.createdAt) - 1).toISOString()
      const remove = (id: number, since?: string) =>
        store.db.files.delete(by(version), file.packageId, id, now(), since)

      await expect(remove(file.id, before)).rejects.toMatchObject({ failure: { code: 'modified_since' } })
      await expect(remove(999_999)).rejects.toMatchObject({ failure: { resource: 'package_file' } })
      await store.db.packages.delete(by(version), file.packageId, now())
      await expect(remove(file.id)).rejects.toMatchObject({ failure: { resource: 'package' } })
      expect(await table().get(fileKey(file.packageId, file.id))).toBeDefined()
      expect(await table().get(namedKey(file.packageId, 'a'))).toBeDefined()
    },
  )
})

describeOnFastEngine('listing files', () => {
  it('goes by id or by name, in both directions, and pages', async () => {
    const { version } = await setUp()
    const files = []
    for (const name of ['b', 'a', 'c', 'a']) files.push(await add(version, name))
    const packageId = files[0]?.packageId ?? 0
    const [b, a1, c, a2] = files.map(({ id }) => id)
    const ids = async (...order: Parameters<typeof list> extends [unknown, ...infer Rest] ? Rest : never) =>
      (await list(packageId, ...order)).map(({ id }) => id)

    expect(await ids()).toEqual([b, a1, c, a2])
    expect(await ids('created_at', 'desc')).toEqual([a2, c, a1, b])
    expect(await ids('file_name')).toEqual([a1, a2, b, c])
    expect(await ids('file_name', 'desc')).toEqual([c, b, a2, a1])
    for (const order of ['id', 'file_name'] as const) {
      const whole = await list(packageId, order)
      const second = { number: 2, size: 3, asked: 3 }
      expect((await store.db.files.list(packageId, { page: second, order, sort: 'asc' })).rows).toEqual(whole.slice(3))
      const far = { number: 90_000_000_000, size: 100, asked: 100 }
      expect((await store.db.files.list(packageId, { page: far, order, sort: 'asc' })).rows).toEqual([])
    }
  })
})

describe('noting a download', () => {
  itOnFastEngine('sets the time on record and shelves, and leaves the time of the last change', async () => {
    const { version } = await setUp()
    const { packageId } = await add(version, 'a')
    const before = await store.db.packages.find(packageId)
    const when = now()
    await store.db.packages.noteDownload(packageId, when)

    expect(await store.db.packages.find(packageId)).toMatchObject({
      lastDownloadedAt: when,
      updatedAt: before?.updatedAt,
    })
    await expectConsistent(packageId)
  })

  it('writes once an hour, however many download, and loses no file that is added meanwhile', async () => {
    const { version } = await setUp()
    const { packageId } = await add(version, 'a')
    await Promise.all([
      ...Array.from({ length: 20 }, () => store.db.packages.noteDownload(packageId, now())),
      ...Array.from({ length: 3 }, (_, n) => add(version, `b-${n}`)),
    ])
    // Contended, each may give up.
    await store.db.packages.noteDownload(packageId, now())
    const noted = await store.db.packages.find(packageId)
    expect(noted).toMatchObject({ lastDownloadedAt: expect.any(String), fileCount: 4, revision: 5 })

    const last = Date.parse(noted?.lastDownloadedAt ?? '')
    await store.db.packages.noteDownload(packageId, new Date(last + NOTE_EVERY_MS - 1).toISOString())
    expect(await store.db.packages.find(packageId)).toEqual(noted)
    const later = new Date(last + NOTE_EVERY_MS).toISOString()
    await store.db.packages.noteDownload(packageId, later)
    expect(await store.db.packages.find(packageId)).toMatchObject({ lastDownloadedAt: later, revision: 6 })
    await expectConsistent(packageId)
  })

  itOnFastEngine('does nothing for a package that is deleted or not there', async () => {
    const { version } = await setUp()
    const { packageId } = await add(version, 'a')
    await store.db.packages.delete(by(version), packageId, now())
    await store.db.packages.noteDownload(packageId, now())
    await store.db.packages.noteDownload(999_999, now())
    expect(await store.db.packages.find(packageId)).toMatchObject({ lastDownloadedAt: null })
  })
})
