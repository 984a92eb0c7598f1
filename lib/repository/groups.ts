import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import { ACCESS_LEVELS } from '../domain/permissions.ts'
import {
  type Group,
  isMoreVisible,
  type Project,
  parentId,
  type Reference,
  type Visibility,
  visibilities,
} from '../domain/project.ts'
import { type Content, contentFromItem, groupFromItem, pathFromItem, projectFromItem } from './items.ts'
import {
  contentsKey,
  contentsPrefix,
  groupKey,
  INSTANCE,
  pathKey,
  projectKey,
  TALLY_SHARDS,
  TRANSITS,
  tallyKey,
  transitsKey,
} from './keys.ts'
import { membershipWrites } from './members.ts'
import type { Table, Write } from './table.ts'
import { marksOf, type transitRepository } from './transit.ts'

/** Records a new thing with everything around it, which is how groups and projects stay alike. */
const contentsWrites = (kind: 'group' | 'project', thing: Group | Project): Write[] =>
  [INSTANCE, ...thing.ancestorIds].map((groupId) => ({
    put: {
      ...contentsKey(groupId, kind, thing.id),
      kind,
      id: thing.id,
      name: thing.name,
      path: thing.path,
      visibility: thing.visibility,
      ancestorIds: thing.ancestorIds,
    },
  }))

/** What disappears from the contents of the groups that a thing is in no more. */
const contentsDeletes = (kind: 'group' | 'project', id: number, groupIds: readonly number[]): Write[] =>
  groupIds.map((groupId) => ({ delete: contentsKey(groupId, kind, id) }))

const pathWrite = (
  kind: 'group' | 'project',
  { id, fullPath }: Group | Project,
  taken: () => Error,
  userId?: number,
): Write => ({
  put: { ...pathKey(fullPath), kind, id, ...(userId === undefined ? {} : { userId }) },
  // A path that somebody left leads on to where he is now, until somebody else wants it.
  if: 'attribute_not_exists(pk) OR attribute_exists(movedAt)',
  otherwise: taken,
})

/** The old path of a project that has another now. */
const movedWrite = ({ id, fullPath }: Project, movedAt: string): Write => ({
  put: { ...pathKey(fullPath), kind: 'project', id, movedAt },
  if: 'id = :id',
  values: { ':id': id },
  otherwise: 'again',
})

/** A group, or the personal namespace of a user: his name is its path, and it stands in nobody's contents. */
export const namespaceWrites = (group: Group, taken: () => Error, userId?: number): Write[] => [
  pathWrite('group', group, taken, userId),
  { put: { ...groupKey(group.id), ...group } },
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
    if: `fullPath = :fullPath AND visibility IN (${Object.keys(values).join(', ')})`,
    values: { ':fullPath': parent.fullPath, ':one': 1, ...values },
    otherwise: refused,
  }
}

/** A deleted project stays until its packages are removed, but nobody finds it. */
const isThere = ({ deletedAt }: Project) => deletedAt === null

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

