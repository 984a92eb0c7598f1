import fc from 'fast-check'
import type { PackageFilter, PackageOrder, Sort } from '../../../lib/domain/listing.ts'
import { type Package, type PackageStatus, type PackageType, packageStatuses } from '../../../lib/domain/package.ts'
import type { Start } from '../../../lib/domain/pagination.ts'
import { ANONYMOUS } from '../../../lib/domain/permissions.ts'
import type { Project } from '../../../lib/domain/project.ts'
import { groupShelves } from '../../../lib/repository/shelves.ts'
import { admin, insideStill, isSlow, itOnFastEngine } from '../../support/moves.ts'
import { plainList } from '../../support/plainList.ts'
import { now, openStore, readGroup, writerOf } from '../../support/store.ts'

const NAMES = ['alpha', 'alpha-two', 'beta', '@scope/alpha', 'Gamma']
const VERSIONS = ['1.0.0', '10.0.0', '2.0.0', null]
const TYPES: PackageType[] = ['npm', 'maven', 'generic', 'terraform_module']
const ORDERS: PackageOrder[] = ['created_at', 'name', 'version', 'type', 'project_path']

const filters = fc.record(
  {
    type: fc.constantFrom(...TYPES),
    name: fc.constantFrom('alpha', 'ALPHA two', 'a', 'nothing'),
    version: fc.constantFrom('1.0.0', '2.0.0', '9'),
    status: fc.constantFrom(...packageStatuses),
    includeVersionless: fc.boolean(),
  },
  { requiredKeys: ['includeVersionless'] },
)

describe('every list, in every order, filtered in every way', () => {
  it('shows what a plain list would, with its exact total, page by page', async () => {
    const store = await openStore()
    const top = await store.group()
    const sub = await store.group(top)
    const projects: Project[] = [
      await store.project(top, 'public', 'zebra'),
      await store.project(sub, 'private', 'apple'),
      await store.project(sub, 'internal', 'Zebra'),
    ]
    const pathOf = new Map(projects.map(({ id, path }) => [id, path.toLowerCase()]))

    let packages: Package[] = []
    for (const [n, name] of [...NAMES, ...NAMES, ...NAMES].entries()) {
      for (const [m, project] of projects.entries()) {
        const version = VERSIONS[(n + m) % VERSIONS.length] as string | null
        const type = (version === null ? 'maven' : TYPES[(n * 2 + m) % TYPES.length]) as PackageType
        const status = ['default', 'default', 'deprecated', 'error', 'hidden', 'processing'][
          (n + 2 * m) % 6
        ] as PackageStatus
        const taken = packages.some(
          (one) => one.projectId === project.id && one.name === name && one.version === version && one.type === type,
        )
        if (!taken) packages.push(await store.publish(project, { name, version, type, status }))
      }
    }
    const victims = packages.filter(({ status }, place) => status === 'default' && place % 3 === 0)
    for (const { id, projectId } of victims) {
      await store.db.packages.delete(writerOf({ id: projectId }), id, now())
    }
    packages = packages.map((one) => (victims.includes(one) ? { ...one, status: 'pending_destruction' } : one))

    const shelves = groupShelves(top.id, ['private', 'internal', 'public'], false)
    const inside = insideStill(top, projects)
    await fc.assert(
      fc.asyncProperty(
        filters as fc.Arbitrary<PackageFilter>,
        fc.constantFrom(...ORDERS),
        fc.constantFrom<Sort>('asc', 'desc'),
        fc.constantFrom(2, 7, 20, 100),
        async (filter, order, sort, size) => {
          const wanted = plainList(packages, { filter, order, sort }, (id) => pathOf.get(id) ?? '')
          const seen: number[] = []
          for (let number = 1; number <= Math.ceil(wanted.length / size) + 1; number++) {
            const query = { filter, order, sort, page: { number, size, asked: size } }
            const { rows, total } =
              order === 'project_path'
                ? await store.db.listings.listPackagesByProjectPath(shelves, inside, query)
                : await store.db.listings.listPackages(shelves, query)
            expect(total).toBe(wanted.length)
            seen.push(...rows.map(({ id }) => id))
          }
          expect(seen).toEqual(wanted)
        },
      ),
      { numRuns: isSlow ? 12 : 100, seed: 42 },
    )
  })

  it('shows of a group without its subgroups what is directly in it', async () => {
    const store = await openStore()
    const top = await store.group()
    const sub = await store.group(top)
    const [above, below] = [await store.project(top), await store.project(sub)]
    const here = await store.publish(above)
    const there = await store.publish(below)

    const list = async (excludeSubgroups: boolean) => {
      const shelves = groupShelves(top.id, ['public'], excludeSubgroups)
      const page = { number: 1, size: 20, asked: 20 }
      return store.db.listings.listPackages(shelves, {
        filter: { includeVersionless: false },
        order: 'created_at',
        sort: 'asc',
        page,
      })
    }
    expect(await list(true)).toMatchObject({ total: 1, rows: [{ id: here.id }] })
    expect(await list(false)).toMatchObject({ total: 2, rows: [{ id: here.id }, { id: there.id }] })
  })

  itOnFastEngine(
    'goes through a group by the paths of projects, of which many have nothing and many the same path',
    async () => {
      const store = await openStore()
      const top = await store.group()
      const packages: Package[] = []
      const pathOf = new Map<number, string>()
      const fullPaths = new Map<number, string>()
      const isPublic = new Set<number>()
      for (let n = 0; n < 8; n++) {
        const sub = await store.group(top)
        for (const [path, count] of [
          ['API', 1],
          ['nothing', 0],
          [`b-${n}`, n === 4 ? 3 : 0],
          [`zoo-${n}`, n === 7 ? 24 : 0],
        ] as const) {
          const project = await store.project(sub, n % 4 === 0 ? 'private' : 'public', path)
          pathOf.set(project.id, path.toLowerCase())
          fullPaths.set(project.id, project.fullPath)
          packages.push(...(await store.fill(project, count)))
          if (project.visibility === 'public') isPublic.add(project.id)
        }
      }
      for (const [caller, sort, sizes] of [
        [admin(store), 'asc', [2, 60]],
        [admin(store), 'desc', [3, 20]],
        [ANONYMOUS, 'asc', [3, 20]],
        [ANONYMOUS, 'desc', [60]],
      ] as const) {
        const query = {
          filter: { includeVersionless: false },
          order: 'project_path',
          sort,
          excludeSubgroups: false,
        } as const
        const shown = packages.filter(({ projectId }) => caller !== ANONYMOUS || isPublic.has(projectId))
        const wanted = plainList(shown, query, (id) => pathOf.get(id) ?? '')
        for (const size of sizes) {
          const seen: number[] = []
          for (let start: Start | undefined, number = 1; number === 1 || start; number++) {
            const page = { number, size, asked: size, ...(start ? { start } : {}) }
            const { rows, total, ends } = await readGroup(store.db, top, caller, { ...query, page })
            expect(total).toBe(wanted.length)
            seen.push(...rows.map(({ entry }) => entry.id))
            const told = rows.map(({ project }) => project.fullPath)
            expect(told).toEqual(rows.map(({ entry }) => fullPaths.get(entry.projectId)))
            start = ends?.hasMore ? { after: ends.last } : undefined
          }
          expect([sort, size, seen]).toEqual([sort, size, wanted])
        }
      }
    },
  )
})
