import fc from 'fast-check'
import type { PackageFilter, PackageOrder, Sort } from '../../lib/domain/listing.ts'
import { type Package, type PackageStatus, type PackageType, packageStatuses } from '../../lib/domain/package.ts'
import type { AccessLevel } from '../../lib/domain/permissions.ts'
import { type Group, isMoreVisible, type Visibility, visibilityIn } from '../../lib/domain/project.ts'
import { lambdaDoor, nextOf, type Reply } from '../support/doors.ts'
import { countAll, settleAll } from '../support/jobs.ts'
import { plainList } from '../support/plainList.ts'
import { now, writerOf } from '../support/store.ts'
import { createWorld, unique, type Who } from '../support/world.ts'

const door = lambdaDoor()
const world = createWorld(door)
beforeAll(() => door.open())

/** What should be there, as plainly as it can be kept: parents by their place in the list. */
type PlainGroup = { id: number; path: string; parent: number | undefined; visibility: Visibility }
type PlainProject = { id: number; path: string; group: number; visibility: Visibility }

const visibility = fc.constantFrom<Visibility>('private', 'internal', 'public')
const at = fc.nat({ max: 11 })
const TYPES: PackageType[] = ['npm', 'npm', 'maven', 'generic']
const NAMES = ['alpha', 'alpha-two', 'Beta']

const look = fc.record({
  who: at,
  where: at,
  order: fc.constantFrom<PackageOrder>('created_at', 'name', 'version', 'type', 'project_path'),
  sort: fc.constantFrom<Sort>('asc', 'desc'),
  size: fc.constantFrom(1, 2, 3, 7, 20),
  number: fc.nat({ max: 5 }),
  isKeyset: fc.boolean(),
  excludeSubgroups: fc.boolean(),
  filter: fc.record(
    {
      type: fc.constantFrom<PackageType>('npm', 'maven', 'generic'),
      name: fc.constantFrom('alpha', 'TWO alpha', 'nothing'),
      version: fc.constantFrom('1.0.1', '1.0.3'),
      status: fc.constantFrom(...packageStatuses),
      includeVersionless: fc.boolean(),
    },
    { requiredKeys: ['includeVersionless'] },
  ) as fc.Arbitrary<PackageFilter>,
})
type Look = typeof look extends fc.Arbitrary<infer Drawn> ? Drawn : never

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('publish' as const), project: at, name: at, type: at, status: at }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('delete' as const), package: at }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('show project' as const), project: at, as: visibility }) },
  fc.record({ does: fc.constant('show group' as const), group: at, as: visibility }),
  { weight: 2, arbitrary: fc.record({ does: fc.constant('move project' as const), project: at, to: at }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('move group' as const), group: at, to: at }) },
  fc.record({ does: fc.constant('to the top' as const), group: at }),
  fc.record({ does: fc.constant('rename project' as const), project: at }),
  fc.record({ does: fc.constant('rename group' as const), group: at }),
  fc.record({ does: fc.constant('settle' as const), steps: fc.nat({ max: 5 }) }),
  fc.record({ does: fc.constant('count' as const) }),
  { weight: 6, arbitrary: fc.record({ does: fc.constant('look' as const), look }) },
)
type Step = typeof step extends fc.Arbitrary<infer Drawn> ? Drawn : never

const pick = <Thing>(things: readonly Thing[], number: number) => things[number % things.length] as Thing

