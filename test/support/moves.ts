import type { PackageOrder } from '../../lib/domain/listing.ts'
import { ACCESS_LEVELS, ANONYMOUS, type Caller, notedIn } from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import type { GroupQuery } from '../../lib/repository/groupListings.ts'
import type { ProjectsInside } from '../../lib/repository/projectPaths.ts'
import { testEnvironment } from './environment.ts'
import { now, type openStore, readGroup } from './store.ts'

/** What tests of moving projects and groups share: lists as callers see them, and changes that are stopped. */
type Store = Awaited<ReturnType<typeof openStore>>

const everything: GroupQuery = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'asc',
  page: { number: 1, size: 100, asked: 100 },
  excludeSubgroups: false,
}

export const admin = (store: Store): Caller => ({ user: { ...store.owner, admin: true }, memberships: [] })
export const signedIn = (store: Store): Caller => ({
  user: { ...store.owner, id: 4711, admin: false },
  memberships: [],
})

/** Somebody with a role in each of these projects. */
export const memberOf = (
  store: Store,
  ...projects: readonly Pick<Project, 'id' | 'ancestorIds' | 'path' | 'visibility'>[]
): Caller => memberIn(store, projects, [])

/** The same, and in each of these groups. */
export const memberIn = (
  store: Store,
  projects: readonly Pick<Project, 'id' | 'ancestorIds' | 'path' | 'visibility'>[],
  groups: readonly Group[],
): Caller => {
  const role = { userId: 4712, expiresOn: null, createdAt: now(), accessLevel: ACCESS_LEVELS.reporter }
  return {
    user: { ...store.owner, id: role.userId, admin: false },
    memberships: [
      ...projects.map((place) => ({
        ...role,
        source: { kind: 'project', id: place.id } as const,
        ...notedIn('project', place),
      })),
      ...groups.map((place) => ({
        ...role,
        source: { kind: 'group', id: place.id } as const,
        ...notedIn('group', place),
      })),
    ],
  }
}

/** A group in which nothing moves, with these projects inside, none of them on a shelf of its own. */
export const insideStill = ({ id }: Group, projects: readonly Project[]): ProjectsInside => ({
  groupId: id,
  all: async () => projects,
  areStill: async () => true,
  lookAgain: async () => {},
  load: async () => {},
  pathOf: () => '',
})

const open = (store: Store, group: Group, caller: Caller, more: Partial<GroupQuery>) =>
  readGroup(store.db, group, caller, { ...everything, ...more })

export const list = async (store: Store, group: Group, caller: Caller, more: Partial<GroupQuery> = {}) => {
  const { rows, total } = await open(store, group, caller, more)
  return { total, ids: rows.map(({ entry }) => entry.id) }
}

/** The full paths of projects that a group's list tells, with how many packages it shows of each. */
export const pathsIn = async (store: Store, group: Group, caller: Caller, more: Partial<GroupQuery> = {}) => {
  const { rows } = await open(store, group, caller, more)
  return Object.fromEntries(
    [...Map.groupBy(rows, ({ project }) => project.fullPath)].map(([path, some]) => [path, some.length]),
  )
}

/** Everything the table says of who counts what, in a form that two tables can be compared by. */
export const ledger = (store: Store, groups: readonly Group[]) => {
  const every: PackageOrder[] = ['created_at', 'name', 'version', 'type', 'project_path']
  const orders = isSlow ? every.slice(0, 1) : every
  const named = { filter: { name: 'name-1', includeVersionless: false } }
  // Whoever sees it all sees it in every order; for the others the same rows are left out of each.
  const asked: [Caller, Partial<GroupQuery>[]][] = [
    [admin(store), [...orders.map((order) => ({ order })), named, { excludeSubgroups: true }]],
    [signedIn(store), [{}]],
    [ANONYMOUS, [named]],
  ]
  return Promise.all(
    groups.flatMap((group) =>
      asked.flatMap(([caller, queries]) =>
        queries.map(async (query) => [group.path, query, await list(store, group, caller, query)]),
      ),
    ),
  )
}

/** On the engine that takes its time some of the cases show whether it differs; `EVERY_CASE=true` has it show them all. */
export const isSlow =
  process.env.DYNAMODB_ENDPOINT === testEnvironment().dynamodbLocal && process.env.EVERY_CASE !== 'true'

/** For what is made of steps that others show on both engines: it runs on the fast one. */
export const describeOnFastEngine: (title: string, cases: () => void) => void = isSlow ? () => {} : describe
export const itOnFastEngine: (title: string, test: () => Promise<void>) => void = isSlow ? () => {} : it

/** How long whoever watches a move looks away. */
export const BETWEEN_LOOKS_MS = 40

/** Each place to stop at on the fast engine, and some of them on the other. */
export const BETWEEN_STOPS = isSlow ? 12 : 1
