import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { type MavenClient, openMaven, snippet } from '../support/mavenClient.ts'
import { runUpload } from '../support/uploadTool.ts'
import { createWorld } from '../support/world.ts'

const DEVELOPER = 30
const SIZE = 100_000_000

const door = httpDoor()
const world = createWorld(door)

let client: MavenClient
beforeAll(async () => {
  client = await openMaven()
})
afterAll(() => client.remove())

describe('a jar of 100 MB', () => {
  it('is sent by npm run upload as docs/maven.md shows, and got by mvn dependency:get', async () => {
    const project = await world.project({ visibility: 'private' })
    const { token } = await world.member('projects', project.id, DEVELOPER)
    const block = randomBytes(1_000_000)
    const jar = Buffer.concat(Array.from({ length: SIZE / block.length }, () => block))
    const folder = await client.folder({ 'my-lib.jar': jar, 'my-lib.pom': POM })
    const ours = (name: string) =>
      snippet(name)
        .replaceAll('https://packages.example.com', door.origin)
        .replaceAll('/projects/1234/', `/projects/${project.id}/`)
        .replaceAll('--project 1234', `--project ${project.id}`)
    const lines = ours('send a large file').trim().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      const [, args = ''] = /^npm run upload -- (.+)$/.exec(line) ?? []
      const { code, stderr } = await runUpload(folder, door.origin, String(token), ...args.split(' '))
      expect([code, stderr]).toEqual([0, expect.stringContaining('100 %')])
    }

    const get = ours('get a file').replaceAll('\\\n', ' ').trim().split(/\s+/).slice(1)
    expect(await client.succeed(folder, get, token)).toContain('Downloaded from packages-api')
    const got = await readFile(join(client.localRepository, 'com/mycompany/my-lib/1.0/my-lib-1.0.jar'))
    expect(got.equals(jar)).toBe(true)
  })
})

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.mycompany</groupId>
  <artifactId>my-lib</artifactId>
  <version>1.0</version>
</project>
`
