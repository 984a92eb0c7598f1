import fc from 'fast-check'
import { PackagesError } from '../../../lib/domain/errors.ts'
import type { Package } from '../../../lib/domain/package.ts'
import type { Group, Visibility } from '../../../lib/domain/project.ts'
import { countAll, settleAll } from '../../support/jobs.ts'
import { isSlow } from '../../support/moves.ts'
import { now, openStore, writerOf } from '../../support/store.ts'
import { contradictions } from '../../support/tableCheck.ts'

const visibility = fc.constantFrom<Visibility>('private', 'internal', 'public')
const at = fc.nat({ max: 7 })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('publish' as const), project: at, name: at }) },
  fc.record({ does: fc.constant('delete' as const), package: at }),
  fc.record({ does: fc.constant('show project' as const), project: at, as: visibility }),
  fc.record({ does: fc.constant('show group' as const), group: at, as: visibility }),
  fc.record({ does: fc.constant('rename project' as const), project: at, name: at }),
  fc.record({ does: fc.constant('rename group' as const), group: at, name: at }),
  fc.record({ does: fc.constant('describe' as const), group: at, project: at, name: at }),
  fc.record({ does: fc.constant('move project' as const), project: at, to: at }),
  { weight: 3, arbitrary: fc.record({ does: fc.constant('move group' as const), group: at, to: at }) },
  fc.record({ does: fc.constant('to the top' as const), group: at }),
  fc.record({ does: fc.constant('end project' as const), project: at }),
  fc.record({ does: fc.constant('end group' as const), group: fc.nat({ max: 30 }) }),
  fc.record({ does: fc.constant('make' as const), group: at, as: visibility }),
  fc.record({ does: fc.constant('join' as const), group: at, project: at, user: at }),
  fc.record({ does: fc.constant('leave' as const), group: at, user: at }),
  { weight: 2, arbitrary: fc.record({ does: fc.constant('settle' as const), steps: fc.nat({ max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('count' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Drawn> ? Drawn : never

/** A small instance, of which steps choose by number. What is asked of something that is gone is refused. */
const open = async () => {
  const store = await openStore()
  const { groups: repository } = store.db
  const groups = [await store.group(), await store.group()]
  groups.push(await store.group(groups[0]), await store.group(groups[1]))
  groups.push(await store.group(groups[2]))
  const projects = [await store.project(groups[2] as Group), await store.project(groups[4] as Group)]
  const users = await Promise.all(
    ['one', 'two'].map((username) =>
      store.db.users.create({ username, name: username, email: `${username}@example.com`, admin: false }, now()),
    ),
  )
  const packages: Package[] = []
  const pick = <Thing>(things: readonly Thing[], number: number) => things[number % things.length] as Thing
  const groupNow = async (number: number) => {
    const found = await repository.findGroup({ id: pick(groups, number).id })
    const located = found && (await repository.locate(found))
    if (!located) throw new PackagesError({ code: 'not_found', resource: 'group' })
    return located.thing
  }
  const role = (userId: number, source: { kind: 'group' | 'project'; id: number }, within: number[]) =>
    store.db.members.add({ userId, source, within, accessLevel: 30, expiresOn: null, createdAt: now() })

  const take = async (one: Step): Promise<unknown> => {
    switch (one.does) {
      case 'publish': {
        const wanted = { name: `name-${one.name % 3}`, tags: one.name % 2 ? ['latest'] : [] }
        return packages.push(await store.publish(pick(projects, one.project), wanted))
      }
      case 'delete': {
        if (packages.length === 0) return undefined
        const { id, projectId } = pick(packages, one.package)
        return store.db.packages.delete(writerOf({ id: projectId }), id, now())
      }
      case 'show project':
        return repository.changeProject(pick(projects, one.project).id, { visibility: one.as }, now())
      case 'show group':
        return repository.changeGroupVisibility(pick(groups, one.group).id, one.as)
      case 'rename project':
        return repository.changeProject(pick(projects, one.project).id, { path: `renamed-${one.name % 4}` }, now())
      case 'rename group':
        return repository.renameGroup(pick(groups, one.group).id, `renamed-${one.name % 4}`, now())
      case 'describe':
        await repository.describeGroup(pick(groups, one.group).id, { name: `Named ${one.name}` })
        return repository.describeProject(pick(projects, one.project).id, { name: `Named ${one.name}` })
      case 'move project':
        return repository.transferProject(pick(projects, one.project).id, await groupNow(one.to), now())
      case 'move group':
        return repository.transferGroup(pick(groups, one.group).id, pick(groups, one.to).id, now())
      case 'to the top':
        return repository.transferGroup(pick(groups, one.group).id, { ownerId: store.owner.id }, now())
      case 'end project':
        return repository.deleteProject(pick(projects, one.project).id, now())
      case 'end group':
        return one.group < groups.length && repository.deleteGroup(pick(groups, one.group).id, now())
      case 'make':
        groups.push(await store.group(await groupNow(one.group), one.as))
        return projects.push(await store.project(await groupNow(one.group), one.as))
      case 'join': {
        const group = await groupNow(one.group)
        return role(pick(users, one.user).id, { kind: 'group', id: group.id }, group.ancestorIds)
      }
      case 'leave':
        return store.db.members.remove(
          pick(users, one.user).id,
          { kind: 'group', id: pick(groups, one.group).id },
          () => {},
        )
      case 'settle': {
        let left = one.steps
        for (const id of await store.db.groupTransit.listInTransit()) {
          await store.db.groupTransit.settle(id, () => left-- <= 0)
        }
        return undefined
      }
      case 'count':
        return countAll(store.db)
    }
  }
  return { store, take }
}

/** More of them: `HISTORIES=200 npm test -- test/lib/repository/histories`. */
const HISTORIES = Number(process.env.HISTORIES ?? (isSlow ? 2 : 4))

describe('random histories, several steps of which are taken at once', () => {
  it(
    'leave a table in which nothing contradicts anything',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 2, maxLength: 5 }), { minLength: 3, maxLength: 8 }),
          async (rounds) => {
            const { store, take } = await open()
            const complaints = jest.spyOn(console, 'error')
            for (const round of rounds) {
              const outcomes = await Promise.allSettled(round.map(take))
              const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
              expect(failures.filter((failure) => !(failure instanceof PackagesError))).toEqual([])
            }
            await settleAll(store.db)
            expect(await contradictions(store)).toEqual([])
            await countAll(store.db)
            expect(await contradictions(store)).toEqual([])
            expect(complaints).not.toHaveBeenCalled()
          },
        ),
        { numRuns: HISTORIES, seed: 20_261_125, endOnFailure: true },
      )
    },
    HISTORIES * 10_000,
  )
})
