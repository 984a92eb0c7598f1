import { randomUUID } from 'node:crypto'
import { families } from '../domain/listing.ts'
import { ignoreOvertaken, Overtaken, overtaken } from '../domain/overtaken.ts'
import { type Due, dueFromItem, type SegmentsHead, segmentNodeFromItem } from './items.ts'
import {
  COUNTING_PARTITION,
  countingKey,
  type Key,
  type Shelf,
  type Source,
  segmentNodeKey,
  segmentsKey,
  segmentsPartition,
  shelfPartition,
  tallyPartition,
  transitsKey,
  uncountedName,
} from './keys.ts'
import { revisionOf, talliesOf } from './marks.ts'
import { MILESTONE_INDEXES, milestoneItems, readMilestones } from './milestones.ts'
import {
  addTo,
  type Counts,
  FANOUT,
  levelOf,
  nodeName,
  readHead,
  readRows,
  type SegmentRow,
  segmentRow,
  span,
  uncountedIn,
} from './segments.ts'
import { everyGroupShelf } from './shelves.ts'
import { chunks, type Item, type Table, type Write } from './table.ts'

/** What is due stays so this long after the last change: whoever noted it may still be about to change something. */
const QUIET_MS = 2 * 60 * 1000
/** What is counted is written so many items at a time. */
const ITEMS_AT_ONCE = 50
/** With so many times the packages that there were, the milestones stand too far apart. */
const GROWTH = 2

/** Notes that the shelves of a project or group, and of the groups around it, are to be counted. */
export const noteDue = (table: Pick<Table, 'update'>, { kind, id }: Source): Promise<void> =>
  table.update({
    update: countingKey({ kind, id }),
    expression: 'SET kind = :kind, id = :id, #at = :at',
    names: { '#at': 'at' },
    values: { ':kind': kind, ':id': id, ':at': new Date().toISOString() },
  })

