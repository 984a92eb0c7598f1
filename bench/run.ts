/**
 * Measures the service and writes what it found into docs/performance.md and docs/cost.md:
 *
 *   npm run bench                          all of it, in a quarter of an hour
 *   npm run bench -- cost latency          some of it
 *   npm run bench -- cost --packages 10000 with less in the largest project and group
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const BENCHES: Record<string, () => Promise<{ run: (packages: number) => Promise<void> }>> = {
  cost: () => import('./cost.ts'),
  latency: () => import('./latency.ts'),
  coldStart: () => import('./coldStart.ts'),
  publish: () => import('./publish.ts'),
  transit: () => import('./transit.ts'),
  start: () => import('./start.ts'),
  peers: () => import('./peers.ts'),
}

const { values, positionals } = parseArgs({
  options: { packages: { type: 'string', default: '100000' } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !(name in BENCHES))
const packages = Number(values.packages)
if (unknown.length > 0 || !Number.isInteger(packages / 1_000) || packages < 1_000) {
  console.error(`Usage: npm run bench -- [${Object.keys(BENCHES).join('] [')}] [--packages <a multiple of 1000>]`)
  process.exit(1)
}

const wanted = Object.keys(BENCHES).filter((name) => positionals.length === 0 || positionals.includes(name))
const [only = ''] = wanted
if (wanted.length === 1) {
  const started = Date.now()
  console.log(`--- ${only}`)
  await (await BENCHES[only]?.())?.run(packages)
  console.log(`--- ${only} took ${Math.round((Date.now() - started) / 1000)} seconds`)
} else {
  // Each in a process of its own, as functions keep their clients for life.
  for (const name of wanted) {
    const { status } = spawnSync(process.execPath, [import.meta.filename, name, '--packages', String(packages)], {
      stdio: 'inherit',
    })
    if (status !== 0) process.exitCode = 1
  }
}
