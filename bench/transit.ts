import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { ANONYMOUS, type Caller } from '../lib/domain/permissions.ts'
import type { Group } from '../lib/domain/project.ts'
import { openDatabase } from '../lib/repository/database.ts'
import { createClient } from '../lib/repository/table.ts'
import { isStoppedIn, stopAfter } from '../test/support/stopping.ts'
import { now, readGroup, writerOf } from '../test/support/store.ts'
import { table, writeSection } from './report.ts'
import { openSetting, TABLE } from './setting.ts'

const PUBLISHERS = 4
/** How far the rows come before the work on them is broken off: each time another number of transactions. */
const STOPS = [1, 2, 3, 7, 20, 50, 100]
/** How long publishers wait for somebody who is dead. */
const HOLD_MS = 500

const query = {
  filter: { includeVersionless: false },
  order: 'created_at',
  sort: 'asc',
  page: { number: 1, size: 20, asked: 20 },
  excludeSubgroups: false,
} as const

/**
 * A large project changes its visibility and its group while others publish to it, list and count, and while the work on
 * its rows is broken off again and again. Every list that anybody reads meanwhile is right, or the bench fails.
 */
export const run = async (most: number): Promise<void> => {
  const size = Math.max(100, most / 10)
  const setting = await openSetting()
  const clients: DynamoDBDocumentClient[] = []
  try {
    const { meter } = setting
    const open = () => {
      const client = createClient(meter.engine)
      clients.push(client)
      return { client, db: openDatabase(client, TABLE, HOLD_MS) }
    }
    const { db } = open()
    const owner = await db.users.findByUsername('root')
    if (!owner) throw new Error('there is no administrator')
    const administrator: Caller = { user: owner, memberships: [] }
    const project = { id: await setting.fillNames(100, size / 100) }
    const { ancestorIds = [] } = (await db.groups.findProject(project)) ?? {}
    const [from] = (await db.groups.listGroupsById(ancestorIds)) as [Group]
    const described = { name: 'to', path: 'to', description: '', visibility: 'public' } as const
    const to = await db.groups.createGroup(undefined, described, owner.id, now())
    const totalIn = async (group: Group, caller: Caller) => (await readGroup(db, group, caller, query)).total
    const listed = await totalIn(from, administrator)

    let [landed, started, looks, wrong] = [0, 0, 0, 0]
    const publishOne = async () => {
      started++
      const id = await db.packages.nextPackageId()
      await db.packages.publish(writerOf(project), {
        ...{
          id,
          name: 'late',
          version: `1.${id}.0`,
          type: 'npm',
          status: 'default',
          creatorId: null,
          files: [],
          tags: [],
        },
        createdAt: new Date().toISOString(),
      })
      landed++
    }
    /** A move may come between two reads: only what is the same before and after tells what the other group must have. */
    const lookOnce = async (isPrivate: () => boolean) => {
      const [least, wasPrivate] = [listed + landed, isPrivate()]
      const here = await totalIn(from, administrator)
      const there = await totalIn(to, administrator)
      const again = await totalIn(from, administrator)
      const anonymous = await totalIn(from, ANONYMOUS)
      looks++
      const isWhole = (total: number) => total >= least && total <= listed + started
      const isRight = [here, there, again].every((total) => total === 0 || isWhole(total))
      const isOnce = (here === 0) !== (again === 0) || (here === 0) !== (there === 0)
      if (!isRight || !isOnce || (wasPrivate && anonymous > 0)) wrong++
    }

    let [isOver, isPrivate, stops] = [false, false, 0]
    const publishing = Array.from({ length: PUBLISHERS }, async () => {
      while (!isOver) await publishOne()
    })
    const watching = (async () => {
      while (!isOver) await lookOnce(() => isPrivate)
    })()
    /** Each try stops somewhere else, as a function does whose time is over in the middle of a step. */
    const bringHome = async () => {
      for (const count of [...STOPS, Number.MAX_SAFE_INTEGER]) {
        const broken = open()
        stopAfter(broken, count)
        if (await isStoppedIn(() => broken.db.transit.settle(project.id))) stops++
      }
    }

    const rows: (string | number)[][] = []
    const step = async (name: string, change: () => Promise<unknown>) => {
      const before = { looks, landed, stops }
      const started = performance.now()
      await change()
      const changed = performance.now() - started
      await bringHome()
      const done = performance.now() - started
      rows.push([
        name,
        `${Math.round(changed)} ms`,
        `${(done / 1000).toFixed(1)} s`,
        stops - before.stops,
        landed - before.landed,
        looks - before.looks,
        wrong,
      ])
    }
    await step('to private', async () => {
      await db.groups.changeProject(project.id, { visibility: 'private' }, now())
      isPrivate = true
    })
    await step('to another group', () => db.groups.transferProject(project.id, to, now()))
    isOver = true
    await Promise.all([...publishing, watching])
    const [here, there] = [await totalIn(from, administrator), await totalIn(to, administrator)]
    if (wrong > 0 || here !== 0 || there !== listed + landed) {
      throw new Error(`${wrong} of ${looks} looks were wrong; ${here} and ${there} are listed of ${listed + landed}`)
    }

    writeSection(
      'transit',
      [
        `A project of ${size.toLocaleString('en-US')} packages, while ${PUBLISHERS} others publish to it, somebody lists ` +
          'both groups, and the work on its rows is broken off between two of its writes, and begun again.',
        table(
          [
            'Change',
            'Lists show it after',
            'Rows are home after',
            'Broken off',
            'Published',
            'Lists read',
            'Wrong ones',
          ],
          rows,
        ),
      ].join('\n\n'),
    )
  } finally {
    for (const client of clients) client.destroy()
    await setting.stop()
  }
}
