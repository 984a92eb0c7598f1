import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { notFound, PackagesError } from '../domain/errors.ts'
import type { Place, Project } from '../domain/project.ts'
import { membershipFromItem, projectFromItem } from './items.ts'
import {
  memberKey,
  membershipKey,
  namesPartition,
  projectKey,
  projectOfMark,
  type Shelf,
  shelfPartition,
  TALLY_SHARDS,
  TRANSIT_PARTITION,
  tallyKey,
  tallyPartition,
  tallyPrefix,
  transitKey,
  transitMark,
  transitsKey,
} from './keys.ts'
import { addWrites, type Counts, groupShelvesAt, shelvesLeft, sumOf } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'

/** Publishers wait for a hold this long; then whoever set it is taken for dead and they go on. */
const HOLD_MS = 3_000
const WAIT_MS = 25
/** Below DynamoDB's 100 actions a transaction. */
const ACTIONS = 90
/** How often the place reached is written down: more costs writes, less costs work done twice after a stop. */
const PAGES_BETWEEN_NOTES = 20

/** Somebody else went on with the project, perhaps taking us for dead: what was read before counts no more. */
class Overtaken extends Error {}

/** What a departure and an arrival write of a project. */
const ARRIVING = ['placement', 'transit', 'held'] as const
const DEPARTING = [...ARRIVING, 'visibility', 'ancestorIds', 'path', 'fullPath', 'deletedAt'] as const

const samePlace = (one: Place, other: Place) =>
  one.visibility === other.visibility && one.ancestorIds.join() === other.ancestorIds.join()

const unionOf = (...places: readonly Place[]) => [...new Set(places.flatMap(({ ancestorIds }) => ancestorIds))]

/**
 * Moves projects from one place to another: visibility, the groups around, or out of the world. The change itself is
 * one small transaction, after which every list is right; the rows of the groups' shelves follow in steps that may
 * stop, repeat and run twice.
 */
