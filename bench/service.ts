import { join, resolve } from 'node:path'
import { freePort, startChild, untilReady } from '../local/children.ts'

export const ROOT_TOKEN = 'pat-root-token-of-the-benches'

/** `npm start` with data of its own. @returns once it answers */
export const startService = async (directory: string) => {
  const port = await freePort()
  const child = startChild('npm start', process.execPath, [resolve('local', 'start.ts')], {
    env: { ...process.env, PORT: String(port), DATA_DIR: join(directory, 'ours'), ROOT_TOKEN },
  })
  const url = `http://localhost:${port}`
  await untilReady('npm start', child, async () => (await fetch(`${url}/-/readiness`)).status === 200)
  return { url, stop: child.stop }
}
