import { isDeepStrictEqual } from 'node:util'
import { overtaken } from '../domain/overtaken.ts'
import { type Membership, notedIn } from '../domain/permissions.ts'
import type { Located, Project } from '../domain/project.ts'
import { hashedRow, isHashed, isUnchanged, membershipFromItem, withoutHash } from './items.ts'
import {
  type Key,
  memberKey,
  membershipKey,
  namesPartition,
  type Source,
  shelfPartition,
  TRANSIT_PARTITION,
  transitKey,
  transitPrefix,
} from './keys.ts'
import { endRoleWrites } from './members.ts'
import { isThere } from './places.ts'
import { placeOn, type Standing, standingOf } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'

/** Below DynamoDB's 100 actions a transaction. */
const ACTIONS = 90
/** How often the place reached is written down: more costs writes, less costs work done twice after a stop. */
const PAGES_BETWEEN_NOTES = 20

const stages = ['entries', 'names'] as const
type Stage = (typeof stages)[number]

/**
 * How far a transit has come: with rows, up to a key of a project after which to go on; or, when they are all there, with
 * so many steps of the things that follow.
 */
export type Note = { stage: Stage; projectId: number; after?: Item | undefined } | { stage: 'things'; done: number }

/** The project itself stands in the partition of its shelf. */
const isRow = ({ sk }: Item) => sk !== 'META'

const partitions: Record<Stage, typeof shelfPartition> = { entries: shelfPartition, names: namesPartition }

/** Where copies of a project's own rows are written, and what they have there besides what these have. */
const copiesOf: Record<Stage, (standing: Standing, project: Project) => (Item & { pk: string })[]> = {
  entries: ({ awaiting }, project) =>
    awaiting.map((shelf) => ({ ...placeOn(shelf, project), pk: shelfPartition(shelf) })),
  names: ({ gained }) => gained.map((shelf) => ({ pk: namesPartition(shelf) })),
}

/** What of a transit follows the change in steps. Every step holds as long as `still` does, and may be done twice. */
export const openRows = (table: Table, thing: Source, still: Write) => {
  const writeNote = (note: Note): Promise<void> =>
    table.transact(() => [
      still,
      { update: transitKey(thing), expression: 'SET note = :note', values: { ':note': note } },
    ])

  /**
   * Copies rows from the project's own partition to those of the groups that await it and removes them from those it
   * left. A row that changes meanwhile is read again, so no copy is ever older than its original.
   */
  const carryStage = async (
    located: Located<Project>,
    stage: Stage,
    from: Item | undefined,
    isOver: () => boolean,
  ): Promise<boolean> => {
    const standing = standingOf(located)
    const own = partitions[stage](standing.own)
    const to = copiesOf[stage](standing, located.thing)
    const away = standing.left.map(partitions[stage])
    if (to.length + away.length === 0) return true

    /** A row tells the new place itself, too, unless it ends with its project or a group around that. */
    const isStaying = [located.thing, ...located.ancestors].every(isThere)
    const isTelling = (item: Item) => stage !== 'entries' || !isStaying || isHashed(item, located.thing)

    const perPage = Math.max(1, Math.floor(ACTIONS / (1 + to.length + away.length)))
    let after = from
    for (let pages = 1; ; pages++) {
      let next: Item | undefined
      await table.transact(async () => {
        const page = await table.query({ pk: own }, perPage, after)
        next = page.next
        const rows = page.items.filter(isRow)
        if (rows.length === 0) return []
        const copies = rows.flatMap((item): Write[] => {
          const sk = String(item.sk)
          const key = { pk: own, sk }
          const unchanged = { ...isUnchanged(item), otherwise: 'again' } as const
          const copied = withoutHash(item)
          return [
            isTelling(item)
              ? { check: key, ...unchanged }
              : { put: { ...item, ...hashedRow(located.thing), ...key }, ...unchanged },
            ...to.map((there): Write => ({ put: { ...copied, ...there, sk } })),
            ...away.map((pk): Write => ({ delete: { pk, sk } })),
          ]
        })
        return [still, ...copies]
      })
      if (!next) return true
      after = next
      const isEnd = isOver()
      if (isEnd || pages % PAGES_BETWEEN_NOTES === 0) await writeNote({ projectId: located.thing.id, stage, after })
      if (isEnd) return false
    }
  }

  return {
    writeNote,

    async readNote(): Promise<Note | undefined> {
      return (await table.get(transitKey(thing)))?.note as Note | undefined
    },

    /** @returns whether all rows of the project are where they belong */
    async carryProject(located: Located<Project>, note: Note | undefined, isOver: () => boolean): Promise<boolean> {
      const noted = note && note.stage !== 'things' && note.projectId === located.thing.id ? note : undefined
      for (const stage of stages.slice(noted ? stages.indexOf(noted.stage) : 0)) {
        const from = noted?.stage === stage ? noted.after : undefined
        if (!(await carryStage(located, stage, from, isOver))) return false
      }
      return true
    },

    /**
     * Roles know the groups around their place, by which a group knows who has one inside, and what else decides where
     * lists have a project. They end with the place.
     */
    async carryMembers(
      source: Source,
      place: Pick<Project, 'ancestorIds' | 'path' | 'visibility'> | null,
    ): Promise<void> {
      const members = await table.queryAll({ pk: memberKey(source, 0).pk })
      const noted = place && notedIn(source.kind, place)
      const isBehind = ({ within, project }: Membership) =>
        !isDeepStrictEqual({ within, ...(project ? { project } : {}) }, noted)
      for (const { userId } of members.map(membershipFromItem).filter(isBehind)) {
        await table.transact(async () => [
          still,
          ...(noted === null
            ? await endRoleWrites(table, userId, source)
            : [membershipKey(userId, source), memberKey(source, userId)].map((key) => notedWrite(key, noted))),
        ])
      }
    },
  }
}

const notedWrite = (key: Key, { within, project }: ReturnType<typeof notedIn>): Write => ({
  update: key,
  expression: `SET #within = :within${project ? ', #project = :project' : ''}`,
  names: { '#within': 'within', ...(project ? { '#project': 'project' } : {}) },
  values: { ':within': within, ...(project ? { ':project': project } : {}) },
  if: 'attribute_exists(pk)',
  otherwise: overtaken,
})

/** The ids of all groups or projects in transit. */
export const listTransits = async (table: Pick<Table, 'queryAll'>, kind: Source['kind']): Promise<number[]> =>
  (await table.queryAll({ pk: TRANSIT_PARTITION, prefix: transitPrefix(kind) })).map(({ id }) => Number(id))
