import { GROUP_DEPTH_LIMIT } from '../../../lib/domain/project.ts'
import { pathsAbove } from '../../../lib/maven/paths.ts'
import { deletedKey } from '../../../lib/repository/keys.ts'
import { openTable } from '../../../lib/repository/table.ts'
import { describeOnFastEngine, itOnFastEngine } from '../../support/moves.ts'
import { now, openStore, shelvesOf, writerOf } from '../../support/store.ts'

type Store = Awaited<ReturnType<typeof openStore>>
let store: Store
beforeAll(async () => {
  store = await openStore()
})

const METADATA = 'maven-metadata.xml'
const page = { number: 1, size: 100, asked: 100 }
const everything = { filter: { includeVersionless: true }, order: 'created_at', sort: 'asc', page } as const

const setUp = async () => {
  const group = await store.group()
  const project = await store.project(group)
  const name = { projectId: project.id, type: 'maven', name: 'com/mycompany/my-app' } as const
  return { group, project, name }
}
type Name = Awaited<ReturnType<typeof setUp>>['name']

const by = ({ projectId }: Pick<Name, 'projectId'>) => writerOf({ id: projectId })

const add = async (name: Name, version: string | null, more: { replaces?: number } = {}) => {
  const id = await store.db.packages.nextFileId()
  const fileName = version === null ? METADATA : 'my-app.jar'
  const file = { id, fileName, size: id, md5: 'm', sha1: 's', sha256: 'h', sha512: 'l', createdAt: now() }
  return store.db.files.add({ ...name, version }, file, { writer: by(name), matches: async () => false, ...more })
}

const listed = async ({ projectId }: Name) => {
  const { rows, total } = await store.db.listings.listPackages([{ kind: 'project', id: projectId }], everything)
  expect(total).toBe(rows.length)
  return rows.map(({ version }) => version)
}
const noted = async (name: Name) => (await store.db.overviews.outdatedAmong([name])).length === 1
const find = (name: Name) => store.db.overviews.findOutdated(name, METADATA)
const settle = async (name: Name) => {
  const overview = await find(name)
  return overview && store.db.overviews.settled(overview.outdated)
}