export const groupRepository = (table: Table, transit: Pick<ReturnType<typeof transitRepository>, 'move'>) => {
  const parentOf = async (thing: Group | Project): Promise<Group> => {
    const item = await table.get(groupKey(parentId(thing) as number))
    if (!item) throw notFound('namespace')
    return groupFromItem(item)
  }

  const findId = async (kind: 'group' | 'project', reference: Reference): Promise<number | undefined> => {
    if ('id' in reference) return reference.id
    const item = await table.get(pathKey(reference.fullPath))
    const alias = item && pathFromItem(item)
    return alias?.kind === kind ? alias.id : undefined
  }

  const findProjectById = async (id: number): Promise<Project | undefined> => {
    const item = await table.get(projectKey(id))
    const project = item && projectFromItem(item)
    return project && isThere(project) ? project : undefined
  }

  const findGroupById = async (id: number): Promise<Group | undefined> => {
    const item = await table.get(groupKey(id))
    return item && groupFromItem(item)
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
    return described as Thing
  }

  /** Everything of a kind inside a group, at any depth; without a group, in the whole instance. Reads all of it. */
  const listContents = async (kind: 'group' | 'project', groupId = INSTANCE): Promise<Content[]> => {
    const items = await table.queryAll({ pk: contentsKey(groupId, kind, 0).pk, prefix: contentsPrefix(kind) })
    return items.map(contentFromItem)
  }

  return {
    async findProject(reference: Reference): Promise<Project | undefined> {
      const id = await findId('project', reference)
      return id === undefined ? undefined : findProjectById(id)
    },

    /** Groups and personal namespaces; who wants groups only looks at `kind`. */
    async findGroup(reference: Reference): Promise<Group | undefined> {
      const id = await findId('group', reference)
      return id === undefined ? undefined : findGroupById(id)
    },

    /** @throws `not_found` when it is gone meanwhile */
    describeGroup: (id: number, change: Description): Promise<Group> =>
      describe('group', () => findGroupById(id), change),

    /** @throws `not_found` when it is gone meanwhile */
    describeProject: (id: number, change: Description): Promise<Project> =>
      describe('project', () => findProjectById(id), change),

    async listProjectsById(ids: readonly number[]): Promise<Project[]> {
      return (await table.getAll([...new Set(ids)].map(projectKey))).map(projectFromItem).filter(isThere)
    },

    /** Projects and the group's transits as they stood at one moment. */
    async snapshot(groupId: number, projectIds: readonly number[]): Promise<{ projects: Project[]; revision: number }> {
      const items = await table.getTogether([transitsKey(groupId), ...projectIds.map(projectKey)])
      const transits = items.find(({ sk }) => sk === TRANSITS)
      const projects = items.filter((item) => item !== transits).map(projectFromItem)
      return { projects: projects.filter(isThere), revision: Number(transits?.revision ?? 0) }
    },

    /** Whether the rows and roles of a project around the group are on their way. */
    async isInTransit(groupId: number): Promise<boolean> {
      return marksOf(await table.get(transitsKey(groupId))).length > 0
    },

    /** How often projects have departed from or arrived around a group. */
    async transitRevision(groupId: number): Promise<number> {
      return Number((await table.get(transitsKey(groupId)))?.revision ?? 0)
    },

    async listGroupsById(ids: readonly number[]): Promise<Group[]> {
      return (await table.getAll([...new Set(ids)].map(groupKey))).map(groupFromItem)
    },

    listContents,

    /** Makes a group, which its maker owns. @throws `validation_failed` when the path is taken or the parent changed */
    async createGroup(parent: Group | undefined, wanted: NewGroup, ownerId: number, createdAt: string): Promise<Group> {
      const id = await table.nextId('group')
      const group: Group = { id, kind: 'group', createdAt, ...below(parent, wanted) }
      await table.transact(() => [
        ...namespaceWrites(group, () => validationFailed('Failed to save group {:path=>["has already been taken"]}')),
        ...(parent ? [parentWrite(parent, wanted.visibility, parentChanged)] : []),
        ...membershipWrites({
          userId: ownerId,
          source: { kind: 'group', id },
          within: group.ancestorIds,
          accessLevel: ACCESS_LEVELS.owner,
          expiresOn: null,
          createdAt,
        }),
      ])
      return group
    },

    /** Makes an empty project. @throws `validation_failed` when the path is taken or the namespace changed */
    async createProject(parent: Group, wanted: NewProject, creatorId: number, createdAt: string): Promise<Project> {
      const id = await table.nextId('project')
      const fresh = { placement: 1, transit: null, held: null, deletedAt: null }
      const project: Project = { id, creatorId, createdAt, ...fresh, ...below(parent, wanted) }
      const taken = ['has already been taken']
      await table.transact(() => [
        pathWrite('project', project, () =>
          validationFailed({ 'project_namespace.name': taken, name: taken, path: taken }),
        ),
        { put: { ...projectKey(id), ...project } },
        parentWrite(parent, wanted.visibility, parentChanged),
        ...contentsWrites('project', project),
        ...Array.from({ length: TALLY_SHARDS }, (_, shard) => ({
          put: { ...tallyKey({ kind: 'project', id }, shard), placement: project.placement },
        })),
      ])
      return project
    },

    /** @throws `validation_failed` when its group is less visible, `not_found` */
    async changeVisibility(id: number, visibility: Visibility): Promise<Project> {
      return transit.move(id, async (project) => {
        const next = { ...project, visibility }
        if (project.visibility === visibility) return { next, writes: [] }
        const parent = await parentOf(project)
        return { next, writes: [parentWrite(parent, visibility, parentChanged), ...contentsWrites('project', next)] }
      })
    },

    /** Moves a project into another namespace. @throws `validation_failed` when its path is taken there, `not_found` */
    async transferProject(id: number, target: Group, movedAt: string): Promise<Project> {
      return transit.move(id, async (project) => {
        const next = { ...project, ...below(target, project) }
        if (parentId(project) === target.id) return { next: project, writes: [] }
        const leaves = project.ancestorIds.filter((groupId) => !next.ancestorIds.includes(groupId))
        return {
          next,
          writes: [
            parentWrite(target, project.visibility, parentChanged),
            pathWrite('project', next, () =>
              validationFailed('Project with same name or path in target namespace already exists'),
            ),
            movedWrite(project, movedAt),
            ...contentsDeletes('project', id, leaves),
            ...contentsWrites('project', next),
          ],
        }
      })
    },

    /** Gives a project another path in its namespace; the old one leads on. @throws `validation_failed` when it is taken */
    async renameProject(id: number, path: string, movedAt: string): Promise<Project> {
      return transit.move(id, async (project) => {
        if (project.path === path) return { next: project, writes: [] }
        const parent = await parentOf(project)
        const next = { ...project, ...below(parent, { ...project, path }) }
        const isSameKey = next.fullPath.toLowerCase() === project.fullPath.toLowerCase()
        const alias = [
          pathWrite('project', next, () => validationFailed({ path: ['has already been taken'] })),
          movedWrite(project, movedAt),
        ]
        return { next, writes: [...(isSameKey ? [] : alias), ...contentsWrites('project', next)] }
      })
    },

    /**
     * Makes a group more or less visible; never less than what is directly in it, and so never less than anything
     * inside. @throws `validation_failed`, `not_found`
     */
    async changeGroupVisibility(id: number, visibility: Visibility): Promise<Group> {
      let changed: Group | undefined
      await table.transact(async () => {
        const item = await table.get(groupKey(id))
        if (!item) throw notFound('group')
        const group = groupFromItem(item)
        changed = { ...group, visibility }
        if (group.visibility === visibility) return []

        const [groups, projects] = await Promise.all([listContents('group', id), listContents('project', id)])
        const isAbove = (content: Content) => parentId(content) === id && isMoreVisible(content.visibility, visibility)
        const above = [
          ...(projects.some(isAbove) ? ['this group contains projects with higher visibility'] : []),
          ...(groups.some(isAbove) ? ['there are sub-groups with higher visibility'] : []),
        ]
        if (above.length > 0) {
          throw validationFailed({ visibility_level: above.map((why) => `${visibility} is not allowed since ${why}.`) })
        }
        const parent = parentId(group) === null ? undefined : await parentOf(group)
        return [
          {
            update: groupKey(id),
            expression: 'SET visibility = :visibility',
            if: `#name = :name AND ${item.changes === undefined ? 'attribute_not_exists(changes)' : 'changes = :changes'}`,
            names: { '#name': 'name' },
            values: {
              ':visibility': visibility,
              ':name': group.name,
              ...(item.changes === undefined ? {} : { ':changes': item.changes }),
            },
            otherwise: 'again',
          },
          ...(parent ? [parentWrite(parent, visibility, parentChanged)] : []),
          ...contentsWrites('group', changed),
        ]
      })
      return changed as Group
    },

    /** Hides a project and everything in it at once; its path is free. @throws `not_found` */
    async deleteProject(id: number, deletedAt: string): Promise<void> {
      await transit.move(id, async (project) => ({
        next: { ...project, ancestorIds: [], deletedAt },
        writes: [
          { delete: pathKey(project.fullPath), if: 'id = :id', values: { ':id': id }, otherwise: 'again' },
          ...contentsDeletes('project', id, [INSTANCE, ...project.ancestorIds]),
        ],
      }))
    },
  }
}

const parentChanged = () =>
  new PackagesError({ code: 'validation_failed', problems: { namespace: ['was changed meanwhile, please try again'] } })
