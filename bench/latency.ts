import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { listProjectPackages } from '../functions/listProjectPackages.ts'
import { openDatabase } from '../lib/repository/database.ts'
import { createClient } from '../lib/repository/table.ts'
import { eventFor } from '../test/support/doors.ts'
import { machine, table, writeSection } from './report.ts'
import { openSetting, TABLE } from './setting.ts'
import { inTurns, milliseconds } from './timing.ts'

const ROUNDS = 600
const WARM_UP = 300

type Command = Parameters<DynamoDBDocumentClient['send']>[0]

/** The commands that `work` sends, those that go out together as one round. */
const record = async (client: DynamoDBDocumentClient, work: () => Promise<unknown>): Promise<Command[][]> => {
  const send = client.send.bind(client) as (command: Command) => Promise<unknown>
  const rounds: Command[][] = []
  let isOver = true
  Object.assign(client, {
    async send(command: Command) {
      if (isOver) rounds.push([])
      isOver = false
      rounds.at(-1)?.push(command)
      try {
        return await send(command)
      } finally {
        isOver = true
      }
    },
  })
  await work()
  Reflect.deleteProperty(client, 'send')
  return rounds
}

/** The handler of the list of a project's packages, against the calls to DynamoDB that it makes and nothing around them. */
export const run = async (): Promise<void> => {
  const setting = await openSetting()
  try {
    const { world } = setting
    const { projects, top } = await setting.fill({ packages: 1_000, projects: 1, groups: 1, depth: 2, seed: 1 })
    const member = await world.member('groups', top.id, 20)
    const client = createClient(setting.meter.engine)
    const handler = listProjectPackages(() => db) as unknown as (
      event: APIGatewayProxyEvent,
      context: Context,
      options: never,
    ) => Promise<unknown>
    const db = openDatabase(client, TABLE)
    const call = { path: `/projects/${projects[0]?.id}/packages`, headers: { 'private-token': member.token } }
    const handle = () =>
      handler(eventFor(call, '/api/v4/projects/{id}/packages'), { awsRequestId: 'bench' } as Context, {} as never)
    // The first notes that the token was used.
    await handle()
    const rounds = await record(client, handle)
    const bare = async () => {
      for (const commands of rounds) {
        await Promise.all(
          commands.map((command) => {
            const Again = command.constructor as new (input: object) => Command
            return client.send(new Again(command.input))
          }),
        )
      }
    }
    await inTurns(WARM_UP, { handle, bare })
    const times = await inTurns(ROUNDS, { handle, bare })
    client.destroy()

    const calls = rounds.map((commands) => commands.map((command) => command.constructor.name.replace('Command', '')))
    writeSection(
      'latency',
      [
        `The median of ${ROUNDS} requests each, in turns, warm, over DynamoDB Local, on ${machine()}. The calls, ` +
          `those of one line at the same moment: ${calls.map((names) => names.join(' + ')).join('; then ')}.`,
        table(
          ['What', 'ms', 'Ratio'],
          [
            ['The calls alone', milliseconds(times.bare), '1.00'],
            [
              '`GET /projects/:id/packages`, 20 packages',
              milliseconds(times.handle),
              (times.handle / times.bare).toFixed(2),
            ],
          ],
        ),
      ].join('\n\n'),
    )
  } finally {
    await setting.stop()
  }
}