describe('a versionless package', () => {
  it('is made by its first file and joined by others, all of which land', async () => {
    const { name } = await setUp()
    await add(name, '1.0')
    const files = await Promise.all(Array.from({ length: 8 }, () => add(name, null)))

    expect(new Set(files.map(({ packageId }) => packageId)).size).toBe(1)
    expect(await listed(name)).toEqual(['1.0', null])
    const found = await store.db.files.findByName({ ...name, version: null }, METADATA)
    expect(found).toMatchObject({ package: { fileCount: 8, version: null }, file: { sha512: 'l' } })
    expect(found?.file.id).toBe(Math.max(...files.map(({ id }) => id)))
    const named = await store.db.files.listNamed(found?.package.id ?? 0, METADATA)
    expect(named.map(({ id }) => id)).toEqual(files.map(({ id }) => id).sort((one, other) => other - one))
  })

  itOnFastEngine(
    'is noted with each file, and compared with the versions that are there and those that were deleted',
    async () => {
      const { name } = await setUp()
      const first = await add(name, '2.0')
      await add(name, '1.0')
      await store.db.packages.delete(by(name), first.packageId, now())
      expect(await noted(name)).toBe(false)
      const { packageId, id } = await add(name, null)

      expect(await find(name)).toMatchObject({
        outdated: name,
        versions: ['1.0'],
        deleted: ['2.0'],
        kept: { package: { id: packageId, version: null }, file: { id } },
      })
      expect(await settle(name)).toBe(true)
      expect([await noted(name), await find(name)]).toEqual([false, undefined])
      await add(name, '2.0')
      await add(name, null)
      expect(await find(name)).toMatchObject({ versions: ['1.0', '2.0'], deleted: [] })
      expect(await store.db.overviews.listOutdated()).toContainEqual(expect.objectContaining(name))
    },
  )

  itOnFastEngine('stays noted when there is a new cause since it was looked at', async () => {
    const { name } = await setUp()
    await add(name, '1.0')
    await add(name, null)
    const before = await find(name)
    await add(name, null)

    expect(before && (await store.db.overviews.settled(before.outdated))).toBe(false)
    expect(await noted(name)).toBe(true)
    expect(await settle(name)).toBe(true)
    expect(before && (await store.db.overviews.settled(before.outdated))).toBe(true)
  })

  itOnFastEngine('is noted when its newest file is deleted, and only then', async () => {
    const { name } = await setUp()
    const files = [await add(name, null), await add(name, null), await add(name, null)]
    await settle(name)
    const remove = (file: (typeof files)[number] | undefined) =>
      store.db.files.delete(by(name), file?.packageId ?? 0, file?.id ?? 0, now())

    await remove(files[0])
    expect(await noted(name)).toBe(false)
    await remove(files[2])
    expect(await noted(name)).toBe(true)
  })

  itOnFastEngine('goes with the last version of its name, and its note too', async () => {
    const { name } = await setUp()
    const [one, two] = [await add(name, '1.0'), await add(name, '1.1')]
    await add(name, null)
    await settle(name)
    await store.db.packages.delete(by(name), one.packageId, now())
    expect([await listed(name), await noted(name)]).toEqual([['1.1', null], true])
    await store.db.packages.delete(by(name), two.packageId, now())

    expect([await listed(name), await noted(name)]).toEqual([[], false])
  })

  it('goes when all versions are deleted at once, and stays when one arrives meanwhile', async () => {
    const { name } = await setUp()
    const versions = []
    for (const version of ['1.0', '1.1', '1.2']) versions.push(await add(name, version))
    await add(name, null)
    await Promise.all(versions.map(({ packageId }) => store.db.packages.delete(by(name), packageId, now())))
    expect(await listed(name)).toEqual([])

    for (let n = 0; n < 4; n++) {
      const { packageId } = await add(name, `2.${n}`)
      await add(name, null)
      await Promise.all([
        store.db.packages.delete(by(name), packageId, now()),
        add(name, `3.${n}`).then(() => add(name, null)),
      ])
      expect((await listed(name)).at(-1) === null || (await listed(name)).includes(null)).toBe(true)
      const last = (await store.db.packages.listVersions(name)).find(({ version }) => version === `3.${n}`)
      await store.db.packages.delete(by(name), last?.id ?? 0, now())
      expect(await listed(name)).toEqual([])
    }
  })

  itOnFastEngine('stays when it changed since its revision was read, and when a version is there', async () => {
    const { name } = await setUp()
    await add(name, null)
    const { package: before } = (await store.db.files.findByName({ ...name, version: null }, METADATA)) ?? {}
    await add(name, null)
    await store.db.packages.deleteLeftAlone(name, now(), before?.revision)
    expect(await listed(name)).toEqual([null])
    const { packageId } = await add(name, '1.0')
    await store.db.packages.deleteLeftAlone(name, now())
    expect((await listed(name)).sort()).toEqual(['1.0', null])

    await store.db.packages.delete(by(name), packageId, now())
    await store.db.packages.deleteLeftAlone(name, now())
    expect(await listed(name)).toEqual([])
  })

  itOnFastEngine('may itself be deleted, after which nothing is noted', async () => {
    const { name } = await setUp()
    await add(name, '1.0')
    const { packageId } = await add(name, null)
    await store.db.packages.delete(by(name), packageId, now())
    expect(await listed(name)).toEqual(['1.0'])
    expect(await find(name)).toMatchObject({ kept: undefined })
  })
})

describe('the delete of a version with all that it can have', () => {
  it('fits into one transaction where groups are nested as deep as they may be', async () => {
    let group = await store.group()
    for (let depth = 2; depth <= GROUP_DEPTH_LIMIT; depth++) group = await store.group(group)
    const project = await store.project(group)
    const record = await store.publish(project, {
      type: 'maven',
      name: 'com/mycompany/my-app',
      version: '1.0',
      tags: ['latest'],
    })
    const name = { projectId: project.id, type: 'maven', name: 'com/mycompany/my-app' } as const
    await add(name, null)
    await store.db.packages.delete(by(name), record.id, now())

    expect(await listed(name)).toEqual([])
    const shelves = shelvesOf(project)
    expect(shelves).toHaveLength(GROUP_DEPTH_LIMIT + 1)
    expect(await store.db.listings.listPackages(shelves, everything)).toMatchObject({ total: 0, rows: [] })
  })
})

describeOnFastEngine('adding a file in the place of another', () => {
  it('happens only as long as that one is the newest of its name', async () => {
    const { name } = await setUp()
    const first = await add(name, null)
    const second = await add(name, null, { replaces: first.id })
    const refused = { failure: { code: 'modified_since' } }

    await expect(add(name, null, { replaces: first.id })).rejects.toMatchObject(refused)
    const ends = await Promise.allSettled(Array.from({ length: 6 }, () => add(name, null, { replaces: second.id })))
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await store.db.packages.delete(by(name), second.packageId, now())
    await expect(add(name, null, { replaces: second.id })).rejects.toMatchObject(refused)
    expect(await listed(name)).toEqual([])
  })
})

