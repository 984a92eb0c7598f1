import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { notFound, PackagesError, validationFailed } from '../domain/errors.ts'
import { ignoreOvertaken, overtaken } from '../domain/overtaken.ts'
import {
  type CountsByVisibility,
  FULL_PATH_LIMIT,
  follow,
  GROUP_DEPTH_LIMIT,
  type Group,
  type Located,
  type Project,
  visibilities,
} from '../domain/project.ts'
import { asRead, type Contents, contentsDeletes, contentsMoves } from './contents.ts'
import { noteDue } from './counting.ts'
import { decidedOnce, type Held, openHolds } from './holds.ts'
import { groupFromItem, projectFromItem } from './items.ts'
import {
  groupKey,
  INSTANCE,
  projectKey,
  type Source,
  tallyPartition,
  tallyPrefix,
  transitKey,
  transitsKey,
} from './keys.ts'
import {
  InMotion,
  marksOf,
  markWrite,
  movedBetween,
  type Share,
  startMovingWrite,
  stopMovingWrite,
  talliesOf,
  tidyTransits,
  unmarkWrite,
} from './marks.ts'
import { isSamePath, leavingWrite, movedWrite, pathDelete, pathWrite } from './paths.ts'
import { isThere, type Places } from './places.ts'
import { listTransits, openRows } from './rows.ts'
import { countsIn, everyGroupShelf } from './shelves.ts'
import { chunks, type Item, type Table, type Write } from './table.ts'
import type { transitRepository } from './transit.ts'

const WAIT_MS = 25
/** How many of the things inside follow at a time. */
const AT_A_TIME = 8
/** How often it is written down how far the rows of projects, and then things themselves, have come. */
const PROJECTS_BETWEEN_NOTES = 20
const STEPS_BETWEEN_NOTES = 10

/** What a departure writes of a group besides what every hold ends with. */
const DEPARTING = ['transit', 'visibility', 'ancestorIds', 'path', 'fullPath', 'deletedAt'] as const

const keyOf = ({ kind, id }: Source) => (kind === 'group' ? groupKey(id) : projectKey(id))

/** `taken` is what it means that somebody else has the path; `held` must hold of the group besides. */
export type GroupChange = { next: Group; writes: Write[]; taken?: () => Error; held?: Held }

type Projects = Pick<ReturnType<typeof transitRepository>, 'settle'>

/**
 * Moves groups with all that is in them: another path, another parent, or out of the world. The change is one small
 * transaction, whatever is inside: things find out by the groups around them where they are. What they note of it, and
 * their rows on the shelves of the groups around, follow in steps that may stop, repeat and run twice.
 */