/** Keeps the counts by segment. Whoever stops half-way has broken nothing; two at once do no harm. */
export const countingRepository = (table: Table) => {
  /**
   * Counts a whole shelf into a new generation of nodes and milestones. What changes meanwhile is noted as uncounted, and
   * what was before stays so.
   */
  const countWhole = async (shelf: Shelf, { head, transits }: ReturnType<typeof readHead>): Promise<void> => {
    const generation = randomUUID().slice(0, 8)
    const outdated = await listOutdated(shelf, head)
    const rows: ReturnType<typeof segmentRow>[] = []
    let after: Item | undefined
    do {
      const page = await table.query({ pk: shelfPartition(shelf) }, undefined, after)
      rows.push(...page.items.filter(({ sk }) => sk !== 'META').map(segmentRow))
      after = page.next
    } while (after)

    const level = levelOf(rows.reduce((last, { segment }) => Math.max(last, segment), 0))
    const written = { revision: 0 }
    const puts = [
      ...nodesOf(rows, level).map(({ level, number, counts }) => ({
        ...segmentNodeKey(shelf, generation, level, number),
        ...written,
        counts,
      })),
      ...milestoneItems(shelf, generation, rows).map((item) => ({ ...item, ...written })),
    ]
    for (const some of chunks(puts, ITEMS_AT_ONCE)) await table.transact(() => some.map((put) => ({ put })))

    const next: SegmentsHead = {
      generation,
      revision: 0,
      level,
      renewAt: rows.length * GROWTH,
      transits: revisionOf(transits),
    }
    await table.transact(() => [
      headWrite(shelf, next, head),
      ...(shelf.kind === 'group' ? [stillWrite(shelf.id, transits)] : []),
    ])
    for (const some of chunks(outdated, ITEMS_AT_ONCE)) {
      await table.transact(() => some.map((key): Write => ({ delete: key })))
    }
  }

  /**
   * What nobody reads any more once a new generation is there, those first by which the rest is found. It is listed before:
   * what another count began meanwhile, of the head that this one writes, is none of it.
   */
  const listOutdated = async (shelf: Shelf, head: SegmentsHead | undefined): Promise<Key[]> => {
    const all = await table.queryAll({ pk: segmentsPartition(shelf) })
    return all
      .map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) }))
      .filter(({ sk }) => sk.split(' ')[0] !== head?.generation)
      .toReversed()
  }

  /** Puts a node above the top, in which the top so far is the first part. */
  const raise = async (shelf: Shelf): Promise<void> => {
    await table.transact(async () => {
      const { head, isValid } = readHead(shelf, await readTallies(shelf))
      if (!head || !isValid) return []
      const [top] = await table.getAll([segmentNodeKey(shelf, head.generation, head.level, 0)])
      if (!top) throw new Error(`a shelf without its top node: ${shelfPartition(shelf)}`)
      const counts: Counts = {}
      for (const [slot, parts] of Object.entries(segmentNodeFromItem(top).counts)) addTo(counts, slot, 0, sum(parts))
      const next = { ...head, revision: head.revision + 1, level: head.level + 1 }
      const node = { revision: next.revision, counts, revisions: [head.revision] }
      return [
        { put: { ...segmentNodeKey(shelf, next.generation, next.level, 0), ...node } },
        headWrite(shelf, next, head),
      ]
    })
  }

  /** Counts the uncounted segments of one node, and takes off the notes that were there before they were read. */
  const countSegments = async (shelf: Shelf, number: number): Promise<void> => {
    await table.transact(async () => {
      const { head, isValid, uncounted, shards } = readHead(shelf, await readTallies(shelf))
      const segments = [...uncounted].filter((segment) => Math.floor(segment / FANOUT) === number)
      if (!head || !isValid || segments.length === 0) return []
      const path = Array.from({ length: head.level + 1 }, (_, level) => ({
        level,
        key: segmentNodeKey(shelf, head.generation, level, Math.floor(number / span(level))),
      }))
      const [there, counted, stored] = await Promise.all([
        table.getAll(path.map(({ key }) => key)),
        readRows(table, shelf, families, segments),
        readMilestones(table, shelf, head, MILESTONE_INDEXES, segments),
      ])
      if (!stored) throw new Overtaken()
      const nodes = path.map(({ level, key }) => {
        const item = there.find(({ sk }) => sk === key.sk)
        return { level, key, ...(item ? segmentNodeFromItem(item) : { counts: {}, revisions: [] }) }
      })
      const known: Counts = structuredClone(nodes[0]?.counts ?? {})
      for (const segment of segments) {
        const rows = counted.get(segment) ?? []
        const now = Map.groupBy(rows, ({ slot }) => slot)
        for (const slot of new Set([...now.keys(), ...Object.keys(known)])) {
          const more = (now.get(slot)?.length ?? 0) - (known[slot]?.[segment % FANOUT] ?? 0)
          for (const { level, counts } of more === 0 ? [] : nodes) {
            addTo(counts, slot, Math.floor(segment / span(level)) % FANOUT, more)
          }
        }
        stored.recount(segment, rows)
      }
      const revision = head.revision + 1
      const next = { ...head, revision, renewAt: stored.isUneven() ? 0 : head.renewAt }
      return [
        ...nodes.map(({ level, key, counts, revisions }): Write => {
          const part = Math.floor(number / span(level - 1)) % FANOUT
          const below = level === 0 ? {} : { revisions: withRevision(revisions, part, revision) }
          return { put: { ...key, revision, counts, ...below } }
        }),
        ...stored.items().map((item): Write => ({ put: { ...item, revision } })),
        headWrite(shelf, next, head),
        ...shards.flatMap((tally) => countedWrites(tally, segments)),
      ]
    })
  }

  const readTallies = async (of: Source): Promise<Item[]> => talliesOf(await table.queryAll({ pk: tallyPartition(of) }))

  return {
    async listDue(): Promise<Due[]> {
      return (await table.queryAll({ pk: COUNTING_PARTITION })).map(dueFromItem)
    },

    /** Nothing changed for a while and all is counted: the note goes, unless somebody renewed it. */
    async forget({ kind, id, at }: Due, now: string): Promise<void> {
      if (Date.parse(now) - Date.parse(at) < QUIET_MS) return
      await table
        .transact(() => [
          {
            delete: countingKey({ kind, id }),
            if: '#at = :at',
            names: { '#at': 'at' },
            values: { ':at': at },
            otherwise: overtaken,
          },
        ])
        .catch(ignoreOvertaken)
    },

    /**
     * Brings the counts of a project's shelf or of a group's shelves up to date.
     * @returns whether they are; while something is in transit in a group, they cannot be
     */
    async count(source: Source): Promise<boolean> {
      const shelves: Shelf[] =
        source.kind === 'project' ? [{ kind: 'project', id: source.id }] : everyGroupShelf(source.id)
      try {
        const tallies = await readTallies(source)
        for (const shelf of shelves) {
          const before = readHead(shelf, tallies)
          if (!before.isStill) return false
          const isUsable = before.isValid && !before.isOutgrown
          if (before.isSmall || (isUsable && before.uncounted.size === 0)) continue
          if (!isUsable) await countWhole(shelf, before)
          const { head, uncounted } = isUsable ? before : readHead(shelf, await readTallies(shelf))
          const most = Math.max(0, ...uncounted)
          for (let level = head?.level ?? 0; level < levelOf(most); level++) await raise(shelf)
          for (const number of new Set([...uncounted].map((segment) => Math.floor(segment / FANOUT)))) {
            await countSegments(shelf, number)
          }
        }
        return true
      } catch (error) {
        ignoreOvertaken(error)
        return false
      }
    },
  }
}