/** Groups two and three deep, three projects, and who may see what of them. */
const setUp = async () => {
  const db = door.database()
  // Of this history alone: nobody may have a role in the groups of thousands.
  const owner = await world.user()
  const groups: PlainGroup[] = []
  const projects: PlainProject[] = []
  const groupNow = async (place: number): Promise<Group> => {
    const [located] = await db.groups.locateAll(await db.groups.listGroupsById([groups[place]?.id ?? 0]))
    return located?.thing as Group
  }
  const described = (start: string, shown: Visibility) => {
    const path = unique(start)
    return { name: path, path, description: '', visibility: shown }
  }
  for (const [parent, shown] of [
    [undefined, 'public'],
    [undefined, 'internal'],
    [0, 'public'],
    [2, 'private'],
  ] as const) {
    const around = parent === undefined ? undefined : await groupNow(parent)
    const { id, path } = await db.groups.createGroup(around, described('group', shown), owner.id, now())
    groups.push({ id, path, parent, visibility: shown })
  }
  for (const [group, shown] of [
    [0, 'public'],
    [2, 'internal'],
    [3, 'private'],
  ] as const) {
    const wanted = described(`${'zma'[projects.length]}-project`, shown)
    const { id } = await db.groups.createProject(await groupNow(group), wanted, owner.id, now())
    projects.push({ id, path: wanted.path, group, visibility: shown })
  }

  const roles: { who: Who; level: AccessLevel; source: { kind: 'group' | 'project'; place: number } }[] = []
  const join = async (kind: 'group' | 'project', place: number, level: AccessLevel) => {
    const id = (kind === 'group' ? groups : projects)[place]?.id ?? 0
    const who = await world.member(`${kind}s`, id, level)
    roles.push({ who, level, source: { kind, place } })
    return who
  }
  const bearer: Who = await world.deployToken('groups', groups[2]?.id ?? 0)
  const callers: Who[] = [
    world.anonymous,
    world.root,
    await world.user(),
    await join('group', 2, 20),
    await join('group', 0, 10),
    await join('project', 1, 30),
    bearer,
  ]
  return { db, owner, groups, projects, callers, roles, bearer, groupNow, packages: [] as Package[] }
}
type Setting = Awaited<ReturnType<typeof setUp>>

/** The places of a group and of all around it. */
const upwards = ({ groups }: Setting, place: number): number[] => {
  const parent = groups[place]?.parent
  return parent === undefined ? [place] : [place, ...upwards({ groups } as Setting, parent)]
}

const roleIn = (setting: Setting, who: Who, kind: 'group' | 'project', place: number): number => {
  const around = upwards(setting, kind === 'group' ? place : (setting.projects[place]?.group ?? 0))
  const counting = setting.roles.filter(
    ({ who: one, source }) =>
      one === who &&
      (source.kind === 'group' ? around.includes(source.place) : kind === 'project' && source.place === place),
  )
  return Math.max(0, ...counting.map(({ level }) => level))
}
const isOpen = ({ token }: Who, shown: Visibility | undefined) =>
  shown === 'public' || (shown === 'internal' && token !== undefined)

/** The deploy token is of the third group. */
const isGranted = (setting: Setting, who: Who, group: number) =>
  who === setting.bearer && upwards(setting, group).includes(2)

const statusOfProject = (setting: Setting, who: Who, place: number): number => {
  const project = setting.projects[place] as PlainProject
  if (who === world.root || isOpen(who, project.visibility) || isGranted(setting, who, project.group)) return 200
  const role = roleIn(setting, who, 'project', place)
  return role >= 20 ? 200 : role > 0 ? 403 : 404
}
const statusOfGroup = (setting: Setting, who: Who, place: number): number => {
  const isInside = setting.roles.some(({ who: one, source }) => {
    const group = source.kind === 'group' ? source.place : (setting.projects[source.place]?.group ?? 0)
    return one === who && upwards(setting, group).includes(place)
  })
  const opens =
    who === world.root ||
    isOpen(who, setting.groups[place]?.visibility) ||
    isGranted(setting, who, place) ||
    isInside ||
    roleIn(setting, who, 'group', place) > 0
  return opens ? 200 : 404
}

/** The packages of a group's list: of each project in it that the caller reads; a deploy token reads from its group down. */
const packagesOfGroup = (setting: Setting, who: Who, place: number, excludeSubgroups: boolean): Package[] => {
  const inside = setting.projects.filter(({ group }) =>
    excludeSubgroups ? group === place : upwards(setting, group).includes(place),
  )
  const readable = inside.filter((project) => {
    if (who === setting.bearer && !isGranted(setting, who, place)) return project.visibility === 'public'
    return statusOfProject(setting, who, setting.projects.indexOf(project)) === 200
  })
  const ids = new Set(readable.map(({ id }) => id))
  return setting.packages.filter(({ projectId }) => ids.has(projectId))
}

