import type { Reply } from '../../support/doors.ts'
import type { Json, Who, World } from '../../support/world.ts'

export const ROLES = ['anonymous', 'stranger', 'guest', 'developer', 'maintainer', 'owner', 'administrator'] as const
type Role = (typeof ROLES)[number]
export type Cast = Record<Role, Required<Who>>

/** One of each who may stand to a group or project in some way. */
export const castOf = async (world: World, kind: 'groups' | 'projects', id: number): Promise<Cast> => {
  const [stranger, guest, developer, maintainer, owner, administrator] = await Promise.all([
    world.user(),
    world.member(kind, id, 10),
    world.member(kind, id, 30),
    world.member(kind, id, 40),
    world.member(kind, id, 50),
    world.user(['api'], { admin: true }),
  ])
  return { anonymous: {} as Required<Who>, stranger, guest, developer, maintainer, owner, administrator }
}

/** What each of them is answered, in the order of `ROLES`. */
export const statuses = async (cast: Cast, request: (who: Required<Who>) => Promise<Reply>): Promise<number[]> => {
  const got: number[] = []
  for (const role of ROLES) got.push((await request(cast[role])).status)
  return got
}

/** The answer without what differs between any two: nothing else may tell hidden from missing. */
export const told = ({ status, text, headers: { date: _date, 'x-request-id': _id, ...headers } }: Reply) => ({
  status,
  text,
  headers,
})

export type Row = Json & { id: number; name: string; path: string }
export const rows = ({ json }: Reply) => json as Row[]
export const row = ({ json }: Reply) => json as Row
export const idsOf = (reply: Reply) => rows(reply).map(({ id }) => id)

/** A role that has ended: the API gives none that ended before today. */
export const addExpired = (
  world: World,
  userId: number,
  source: { kind: 'group' | 'project'; id: number },
  within: number[],
) =>
  world.door.database().members.add({
    userId,
    source,
    within,
    accessLevel: 50,
    expiresOn: '2020-01-01',
    createdAt: '2019-01-01T00:00:00.000Z',
  })
