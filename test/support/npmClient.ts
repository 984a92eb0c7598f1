import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** How a program ended, and what it printed. */
export type Outcome = { code: number | null; stdout: string; stderr: string }

/** Runs a program to its end with these environment variables and no others. */
export const run = (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })

/** A registry as a user's `.npmrc` names it. Without a token he is anonymous. */
export type Registry = { url: string; token?: string | undefined }

export type NpmClient = Awaited<ReturnType<typeof openNpm>>

/**
 * The real npm on the PATH with a home, a configuration and a cache of its own: what surrounds the tests, an `npm test`
 * included, does not reach it.
 */
export const openNpm = async () => {
  const home = await mkdtemp(join(tmpdir(), 'packages-api-npm-'))
  let made = 0

  const environment = (folder: string): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    HOME: home,
    npm_config_userconfig: join(home, 'userconfig'),
    npm_config_globalconfig: join(home, 'globalconfig'),
    npm_config_cache: join(home, 'caches', basename(folder)),
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_fetch_retries: '0',
  })

  return {
    /** A new folder with these files and an `.npmrc` that names the registry. */
    async folder(registry: Registry, files: Record<string, string>): Promise<string> {
      const folder = join(home, `folder-${++made}`)
      const { host, pathname } = new URL(registry.url)
      const login = registry.token === undefined ? '' : `//${host}${pathname}:_authToken=${registry.token}\n`
      for (const [path, text] of Object.entries({ ...files, '.npmrc': `registry=${registry.url}\n${login}` })) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), text)
      }
      return folder
    },

    /** `npm …args` in that folder. Each folder has a cache of its own: `npm publish` leaves the tarball in it. */
    npm: (folder: string, args: readonly string[]) => run('npm', args, folder, environment(folder)),

    /** The same, where anything but success is a failure of the test. @returns what it printed */
    async succeed(folder: string, args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await run('npm', args, folder, environment(folder))
      if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
      return stdout
    },

    remove: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  }
}
