/**
 * What a group remembers of the things in transit in it or around it, in one item among its tallies. Whatever changes
 * which groups are where writes this item of each group concerned, so that none of two changes overlooks the other.
 */
import { type Source, transitsKey } from './keys.ts'
import { type Counts, sumOf } from './shelves.ts'
import type { Item, Write } from './table.ts'

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

/** @param moved what the group's tallies are to count more, or less, from now on; see `talliesOf` */
export const unmarkWrite = (groupId: number, thing: Source, moved: Counts = new Map()): Write => {
  const additions = [...moved]
  return {
    update: transitsKey(groupId),
    expression: `REMOVE #mark ADD ${['revision :one', 'inside :minus', ...additions.map((_, n) => `#moved${n} :moved${n}`)].join(', ')}`,
    names: {
      '#mark': nameOf(thing),
      ...Object.fromEntries(additions.map(([name], n) => [`#moved${n}`, name])),
    },
    values: {
      ':one': 1,
      ':minus': -1,
      ...Object.fromEntries(additions.map(([, count], n) => [`:moved${n}`, count])),
    },
  }
}

/** Holds while nothing is in transit in the group and nothing was made in it since `transits` was read. */
export const startMovingWrite = (groupId: number, transitId: string, transits: Item | undefined): Write => {
  const seen = ['revision', 'changes'].map((name) =>
    transits?.[name] === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`,
  )
  const values = ['revision', 'changes'].filter((name) => transits?.[name] !== undefined)
  return {
    update: transitsKey(groupId),
    expression: 'SET moving = :id',
    if: [STILL, '(attribute_not_exists(inside) OR inside = :zero)', ...seen].join(' AND '),
    values: {
      ':id': transitId,
      ':zero': 0,
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
