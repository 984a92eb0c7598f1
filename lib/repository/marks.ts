/**
 * What a group remembers of the things in transit in it or around it, in one item among its tallies. Whatever changes
 * which groups are where writes this item of each group concerned, so that none of two changes overlooks the other.
 */
import { type Source, transitsKey } from './keys.ts'
import { type Counts, sumOf } from './shelves.ts'
import type { Item, Table, Write } from './table.ts'

/** A group that a change of structure needs to stand still is itself on its way. */
export class InMotion extends Error {
  readonly groupId: number

  constructor(groupId: number) {
    super(`group ${groupId} is in transit`)
    this.groupId = groupId
  }
}

/** By the beginning of a tally's sort key (`tallyPrefix`), how many of each slot it counts. */
export type Share = Record<string, Record<string, number>>

/** What a group's transits tell of one thing: `share` is what the tallies of the group still count of it. */
export type Mark = Source & { share: Share }

const nameOf = ({ kind, id }: Source) => `${kind}:${id}`

export const marksOf = (transits: Item | undefined): Mark[] =>
  Object.entries(transits ?? {}).flatMap(([name, share]) => {
    const [, kind, id] = /^(group|project):(\d+)$/.exec(name) ?? []
    return id === undefined ? [] : [{ kind: kind as Source['kind'], id: Number(id), share: share as Share }]
  })

/** How often things have departed from or arrived around the group. */
export const revisionOf = (transits: Item | undefined) => Number(transits?.revision ?? 0)

const STILL = 'attribute_not_exists(moving)'

export const markWrite = (groupId: number, thing: Source, share: Share): Write => ({
  update: transitsKey(groupId),
  expression: 'SET #mark = :share ADD revision :one, inside :one',
  names: { '#mark': nameOf(thing) },
  values: { ':share': share, ':one': 1 },
  if: STILL,
  otherwise: () => new InMotion(groupId),
})

/**
 * Forgets a transit, but for the time of it.
 * @param moved what the group's tallies are to count more, or less, from now on; see `talliesOf`
 */
export const unmarkWrite = (groupId: number, thing: Source, moved: Counts = new Map()): Write => {
  const additions = [...moved]
  return {
    update: transitsKey(groupId),
    expression: `REMOVE #mark SET #over = :over ADD ${['revision :one', 'inside :minus', ...additions.map((_, n) => `#moved${n} :moved${n}`)].join(', ')}`,
    names: {
      '#mark': nameOf(thing),
      '#over': `${OVER}${nameOf(thing)}`,
      ...Object.fromEntries(additions.map(([name], n) => [`#moved${n}`, name])),
    },
    values: {
      ':over': Date.now(),
      ':one': 1,
      ':minus': -1,
      ...Object.fromEntries(additions.map(([, count], n) => [`:moved${n}`, count])),
    },
  }
}

/** Stands before the name of a thing whose transit is over, with the time of that in milliseconds. */
const OVER = 'over:'
/** In place of the single things, when they were too many to remember. */
const ALL_OVER = 'over'
const MOST_OVER = 100
/** An expression has 4 KB at the most. */
const REMOVED_AT_ONCE = 200
/** An index of DynamoDB is behind by less than a second; this long none is taken to be. */
const INDEXES_BEHIND_MS = 24 * 60 * 60 * 1000

const overIn = (transits: Item | undefined) =>
  Object.entries(transits ?? {}).flatMap(([name, at]) => {
    const [, kind, id] = /^over:(group|project):(\d+)$/.exec(name) ?? []
    return id === undefined ? [] : [{ name, kind: kind as Source['kind'], id: Number(id), at: Number(at) }]
  })

/** Says which things were in transit so lately that an index may still show where they were. */
export const recentIn = (transits: Item | undefined, now: number = Date.now()): ((thing: Source) => boolean) => {
  const since = now - INDEXES_BEHIND_MS
  if (Number(transits?.[ALL_OVER] ?? 0) > since) return () => true
  const recent = new Set(overIn(transits).flatMap((one) => (one.at > since ? [nameOf(one)] : [])))
  return (thing) => recent.has(nameOf(thing))
}

/** No two reads of one request are so far apart, as API Gateway waits 29 seconds for it; clocks differ by less than one. */
const REQUEST_MS = 30 * 1000