/** What a list says of its rows: in a group's, also where the project of each is. */
const rowsOf = ({ json }: Reply) =>
  (json as { id: number; project_path?: string }[]).map(({ id, project_path: path }) =>
    path === undefined ? `${id}` : `${id} in ${path}`,
  )

const fullPathOf = (setting: Setting, { group, path }: PlainProject) =>
  [
    ...upwards(setting, group)
      .map((place) => setting.groups[place]?.path)
      .reverse(),
    path,
  ].join('/')

/** Reads a list from its first page on by its links, and one page by its number, and compares both with the plain list. */
const check = async (setting: Setting, drawn: Look) => {
  const { projects, groups, callers } = setting
  const who = pick(callers, drawn.who)
  const where = drawn.where % (projects.length + groups.length)
  const isProject = where < projects.length
  const place = isProject ? where : where - projects.length
  const order = isProject && drawn.order === 'project_path' ? 'name' : drawn.order
  const { filter, sort, size, isKeyset, excludeSubgroups } = drawn

  const status = isProject ? statusOfProject(setting, who, place) : statusOfGroup(setting, who, place)
  const shown = isProject
    ? setting.packages.filter(({ projectId }) => projectId === projects[place]?.id)
    : packagesOfGroup(setting, who, place, excludeSubgroups)
  const projectOf = (packageId: number) => {
    const projectId = setting.packages.find(({ id }) => id === packageId)?.projectId
    return projects.find(({ id }) => id === projectId) as PlainProject
  }
  const pathOf = (projectId: number) => projects.find(({ id }) => id === projectId)?.path ?? ''
  const wanted = plainList(shown, { filter, order, sort }, pathOf).map((id) =>
    isProject ? `${id}` : `${id} in ${fullPathOf(setting, projectOf(id))}`,
  )

  const query = new URLSearchParams({ order_by: order, sort, per_page: String(size) })
  if (filter.type !== undefined) query.set('package_type', filter.type)
  if (filter.name !== undefined) query.set('package_name', filter.name)
  if (filter.version !== undefined) query.set('package_version', filter.version)
  if (filter.status !== undefined) query.set('status', filter.status)
  query.set('include_versionless', String(filter.includeVersionless))
  if (!isProject) query.set('exclude_subgroups', String(excludeSubgroups))
  const path = isProject ? `/projects/${projects[place]?.id}/packages` : `/groups/${groups[place]?.id}/packages`
  const asked = { ...drawn, caller: callers.indexOf(who), path, order }

  const first = await world.get(who, `${path}?${query}${isKeyset ? '&pagination=keyset' : ''}`)
  expect({ asked, status: first.status }).toEqual({ asked, status })
  if (status !== 200) return
  const found = [...rowsOf(first)]
  const totals = new Set([first.headers['x-total']])
  for (let next = nextOf(first); next !== undefined; ) {
    const page = await world.get(who, next)
    found.push(...rowsOf(page))
    totals.add(page.headers['x-total'])
    next = nextOf(page)
  }
  expect({ asked, found, totals: [...totals] }).toEqual({
    asked,
    found: wanted,
    totals: [isKeyset ? undefined : String(wanted.length)],
  })
  const number = drawn.number + 1
  const page = await world.get(who, `${path}?${query}&page=${number}`)
  expect({ asked, number, found: rowsOf(page), total: page.headers['x-total'] }).toEqual({
    asked,
    number,
    found: wanted.slice((number - 1) * size, number * size),
    total: String(wanted.length),
  })
}

