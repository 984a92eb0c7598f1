import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { run } from '../support/npmClient.ts'
import { createWorld, type Json, tarballOf } from '../support/world.ts'

const DEVELOPER = 30

const door = httpDoor()
const world = createWorld(door)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-api-page-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('README.md', () => {
  it('is right about files above 4.4 MB', async () => {
    const readme = await readFile(resolve('README.md'), 'utf8')
    const [, section = ''] = /^## Files above 4\.4 MB\n(.*?)^## /ms.exec(readme) ?? []
    const [tool = '', curl = '', ...more] = [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block)
    expect(more).toEqual([])
    const project = await world.project({ visibility: 'private' })
    const { token = '' } = await world.member('projects', project.id, DEVELOPER)
    const ours = await mkdtemp(join(folder, 'readme-'))
    await Promise.all([
      writeFile(join(ours, 'tool.bin'), 'a tool'),
      writeFile(join(ours, 'app.jar'), 'a jar'),
      writeFile(join(ours, 'acme-app-1.0.0.tgz'), await tarballOf({ name: '@acme/app', version: '1.0.0' })),
    ])
    const commands = `${tool.replaceAll('npm run upload --', `node ${resolve('tools/upload.ts')}`)}${curl}`
      .replaceAll('--project 1 ', `--project ${project.id} `)
      .replaceAll('/projects/1/', `/projects/${project.id}/`)
    const environment = { PATH: process.env.PATH, API: `${door.origin}/api/v4`, TOKEN: token }
    const { code, stderr } = await run('bash', ['-euo', 'pipefail', '-c', commands], ours, environment)
    expect([code, stderr.includes('curl: (')]).toEqual([0, false])

    const { json } = await world.get(world.root, `/projects/${project.id}/packages`)
    expect((json as Json[]).map(({ package_type, name, version }) => [package_type, name, version])).toEqual([
      ['generic', 'tool', '1.0.0'],
      ['maven', 'com/acme/app', '1.0'],
      ['npm', '@acme/app', '1.0.0'],
    ])
    const [, { id }] = json as [Json, { id: number }]
    const files = await world.get(world.root, `/projects/${project.id}/packages/${id}/package_files`)
    expect(files.json).toHaveLength(2)
  })
})

describe('docs/generic.md', () => {
  it('is right: its commands do what it says, one after another', async () => {
    const page = await readFile(resolve('docs/generic.md'), 'utf8')
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block)
    expect(blocks).toHaveLength(8)

    const project = await world.project({ visibility: 'private' })
    const { token = '' } = await world.member('projects', project.id, DEVELOPER)
    const environment = {
      PATH: process.env.PATH,
      API: `${door.origin}/api/v4`,
      PROJECT: encodeURIComponent(String(project.path_with_namespace)),
      TOKEN: token,
    }
    const { code, stdout, stderr } = await run(
      'bash',
      ['-euo', 'pipefail', '-c', blocks.join('\n')],
      folder,
      environment,
    )
    expect([code, stderr.includes('curl: (')]).toEqual([0, false])
    expect(stdout).toContain('{"message":"201 Created"}')
    expect(stdout).toMatch(/"file_name":"docs%2Fhello\.txt"/)
    expect(stdout.toLowerCase()).toMatch(/x-checksum-sha256: [0-9a-f]{64}/)

    const { json } = await world.get(world.root, `/projects/${project.id}/packages`)
    expect((json as Json[]).map(({ name, version }) => [name, version])).toEqual([
      ['hello', '1.0.0'],
      ['large', '1.0.0'],
    ])
  })
})