export const transitRepository = (table: Table) => {
  const read = async (id: number): Promise<Project> => {
    const item = await table.get(projectKey(id))
    if (!item) throw notFound('project')
    return projectFromItem(item)
  }

  /** Ends a hold of which nothing came: with the next placement all shards and the project agree again. */
  const giveUp = async ({ id, placement }: Project, by: string): Promise<void> => {
    await table
      .transact(() => [
        {
          update: projectKey(id),
          expression: 'SET placement = :next, held = :none',
          if: 'held.#by = :by',
          names: { '#by': 'by' },
          values: { ':next': placement + 1, ':none': null, ':by': by },
          otherwise: () => new Overtaken(),
        },
      ])
      .catch(ignoreOvertaken)
  }

  /** Takes the place of a holder that is taken for dead. */
  const release = async (project: Project): Promise<void> => {
    const { held } = project
    if (held && Date.now() - Date.parse(held.at) >= HOLD_MS) await giveUp(project, held.by)
  }

  /** Runs what needs the project's tally to stand still. */
  const holding = async <Outcome>(project: Project, work: (by: string) => Promise<Outcome>): Promise<Outcome> => {
    const by = await hold(project)
    try {
      return await work(by)
    } catch (error) {
      await giveUp(project, by)
      throw error
    }
  }

  /** The project as writers need it: there, and not held by somebody dead. @throws `not_found` */
  const placed = async (id: number): Promise<Project> => {
    const project = await read(id)
    if (project.deletedAt !== null) throw notFound('project')
    if (!project.held) return project
    await release(project)
    return read(id)
  }

  /** Makes all writers of the project wait, so that its tally stands still. */
  const hold = async (project: Project): Promise<string> => {
    const by = randomUUID()
    await table.transact(() => [
      {
        update: projectKey(project.id),
        expression: 'SET held = :held',
        if: 'placement = :placement AND held = :none',
        values: { ':held': { by, at: new Date().toISOString() }, ':placement': project.placement, ':none': null },
        otherwise: () => new Overtaken(),
      },
      ...Array.from(
        { length: TALLY_SHARDS },
        (_, shard): Write => ({
          update: tallyKey({ kind: 'project', id: project.id }, shard),
          expression: 'SET placement = :next',
          values: { ':next': project.placement + 1 },
        }),
      ),
    ])
    return by
  }

  const ownCounts = async (id: number): Promise<Counts> => {
    const items = await table.queryAll({ pk: tallyPartition({ kind: 'project', id }) })
    return sumOf(items.map(countsOf))
  }

  /** Ends a hold together with what was done under it, and writes these fields alone: others may change meanwhile. */
  const projectWrite = (
    next: Project,
    by: string,
    fields: readonly (keyof Project)[],
    seen?: Pick<Project, 'name' | 'fullPath'>,
  ): Write => {
    const values: Record<string, unknown> = { ...next, placement: next.placement + 1, held: null }
    return {
      update: projectKey(next.id),
      expression: `SET ${fields.map((field) => `#${field} = :${field}`).join(', ')}`,
      if: `held.#by = :by${seen ? ' AND #name = :seenName AND fullPath = :seenPath' : ''}`,
      names: {
        '#by': 'by',
        ...(seen ? { '#name': 'name' } : {}),
        ...Object.fromEntries(fields.map((field) => [`#${field}`, field])),
      },
      values: {
        ':by': by,
        ...(seen ? { ':seenName': seen.name, ':seenPath': seen.fullPath } : {}),
        ...Object.fromEntries(fields.map((field) => [`:${field}`, values[field]])),
      },
      otherwise: () => new Overtaken(),
    }
  }

  const depart = async (project: Project, next: Project, more: readonly Write[], by: string): Promise<Project> => {
    const counts = await ownCounts(project.id)
    const left: Place = { visibility: project.visibility, ancestorIds: project.ancestorIds }
    const gone = new Map(groupShelvesAt(left).map((shelf) => [shelf.id, shelf]))
    const moved: Project = { ...next, transit: { id: randomUUID(), left, counts: Object.fromEntries(counts) } }
    await table.transact(() => [
      // The contents of groups and the path were prepared with the name and path that were read.
      projectWrite(moved, by, DEPARTING, project),
      { put: { ...transitKey(project.id), projectId: project.id } },
      ...unionOf(left, next).map((groupId): Write => {
        const shelf = gone.get(groupId)
        return {
          update: transitsKey(groupId),
          expression: 'SET #mark = :mark ADD revision :one',
          names: { '#mark': transitMark(project.id) },
          values: {
            ':mark': { shelf: shelf ? tallyPrefix(shelf) : null, counts: shelf ? Object.fromEntries(counts) : {} },
            ':one': 1,
          },
        }
      }),
      ...more.map(decidedOnce),
    ])
    return { ...moved, placement: project.placement + 1, held: null }
  }

  /** A change of the path alone: no shelf knows it. */
  const rename = (project: Project, { path, fullPath }: Project, more: readonly Write[]): Promise<void> =>
    table.transact(() => [
      {
        update: projectKey(project.id),
        expression: 'SET #path = :path, fullPath = :fullPath',
        if: 'fullPath = :before AND deletedAt = :none AND held = :none AND #name = :name',
        names: { '#path': 'path', '#name': 'name' },
        values: {
          ':path': path,
          ':fullPath': fullPath,
          ':before': project.fullPath,
          ':none': null,
          ':name': project.name,
        },
        otherwise: () => new Overtaken(),
      },
      ...more.map(decidedOnce),
    ])

  /** The last step: the groups count the project again, and nothing tells of a transit any more. */
  const arrive = async (project: Project, by: string): Promise<void> => {
    const counts = await ownCounts(project.id)
    const { left, counts: counted } = project.transit as NonNullable<Project['transit']>
    const minus = sumOf([new Map(Object.entries(counted).map(([slot, count]) => [slot, -count]))])
    const changes = new Map<string, { shelf: Shelf; counts: Counts }>()
    for (const [shelf, share] of [
      ...groupShelvesAt(left).map((shelf) => [shelf, minus] as const),
      ...groupShelvesAt(project).map((shelf) => [shelf, counts] as const),
    ]) {
      const pk = shelfPartition(shelf)
      changes.set(pk, { shelf, counts: sumOf([changes.get(pk)?.counts ?? new Map(), share]) })
    }
    const shard = Math.floor(Math.random() * TALLY_SHARDS)
    await table.transact(() => [
      projectWrite({ ...project, transit: null }, by, ARRIVING),
      { delete: transitKey(project.id) },
      ...unionOf(left, project).map(
        (groupId): Write => ({
          update: transitsKey(groupId),
          expression: 'REMOVE #mark ADD revision :one',
          names: { '#mark': transitMark(project.id) },
          values: { ':one': 1 },
        }),
      ),
      ...[...changes.values()].flatMap(({ shelf, counts: share }) => addWrites(tallyKey(shelf, shard), share)),
    ])
  }

  /**
   * Copies rows from the project's own partition to those of its new groups and removes them from those it left. A
   * row that changes meanwhile is read again, so no copy is ever older than its original.
   */
  const copy = async (
    stage: Stage,
    project: Project,
    from: Note | undefined,
    isOver: () => boolean,
  ): Promise<boolean> => {
    const { own, to, away } = stagesOf(project)[stage]
    const perPage = Math.max(1, Math.floor(ACTIONS / (1 + to.length + away.length)))
    let after = from?.stage === stage ? from.after : undefined
    if (to.length + away.length === 0) return true

    for (let pages = 1; ; pages++) {
      let next: Item | undefined
      await table.transact(async () => {
        const page = await table.query({ pk: own }, perPage, after)
        next = page.next
        const rows = page.items.filter(isRow)
        if (rows.length === 0) return []
        const copies = rows.flatMap((item): Write[] => [
          {
            check: { pk: own, sk: String(item.sk) },
            if: 'revision = :revision',
            values: { ':revision': item.revision },
            otherwise: 'again',
          },
          ...to.map((pk): Write => ({ put: { ...item, pk, sk: String(item.sk) } })),
          ...away.map((pk): Write => ({ delete: { pk, sk: String(item.sk) } })),
        ])
        return [stillInTransit(project), ...copies]
      })
      if (!next) return true
      after = next
      const note = isOver()
      if (note || pages % PAGES_BETWEEN_NOTES === 0) await writeNote(project, { stage, after })
      if (note) return false
    }
  }

  /** Roles know the groups around their project, by which a group knows who has one inside. */
  const carryMembers = async (project: Project): Promise<void> => {
    const source = { kind: 'project', id: project.id } as const
    const members = await table.queryAll({ pk: memberKey(source, 0).pk })
    for (const { userId } of members.map(membershipFromItem)) {
      const keys = [membershipKey(userId, source), memberKey(source, userId)]
      await table.transact(() => [
        stillInTransit(project),
        ...keys.map(
          (key): Write =>
            project.deletedAt === null
              ? {
                  update: key,
                  expression: 'SET #within = :within',
                  names: { '#within': 'within' },
                  values: { ':within': project.ancestorIds },
                  if: 'attribute_exists(pk)',
                  otherwise: () => new Overtaken(),
                }
              : { delete: key },
        ),
      ])
    }
  }

  const writeNote = (project: Project, note: Note): Promise<void> =>
    table.transact(() => [
      stillInTransit(project),
      { update: transitKey(project.id), expression: 'SET note = :note', values: { ':note': note } },
    ])

  const readNote = async (id: number): Promise<Note | undefined> =>
    (await table.get(transitKey(id)))?.note as Note | undefined

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
      try {
        const note = await readNote(id)
        if (note?.stage !== 'names' && !(await copy('entries', project, note, isOver))) return false
        if (!(await copy('names', project, note, isOver))) return false
        await carryMembers(project)
        await holding(project, (by) => arrive(project, by))
      } catch (error) {
        ignoreOvertaken(error)
        if (isOver()) return false
        await sleep(WAIT_MS)
      }
    }
  }

  return {
    placed,
    settle,

    /** The projects whose rows have not all arrived. */
    async listInTransit(): Promise<number[]> {
      return (await table.queryAll({ pk: TRANSIT_PARTITION })).map(({ projectId }) => Number(projectId))
    },

    /**
     * Gives a project another place. Every list is right as soon as this returns; `settle` does the rest.
     * @param change what becomes of the project as it stands, with the writes that go with it; called for each try
     */
    async move(
      id: number,
      change: (project: Project) => Promise<{ next: Project; writes: Write[] }>,
    ): Promise<Project> {
      for (const isOver = deadline(); ; ) {
        const project = await read(id)
        if (project.deletedAt !== null) throw notFound('project')
        if (isOver()) throw new PackagesError({ code: 'busy' })
        if (project.held) {
          await release(project)
          await sleep(WAIT_MS)
          continue
        }
        const { next, writes } = await change(project)
        const staysInPlace = samePlace(project, next) && next.deletedAt === null
        if (staysInPlace && writes.length === 0) return project
        // A second change waits for the first to arrive: what it leaves is then one place.
        if (project.transit && !staysInPlace) {
          if (!(await settle(id, isOver))) throw new PackagesError({ code: 'busy' })
          continue
        }
        try {
          if (!staysInPlace) return await holding(project, (by) => depart(project, next, writes, by))
          await rename(project, next, writes)
          return next
        } catch (error) {
          ignoreOvertaken(error)
          await sleep(WAIT_MS)
        }
      }
    },
  }
}

