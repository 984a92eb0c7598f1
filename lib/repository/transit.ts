import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { notFound, PackagesError } from '../domain/errors.ts'
import { ignoreOvertaken, Overtaken } from '../domain/overtaken.ts'
import type { Located, Place, Project } from '../domain/project.ts'
import { asRead } from './contents.ts'
import { noteDue } from './counting.ts'
import { decidedOnce, openHolds } from './holds.ts'
import { groupFromItem, projectFromItem } from './items.ts'
import { groupKey, projectKey, type Shelf, tallyPrefix, transitKey } from './keys.ts'
import { markWrite, movedBetween, type Share, tidyTransits, unmarkWrite } from './marks.ts'
import { isThere, type Places } from './places.ts'
import { listTransits, openRows } from './rows.ts'
import { groupShelvesBetween, readOwnCounts } from './shelves.ts'
import type { Table, Write } from './table.ts'

const WAIT_MS = 25

/** What a departure writes of a project besides what every hold ends with. */
const DEPARTING = ['transit', 'visibility', 'ancestorIds', 'path', 'fullPath', 'deletedAt'] as const

/** Its path counts: rows on the shelves of groups tell it. */
const isSamePlace = (one: Project, other: Project) =>
  one.visibility === other.visibility &&
  one.fullPath === other.fullPath &&
  one.ancestorIds.join() === other.ancestorIds.join()

/**
 * Moves projects from one place to another: visibility, path, the groups around, or out of the world. The change itself
 * is one small transaction, after which every list is right; the rows of the groups' shelves follow in steps that may
 * stop, repeat and run twice.
 */