/** Whether something is in transit, or was so lately that what was read beside this may still be of that time. */
export const isMovingIn = (transits: Item | undefined, now: number = Date.now()): boolean =>
  marksOf(transits).length > 0 ||
  [Number(transits?.[ALL_OVER] ?? 0), ...overIn(transits).map(({ at }) => at)].some((at) => at > now - REQUEST_MS)

/** Removes what is remembered no longer, so that the item stays small. Whoever does not come to it leaves it to the next. */
export const tidyTransits = async (table: Pick<Table, 'get' | 'update'>, groupId: number): Promise<void> => {
  const transits = await table.get(transitsKey(groupId))
  const over = overIn(transits)
  const isFull = over.length > MOST_OVER
  const gone = over.filter(({ at }) => isFull || at <= Date.now() - INDEXES_BEHIND_MS).slice(0, REMOVED_AT_ONCE)
  if (gone.length === 0) return
  await table.update({
    update: transitsKey(groupId),
    expression: `REMOVE ${gone.map((_, n) => `#gone${n}`).join(', ')}${isFull ? ' SET #all = :now' : ''}`,
    if: 'revision = :revision',
    names: {
      ...Object.fromEntries(gone.map(({ name }, n) => [`#gone${n}`, name])),
      ...(isFull ? { '#all': ALL_OVER } : {}),
    },
    values: { ':revision': transits?.revision, ...(isFull ? { ':now': Date.now() } : {}) },
  })
}

/** Holds while nothing is in transit in the group and nothing was made in it since `transits` was read. */
export const startMovingWrite = (groupId: number, transitId: string, transits: Item | undefined): Write => {
  const seen = ['revision', 'changes'].map((name) =>
    transits?.[name] === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`,
  )
  const values = ['revision', 'changes'].filter((name) => transits?.[name] !== undefined)
  return {
    update: transitsKey(groupId),
    // Who lists the group itself notices by the revision that it leaves.
    expression: 'SET moving = :id ADD revision :one',
    if: [STILL, '(attribute_not_exists(inside) OR inside = :zero)', ...seen].join(' AND '),
    values: {
      ':id': transitId,
      ':zero': 0,
      ':one': 1,
      ...Object.fromEntries(values.map((name) => [`:${name}`, transits?.[name]])),
    },
    otherwise: 'again',
  }
}

export const stopMovingWrite = (groupId: number): Write => ({
  update: transitsKey(groupId),
  expression: 'REMOVE moving ADD revision :one',
  values: { ':one': 1 },
})

/** Holds as long as none of these groups is in transit, and tells those that they are not empty as they were. */
export const standStillWrites = (groupIds: readonly number[]): Write[] =>
  groupIds.map((groupId) => ({
    update: transitsKey(groupId),
    expression: 'ADD changes :one',
    values: { ':one': 1 },
    if: STILL,
    otherwise: () => new InMotion(groupId),
  }))

/**
 * The tallies of a group as they count: those of its own, and what arrived and left as a whole, which stands with the
 * transits because one write brings it for all tallies of the group.
 */
export const talliesOf = (items: readonly Item[]): Item[] => items.flatMap((item) => [item, ...movedTallies(item)])

const movedTallies = (item: Item): Item[] =>
  Object.entries(item).flatMap(([name, count]) => {
    const [, prefix, slot] = /^(\w+#\w+#)(.+)$/.exec(name) ?? []
    return prefix === undefined || slot === undefined ? [] : [{ sk: `${prefix}moved`, [slot]: count }]
  })

/** Tallies that take off what the tallies beside them still count. */
export const takenOff = ({ share }: Mark): Item[] =>
  Object.entries(share).map(([prefix, counts]) => ({
    sk: `${prefix}-`,
    ...Object.fromEntries(Object.entries(counts).map(([slot, count]) => [slot, -count])),
  }))

/** What a group's tallies gain when they no longer count one share and count the other. */
export const movedBetween = (before: Share, after: Share): Counts => sumOf([namedIn(before, -1), namedIn(after, 1)])

const namedIn = (share: Share, sign: 1 | -1): Counts =>
  new Map(
    Object.entries(share).flatMap(([prefix, counts]) =>
      Object.entries(counts).map(([slot, count]) => [`${prefix}${slot}`, sign * count] as const),
    ),
  )