/** How long a request may spend on moving rows: well below API Gateway's 29 seconds. */
const SETTLE_FOR_MS = 15_000

const deadline = () => {
  const end = Date.now() + SETTLE_FOR_MS
  return () => Date.now() > end
}

/** Holds as long as the transit is the one that was read: a step that was delayed must not undo a later one. */
const stillInTransit = ({ id, transit }: Project): Write => ({
  check: projectKey(id),
  if: 'transit.#id = :id',
  names: { '#id': 'id' },
  values: { ':id': transit?.id },
  otherwise: () => new Overtaken(),
})

/** Under a hold nothing is prepared anew: what a write did not expect is for the next try to see. */
const decidedOnce = (write: Write): Write =>
  write.otherwise === 'again' ? { ...write, otherwise: () => new Overtaken() } : write

type Stage = 'entries' | 'names'
/** How far the copying has come: a key after which to go on. */
type Note = { stage: Stage; after: Item }

const stagesOf = (project: Project): Record<Stage, { own: string; to: string[]; away: string[] }> => {
  const own: Shelf = { kind: 'project', id: project.id }
  const [to, away] = [groupShelvesAt(project), shelvesLeft(project)]
  const stage = (partition: (shelf: Shelf) => string) => ({
    own: partition(own),
    to: to.map(partition),
    away: away.map(partition),
  })
  return { entries: stage(shelfPartition), names: stage(namesPartition) }
}

/** The project itself stands in the partition of its shelf. */
const isRow = ({ sk }: Item) => sk !== 'META'

/** The counters of a tally: everything numeric that is named like a slot. */
const countsOf = (item: Item): Counts =>
  new Map(Object.entries(item).flatMap(([name, count]) => (name.includes(':') ? [[name, Number(count)] as const] : [])))

/** What a group's transits tell of one project. `shelf` is the tally that still counts it, null when none does. */
export type Mark = { projectId: number; shelf: string | null; counts: Record<string, number> }

export const marksOf = (transits: Item | undefined): Mark[] =>
  Object.entries(transits ?? {}).flatMap(([name, mark]) => {
    const projectId = projectOfMark(name)
    return projectId === undefined ? [] : [{ projectId, ...(mark as Omit<Mark, 'projectId'>) }]
  })

const ignoreOvertaken = (error: unknown) => {
  if (!(error instanceof Overtaken)) throw error
}
