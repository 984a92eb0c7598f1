import { isDeepStrictEqual } from 'node:util'
import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import { isListed, slotName, slotOf } from '../../lib/domain/listing.ts'
import { isDisplayable, type Package } from '../../lib/domain/package.ts'
import type { Membership } from '../../lib/domain/permissions.ts'
import {
  FEW_PACKAGES,
  type Group,
  isMoreVisible,
  NO_PUBLICATIONS,
  type Project,
  type Publications,
  placeInside,
} from '../../lib/domain/project.ts'
import { entryFromItem, placeHash } from '../../lib/repository/items.ts'
import { padded, pathSortKeys, segmentOf, UNCOUNTED } from '../../lib/repository/keys.ts'
import { FANOUT } from '../../lib/repository/segments.ts'
import type { Item } from '../../lib/repository/table.ts'
import type { openStore } from './store.ts'

type Store = Awaited<ReturnType<typeof openStore>>
type Row = Item & { pk: string; sk: string }
type Kind = 'group' | 'project'
type Thing = (Group | Project) & Row

/** All items of a table. */
export const scan = async ({ client, tableName }: Pick<Store, 'client' | 'tableName'>): Promise<Row[]> => {
  const rows: Row[] = []
  let after: Item | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName: tableName, ConsistentRead: true, ...(after ? { ExclusiveStartKey: after } : {}) }),
    )
    rows.push(...((page.Items ?? []) as Row[]))
    after = page.LastEvaluatedKey
  } while (after)
  return rows
}