export const groupTransitRepository = (
  table: Table,
  { locate }: Places,
  contents: Contents,
  projects: Projects,
  holdMs: number,
) => {
  const { release, holding, endWrite } = openHolds(table, 'group', holdMs)

  const read = async (id: number): Promise<Group> => {
    const item = await table.get(groupKey(id))
    if (!item) throw notFound('group')
    return groupFromItem(item)
  }

  /** What of a group is counted in the groups around it; it holds still while its tallies do. */
  const countsOf = async (id: number): Promise<CountsByVisibility> => {
    const items = talliesOf(await table.queryAll({ pk: tallyPartition({ kind: 'group', id }) }))
    return Object.fromEntries(
      visibilities.flatMap((visibility) => {
        const prefixes = everyGroupShelf(id)
          .filter((shelf) => shelf.kind === 'group' && shelf.visibility === visibility)
          .map(tallyPrefix)
        const counts = countsIn(items.filter(({ sk }) => prefixes.some((prefix) => String(sk).startsWith(prefix))))
        return counts.size === 0 ? [] : [[visibility, Object.fromEntries(counts)]]
      }),
    )
  }

  /** The deepest and longest that things inside become. @throws `validation_failed` */
  const assertFits = async (group: Group, next: Group): Promise<void> => {
    const { groups, projects: inside } = await contents.inside(group.id)
    const depth = (ancestorIds: readonly number[]) => ancestorIds.length - group.ancestorIds.length
    const deepest = Math.max(0, ...groups.map((one) => depth(one.ancestorIds)))
    if (next.ancestorIds.length + 1 + deepest > GROUP_DEPTH_LIMIT) {
      throw validationFailed(`has too deep level of nesting (maximum is ${GROUP_DEPTH_LIMIT} levels)`)
    }
    if (next.fullPath.length <= group.fullPath.length) return
    const things = await table.getAll([...groups, ...inside].map(keyOf))
    const longest = Math.max(0, ...things.map(({ fullPath }) => String(fullPath).length))
    const length = longest - group.fullPath.length + next.fullPath.length
    if (longest > 0 && length > FULL_PATH_LIMIT) {
      throw validationFailed(
        `is too long (a full path inside would have ${length} characters, maximum is ${FULL_PATH_LIMIT})`,
      )
    }
  }

  /** Everything inside comes to rest first: at most one of the groups around a thing is in transit at a time. */
  const settleInside = async (id: number, isOver: () => boolean): Promise<void> => {
    for (const mark of marksOf(await table.get(transitsKey(id)))) {
      const hasArrived = mark.kind === 'group' ? await settle(mark.id, isOver) : await projects.settle(mark.id, isOver)
      if (!hasArrived) throw new PackagesError({ code: 'busy' })
    }
  }

  /** @param transits as they were read before all else: nothing inside may have changed since */
  const depart = async (
    group: Group,
    { next, writes, taken = pathTaken, held }: GroupChange,
    transits: Item | undefined,
    by: string,
    now: string,
  ): Promise<Group> => {
    const counts = await countsOf(group.id)
    const { ancestorIds, fullPath } = group
    const moved: Group = { ...next, transit: { id: randomUUID(), left: { ancestorIds, fullPath }, counts } }
    const source = { kind: 'group', id: group.id } as const
    await table.transact(() => [
      endWrite(moved, by, DEPARTING, asRead(group), ...(held ? [held] : [])),
      decidedOnce(startMovingWrite(group.id, moved.transit?.id ?? '', transits)),
      { put: { ...transitKey(source), id: source.id } },
      ...around(moved).map((groupId) => markWrite(groupId, source, shareIn(groupId, ancestorIds, counts))),
      ...(isThere(next)
        ? [...pathWrites(group, next, taken, now), ...contentsMoves('group', next, ancestorIds)]
        : [leavingWrite(group, now), ...contentsDeletes('group', group.id, [INSTANCE, ...ancestorIds])]
      ).map(decidedOnce),
      ...writes.map(decidedOnce),
    ])
    return { ...moved, placement: group.placement + 1, held: null }
  }

  const arrive = async (group: Group, by: string): Promise<void> => {
    const { left, counts } = group.transit as NonNullable<Group['transit']>
    const now = await countsOf(group.id)
    const source = { kind: 'group', id: group.id } as const
    const isMoved = isThere(group) && !isSamePath(left.fullPath, group.fullPath)
    await table.transact(() => [
      endWrite({ ...group, transit: null }, by, ['transit']),
      stopMovingWrite(group.id),
      { delete: transitKey(source) },
      ...around(group).map((groupId) =>
        unmarkWrite(
          groupId,
          source,
          movedBetween(shareIn(groupId, left.ancestorIds, counts), shareIn(groupId, group.ancestorIds, now)),
        ),
      ),
      ...(isMoved || !isThere(group) ? [decidedOnce(pathDelete(source, left.fullPath))] : []),
      ...(isMoved ? [decidedOnce(arrivedPathWrite(group))] : []),
    ])
  }

  const readThing = async (source: Source): Promise<Group | Project> => {
    const item = (await table.get(keyOf(source))) as Item
    return source.kind === 'group' ? groupFromItem(item) : projectFromItem(item)
  }

  /** Lets one thing inside note where it is now, or go with the group. The roles in it follow. */
  const bringAlong = async (group: Group, source: Source, still: Write, now: string): Promise<void> => {
    const { carryMembers } = openRows(table, { kind: 'group', id: group.id }, still)
    if (isThere(group)) {
      let place: Group | Project | undefined
      await table.transact(async () => {
        const thing = await readThing(source)
        const next = follow(thing, group)
        place = next
        return isNoted(thing, next) ? [] : [still, ...followWrites(source.kind, thing, next, now)]
      })
      return carryMembers(source, place as Group | Project)
    }
    await table.transact(async () => {
      const thing = await readThing(source)
      return isThere(thing) ? [still, ...endWrites(source.kind, thing, group, now)] : []
    })
    await carryMembers(source, null)
    await table.transact(() => [still, ...contentsDeletes(source.kind, source.id, [group.id])])
  }

  /** What is in the group, from the outside in, and groups before projects: nothing notes less than what is around it. */
  const listInside = async (id: number) => {
    const { groups, projects: inside } = await contents.inside(id)
    const byDepth = [...Map.groupBy(groups, ({ ancestorIds }) => ancestorIds.length - ancestorIds.indexOf(id))]
    const levels = byDepth.sort(([one], [other]) => one - other).map(([, level]) => level)
    return { projects: inside, levels: [...levels, inside] }
  }

  const bringHome = async (group: Group, isOver: () => boolean): Promise<boolean> => {
    const source = { kind: 'group', id: group.id } as const
    const still = stillInTransit(group)
    const rows = openRows(table, source, still)
    const [inside, note] = await Promise.all([listInside(group.id), rows.readNote()])
    const waiting = note?.stage === 'things' ? [] : inside.projects.filter(({ id }) => id >= (note?.projectId ?? 0))
    for (const [place, { id }] of waiting.entries()) {
      const located = await locatedIn(group, id)
      if (located && !(await rows.carryProject(located, note, isOver))) return false
      const isEnd = isOver()
      if (isEnd || (place + 1) % PROJECTS_BETWEEN_NOTES === 0) {
        await rows.writeNote({ projectId: id + 1, stage: 'entries' })
      }
      if (isEnd) return false
    }
    const now = new Date().toISOString()
    // What is inside a group that moves stays the same; a deleted one has less inside with each step.
    const steps = inside.levels.flatMap((level) => chunks(level, AT_A_TIME))
    const done = note?.stage === 'things' && isThere(group) ? note.done : 0
    for (const [step, some] of steps.entries()) {
      if (step < done) continue
      await Promise.all(some.map((content) => bringAlong(group, content, still, now)))
      const isEnd = isOver()
      if (isEnd || (step + 1) % STEPS_BETWEEN_NOTES === 0) await rows.writeNote({ stage: 'things', done: step + 1 })
      if (isEnd) return false
    }
    await rows.carryMembers(source, isThere(group) ? group : null)
    await holding(group, (by) => arrive(group, by))
    const left = group.transit?.left.ancestorIds.at(-1)
    const changed: Source[] = [source, ...(left === undefined ? [] : [{ kind: 'group', id: left } as const])]
    await Promise.all([
      ...changed.map((one) => noteDue(table, one)),
      ...around(group).map((groupId) => tidyTransits(table, groupId)),
    ])
    return true
  }

  /** A project inside, also of a group that is deleted. */
  const locatedIn = async (group: Group, id: number): Promise<Located<Project> | undefined> => {
    const item = await table.get(projectKey(id))
    if (!item) return undefined
    const project = follow(projectFromItem(item), group)
    if (isThere(group)) return locate(project)
    return { thing: project, ancestors: [group] }
  }

  /**
   * Brings what a group in transit left behind to its new place, as far as `isOver` lets it come.
   * @returns whether the group has arrived
   */
  const settle = async (id: number, isOver: () => boolean = () => false): Promise<boolean> => {
    for (;;) {
      const group = await read(id)
      if (!group.transit) return true
      if (group.held) {
        if (isOver()) return false
        await release(group)
        await sleep(WAIT_MS)
        continue
      }
      try {
        if (!(await bringHome(group, isOver))) return false
      } catch (error) {
        ignoreOvertaken(error)
        if (isOver()) return false
        await sleep(WAIT_MS)
      }
    }
  }

  return {
    settle,

    /** The groups that have not arrived. */
    listInTransit: (): Promise<number[]> => listTransits(table, 'group'),

    /**
     * Gives a group another place. Every list is right as soon as this returns; `settle` does the rest.
     * @param change what becomes of the group as it stands, with the writes that go with it; called for each try
     * @throws InMotion when a group around it is in transit; `not_found`, `busy`
     */
    async move(
      id: number,
      now: string,
      isOver: () => boolean,
      change: (group: Group) => Promise<GroupChange>,
    ): Promise<Group> {
      for (;;) {
        const group = await read(id)
        if (!isThere(group)) throw notFound('group')
        if (isOver()) throw new PackagesError({ code: 'busy' })
        if (group.held) {
          await release(group)
          await sleep(WAIT_MS)
          continue
        }
        if (group.transit) {
          if (!(await settle(id, isOver))) throw new PackagesError({ code: 'busy' })
          continue
        }
        const here = await locate(group)
        if (!here) throw notFound('group')
        const moving = here.ancestors.find(({ transit }) => transit !== null)
        if (moving) throw new InMotion(moving.id)

        const changed = await change(group)
        if (changed.next === group) return group
        await settleInside(id, isOver)
        const transits = await table.get(transitsKey(id))
        if (isThere(changed.next)) await assertFits(group, changed.next)
        try {
          return await holding(group, (by) => depart(group, changed, transits, by, now))
        } catch (error) {
          ignoreOvertaken(error)
          await sleep(WAIT_MS)
        }
      }
    },
  }
}