export const transitRepository = (table: Table, { locate }: Places, holdMs: number) => {
  const { release, holding, endWrite } = openHolds(table, 'project', holdMs)
  const groupHolds = openHolds(table, 'group', holdMs)

  const read = async (id: number): Promise<Project> => {
    const item = await table.get(projectKey(id))
    if (!item) throw notFound('project')
    return projectFromItem(item)
  }

  /** What a request has read of a project before. */
  type AsRead = Pick<Project, 'id' | 'ancestorIds'>

  /** The groups that were around it are read with it: most of the time they still are. */
  const readPlaced = async ({ id, ancestorIds }: AsRead): Promise<Located<Project>> => {
    const [key, around] = [projectKey(id), ancestorIds.map(groupKey)]
    const items = await table.getAll([key, ...around])
    const item = items.find(({ pk }) => pk === key.pk)
    const project = item && projectFromItem(item)
    if (!project || !isThere(project)) throw notFound('project')

    const groups = items.filter((other) => other !== item).map(groupFromItem)
    const known = new Map(
      ancestorIds.map((groupId) => [groupId, groups.find((group) => group.id === groupId && isThere(group))]),
    )
    const located = await locate(project, known)
    if (!located) throw notFound('project')
    return located
  }

  /** The project as writers need it: where it is now, and held by nobody who is dead. @throws `not_found` */
  const placed = async (project: AsRead): Promise<Located<Project>> => {
    const located = await readPlaced(project)
    const held = located.ancestors.filter((group) => group.held)
    if (!located.thing.held && held.length === 0) return located
    await Promise.all([release(located.thing), ...held.map(groupHolds.release)])
    return readPlaced(located.thing)
  }

  const depart = async (project: Project, next: Project, more: readonly Write[], by: string): Promise<Project> => {
    const counts = Object.fromEntries(await readOwnCounts(table, project.id))
    const left: Place = { visibility: project.visibility, ancestorIds: project.ancestorIds }
    const moved: Project = { ...next, transit: { id: randomUUID(), left, counts } }
    const source = { kind: 'project', id: project.id } as const
    const shares = sharesOf(groupShelvesBetween(moved), counts)
    await table.transact(() => [
      endWrite(moved, by, DEPARTING, asRead(project)),
      { put: { ...transitKey(source), id: source.id } },
      ...[...shares].map(([groupId, { left: share }]) => markWrite(groupId, source, share)),
      ...more.map(decidedOnce),
    ])
    return { ...moved, placement: project.placement + 1, held: null }
  }

  /** The last step: the groups count the project again, and nothing tells of a transit any more. */
  const arrive = async (project: Project, by: string): Promise<void> => {
    const counts = Object.fromEntries(await readOwnCounts(table, project.id))
    const source = { kind: 'project', id: project.id } as const
    const before = sharesOf(groupShelvesBetween(project), project.transit?.counts ?? {})
    const after = sharesOf(groupShelvesBetween(project), counts)
    await table.transact(() => [
      endWrite({ ...project, transit: null }, by, ['transit']),
      { delete: transitKey(source) },
      ...[...after].map(([groupId, { now }]) =>
        unmarkWrite(groupId, source, movedBetween(before.get(groupId)?.left ?? {}, now)),
      ),
    ])
  }

  /**
   * Brings the rows of a project in transit to their new place, as far as `isOver` lets it come.
   * @returns whether the project has arrived
   */
  const settle = async (id: number, isOver: () => boolean = () => false): Promise<boolean> => {
    for (;;) {
      const project = await read(id)
      if (!project.transit) return true
      if (project.held) {
        if (isOver()) return false
        await release(project)
        await sleep(WAIT_MS)
        continue
      }
      const source = { kind: 'project', id } as const
      const rows = openRows(table, source, stillInTransit(project))
      try {
        // No group around it moves meanwhile, so it is where it notes to be; a deleted one is in no group.
        const ancestors = (await locate(project))?.ancestors ?? []
        if (!(await rows.carryProject({ thing: project, ancestors }, await rows.readNote(), isOver))) return false
        await rows.carryMembers(source, isThere(project) ? project : null)
        await holding(project, (by) => arrive(project, by))
        const around = new Set([...project.ancestorIds, ...project.transit.left.ancestorIds])
        await Promise.all([
          noteDue(table, source),
          noteLeft(project.transit.left),
          ...[...around].map((groupId) => tidyTransits(table, groupId)),
        ])
      } catch (error) {
        ignoreOvertaken(error)
        if (isOver()) return false
        await sleep(WAIT_MS)
      }
    }
  }

  /** The groups that were left have other packages now. */
  const noteLeft = async ({ ancestorIds }: Place) => {
    const id = ancestorIds.at(-1)
    if (id !== undefined) await noteDue(table, { kind: 'group', id })
  }

  return {
    placed,
    settle,

    /** The projects that have not arrived by themselves. */
    listInTransit: (): Promise<number[]> => listTransits(table, 'project'),

    /**
     * Gives a project another place. Every list is right as soon as this returns; `settle` does the rest.
     * @param change what becomes of the project as it stands, with the writes that go with it; called for each try
     * @throws InMotion when a group around it is in transit
     */
    async move(
      id: number,
      isOver: () => boolean,
      change: (project: Project) => Promise<{ next: Project; writes: Write[] }>,
    ): Promise<Project> {
      for (;;) {
        const project = await read(id)
        if (!isThere(project)) throw notFound('project')
        if (isOver()) throw new PackagesError({ code: 'busy' })
        if (project.held) {
          await release(project)
          await sleep(WAIT_MS)
          continue
        }
        const { next, writes } = await change(project)
        if (isSamePlace(project, next) && isThere(next)) return project
        // A second change waits for the first to arrive: what it leaves is then one place.
        if (project.transit) {
          if (!(await settle(id, isOver))) throw new PackagesError({ code: 'busy' })
          continue
        }
        try {
          return await holding(project, (by) => depart(project, next, writes, by))
        } catch (error) {
          ignoreOvertaken(error)
          await sleep(WAIT_MS)
        }
      }
    },
  }
}

/** Holds as long as the transit is the one that was read: a step that was delayed must not undo a later one. */
const stillInTransit = ({ id, transit }: Project): Write => ({
  check: projectKey(id),
  if: 'transit.#id = :id',
  names: { '#id': 'id' },
  values: { ':id': transit?.id },
  otherwise: () => new Overtaken(),
})

/** What a project with these counts makes up in the tallies of each group concerned, where it was and where it is. */
const sharesOf = (shelves: { left: Shelf[]; now: Shelf[] }, counts: Record<string, number>) => {
  const share = (some: readonly Shelf[], groupId: number): Share =>
    Object.fromEntries(some.filter(({ id }) => id === groupId).map((shelf) => [tallyPrefix(shelf), counts]))
  const ids = new Set([...shelves.left, ...shelves.now].map(({ id }) => id))
  return new Map([...ids].map((id) => [id, { left: share(shelves.left, id), now: share(shelves.now, id) }] as const))
}