/** What contradicts what in a table in which nothing is on its way: nothing, if all writes kept together what belongs so. */
export const contradictions = async (store: Store): Promise<string[]> => {
  const rows = await scan(store)
  const things = {
    group: thingsOf(rows, /^GROUP#\d+$/),
    project: thingsOf(rows, /^PROJECT#\d+$/),
  }
  return [
    ...placeProblems(things),
    ...contentsProblems(rows, things),
    ...publicationProblems(rows, things),
    ...pathProblems(rows, things),
    ...transitProblems(rows),
    ...roleProblems(rows, things),
    ...shelfProblems(rows, things),
    ...segmentProblems(rows),
  ]
}

type Things = Record<Kind, ReadonlyMap<number, Thing>>

const thingsOf = (rows: readonly Row[], pattern: RegExp) =>
  new Map(rows.filter(({ pk, sk }) => sk === 'META' && pattern.test(pk)).map((row) => [row.id as number, row as Thing]))

const isThere = (thing: Thing | undefined): thing is Thing => thing !== undefined && thing.deletedAt === null

const everything = (things: Things) =>
  (['group', 'project'] as const).flatMap((kind) => [...things[kind].values()].map((thing) => ({ kind, thing })))

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

const placeProblems = (things: Things): string[] =>
  everything(things).flatMap(({ kind, thing }) => {
    const name = `${kind} ${thing.id}`
    if (thing.transit || thing.held) return [`${name} is in transit or held`]
    if (!isThere(thing)) return []
    const parentId = thing.ancestorIds.at(-1)
    if (parentId === undefined) return thing.fullPath === thing.path ? [] : [`${name} has the path ${thing.fullPath}`]
    const parent = things.group.get(parentId)
    if (!isThere(parent)) return [`${name} is in ${parentId}, which is gone`]
    return [
      ...(same([...parent.ancestorIds, parent.id], thing.ancestorIds) ? [] : [`${name} is in ${thing.ancestorIds}`]),
      ...(`${parent.fullPath}/${thing.path}` === thing.fullPath ? [] : [`${name} has the path ${thing.fullPath}`]),
      ...(isMoreVisible(thing.visibility, parent.visibility) ? [`${name} is more visible than ${parentId}`] : []),
    ]
  })

const contentsProblems = (rows: readonly Row[], things: Things): string[] => {
  const found = new Map(rows.filter(({ pk }) => pk.startsWith('CONTENTS#')).map((row) => [`${row.pk} ${row.sk}`, row]))
  const problems = everything(things)
    .filter(({ thing }) => isThere(thing) && !('kind' in thing && thing.kind === 'user'))
    .flatMap(({ kind, thing }) =>
      [0, ...thing.ancestorIds].flatMap((groupId) => {
        const key = `CONTENTS#${padded(groupId)} ${kind.toUpperCase()}#${padded(thing.id)}`
        const row = found.get(key)
        found.delete(key)
        const fields = ['name', 'path', 'visibility', 'ancestorIds'] as const
        if (!row) return [`${key} is missing`]
        const project = kind === 'project' ? (thing as Project) : undefined
        const { listed, others } = project?.publications ?? NO_PUBLICATIONS
        const isSorted = (listed > 0 || others) && groupId > 0
        const { n, v }: { n?: string; v?: string } = project && isSorted ? pathSortKeys(groupId, project) : {}
        const { path, groupIds } = placeInside(groupId, thing)
        const told = isSorted && groupIds.length > 0 ? path : undefined
        const few = isSorted && listed < FEW_PACKAGES ? listed : undefined
        return [
          ...fields.flatMap((field) => (same(row[field], thing[field]) ? [] : [`${key} has another ${field}`])),
          ...(row.n === n && row.v === v ? [] : [`${key} is sorted by another path`]),
          ...(row.w === told ? [] : [`${key} tells another place`]),
          ...(row.c === few ? [] : [`${key} tells of ${row.c} packages`]),
        ]
      }),
    )
  return [...problems, ...[...found.keys()].map((key) => `${key} is of nothing`)]
}

/** Lists by path pass over a project of which too few packages are told. */
const publicationProblems = (rows: readonly Row[], things: Things): string[] => {
  const records = rows.filter(({ pk, sk }) => sk === 'META' && /^PACKAGE#\d+$/.test(pk)) as unknown as Package[]
  const counted = Map.groupBy(
    records.filter(({ status }) => isDisplayable(status)),
    ({ projectId }) => projectId,
  )
  return [...things.project.values()].filter(isThere).flatMap((project) => {
    const { listed, others } = project.publications as Publications
    const shown = counted.get(project.id) ?? []
    const count = shown.filter((one) => isListed(slotOf(one))).length
    return [
      ...(listed < Math.min(FEW_PACKAGES, count)
        ? [`project ${project.id} tells of ${listed} packages of ${count}`]
        : []),
      ...(shown.length > count && !others ? [`project ${project.id} tells of no others`] : []),
    ]
  })
}

const pathProblems = (rows: readonly Row[], things: Things): string[] => {
  const aliases = new Map(rows.filter(({ pk }) => pk.startsWith('PATH#')).map((row) => [row.pk, row]))
  const missing = everything(things).flatMap(({ kind, thing }) => {
    if (!isThere(thing)) return []
    const alias = aliases.get(`PATH#${thing.fullPath.toLowerCase()}`)
    const leads = alias && alias.id === thing.id && alias.kind === kind && alias.movedAt === undefined
    return leads ? [] : [`no path leads to ${kind} ${thing.id}`]
  })
  const wrong = [...aliases.values()].flatMap((alias) => {
    const thing = things[alias.kind as Kind].get(alias.id as number)
    const isUnsettled = alias.leaving !== undefined || alias.from !== undefined
    const isFormerOfGroup = alias.kind === 'group' && alias.movedAt !== undefined
    const isOfNothing =
      alias.movedAt === undefined && !(isThere(thing) && `PATH#${thing.fullPath.toLowerCase()}` === alias.pk)
    return isUnsettled || isFormerOfGroup || isOfNothing ? [`${alias.pk} leads nowhere`] : []
  })
  return [...missing, ...wrong]
}

const transitProblems = (rows: readonly Row[]): string[] =>
  rows.flatMap((row) => {
    if (row.pk === 'TRANSIT') return [`${row.sk} is noted as in transit`]
    if (row.sk !== 'TRANSITS') return []
    const marks = Object.keys(row).filter((name) => /^(group|project):/.test(name))
    const isAtRest = marks.length === 0 && row.moving === undefined && Number(row.inside ?? 0) === 0
    return isAtRest ? [] : [`${row.pk} remembers ${marks}, ${row.moving}, ${row.inside}`]
  })

const roleProblems = (rows: readonly Row[], things: Things): string[] => {
  const roles = rows.filter(({ pk, sk }) => sk.startsWith('MEMBER#') || pk.startsWith('MEMBERS#'))
  const wrong = roles.flatMap((row) => {
    const { source, within, project } = row as unknown as Membership
    const place = things[source.kind].get(source.id)
    if (!isThere(place)) return [`${row.pk} ${row.sk} is of a place that is gone`]
    const { path, visibility } = place
    const noted = source.kind === 'project' ? { path, visibility } : undefined
    return [
      ...(same(place.ancestorIds, within) ? [] : [`${row.pk} ${row.sk} notes ${within} around it`]),
      ...(isDeepStrictEqual(project, noted) ? [] : [`${row.pk} ${row.sk} notes ${JSON.stringify(project)}`]),
    ]
  })
  const counted = rows
    .filter(({ pk, sk }) => sk === 'META' && /^USER#\d+$/.test(pk))
    .flatMap((user) => {
      const count = rows.filter(({ pk, sk }) => pk === user.pk && sk.startsWith('MEMBER#')).length
      return count === user.roles ? [] : [`${user.pk} counts ${user.roles} roles of ${count}`]
    })
  const members = everything(things).flatMap(({ kind, thing }) => {
    if (!isThere(thing)) return []
    const count = rows.filter(({ pk }) => pk === `MEMBERS#${kind.toUpperCase()}#${padded(thing.id)}`).length
    return count === Number(thing.members ?? 0)
      ? []
      : [`${kind} ${thing.id} counts ${thing.members} members of ${count}`]
  })
  return [...wrong, ...counted, ...members]
}

/** Rows, counts and names on the shelves of groups, as they follow from the records of packages. */
const shelfProblems = (rows: readonly Row[], things: Things): string[] => {
  const expected = new Map<string, number>()
  const found = new Map<string, number>()
  const add = (to: Map<string, number>, key: string, count: number) => to.set(key, (to.get(key) ?? 0) + count)
  for (const row of rows.filter(({ pk, sk }) => sk === 'META' && /^PACKAGE#\d+$/.test(pk))) {
    const record = row as unknown as Package
    const project = things.project.get(record.projectId)
    if (!isThere(project)) continue
    const slot = slotName(slotOf(record))
    add(
      expected,
      `PROJECT#${padded(project.id)} package ${record.id} revision ${record.revision}, ${placeHash(project)}`,
      1,
    )
    for (const groupId of project.ancestorIds) {
      const depth = groupId === project.ancestorIds.at(-1) ? 'direct' : 'nested'
      const shelf = `GROUP#${padded(groupId)}#${depth}#${project.visibility}`
      const inside = project.ancestorIds.slice(project.ancestorIds.indexOf(groupId) + 1)
      const path = project.fullPath
        .split('/')
        .slice(-inside.length - 1)
        .join('/')
      const level = { private: 0, internal: 10, public: 20 }[project.visibility]
      const place = `${level} ${inside} ${path}`
      add(expected, `${shelf} package ${record.id} revision ${record.revision}, ${place}`, 1)
      add(expected, `TALLY#GROUP#${padded(groupId)} ${String(level).padStart(2, '0')}#${depth} ${slot}`, 1)
      add(expected, `NAMES#${shelf} ${record.name} ${record.type} ${padded(project.id)} ${slot}`, 1)
    }
  }
  for (const row of rows) {
    const projectId = /^PROJECT#(\d+)$/.exec(row.pk)?.[1]
    if (projectId !== undefined && row.sk !== 'META' && isThere(things.project.get(Number(projectId)))) {
      add(found, `${row.pk} package ${entryFromItem(row).id} revision ${row.r}, ${row.h}`, 1)
    }
    const groupId = /^(?:NAMES#|TALLY#)?GROUP#(\d+)(?=#|$)/.exec(row.pk)?.[1]
    if (groupId === undefined || row.sk === 'META' || !isThere(things.group.get(Number(groupId)))) continue
    if (row.pk.startsWith('GROUP#')) {
      add(found, `${row.pk} package ${entryFromItem(row).id} revision ${row.r}, ${row.w}${row.h ?? ''}`, 1)
    }
    const counts = Object.entries(row).filter(([name, count]) => /^\w+:\w+/.test(name) && typeof count === 'number')
    if (row.pk.startsWith('NAMES#'))
      for (const [slot, count] of counts) add(found, `${row.pk} ${row.sk} ${slot}`, count as number)
    if (!row.pk.startsWith('TALLY#')) continue
    const prefix = row.sk.split('#').slice(0, 2).join('#')
    if (row.sk !== 'TRANSITS')
      for (const [slot, count] of counts) add(found, `${row.pk} ${prefix} ${slot}`, count as number)
    for (const [name, count] of Object.entries(row)) {
      const [, moved, slot] = /^(\w+#\w+)#(.+)$/.exec(name) ?? []
      if (row.sk === 'TRANSITS' && slot !== undefined) add(found, `${row.pk} ${moved} ${slot}`, count as number)
    }
  }
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((key) => {
    const [wanted, there] = [expected.get(key) ?? 0, found.get(key) ?? 0]
    return wanted === there ? [] : [`${key}: ${there} instead of ${wanted}`]
  })
}

/**
 * What is counted by segment counts the rows that are there, but for segments that are noted as uncounted, and each node
 * has the revision that is noted of it.
 */
const segmentProblems = (rows: readonly Row[]): string[] =>
  rows
    .filter(({ pk, sk }) => pk.startsWith('TALLY#') && sk.endsWith('SEGMENTS'))
    .flatMap((head) => {
      const around = rows.filter(({ pk }) => pk === head.pk)
      const revision = around.find(({ sk }) => sk === 'TRANSITS')?.revision ?? 0
      if (head.transits !== revision) return []
      const prefix = head.sk.slice(0, -'SEGMENTS'.length)
      const [number, depth] = prefix.split('#')
      const visibility = { '00': 'private', '10': 'internal', '20': 'public' }[String(number)]
      const shelf = `${head.pk.slice('TALLY#'.length)}${prefix === '' ? '' : `#${depth}#${visibility}`}`
      const uncounted = new Set(
        around
          .filter(({ sk }) => sk.startsWith(prefix))
          .flatMap((tally) => Object.keys(tally).filter((name) => name.startsWith(UNCOUNTED)))
          .map((name) => Number(name.slice(UNCOUNTED.length))),
      )
      const there = new Map<string, number>()
      const found = new Map<string, number>()
      const placed = new Map<string, number>()
      const add = (to: Map<string, number>, key: string, count: number) => to.set(key, (to.get(key) ?? 0) + count)
      const ofIndex = (index: string, what: string) =>
        rows.find(({ pk, sk }) => pk === `SEGMENTS#${shelf}` && sk === `${head.generation} ${index} ${what}`)
      const milestones = ['by_name', 'by_version'].map((index) => ofIndex(index, 'MILESTONES')?.keys as string[])
      for (const row of rows.filter(({ pk, sk }) => pk === shelf && sk !== 'META')) {
        const entry = entryFromItem(row)
        const segment = segmentOf(entry.id)
        if (uncounted.has(segment)) continue
        add(there, `${segment} ${slotName(slotOf(entry))}`, 1)
        const parts = [row.n, row.v].map(
          (key, n) => milestones[n]?.filter((milestone) => milestone < String(key)).length,
        )
        add(placed, `${segment} ${slotName(slotOf(entry))} ${parts}`, 1)
      }
      const stored = rows.filter(({ pk, sk }) => pk === `SEGMENTS#${shelf}` && sk.startsWith(`${head.generation} `))
      const nodes = stored.filter(({ sk }) => /^\w+ \d+ \d+$/.test(sk))
      const inParts = new Map<string, number>()
      const inWhole = new Map<string, number>()
      const noted = new Map([[`level ${head.level} node 0`, Number(head.revision)]])
      const revisions = new Map<string, number>()
      for (const node of nodes) {
        const [, level, number] = node.sk.split(' ').map(Number) as [number, number, number]
        revisions.set(`level ${level} node ${number}`, Number(node.revision))
        for (const [part, below] of ((node.revisions ?? []) as number[]).entries()) {
          noted.set(`level ${level - 1} node ${number * FANOUT + part}`, below)
        }
        for (const [slot, counts] of Object.entries(node.counts as Record<string, number[]>)) {
          for (const [part, count] of counts.entries()) {
            const place = number * FANOUT + part
            if (level === 0 && !uncounted.has(place)) add(found, `${place} ${slot}`, count)
            if (level < Number(head.level)) add(inParts, `level ${level} node ${number} ${slot}`, count)
            if (level > 0) add(inWhole, `level ${level - 1} node ${place} ${slot}`, count)
          }
        }
      }
      const digested = new Map<string, number>()
      const inDigests = new Map<string, number>()
      for (const digest of stored.filter(({ sk }) => sk.includes(' DIGEST '))) {
        for (const [segment, text] of Object.entries(digest.segments as Record<string, string>)) {
          for (const [, slot, list] of text.matchAll(/([^;=]+)=([^;]+)/g)) {
            for (const place of String(list).split(',')) {
              const parts = place.split('.').map((part) => Number.parseInt(part, 36))
              if (!uncounted.has(Number(segment))) add(digested, `${segment} ${slot} ${parts}`, 1)
              for (const [n, part] of parts.entries()) add(inDigests, `${n} ${slot} ${part}`, 1)
            }
          }
        }
      }
      const betweenMilestones = new Map<string, number>()
      for (const [n, index] of ['by_name', 'by_version'].entries()) {
        for (const [slot, counts] of Object.entries(ofIndex(index, 'COUNTS')?.counts as Record<string, number[]>)) {
          for (const [part, count] of counts.entries()) add(betweenMilestones, `${n} ${slot} ${part}`, count)
        }
      }
      return [
        ...differences(`places of ${shelf}`, placed, digested),
        ...differences(`parts of ${shelf}`, inDigests, betweenMilestones),
        ...differences(`segment of ${shelf}`, there, found),
        ...differences(`segments of ${shelf}`, inParts, inWhole),
        ...differences(`revision of nodes of ${shelf}`, noted, revisions),
      ]
    })

const differences = (what: string, wanted: ReadonlyMap<string, number>, there: ReadonlyMap<string, number>): string[] =>
  [...new Set([...wanted.keys(), ...there.keys()])].flatMap((key) =>
    (wanted.get(key) ?? 0) === (there.get(key) ?? 0)
      ? []
      : [`${what}: ${key}: ${there.get(key) ?? 0} instead of ${wanted.get(key) ?? 0}`],
  )