/** The groups around the place that a group has left and around the one where it is. */
const around = ({ ancestorIds, transit }: Group) => [...new Set([...(transit?.left.ancestorIds ?? []), ...ancestorIds])]

/** What a group with these counts makes up in another: all of it is nested there. */
const shareIn = (groupId: number, ancestorIds: readonly number[], counts: CountsByVisibility): Share =>
  ancestorIds.includes(groupId)
    ? Object.fromEntries(
        visibilities.flatMap((visibility) => {
          const share = counts[visibility]
          return share ? [[tallyPrefix({ kind: 'group', id: groupId, depth: 'nested', visibility }), share]] : []
        }),
      )
    : {}

const pathWrites = (group: Group, next: Group, taken: () => Error, now: string): Write[] =>
  isSamePath(group.fullPath, next.fullPath)
    ? []
    : [
        pathWrite({ kind: 'group', id: group.id }, next.fullPath, taken, { from: group.fullPath }),
        leavingWrite(group, now),
      ]

export const pathTaken = () => validationFailed({ path: ['has already been taken'] })

const arrivedPathWrite = ({ id, fullPath }: Group): Write => ({
  ...pathWrite({ kind: 'group', id }, fullPath, overtaken),
  if: 'id = :id',
  values: { ':id': id },
})

