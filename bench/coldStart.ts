import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { eventFor } from '../test/support/doors.ts'
import { machine, table, writeSection } from './report.ts'
import { openSetting, TABLE } from './setting.ts'
import { inTurns, milliseconds } from './timing.ts'

const ROUNDS = 19

/** The least that a function over DynamoDB can be: one client, one read. */
const BASE = `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT }))
export const handler = async () => {
  const { Item } = await client.send(new GetCommand({ TableName: process.env.TABLE_NAME, Key: { pk: 'a', sk: 'b' } }))
  return { statusCode: 200, body: JSON.stringify(Item ?? {}) }
}`

/** Starts as Lambda does: a process, the bundle, the first event. */
const RUNNER = `
const { handler } = await import(process.argv[2])
console.info = () => {}
const { statusCode } = await handler(JSON.parse(process.argv[3]), { awsRequestId: 'bench' })
process.stdout.write(String(statusCode))
process.exit(0)`

export const run = async (): Promise<void> => {
  const setting = await openSetting()
  const directory = await mkdtemp(join(tmpdir(), 'packages-api-cold-start-'))
  try {
    const { projects, top } = await setting.fill({ packages: 100, projects: 1, groups: 1, depth: 2, seed: 1 })
    const { world } = setting
    const project = projects[0]?.id
    const listed = await world.get(world.root, `/projects/${project}/packages?order_by=created_at&sort=desc`)
    const [kept, ...ids] = (listed.json as { id: number }[]).map(({ id }) => id)
    const one = '/api/v4/projects/{id}/packages/{package_id}'
    const events: Record<string, (round: number) => object> = {
      base: () => ({}),
      listProjectPackages: () => event('GET', `/projects/${project}/packages`, '/api/v4/projects/{id}/packages'),
      listGroupPackages: () => event('GET', `/groups/${top.id}/packages`, '/api/v4/groups/{id}/packages'),
      getPackage: () => event('GET', `/projects/${project}/packages/${kept}`, one),
      listFiles: () => event('GET', `/projects/${project}/packages/${kept}/package_files`, `${one}/package_files`),
      // Another one each time, by the same path as a first delete.
      deletePackage: (round) => event('DELETE', `/projects/${project}/packages/${ids[round]}`, one),
    }
    function event(method: string, path: string, resource: string) {
      return eventFor({ method, path, headers: { 'private-token': String(world.root.token) } }, resource)
    }

    await writeFile(join(directory, 'runner.mjs'), RUNNER)
    const { custom } = parse(await readFile(resolve('serverless.yml'), 'utf8'), { logLevel: 'error' }) as {
      custom: { esbuild: { banner: Record<string, string>; mainFields: string[]; target: string } }
    }
    const sizes: Record<string, number> = {}
    for (const name of Object.keys(events)) {
      const outfile = join(directory, `${name}.mjs`)
      const entry =
        name === 'base'
          ? { stdin: { contents: BASE, resolveDir: resolve('.') } }
          : { entryPoints: [resolve('functions', `${name}.ts`)] }
      const { banner, mainFields, target } = custom.esbuild
      await build({
        ...entry,
        outfile,
        banner,
        mainFields,
        target,
        bundle: true,
        minify: true,
        format: 'esm',
        platform: 'node',
      })
      sizes[name] = (await stat(outfile)).size
    }

    const environment = { ...process.env, DYNAMODB_ENDPOINT: setting.meter.engine, TABLE_NAME: TABLE }
    const start = (name: string) => (round: number) =>
      new Promise<void>((done, fail) => {
        const args = [
          join(directory, 'runner.mjs'),
          join(directory, `${name}.mjs`),
          JSON.stringify(events[name]?.(round)),
        ]
        const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
        let status = ''
        child.stdout.on('data', (text: Buffer) => {
          status += text
        })
        child.on('exit', () => (/^20\d$/.test(status) ? done() : fail(new Error(`${name} answered ${status}`))))
      })
    const works = Object.fromEntries(Object.keys(events).map((name) => [name, start(name)]))
    await inTurns(2, { ...works, deletePackage: start('getPackage') })
    const times = await inTurns(ROUNDS, works)

    const [base, baseSize] = [times.base ?? 0, sizes.base ?? 0]
    writeSection(
      'coldStart',
      [
        `From the start of a process to the answer of its first event, the median of ${ROUNDS} ` +
          `starts each, in turns, over DynamoDB Local, on ${machine()}. The first row is a bundle with the DynamoDB ` +
          'document client and one read.',
        table(
          ['Function', 'ms', 'Ratio', 'Bundle, kB', 'Ratio of size'],
          Object.keys(events).map((name) => [
            name === 'base' ? 'One read' : `\`${name}\``,
            milliseconds(times[name] ?? 0),
            ((times[name] ?? 0) / base).toFixed(2),
            Math.round((sizes[name] ?? 0) / 1000),
            ((sizes[name] ?? 0) / baseSize).toFixed(2),
          ]),
        ),
      ].join('\n\n'),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
    await setting.stop()
  }
}
