import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Outcome, run } from './npmClient.ts'

/** Where Debian's packages put Maven plugins with all that these need. */
export const DEBIAN_REPOSITORY = '/usr/share/maven-repo'

/** A block of code of `docs/maven.md`, by the name behind its language. */
export const snippet = (name: string): string => {
  const page = readFileSync(resolve('docs/maven.md'), 'utf8')
  for (const [, title, text = ''] of page.matchAll(/^```\w+ ([^\n]+)\n(.*?)^```$/gms)) if (title === name) return text
  throw new Error(`docs/maven.md has no block of code with the name "${name}"`)
}

export type MavenClient = Awaited<ReturnType<typeof openMaven>>

/**
 * The real `mvn` with a home and a local repository of its own. Its plugins come from this machine, by way of Maven's
 * global settings; the user's settings are those of the test.
 */
export const openMaven = async () => {
  const home = await mkdtemp(join(tmpdir(), 'packages-api-maven-'))
  const global = join(home, 'global-settings.xml')
  const localRepository = join(home, 'local-repository')
  let made = 0
  await writeFile(
    global,
    `<settings>
      <localRepository>${localRepository}</localRepository>
      <mirrors><mirror><id>debian</id><mirrorOf>central</mirrorOf><url>file://${DEBIAN_REPOSITORY}</url></mirror></mirrors>
    </settings>`,
  )

  const write = async (folder: string, files: Record<string, string | Uint8Array>) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    return folder
  }

  /** `mvn …args` in that folder, as a user with these settings and, in his environment, this token. */
  const mvn = (folder: string, args: readonly string[], token = '', settings = 'settings.xml'): Promise<Outcome> =>
    run('mvn', ['--batch-mode', '--global-settings', global, '--settings', join(folder, settings), ...args], folder, {
      PATH: process.env.PATH,
      HOME: home,
      PACKAGES_TOKEN: token,
      MAVEN_OPTS: `-Duser.home=${home} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`,
    })

  return {
    /** Where Maven puts what it has got. */
    localRepository,

    /** A new folder with these files, and settings as `docs/maven.md` has them. */
    folder: (files: Record<string, string | Uint8Array>): Promise<string> =>
      write(join(home, `folder-${++made}`), {
        'settings.xml': snippet('settings.xml'),
        'password.xml': snippet('settings.xml, with a password'),
        ...files,
      }),

    mvn,

    /** The same, where anything but success is a failure of the test. @returns what it printed */
    async succeed(...[folder, args, ...more]: Parameters<typeof mvn>): Promise<string> {
      const { code, stdout, stderr } = await mvn(folder, args, ...more)
      if (code !== 0) throw new Error(`mvn ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
      return stdout
    },

    remove: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  }
}
