import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { testEnvironment } from '../support/environment.ts'
import { run } from '../support/npmClient.ts'

const { origin } = httpDoor()

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'packages-api-bootstrap-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('a script that sets up a GitLab', () => {
  it('runs unchanged, given a URL and a token', async () => {
    const outcome = await run('bash', [resolve('test/clients/bootstrap.sh')], home, {
      PATH: process.env.PATH,
      HOME: home,
      npm_config_update_notifier: 'false',
      GITLAB_URL: origin,
      TOKEN: testEnvironment().rootToken,
    })

    expect(outcome).toEqual({ code: 0, stdout: expect.any(String), stderr: '' })
    expect(outcome.stdout).toMatch(/^GitLab \d+\.\d+\.\d+\n/)
    expect(outcome.stdout.trim().split('\n').slice(1)).toEqual([
      '== Groups',
      'northwind/platform/tools',
      '== Projects',
      'northwind/platform/ui',
      'northwind/platform/tools/cli',
      'northwind/docs-notes',
      '== People',
      'nancy',
      'robot',
      'auditor',
      '== Tokens',
      'robot',
      'nancy',
      'auditor',
      '== Publish',
      '+ @northwind/ui@1.0.0',
      '{"message":"201 Created"}',
      '{"message":"201 Created"}',
      'echo Hello',
      '== Packages of the project',
      '@northwind/ui 1.0.0 npm',
      '== Packages of the group',
      'northwind-cli 1.1.0 generic',
      'northwind-cli 1.0.0 generic',
      '@northwind/ui 1.0.0 npm',
      '== Packages that the auditor may see',
      '@northwind/ui 1.0.0 npm',
    ])
  })
})
