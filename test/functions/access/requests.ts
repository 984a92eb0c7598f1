import type { Reply } from '../../support/doors.ts'
import type { Json, Who, World } from '../../support/world.ts'

export const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
export const FORM = 'application/x-www-form-urlencoded'
export const UNAUTHORIZED = { message: '401 Unauthorized' }
export const PATH_RULE =
  "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or '.', end in '-', '.', '.git' or '.atom', or have '.' next to another special character"

/** A JSON number that no double holds, and the ids that no record has. */
export const BEYOND_DOUBLE = '9007199254740993'
export const NO_RECORDS = ['0', '-1', '999999999', BEYOND_DOUBLE, '9'.repeat(400)]

/** What is no record's id in a body either, and no integer at all. */
export const NO_INTEGERS = ['abc', '', '1.5', '0x1', 1.5, 2 ** 60, BEYOND_DOUBLE, true, [], [1], {}, 'a\0']

/** JSON bodies that hold no parameters, with what is said about each. */
export const brokenBodies = [
  ['{', 'the body is not valid JSON'],
  ['{"name":"x",}', 'the body is not valid JSON'],
  ['name=x', 'the body is not valid JSON'],
  ['\0', 'the body is not valid JSON'],
  ['[]', 'the body is not a JSON object'],
  ['[{"name":"x"}]', 'the body is not a JSON object'],
  ['"x"', 'the body is not a JSON object'],
  ['1', 'the body is not a JSON object'],
  ['0', 'the body is not a JSON object'],
  ['false', 'the body is not a JSON object'],
] as const

/** A row of a list, or a thing that was just made. */
export type Row = Json & { id: number; name: string; path: string }
export const rows = ({ json }: Reply) => json as Row[]
export const made = ({ json }: Reply) => json as Row
export const namesOf = (reply: Reply) => rows(reply).map(({ name }) => name)

/** Sends a body as it stands. */
export const send = (world: World, who: Who, path: string, body: string, contentType = 'application/json') =>
  world.door.call({
    method: 'POST',
    path,
    headers: { 'content-type': contentType, ...(who.token === undefined ? {} : { 'private-token': who.token }) },
    body,
  })

/** The answer without what differs between any two: nothing else may tell hidden from missing. */
export const told = ({ status, text, headers: { date: _date, 'x-request-id': _id, ...headers } }: Reply) => ({
  status,
  text,
  headers,
})

/** The request, ten times at once. */
export const tenAtOnce = (request: (place: number) => Promise<Reply>) =>
  Promise.all(Array.from({ length: 10 }, (_, place) => request(place)))

/** A role that has ended: the API gives none that ended before today. */
export const addExpired = (
  world: World,
  userId: number,
  source: { kind: 'group' | 'project'; id: number },
  within: number[],
  accessLevel: 10 | 50 = 50,
) =>
  world.door.database().members.add({
    userId,
    source,
    within,
    accessLevel,
    expiresOn: '2020-01-01',
    createdAt: new Date().toISOString(),
  })
