import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import { overtaken } from '../domain/overtaken.ts'
import { ACCESS_LEVELS } from '../domain/permissions.ts'
import {
  type Group,
  isMoreVisible,
  NO_PUBLICATIONS,
  type Project,
  parentId,
  type Reference,
  type Visibility,
  visibilities,
  visibilityIn,
} from '../domain/project.ts'
import { asRead, type Contents, contentsDeletes, contentsMoves, contentsWrites } from './contents.ts'
import { type groupTransitRepository, pathTaken } from './groupTransit.ts'
import type { Held } from './holds.ts'
import { type Content, groupFromItem, projectFromItem } from './items.ts'
import { contentsKey, groupKey, INSTANCE, projectKey, TALLY_SHARDS, TRANSITS, tallyKey, transitsKey } from './keys.ts'
import { isMovingIn, revisionOf, standStillWrites } from './marks.ts'
import { ensureOwner, FRESH_PLACE, firstRoleWrites } from './members.ts'
import { isSamePath, movedWrite, openPaths, pathDelete, pathWrite } from './paths.ts'
import { isThere, type Places } from './places.ts'
import { listTransits } from './rows.ts'
import type { WhenStill } from './stillness.ts'
import type { Table, Write } from './table.ts'
import type { transitRepository } from './transit.ts'

/** A group, or the personal namespace of a user: his name is its path, and it stands in nobody's contents. */
export const namespaceWrites = (group: Group, taken: () => Error, userId?: number): Write[] => [
  pathWrite({ kind: 'group', id: group.id }, group.fullPath, taken, userId === undefined ? {} : { userId }),
  { put: { ...groupKey(group.id), ...group, ...FRESH_PLACE } },
  ...(group.kind === 'group' ? contentsWrites('group', group) : []),
]

/**
 * Holds as long as the parent exists where it was and is at least as visible. It counts what changes in the parent, so
 * that whoever makes the parent less visible knows whether he has seen all of it.
 */
const parentWrite = (parent: Group, visibility: Visibility, refused: () => Error): Write => {
  const allowed = visibilities.filter((level) => !isMoreVisible(visibility, level))
  const values = Object.fromEntries(allowed.map((level, position) => [`:level${position}`, level]))
  return {
    update: groupKey(parent.id),
    expression: 'ADD changes :one',
    if: `fullPath = :fullPath AND ancestorIds = :ancestorIds AND deletedAt = :none AND visibility IN (${Object.keys(values).join(', ')})`,
    values: { ':fullPath': parent.fullPath, ':ancestorIds': parent.ancestorIds, ':none': null, ':one': 1, ...values },
    otherwise: refused,
  }
}

/** What every new group starts with. */
export const FRESH_GROUP = { placement: 0, transit: null, held: null, deletedAt: null } as const

/** A group or project and all around it, none of which may be in transit when something is put there. */
const chainOf = ({ id, ancestorIds }: Group) => [...ancestorIds, id]

export type NewGroup = Pick<Group, 'name' | 'path' | 'description' | 'visibility'>
export type NewProject = Pick<Project, 'name' | 'path' | 'description' | 'visibility'>

/** What a thing says of itself; what is left out stays. */
export type Description = { name?: string | undefined; description?: string | undefined }

/**
 * Changes only the fields that are given, so that two changes at once keep each other's. The contents of the groups
 * around repeat the name.
 */
const descriptionWrites = (
  kind: 'group' | 'project',
  thing: Group | Project,
  fields: readonly (readonly [string, string])[],
): Write[] => {
  if (fields.length === 0) return []
  const setting = (some: typeof fields) => ({
    expression: `SET ${some.map(([field]) => `#${field} = :${field}`).join(', ')}`,
    names: Object.fromEntries(some.map(([field]) => [`#${field}`, field])),
    values: Object.fromEntries(some.map(([field, value]) => [`:${field}`, value])),
  })
  const { values, ...record } = setting(fields)
  const named = fields.filter(([field]) => field === 'name')
  const around = named.length === 0 ? [] : [INSTANCE, ...thing.ancestorIds]
  return [
    {
      update: kind === 'group' ? groupKey(thing.id) : projectKey(thing.id),
      ...record,
      if: 'ancestorIds = :ancestorIds',
      values: { ...values, ':ancestorIds': thing.ancestorIds },
      otherwise: 'again',
    },
    ...around.map(
      (groupId): Write => ({
        update: contentsKey(groupId, kind, thing.id),
        ...setting(named),
        if: 'attribute_exists(pk)',
        otherwise: 'again',
      }),
    ),
  ]
}