/** Does a step here and in what should be there, unless it would be refused. */
const take = async (setting: Setting, one: Step): Promise<unknown> => {
  const { db, owner, groups, projects, packages, groupNow } = setting
  const { groups: repository } = db
  switch (one.does) {
    case 'look':
      return check(setting, one.look)
    case 'publish': {
      const { id } = pick(projects, one.project)
      const type = pick(TYPES, one.type)
      // Maven's metadata of an artifact belongs to no version; a name has it once.
      const isVersionless = type === 'maven' && one.status === 0
      const name = isVersionless ? unique('com/acme') : pick(NAMES, one.name)
      const version = isVersionless ? null : `1.0.${packages.length}`
      const status = pick<PackageStatus>(['default', 'default', 'default', 'deprecated', 'hidden', 'error'], one.status)
      return packages.push(await world.package(id, { name, version, type, status }))
    }
    case 'delete': {
      const victim = packages[one.package]
      if (!victim || victim.status === 'pending_destruction') return undefined
      await db.packages.delete(writerOf({ id: victim.projectId }), victim.id, now())
      packages[one.package] = { ...victim, status: 'pending_destruction' }
      return undefined
    }
    case 'show project': {
      const project = pick(projects, one.project)
      if (isMoreVisible(one.as, groups[project.group]?.visibility ?? 'private')) return undefined
      project.visibility = one.as
      return repository.changeProject(project.id, { visibility: one.as }, now())
    }
    case 'show group': {
      const place = one.group % groups.length
      const group = pick(groups, place)
      const around = group.parent === undefined ? 'public' : (groups[group.parent]?.visibility ?? 'private')
      const inside = [
        ...groups.filter(({ parent }) => parent === place),
        ...projects.filter((project) => project.group === place),
      ]
      if (isMoreVisible(one.as, around) || inside.some(({ visibility: own }) => isMoreVisible(own, one.as)))
        return undefined
      group.visibility = one.as
      return repository.changeGroupVisibility(group.id, one.as)
    }
    case 'move project': {
      const project = pick(projects, one.project)
      const to = one.to % groups.length
      const target = await groupNow(to)
      project.group = to
      project.visibility = visibilityIn(target, project.visibility)
      return repository.transferProject(project.id, target, now())
    }
    case 'move group': {
      const [place, to] = [one.group % groups.length, one.to % groups.length]
      const [group, target] = [pick(groups, place), pick(groups, to)]
      const isRefused = upwards(setting, to).includes(place) || group.parent === to
      if (isRefused || isMoreVisible(group.visibility, target.visibility)) return undefined
      group.parent = to
      return repository.transferGroup(group.id, target.id, now())
    }
    case 'to the top': {
      const group = pick(groups, one.group)
      if (group.parent === undefined) return undefined
      group.parent = undefined
      return repository.transferGroup(group.id, { ownerId: owner.id }, now())
    }
    case 'rename project': {
      const project = pick(projects, one.project)
      project.path = unique(`${'zma'[one.project % 3]}-renamed`)
      return repository.changeProject(project.id, { path: project.path }, now())
    }
    case 'rename group': {
      const group = pick(groups, one.group)
      group.path = unique('renamed')
      return repository.renameGroup(group.id, group.path, now())
    }
    case 'settle': {
      let left = one.steps
      return settleAll(db, () => left-- <= 0)
    }
    case 'count':
      return countAll(db)
  }
}

/** More of them, or others: `HISTORIES=2000 SEED=7 npm test -- test/functions/histories`. */
const HISTORIES = Number(process.env.HISTORIES ?? 8)
const SEED = Number(process.env.SEED ?? 20_261_125)

describe('random histories of publishing, deleting, showing, hiding and moving', () => {
  it(
    'show each caller what a plain list would, in every order, by every filter, on every page, with its total',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 40 }), async (steps) => {
          const setting = await setUp()
          for (const one of steps) await take(setting, one)
          // What is left on its way would be found by the next history's steps.
          await settleAll(setting.db)
        }),
        { numRuns: HISTORIES, seed: SEED, endOnFailure: true },
      )
    },
    HISTORIES * 10_000,
  )
})
