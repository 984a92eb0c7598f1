import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { run } from '../support/npmClient.ts'
import { createWorld } from '../support/world.ts'

const door = httpDoor()
const world = createWorld(door)

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'packages-api-page-'))
})
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))

/** The commands of a page, in their order, each with the answer that the page shows below it. */
const commandsOf = (page: string) =>
  [...page.matchAll(/```sh\n(.*?)```(?:\s+```json\n(.*?)```)?/gs)].map(([, command = '', answer]) => ({
    command,
    answer,
  }))

/** What differs from one run to the next. */
const made = { id: expect.any(Number), project_id: expect.any(Number), token: expect.stringMatching(/^dt-/) }
const asShown = (answer: string) => {
  const shown = JSON.parse(answer) as Record<string, unknown>
  const differing = Object.fromEntries(Object.entries(made).filter(([field]) => field in shown))
  const username = shown.username === 'gitlab+deploy-token-1' ? { username: expect.stringMatching(/token-\d+$/) } : {}
  return { ...shown, ...differing, ...username }
}

const MARK = '== next command'

describe('docs/tokens-and-rules.md', () => {
  it('is right, command by command, with curl and npm', async () => {
    const group = await world.group({ visibility: 'private' })
    const project = await world.project({ visibility: 'private', namespace_id: group.id })
    const owner = await world.member('groups', group.id, 50)
    const commands = commandsOf(await readFile(resolve('docs/tokens-and-rules.md'), 'utf8'))
    expect(commands.length).toBeGreaterThan(7)

    const script = commands
      .map(({ command }) => command.replaceAll(/(^|\()curl /gm, '$1curl -sS '))
      .join(`\necho; echo '${MARK}'\n`)
    // A project's .npmrc is none in the folder that is the user's home.
    const work = join(home, 'work')
    await mkdir(work)
    const { code, stdout, stderr } = await run('bash', ['-e', '-c', script], work, {
      PATH: process.env.PATH,
      HOME: home,
      npm_config_update_notifier: 'false',
      API: `${door.origin}/api/v4`,
      TOKEN: String(owner.token),
      GROUP: String(group.id),
      PROJECT: String(project.id),
    })
    if (code !== 0) throw new Error(`${stdout}${stderr}`)

    const printed = stdout.split(MARK)
    for (const [place, { command, answer }] of commands.entries()) {
      if (answer === undefined) continue
      // The answer that the page shows is that of the last line.
      const last =
        String(printed[place])
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/^.*\}(?=\{)/, '') ?? ''
      expect([command, JSON.parse(last)]).toEqual([command, asShown(answer)])
    }

    const listed = await world.get(owner, `/projects/${project.id}/packages`)
    const names = (listed.json as { name: string }[]).map(({ name }) => name)
    expect(names).toEqual(['tool', '@foo/bar'])
    expect(printed.join()).toContain('hello')
  })
})
