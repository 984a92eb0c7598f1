import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publishBody } from '../test/support/world.ts'
import { machine, table, writeSection } from './report.ts'
import { ROOT_TOKEN, startService } from './service.ts'
import { median } from './timing.ts'

const ROUNDS = 5
const PACKAGES = 200

const execute = promisify(execFile)

/** What the processes below this one hold, without counting twice what they share (Linux alone tells). */
const memoryBelow = async (): Promise<number> => {
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid='])
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const family = new Set([process.pid])
  for (let size = 0; size !== family.size; ) {
    size = family.size
    for (const [pid, parent] of all) if (family.has(parent)) family.add(pid)
  }
  family.delete(process.pid)
  const shares = await Promise.all(
    [...family].map(async (pid) => {
      // A process that ended meanwhile, as ps itself, holds nothing.
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    }),
  )
  return shares.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1024
}

/** How long `npm start` takes until it answers, and what memory it holds then and after some work. */
export const run = async (): Promise<void> => {
  const [times, fresh, worked]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    const directory = await mkdtemp(join(tmpdir(), 'packages-api-start-'))
    const started = performance.now()
    const { url, stop } = await startService(directory)
    try {
      times.push((performance.now() - started) / 1000)
      fresh.push(await memoryBelow())
      const send = async (method: string, path: string, body: object) => {
        const headers = { 'private-token': ROOT_TOKEN, 'content-type': 'application/json' }
        const answer = await fetch(`${url}/api/v4${path}`, { method, headers, body: JSON.stringify(body) })
        if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}`)
        return answer.json() as Promise<{ id: number }>
      }
      const { id } = await send('POST', '/projects', { name: 'bench', visibility: 'public' })
      for (let n = 0; n < PACKAGES; n++) {
        await send('PUT', `/projects/${id}/packages/npm/package-${n}`, await publishBody(`package-${n}`, '1.0.0'))
      }
      worked.push(await memoryBelow())
    } finally {
      await stop()
      await rm(directory, { recursive: true, force: true })
    }
  }
  const megabytes = (values: readonly number[]) => `${Math.round(median(values))} MB`
  writeSection(
    'start',
    [
      `\`npm start\` with an empty database, the median of ${ROUNDS} starts, on ${machine()}. Memory is that of all its processes.`,
      table(
        ['Until it answers', 'Memory then', `After ${PACKAGES} publishes`],
        [[`${median(times).toFixed(1)} s`, megabytes(fresh), megabytes(worked)]],
      ),
    ].join('\n\n'),
  )
}