const below = <Wanted extends NewGroup>(parent: Group | undefined, wanted: Wanted) => ({
  ...wanted,
  fullPath: parent ? `${parent.fullPath}/${wanted.path}` : wanted.path,
  ancestorIds: parent ? [...parent.ancestorIds, parent.id] : [],
})

type Moves = {
  projects: Pick<ReturnType<typeof transitRepository>, 'move'>
  groups: Pick<ReturnType<typeof groupTransitRepository>, 'move'>
}

export const groupRepository = (
  table: Table,
  places: Places,
  contents: Contents,
  moves: Moves,
  whenStill: WhenStill,
) => {
  const { locate, locateAll, listGroupsById } = places
  const { findId } = openPaths(table)

  const readGroup = async (id: number): Promise<Group> => {
    const item = await table.get(groupKey(id))
    if (!item) throw notFound('namespace')
    return groupFromItem(item)
  }

  const parentOf = (thing: Group | Project): Promise<Group> => readGroup(parentId(thing) as number)

  const findProjectById = async (id: number): Promise<Project | undefined> => {
    const item = await table.get(projectKey(id))
    const project = item && projectFromItem(item)
    return project && isThere(project) ? project : undefined
  }

  const findGroupById = async (id: number): Promise<Group | undefined> => (await listGroupsById([id]))[0]

  /** Groups and personal namespaces; who wants groups only looks at `kind`. What it notes of its place may be behind. */
  const findGroup = async (reference: Reference): Promise<Group | undefined> => {
    const id = await findId('group', reference)
    return id === undefined ? undefined : findGroupById(id)
  }

  /** @throws `not_found` when it is gone, whatever was read before */
  const describe = async <Thing extends Group | Project>(
    kind: 'group' | 'project',
    find: () => Promise<Thing | undefined>,
    change: Description,
  ): Promise<Thing> => {
    const given = Object.entries(change).flatMap(([field, value]) =>
      value === undefined ? [] : [[field, value] as const],
    )
    let described: Thing | undefined
    await table.transact(async () => {
      const thing = await find()
      if (!thing) throw notFound(kind)
      described = { ...thing, ...Object.fromEntries(given) }
      return descriptionWrites(kind, thing, given)
    })
    const located = await locate(described as Thing)
    if (!located) throw notFound(kind)
    return located.thing
  }

  const listProjectsById = async (ids: readonly number[]): Promise<Project[]> =>
    (await table.getAll([...new Set(ids)].map(projectKey))).map(projectFromItem).filter(isThere)

  /** The place to move a group to. @throws `validation_failed` when it is inside that group */
  const parentFor = async (group: Group, targetId: number): Promise<Group> => {
    const target = await locate(await readGroup(targetId))
    if (!target) throw notFound('namespace')
    if (chainOf(target.thing).includes(group.id)) throw validationFailed(intoItself)
    return target.thing
  }

  /** What a visibility may be of a group: what is directly in it has no more, and so nothing inside has. */
  const assertVisible = async (group: Group, visibility: Visibility): Promise<void> => {
    const [groups, projects] = await Promise.all([contents.list('group', group), contents.list('project', group)])
    const isAbove = (content: Content) =>
      parentId(content) === group.id && isMoreVisible(content.visibility, visibility)
    const above = [
      ...(projects.some(isAbove) ? ['this group contains projects with higher visibility'] : []),
      ...(groups.some(isAbove) ? ['there are sub-groups with higher visibility'] : []),
    ]
    if (above.length > 0) {
      throw validationFailed({ visibility_level: above.map((why) => `${visibility} is not allowed since ${why}.`) })
    }
  }

  /** A parent that was read anew: what is refused of it now may be fine when it is read again. */
  const freshParentWrite = (parent: Group, visibility: Visibility): Write => {
    if (isMoreVisible(visibility, parent.visibility)) throw parentChanged()
    return parentWrite(parent, visibility, overtaken)
  }

  /** Moves a group below another, or to the top, or gives it another path, and a visibility with it. */
  const moveGroup = (
    id: number,
    movedAt: string,
    taken: () => Error,
    wanted: (group: Group) => Promise<{ parent: Group | undefined; path: string; visibility?: Visibility }>,
    more: (group: Group) => Promise<Write[]> = async () => [],
  ): Promise<Group> =>
    whenStill((isOver) =>
      moves.groups.move(id, movedAt, isOver, async (group) => {
        const changes = (await table.get(groupKey(id)))?.changes
        const { parent, path, visibility = group.visibility } = await wanted(group)
        const next: Group = { ...group, ...below(parent, { ...group, path, visibility }) }
        if (next.fullPath === group.fullPath) return { next: group, writes: [] }
        if (visibility !== group.visibility) await assertVisible(group, visibility)
        return {
          next,
          writes: [...(parent ? [freshParentWrite(parent, visibility)] : []), ...(await more(group))],
          taken,
          ...(visibility === group.visibility ? {} : { held: unchangedInside(changes) }),
        }
      }),
    )

  return {
    findGroup,
    listGroupsById,
    listProjectsById,
    locate,
    locateAll,
    listContents: contents.list,

    /** What it notes of its place may be behind; `locate` tells where it is. */
    async findProject(reference: Reference): Promise<Project | undefined> {
      const id = await findId('project', reference)
      return id === undefined ? undefined : findProjectById(id)
    },

    /** @throws `not_found` when it is gone meanwhile */
    describeGroup: (id: number, change: Description): Promise<Group> =>
      describe('group', () => findGroupById(id), change),

    /** @throws `not_found` when it is gone meanwhile */
    describeProject: (id: number, change: Description): Promise<Project> =>
      describe('project', () => findProjectById(id), change),

    /** Projects and the group's transits as they stood at one moment. */
    async snapshot(groupId: number, projectIds: readonly number[]): Promise<{ projects: Project[]; revision: number }> {
      const items = await table.getTogether([transitsKey(groupId), ...projectIds.map(projectKey)])
      const transits = items.find(({ sk }) => sk === TRANSITS)
      const projects = items.filter((item) => item !== transits).map(projectFromItem)
      return { projects: projects.filter(isThere), revision: revisionOf(transits) }
    },

    /** Which group it is, as far as its id or path tells: it may be gone. */
    findGroupId: (reference: Reference): Promise<number | undefined> => findId('group', reference),

    /**
     * A group, and how things in it and around it move: whether one is or just was on its way, so that what notes its
     * place, also read at the same moment, may be behind, and how often one departed or arrived. Who reads this first
     * notices by it what changes later.
     */
    async findGroupWithTransits(
      id: number,
    ): Promise<{ group: Group; isInTransit: boolean; revision: number } | undefined> {
      const items = await table.getAll([groupKey(id), transitsKey(id)])
      const transits = items.find(({ sk }) => sk === TRANSITS)
      const group = items
        .filter((item) => item !== transits)
        .map(groupFromItem)
        .find(isThere)
      return group && { group, isInTransit: isMovingIn(transits), revision: revisionOf(transits) }
    },

    /** Whether anything is on its way in the whole instance. */
    async isAnythingInTransit(): Promise<boolean> {
      return (await Promise.all([listTransits(table, 'group'), listTransits(table, 'project')])).flat().length > 0
    },

    /** How often things have departed from or arrived around a group. */
    async transitRevision(groupId: number): Promise<number> {
      return revisionOf(await table.get(transitsKey(groupId)))
    },

    /** What is inside a group on its way, which is right with that group alone. */
    listInside: contents.inside,

    /** Makes a group, which its maker owns. @throws `validation_failed` when the path is taken or the parent changed */
    async createGroup(parent: Group | undefined, wanted: NewGroup, ownerId: number, createdAt: string): Promise<Group> {
      const id = await table.nextId('group')
      const group: Group = { id, kind: 'group', createdAt, ...FRESH_GROUP, ...below(parent, wanted) }
      await whenStill(() =>
        table.transact(() => [
          ...standStillWrites(group.ancestorIds),
          ...namespaceWrites(group, () => validationFailed('Failed to save group {:path=>["has already been taken"]}')),
          ...(parent ? [parentWrite(parent, wanted.visibility, parentChanged)] : []),
          ...firstRoleWrites({
            userId: ownerId,
            source: { kind: 'group', id },
            within: group.ancestorIds,
            accessLevel: ACCESS_LEVELS.owner,
            expiresOn: null,
            createdAt,
          }),
        ]),
      )
      return group
    },

    /** Makes an empty project. @throws `validation_failed` when the path is taken or the namespace changed */
    async createProject(parent: Group, wanted: NewProject, creatorId: number, createdAt: string): Promise<Project> {
      const id = await table.nextId('project')
      const fresh = { placement: 1, publications: NO_PUBLICATIONS, transit: null, held: null, deletedAt: null }
      const project: Project = { id, creatorId, createdAt, ...fresh, ...below(parent, wanted) }
      const taken = ['has already been taken']
      await whenStill(() =>
        table.transact(() => [
          ...standStillWrites(project.ancestorIds),
          pathWrite({ kind: 'project', id }, project.fullPath, () =>
            validationFailed({ 'project_namespace.name': taken, name: taken, path: taken }),
          ),
          { put: { ...projectKey(id), ...project } },
          parentWrite(parent, wanted.visibility, parentChanged),
          ...contentsWrites('project', project),
          ...Array.from({ length: TALLY_SHARDS }, (_, shard) => ({
            put: { ...tallyKey({ kind: 'project', id }, shard), placement: project.placement },
          })),
        ]),
      )
      return project
    },

    /** Moves a project into another namespace. @throws `validation_failed` when its path is taken there, `not_found` */
    transferProject: (id: number, target: Group, movedAt: string): Promise<Project> =>
      whenStill((isOver) =>
        moves.projects.move(id, isOver, async (project) => {
          if (parentId(project) === target.id) return { next: project, writes: [] }
          const next = { ...project, ...below(target, project), visibility: visibilityIn(target, project.visibility) }
          return {
            next,
            writes: [
              parentWrite(target, next.visibility, parentChanged),
              pathWrite({ kind: 'project', id }, next.fullPath, () =>
                validationFailed('Project with same name or path in target namespace already exists'),
              ),
              movedWrite({ kind: 'project', id }, project.fullPath, movedAt),
              ...contentsMoves('project', next, project.ancestorIds),
            ],
          }
        }),
      ),

    /**
     * Gives a project another path in its namespace, another visibility, or both at once. The old path leads on.
     * @throws `validation_failed` when the path is taken, when its group is less visible; `not_found`
     */
    changeProject: (
      id: number,
      change: { path?: string; visibility?: Visibility },
      movedAt: string,
    ): Promise<Project> =>
      whenStill((isOver) =>
        moves.projects.move(id, isOver, async (project) => {
          const { path = project.path, visibility = project.visibility } = change
          const parent = await parentOf(project)
          const next = { ...project, ...below(parent, { ...project, path, visibility }) }
          const alias = [
            pathWrite({ kind: 'project', id }, next.fullPath, pathTaken),
            movedWrite({ kind: 'project', id }, project.fullPath, movedAt),
          ]
          return {
            next,
            writes: [
              ...(visibility === project.visibility ? [] : [freshParentWrite(parent, visibility)]),
              ...(isSamePath(next.fullPath, project.fullPath) ? [] : alias),
              ...contentsWrites('project', next),
            ],
          }
        }),
      ),

    /**
     * Makes a group more or less visible; never less than what is directly in it, and so never less than anything
     * inside. @throws `validation_failed`, `not_found`
     */
    async changeGroupVisibility(id: number, visibility: Visibility): Promise<Group> {
      let changed: Group | undefined
      const prepare = async (): Promise<Write[]> => {
        const item = await table.get(groupKey(id))
        const group = item && groupFromItem(item)
        if (!group || !isThere(group)) throw notFound('group')
        changed = { ...group, visibility }
        if (group.visibility === visibility) return []

        await assertVisible(group, visibility)
        const parent = parentId(group) === null ? undefined : await parentOf(group)
        const [seen, inside] = [asRead(group), unchangedInside(item.changes)]
        return [
          ...standStillWrites(group.ancestorIds),
          {
            update: groupKey(id),
            expression: 'SET #visibility = :visibility',
            if: `${seen.if} AND ${inside.if}`,
            names: seen.names,
            values: { ...seen.values, ...inside.values, ':visibility': visibility },
            otherwise: 'again',
          },
          ...(parent ? [parentWrite(parent, visibility, parentChanged)] : []),
          ...contentsWrites('group', changed),
        ]
      }
      await whenStill(() => table.transact(prepare))
      return changed as Group
    },

    /**
     * Gives a group another path, and another visibility with it: both or none. Nothing leads from the old path.
     * @throws `validation_failed` when it is taken, and for the visibility
     */
    renameGroup: (id: number, path: string, movedAt: string, visibility?: Visibility): Promise<Group> =>
      moveGroup(id, movedAt, pathTaken, async (group) => ({
        parent: parentId(group) === null ? undefined : await parentOf(group),
        path,
        ...(visibility === undefined ? {} : { visibility }),
      })),

    /**
     * Moves a group with all that is in it below another, or to the top, where it needs an owner of its own: if it has
     * none, `ownerId` becomes one.
     * @throws `validation_failed` when its path is taken there, when it would be inside itself or too deep
     */
    transferGroup: (id: number, target: number | { ownerId: number }, movedAt: string): Promise<Group> =>
      moveGroup(
        id,
        movedAt,
        takenThere,
        async (group) => ({
          parent: typeof target === 'number' ? await parentFor(group, target) : undefined,
          path: group.path,
        }),
        async (group) =>
          typeof target === 'number' ? [] : [await ensureOwner(table, places, group, target.ownerId, movedAt)],
      ),

    /** Hides a project and everything in it at once; its path is free. @throws `not_found` */
    async deleteProject(id: number, deletedAt: string): Promise<void> {
      await whenStill((isOver) =>
        moves.projects.move(id, isOver, async (project) => ({
          next: { ...project, ancestorIds: [], deletedAt },
          writes: [
            pathDelete({ kind: 'project', id }, project.fullPath),
            ...contentsDeletes('project', id, [INSTANCE, ...project.ancestorIds]),
          ],
        })),
      )
    },

    /** Hides a group and everything in it at once. Its path is free when all of it is gone. @throws `not_found` */
    async deleteGroup(id: number, deletedAt: string): Promise<void> {
      await whenStill((isOver) =>
        moves.groups.move(id, deletedAt, isOver, async (group) => ({
          next: { ...group, ancestorIds: [], deletedAt },
          writes: [],
        })),
      )
    },
  }
}

/** Holds as long as nothing was put into a group, nor became more visible there, since its count of that was read. */
const unchangedInside = (changes: unknown): Held & { values: Record<string, unknown> } =>
  changes === undefined
    ? { if: 'attribute_not_exists(changes)', values: {} }
    : { if: 'changes = :changes', values: { ':changes': changes } }

const intoItself = 'Transfer failed: Cannot transfer group to one of its subgroup.'
const takenThere = () =>
  validationFailed('Transfer failed: The parent group already has a subgroup or a project with the same path.')

const parentChanged = () =>
  new PackagesError({ code: 'validation_failed', problems: { namespace: ['was changed meanwhile, please try again'] } })