/** The nodes up to a level that count these rows. */
const nodesOf = (rows: readonly (SegmentRow & { segment: number })[], top: number) => {
  const nodes = new Map<string, { level: number; number: number; counts: Counts }>([
    [nodeName(top, 0), { level: top, number: 0, counts: {} }],
  ])
  for (let level = 0; level <= top; level++) {
    for (const { segment, slot } of rows) {
      const part = Math.floor(segment / span(level))
      const number = Math.floor(part / FANOUT)
      const node = nodes.get(nodeName(level, number)) ?? { level, number, counts: {} }
      addTo(node.counts, slot, part % FANOUT, 1)
      nodes.set(nodeName(level, number), node)
    }
  }
  return [...nodes.values()]
}

const withRevision = (revisions: readonly number[], part: number, revision: number): number[] =>
  Array.from({ length: Math.max(revisions.length, part + 1) }, (_, n) => (n === part ? revision : (revisions[n] ?? 0)))

const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0)

const headWrite = (shelf: Shelf, next: SegmentsHead, seen: SegmentsHead | undefined): Write => ({
  put: { ...segmentsKey(shelf), ...next },
  ...(seen
    ? {
        if: 'generation = :generation AND revision = :revision',
        values: { ':generation': seen.generation, ':revision': seen.revision },
      }
    : { if: 'attribute_not_exists(pk)' }),
  otherwise: overtaken,
})

/** Holds as long as nothing departed from the group or arrived in it. */
const stillWrite = (groupId: number, transits: Item | undefined): Write => ({
  check: transitsKey(groupId),
  ...(transits?.revision === undefined
    ? { if: 'attribute_not_exists(revision)' }
    : { if: 'revision = :revision', values: { ':revision': transits.revision } }),
  otherwise: overtaken,
})

/** Takes the notes off a tally, if no change was added to them. */
const countedWrites = (tally: Item, segments: readonly number[]): Write[] => {
  const seen = [...uncountedIn(tally)].filter(([segment]) => segments.includes(segment))
  if (seen.length === 0) return []
  return [
    {
      update: { pk: String(tally.pk), sk: String(tally.sk) },
      expression: `REMOVE ${seen.map((_, n) => `#segment${n}`).join(', ')}`,
      if: seen.map((_, n) => `#segment${n} = :seen${n}`).join(' AND '),
      names: Object.fromEntries(seen.map(([segment], n) => [`#segment${n}`, uncountedName(segment)])),
      values: Object.fromEntries(seen.map(([, changes], n) => [`:seen${n}`, changes])),
      otherwise: overtaken,
    },
  ]
}
