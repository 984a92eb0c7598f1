import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleOf, bundleOfBareClient, bundleOfBareClientAsOurs } from '../test/support/bundles.ts'
import { eventFor } from '../test/support/doors.ts'
import { machine, table, writeSection } from './report.ts'
import { openSetting, TABLE } from './setting.ts'
import { startStubDatabase } from './stubDatabase.ts'
import { inTurns, milliseconds } from './timing.ts'

const ROUNDS = 25

/** Starts as Lambda does: a process, the bundle, the first event. */
const RUNNER = `
import { createRequire } from 'node:module'
const { handler } = process.argv[2].endsWith('.cjs') ? createRequire(import.meta.url)(process.argv[2]) : await import(process.argv[2])
console.info = () => {}
const { statusCode } = await handler(JSON.parse(process.argv[3]), { awsRequestId: 'bench' })
process.stdout.write(String(statusCode))
process.exit(0)`

const ROWS: Record<string, string> = { base: 'One read', ours: 'One read, bundled as ours' }
const bundleNamed = (name: string) => {
  if (name === 'base') return bundleOfBareClient()
  return name === 'ours' ? bundleOfBareClientAsOurs() : bundleOf(`functions/${name}`)
}
const fileOf = (name: string) => (name === 'base' ? 'base.mjs' : `${name}.cjs`)

export const run = async (): Promise<void> => {
  const setting = await openSetting()
  const stub = await startStubDatabase(setting.meter.engine)
  const directory = await mkdtemp(join(tmpdir(), 'packages-api-cold-start-'))
  try {
    const { projects, top } = await setting.fill({ packages: 100, projects: 1, groups: 1, depth: 2, seed: 1 })
    const { world } = setting
    const project = projects[0]?.id
    const listed = await world.get(world.root, `/projects/${project}/packages?order_by=created_at&sort=desc`)
    const [{ id } = { id: 0 }] = listed.json as { id: number }[]
    const one = '/api/v4/projects/{id}/packages/{package_id}'
    const event = (method: string, path: string, resource: string) =>
      eventFor({ method, path, headers: { 'private-token': String(world.root.token) } }, resource)
    const events: Record<string, object> = {
      base: {},
      ours: {},
      listProjectPackages: event('GET', `/projects/${project}/packages`, '/api/v4/projects/{id}/packages'),
      listGroupPackages: event('GET', `/groups/${top.id}/packages`, '/api/v4/groups/{id}/packages'),
      getPackage: event('GET', `/projects/${project}/packages/${id}`, one),
      listFiles: event('GET', `/projects/${project}/packages/${id}/package_files`, `${one}/package_files`),
      // The stub reads what was there before, so that each delete is the first.
      deletePackage: event('DELETE', `/projects/${project}/packages/${id}`, one),
    }

    await writeFile(join(directory, 'runner.mjs'), RUNNER)
    const sizes: Record<string, number> = {}
    for (const name of Object.keys(events)) {
      const { text, bytes } = await bundleNamed(name)
      await writeFile(join(directory, fileOf(name)), text)
      sizes[name] = bytes
    }

    const environment = { ...process.env, DYNAMODB_ENDPOINT: stub.endpoint, TABLE_NAME: TABLE }
    const start = (name: string) => () =>
      new Promise<void>((done, fail) => {
        const args = [join(directory, 'runner.mjs'), join(directory, fileOf(name)), JSON.stringify(events[name])]
        const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
        let status = ''
        child.stdout.on('data', (text: Buffer) => {
          status += text
        })
        child.on('exit', () => (/^20\d$/.test(status) ? done() : fail(new Error(`${name} answered ${status}`))))
      })
    const works = Object.fromEntries(Object.keys(events).map((name) => [name, start(name)]))
    await inTurns(2, works)
    const times = await inTurns(ROUNDS, works)

    const [base, baseSize] = [times.base ?? 0, sizes.base ?? 0]
    writeSection(
      'coldStart',
      [
        `From the start of a process to the answer of its first event, the median of ${ROUNDS} ` +
          `starts each, in turns, over a stub of the database that answers from memory, on ${machine()}. The first row is an ES module with the DynamoDB ` +
          'document client as it comes and one read.',
        table(
          ['Function', 'ms', 'Ratio', 'Bundle, kB', 'Ratio of size'],
          Object.keys(events).map((name) => [
            ROWS[name] ?? `\`${name}\``,
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
    await stub.stop()
    await setting.stop()
  }
}
