import fc from 'fast-check'
import type { Sort } from '../../../lib/domain/listing.ts'
import type { Package } from '../../../lib/domain/package.ts'
import type { Start } from '../../../lib/domain/pagination.ts'
import { ANONYMOUS, type Caller, canInProject } from '../../../lib/domain/permissions.ts'
import type { Group, Project, Visibility } from '../../../lib/domain/project.ts'
import { randomFrom } from '../../../local/registry.ts'
import { admin, isSlow, memberIn, signedIn } from '../../support/moves.ts'
import { plainList } from '../../support/plainList.ts'
import { openStore, readGroup } from '../../support/store.ts'

type World = { top: Group; groups: Group[]; projects: Project[]; packages: Package[] }

/** How many packages projects have, in turns. */
const MIXED = [1, 30, 2, 1, 0, 3]
const SINGLE = [1, 1, 1, 0]

/** Many more projects than are read at first, in groups of which some hide most of theirs; some share a path. */
const build = async (
  store: Awaited<ReturnType<typeof openStore>>,
  sizes: readonly number[],
  next: () => number,
): Promise<World> => {
  const pick = <One>(some: readonly One[]): One => some[Math.floor(next() * some.length)] as One
  const top = await store.group()
  const subs = [await store.group(top), await store.group(top), await store.group(top)]
  const groups = [top, ...subs, await store.group(subs[0]), await store.group(subs[1])]
  const hidden = new Map(groups.map((group) => [group.id, next()]))
  const projects: Project[] = []
  for (let n = 0; n < 130; n++) {
    const group = pick(groups)
    const visibility: Visibility =
      next() < (hidden.get(group.id) ?? 0) ? 'private' : pick(['public', 'internal', 'private'])
    const alike = projects.filter(
      ({ ancestorIds, path }) => ancestorIds.at(-1) === group.id && /^(ape|zoo)/i.test(path),
    )
    const path = n % 3 === 0 ? `${pick(['Ape', 'ape', 'zoo'])}-${alike.length}` : `p${Math.floor(next() * 1000)}-${n}`
    projects.push(await store.project(group, visibility, path))
  }
  const packages: Package[] = []
  for (const size of new Set(sizes)) {
    const some = projects.filter((_, place) => sizes[(place * 7) % sizes.length] === size)
    packages.push(...(await store.fillAll(some, size)).flat())
  }
  return { top, groups, projects, packages }
}

it('a list by the paths of many projects is complete and in order, whoever sees whatever part of it', async () => {
  const store = await openStore()
  const pathOf = ({ projects }: World, id: number) => projects.find((one) => one.id === id)?.path ?? ''
  const worlds: World[] = []
  for (const sizes of isSlow ? [MIXED] : [MIXED, SINGLE]) {
    worlds.push(await build(store, sizes, randomFrom(sizes.length)))
  }
  const places = fc.array(fc.nat(), { maxLength: 6 })
  const callers = fc.oneof(
    fc.constant(() => ANONYMOUS),
    fc.constant(() => admin(store)),
    fc.constant(() => signedIn(store)),
    fc
      .tuple(places, fc.array(fc.nat(), { maxLength: 3 }))
      .map(([own, inside]) => ({ projects, groups }: World): Caller => {
        const of = <One>(some: readonly One[], wanted: readonly number[]) => [
          ...new Set(wanted.map((n) => some[n % some.length] as One)),
        ]
        return memberIn(store, of(projects, own), of(groups.slice(1), inside))
      }),
  )
  const filters = fc.constantFrom({}, {}, { type: 'npm' as const }, { status: 'default' as const })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...worlds),
      callers,
      filters,
      fc.constantFrom<Sort>('asc', 'desc'),
      fc.constantFrom(4, 20, 100),
      fc.boolean(),
      async (world, as, filter, sort, size, excludeSubgroups) => {
        const caller = as(world)
        const query = {
          filter: { includeVersionless: false, ...filter },
          order: 'project_path',
          sort,
          excludeSubgroups,
        } as const
        const seenBy = new Set(
          world.projects
            .filter((project) => canInProject(caller, 'read_package', project))
            .filter(({ ancestorIds }) => !excludeSubgroups || ancestorIds.at(-1) === world.top.id)
            .map(({ id }) => id),
        )
        const shown = world.packages.filter(({ projectId }) => seenBy.has(projectId))
        const wanted = plainList(shown, query, (id) => pathOf(world, id))
        const walk = async (goOn: 'after' | 'before') => {
          const seen: number[] = []
          let start: Start | undefined = goOn === 'before' ? 'last' : undefined
          // Far from the beginning a few pages more tell nothing new.
          for (let pages = 0; pages < 12; pages++) {
            const last = Math.max(1, Math.ceil(wanted.length / size))
            const number = goOn === 'after' ? pages + 1 : last - pages
            const page = { number, size, asked: size, ...(start ? { start } : {}) }
            const { rows, total, ends } = await readGroup(store.db, world.top, caller, { ...query, page })
            expect(total).toBe(wanted.length)
            const ids = rows.map(({ entry }) => entry.id)
            if (goOn === 'after') seen.push(...ids)
            else seen.unshift(...ids)
            for (const { entry, project } of rows) {
              expect(project.fullPath).toBe(world.projects.find(({ id }) => id === entry.projectId)?.fullPath)
            }
            if (!ends || (goOn === 'after' ? !ends.hasMore : number <= 1)) break
            start = goOn === 'after' ? { after: ends.last } : { before: ends.first }
          }
          return seen
        }
        const [forwards, backwards] = [await walk('after'), await walk('before')]
        expect(forwards).toEqual(wanted.slice(0, forwards.length))
        expect(backwards).toEqual(wanted.slice(wanted.length - backwards.length))
        expect(forwards).toHaveLength(Math.min(wanted.length, 12 * size))
      },
    ),
    { numRuns: Number(process.env.RUNS ?? (isSlow ? 6 : 40)), seed: Number(process.env.SEED ?? 42) },
  )
})