describeOnFastEngine('a version that was deleted', () => {
  it('is remembered for a while, by a row that the table removes itself', async () => {
    const { name } = await setUp()
    const { packageId } = await add(name, '1.0')
    await store.db.packages.delete(by(name), packageId, now())
    const row = await openTable(store.client, store.tableName).get(deletedKey({ ...name, version: '1.0' }))

    const days = (Number(row?.expires_at) * 1000 - Date.now()) / 86_400_000
    expect([row?.version, Math.round(days)]).toEqual(['1.0', 7])
  })
})

describeOnFastEngine('the holders of a name', () => {
  it('are the projects in a group that have packages of it, also while they move', async () => {
    const { group, project, name } = await setUp()
    const top = await store.group()
    const inner = await store.project(await store.group(top), 'private')
    await add(name, '1.0')
    await add({ ...name, projectId: inner.id }, '1.0')
    const ids = (groupId: number, isSignedIn = true, wanted: { type: 'maven' | 'npm'; name: string } = name) =>
      store.db.holders.listProjectIds(groupId, wanted, isSignedIn)

    expect(await ids(group.id)).toEqual([project.id])
    expect([await ids(top.id), await ids(top.id, false)]).toEqual([[inner.id], []])
    expect(await ids(group.id, true, { ...name, type: 'npm' })).toEqual([])
    expect(await ids(group.id, true, { ...name, name: 'com/mycompany/my' })).toEqual([])
    await store.db.groups.transferProject(project.id, top, now())
    expect((await ids(top.id)).sort()).toEqual([project.id, inner.id].sort())
    await store.db.transit.settle(project.id)
    expect((await ids(top.id)).sort()).toEqual([project.id, inner.id].sort())
  })

  it('are found where they are while a group around them moves', async () => {
    const [from, to] = [await store.group(), await store.group()]
    const moving = await store.group(from)
    const project = await store.project(moving)
    const name = { projectId: project.id, type: 'maven', name: 'com/mycompany/my-app' } as const
    await add(name, '1.0')
    const path = (around: typeof from) => `${around.fullPath}/${moving.path}/${project.path}`
    const at = async (wanted: string) => (await store.db.holders.findProjectAt(pathsAbove(`${wanted}/sub`)))?.thing
    const check = async () => {
      expect(await store.db.holders.listProjectIds(to.id, name, true)).toEqual([project.id])
      expect(await at(path(from))).toBeUndefined()
      expect(await at(path(to))).toMatchObject({ id: project.id, fullPath: path(to), ancestorIds: [to.id, moving.id] })
    }

    await store.db.groups.transferGroup(moving.id, to.id, now())
    await check()
    while (!(await store.db.groupTransit.settle(moving.id)));
    await check()
    expect(await store.db.holders.listProjectIds(from.id, name, true)).toEqual([])
  })

  it('show their newest file of a name', async () => {
    const { group, name } = await setUp()
    const other = { ...name, projectId: (await store.project(group)).id }
    await add(name, '1.0')
    const [one, two] = [await add(name, '1.0'), await add(other, '1.0')]
    await add(other, '2.0')
    const found = await store.db.holders.listFiles(
      [name.projectId, other.projectId],
      { ...name, version: '1.0' },
      'my-app.jar',
    )

    expect(found.map(({ file }) => file.id).sort()).toEqual([one.id, two.id].sort())
    expect(found.map(({ package: { projectId } }) => projectId).sort()).toEqual(
      [name.projectId, other.projectId].sort(),
    )
    expect(await store.db.holders.listFiles([name.projectId], { ...name, version: '1.0' }, 'none')).toEqual([])
    expect(await store.db.holders.listFiles([], { ...name, version: '1.0' }, 'my-app.jar')).toEqual([])
  })

  it('are found by the paths that they have now', async () => {
    const { project } = await setUp()
    const { fullPath } = project
    const at = async (...paths: string[]) => (await store.db.holders.findProjectAt(paths))?.thing.id

    expect(await at(`${fullPath}/sub`, fullPath.toUpperCase(), 'nothing')).toBe(project.id)
    expect(await at('nothing/here', fullPath.split('/')[0] ?? '')).toBeUndefined()
    await store.db.groups.changeProject(project.id, { path: 'renamed' }, now())
    expect(await at(fullPath)).toBeUndefined()
    expect(await at(fullPath.replace(/[^/]+$/, 'renamed'))).toBe(project.id)
    await store.db.groups.deleteProject(project.id, now())
    expect(await at(fullPath.replace(/[^/]+$/, 'renamed'))).toBeUndefined()
  })
})
