import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const STOP_WITHIN_MS = 5_000
const START_WITHIN_MS = 60_000

/** A process of ours. `stop` ends it and waits until it is gone; `ended` tells when it ends by itself. */
export type Child = { ended: Promise<string>; stop: () => Promise<void> }

/** Starts a program. What it prints is kept, and shown when it ends unasked; `show` passes lines on as they come. */
export const startChild = (
  name: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions & { show?: (line: string) => void } = {},
): Child => {
  const { show, ...spawnOptions } = options
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...spawnOptions })
  // Also when this process ends before anybody could keep `stop`.
  const endWithUs = () => child.kill('SIGTERM')
  process.once('exit', endWithUs)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4_000)
    })
    if (show) createInterface({ input: stream }).on('line', show)
  }
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`${name} could not be started: ${error.message}`))
    child.on('exit', (code, signal) => {
      process.off('exit', endWithUs)
      resolve(`${name} ended (${signal ?? `exit code ${code}`})\n${printed}`.trim())
    })
  })
  return {
    ended: exited,
    async stop() {
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
      await exited
      clearTimeout(hard)
    },
  }
}

/** Waits until `isReady` says so. @throws Error when the child ends before, or when it takes too long */
export const untilReady = async (name: string, child: Child, isReady: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + START_WITHIN_MS
  let ended: string | undefined
  void child.ended.then((how) => {
    ended = how
  })
  while (!(await isReady().catch(() => false))) {
    if (ended !== undefined) throw new Error(ended)
    if (Date.now() > deadline) throw new Error(`${name} did not answer within ${START_WITHIN_MS / 1000} seconds`)
    await sleep(50)
  }
}

/** A port that nothing listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
