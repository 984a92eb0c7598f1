import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { httpDoor } from '../support/doors.ts'
import { run } from '../support/npmClient.ts'
import { createWorld, type Json } from '../support/world.ts'

const [REPORTER, DEVELOPER] = [20, 30] as const

const door = httpDoor()
const world = createWorld(door)

/**
 * The service, with GitLab's releases beside it, which it does not have: a release is the last thing that the plugin
 * makes, after its uploads. Everything else goes on to the service as it came.
 */
const releases: Json[] = []
const withReleases = createServer((asked, answer) => {
  if (asked.method === 'POST' && /^\/api\/v4\/projects\/[^/]+\/releases$/.test(asked.url ?? '')) {
    text(asked).then((body) => {
      releases.push(JSON.parse(body) as Json)
      answer.writeHead(201, { 'content-type': 'application/json' }).end('{}')
    }, answer.destroy)
    return
  }
  const onward = request(`${door.origin}${asked.url}`, { method: asked.method, headers: asked.headers }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers)
    answered.pipe(answer)
  })
  onward.on('error', () => answer.destroy())
  asked.pipe(onward)
})

/** The plugin's settings, as docs/generic.md has them. */
const documented = async (): Promise<Json> => {
  const page = await readFile(resolve('docs/generic.md'), 'utf8')
  const [, block = ''] = /^```json \.releaserc\.json\n(.*?)^```/ms.exec(page) ?? []
  const { plugins } = JSON.parse(block) as { plugins: [[string, Json]] }
  expect(plugins.map(([name]) => name)).toEqual(['@semantic-release/gitlab'])
  return plugins[0][1]
}

let folder: string
let origin: string
const bytes = randomBytes(300_000)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-api-release-'))
  await writeFile(join(folder, 'app.bin'), bytes)
  await writeFile(join(folder, 'notes.txt'), 'notes')
  origin = await listen(withReleases)
})
afterAll(async () => {
  await new Promise((done) => withReleases.close(done))
  await rm(folder, { recursive: true, force: true })
})

const listen = (server: Server) =>
  new Promise<string>((done) => {
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })

const release = async (project: Json, token = '') => {
  const context = {
    cwd: folder,
    envCi: {},
    options: { repositoryUrl: `${origin}/${project.path_with_namespace}.git` },
    nextRelease: { gitTag: 'v1.2.0', gitHead: 'a'.repeat(40), version: '1.2.0', notes: 'What is new' },
  }
  const config = await documented()
  return run(
    process.execPath,
    [resolve('test/support/semanticRelease.ts'), JSON.stringify({ config, context })],
    folder,
    { PATH: process.env.PATH, GITLAB_URL: origin, GITLAB_TOKEN: token },
  )
}

describe('@semantic-release/gitlab', () => {
  it('uploads the assets of a release as generic packages, and links to what can be downloaded', async () => {
    const project = await world.project({ visibility: 'private' })
    const { token } = await world.member('projects', project.id, DEVELOPER)
    const { code, stdout, stderr } = await release(project, token)
    expect([code, stderr]).toEqual([0, expect.stringContaining('Published GitLab release: v1.2.0')])
    expect(JSON.parse(stdout)).toMatchObject({ name: 'GitLab release' })

    const listed = async (status: string) =>
      ((await world.get(world.root, `/projects/${project.id}/packages?status=${status}`)).json as Json[]).map(
        ({ name, version, package_type }) => [name, version, package_type],
      )
    expect(await listed('hidden')).toEqual([['release', '1.2.0', 'generic']])
    expect(await listed('default')).toEqual([['docs', '1.2.0', 'generic']])

    const [{ tag_name, assets }] = releases as [
      { tag_name: string; assets: { links: { name: string; url: string }[] } },
    ]
    expect([tag_name, assets.links.map(({ name }) => name).sort()]).toEqual(['v1.2.0', ['app-v1.bin', 'notes.txt']])
    const url = assets.links.find(({ name }) => name === 'app-v1.bin')?.url ?? ''
    const got = await fetch(url, { headers: { 'private-token': String(token) } })
    const sha256 = createHash('sha256')
      .update(new Uint8Array(await got.arrayBuffer()))
      .digest('hex')
    expect([got.status, sha256]).toEqual([200, createHash('sha256').update(bytes).digest('hex')])
  })

  it('tells whose role is too small before it uploads anything', async () => {
    const project = await world.project({ visibility: 'private' })
    const { token } = await world.member('projects', project.id, REPORTER)
    const { code, stderr } = await release(project, token)
    expect([code, stderr]).toEqual([1, expect.stringContaining("doesn't allow to push")])
    expect((await world.get(world.root, `/projects/${project.id}/packages`)).json).toEqual([])
  })
})