/** Holds as long as the transit is the one that was read: a step that was delayed must not undo a later one. */
const stillInTransit = ({ id, transit }: Group): Write => ({
  check: groupKey(id),
  if: 'transit.#id = :id',
  names: { '#id': 'id' },
  values: { ':id': transit?.id },
  otherwise: overtaken,
})

const isNoted = (thing: Group | Project, next: Group | Project) =>
  thing.fullPath === next.fullPath && thing.ancestorIds.join() === next.ancestorIds.join()

const followWrites = (kind: Source['kind'], thing: Group | Project, next: Group | Project, now: string): Write[] => {
  const source = { kind, id: thing.id }
  const { values, ...read } = asRead(thing)
  const alias = isSamePath(thing.fullPath, next.fullPath)
    ? []
    : [
        pathWrite(source, next.fullPath, 'again'),
        kind === 'project' ? movedWrite(source, thing.fullPath, now) : pathDelete(source, thing.fullPath),
      ]
  return [
    {
      update: keyOf(source),
      expression: 'SET #ancestorIds = :ancestorIds, #fullPath = :fullPath',
      ...read,
      values: { ...values, ':ancestorIds': next.ancestorIds, ':fullPath': next.fullPath },
      otherwise: 'again',
    },
    ...alias,
    ...contentsMoves(kind, next, thing.ancestorIds),
  ]
}

/** The end of a thing with its group, in the contents of which it stays until nothing is left of it. */
const endWrites = (kind: Source['kind'], thing: Group | Project, group: Group, now: string): Write[] => {
  const source = { kind, id: thing.id }
  const { values, ...read } = asRead(thing)
  return [
    {
      update: keyOf(source),
      expression: 'SET deletedAt = :now, #ancestorIds = :nowhere',
      ...read,
      values: { ...values, ':now': now, ':nowhere': [] },
      otherwise: 'again',
    },
    pathDelete(source, thing.fullPath),
    ...contentsDeletes(
      kind,
      thing.id,
      [INSTANCE, ...thing.ancestorIds].filter((groupId) => groupId !== group.id),
    ),
  ]
}
