import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccessLevel } from '../../lib/domain/permissions.ts'
import { httpDoor } from '../support/doors.ts'
import { type MavenClient, openMaven, snippet } from '../support/mavenClient.ts'
import { createWorld, type Json } from '../support/world.ts'

const [REPORTER, DEVELOPER, MAINTAINER] = [20, 30, 40] as const

const door = httpDoor()
const world = createWorld(door)

let client: MavenClient
beforeAll(async () => {
  client = await openMaven()
})
afterAll(() => client.remove())

const setUp = async (accessLevel: AccessLevel = DEVELOPER) => {
  const group = await world.group({ visibility: 'private' })
  const project = await world.project({ namespace_id: group.id, visibility: 'private' })
  const member = await world.member('groups', group.id, accessLevel)
  /** A block of the page, with the addresses of this set-up in the place of its own. */
  const ours = (name: string) =>
    snippet(name)
      .replaceAll('https://packages.example.com', door.origin)
      .replaceAll('/projects/1234/', `/projects/${project.id}/`)
      .replaceAll('/groups/acme/', `/groups/${group.full_path}/`)
  return { group, project, token: member.token, member, ours }
}

/** A command of the page, as arguments of `mvn`. */
const argumentsOf = (command: string) => command.replaceAll('\\\n', ' ').trim().split(/\s+/).slice(1)

/** Debian's repository has no plugins for these, and there is nothing to compile, test or install. */
const LEFT_OUT: Record<string, string[]> = {
  resources: ['default-resources', 'default-testResources'],
  compiler: ['default-compile', 'default-testCompile'],
  surefire: ['default-test'],
  install: ['default-install'],
}
const BUILD = `<build><plugins>${Object.entries(LEFT_OUT)
  .map(([name, executions]) => {
    const none = executions.map((id) => `<execution><id>${id}</id><phase>none</phase></execution>`).join('')
    return `<plugin><artifactId>maven-${name}-plugin</artifactId><version>1</version><executions>${none}</executions></plugin>`
  })
  .join('')}</plugins></build>`

const pomOf = (coordinates: string, more: string) => {
  const [groupId, artifactId, version, packaging = 'jar'] = coordinates.split(':')
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>${groupId}</groupId>
  <artifactId>${artifactId}</artifactId>
  <version>${version}</version>
  <packaging>${packaging}</packaging>
  <properties><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
  ${more}
</project>
`
}

/** A module as its author has it after compiling. */
const moduleOf = (coordinates: string, more: string) => ({
  'pom.xml': pomOf(coordinates, more),
  'target/classes/App.class': `what ${coordinates} compiles to`,
})

/** Somebody who needs other packages: what Maven resolved for him, by the names of the files. */
const resolve = async (repositories: string, dependencies: string[], token: string, settings = 'settings.xml') => {
  const wanted = dependencies.map((coordinates) => {
    const [groupId, artifactId, version] = coordinates.split(':')
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`
  })
  const more = `${repositories}<dependencies>${wanted.join('')}</dependencies>`
  const folder = await client.folder({ 'pom.xml': pomOf('com.example:user:1:pom', more) })
  await client.succeed(folder, ['--update-snapshots', 'dependency:copy-dependencies'], token, settings)
  const place = join(folder, 'target', 'dependency')
  const names = await readdir(place)
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (name) => [name, await readFile(join(place, name))] as const)),
  )
}

const packagesOf = async (project: number) =>
  (await world.get(world.root, `/projects/${project}/packages?include_versionless=true&per_page=100`)).json as (Json & {
    id: number
  })[]
const filesOf = async (project: number, id: number | undefined) =>
  (await world.get(world.root, `/projects/${project}/packages/${id}/package_files?per_page=100`)).json as Json[]
const download = async (project: number, path: string) => {
  const { headers } = await world.get(world.root, `/projects/${project}/packages/maven/${path}`)
  return Buffer.from(await (await fetch(String(headers.location))).arrayBuffer())
}

const hashed = (bytes: Buffer) => ({
  size: bytes.length,
  file_md5: createHash('md5').update(bytes).digest('hex'),
  file_sha1: createHash('sha1').update(bytes).digest('hex'),
  file_sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** `mvn deploy:deploy-file` as the page has it, but of another version. */
const deployFile = (command: string, file: Buffer, version: string) => async (token: string, settings?: string) => {
  const folder = await client.folder({ 'my-lib.jar': file })
  const args = argumentsOf(command).map((argument) => argument.replace('-Dversion=1.0', `-Dversion=${version}`))
  return client.mvn(folder, args, token, settings)
}

describe('mvn deploy', () => {
  it('makes of a snapshot one package, whose builds are its files with sizes and hashes, also of two at once', async () => {
    const { project, token, ours } = await setUp()
    const module = moduleOf('com.mycompany:my-app:1.5-SNAPSHOT', `${ours('pom.xml, to publish')}${BUILD}`)
    const [app, other] = [await client.folder(module), await client.folder({ ...module, 'target/classes/other': '' })]
    await client.succeed(app, ['deploy'], token)

    const [snapshot, artifact, ...more] = await packagesOf(project.id)
    expect(more).toEqual([])
    expect(snapshot).toMatchObject({
      name: 'com/mycompany/my-app',
      version: '1.5-SNAPSHOT',
      package_type: 'maven',
      status: 'default',
    })
    expect(artifact).toMatchObject({ name: 'com/mycompany/my-app', version: null, package_type: 'maven' })
    const files = await filesOf(project.id, snapshot?.id)
    expect(files.map(({ file_name }) => String(file_name)).sort()).toEqual([
      'maven-metadata.xml',
      expect.stringMatching(/^my-app-1\.5-\d{8}\.\d{6}-1\.jar$/),
      expect.stringMatching(/^my-app-1\.5-\d{8}\.\d{6}-1\.pom$/),
    ])
    const built = [
      ['.jar', 'target/my-app-1.5-SNAPSHOT.jar'],
      ['.pom', 'pom.xml'],
    ] as const
    for (const [end, path] of built) {
      const file = files.find(({ file_name }) => String(file_name).endsWith(end))
      expect(file).toMatchObject(hashed(await readFile(join(app, path))))
    }

    await Promise.all([app, other].map((folder) => client.succeed(folder, ['deploy'], token)))
    expect(await packagesOf(project.id)).toHaveLength(2)
    const names = (await filesOf(project.id, snapshot?.id)).map(({ file_name }) => String(file_name))
    const ends = ['.jar', '.pom', 'maven-metadata.xml'].map((end) => names.filter((name) => name.endsWith(end)).length)
    expect(ends).toEqual([3, 3, 3])
    const resolved = await resolve(ours('pom.xml, to resolve'), ['com.mycompany:my-app:1.5-SNAPSHOT'], token)
    const jars = await Promise.all(
      [app, other].map((folder) => readFile(join(folder, 'target/my-app-1.5-SNAPSHOT.jar'))),
    )
    expect(Object.keys(resolved)).toEqual(['my-app-1.5-SNAPSHOT.jar'])
    expect(jars.map((jar) => resolved['my-app-1.5-SNAPSHOT.jar']?.equals(jar))).toContain(true)
  })

  it('lands all modules that are deployed in parallel', async () => {
    const { project, token, ours } = await setUp()
    const names = Array.from({ length: 6 }, (_, n) => `module-${n}`)
    const parent = '<parent><groupId>com.many</groupId><artifactId>many</artifactId><version>1.0</version></parent>'
    const modules = names.flatMap((name) => [
      [`${name}/pom.xml`, pomOf(`com.many:${name}:1.0`, parent)] as const,
      [`${name}/target/classes/${name}.class`, name] as const,
    ])
    const list = `<modules>${names.map((name) => `<module>${name}</module>`).join('')}</modules>`
    const folder = await client.folder({
      'pom.xml': pomOf('com.many:many:1.0:pom', `${ours('pom.xml, to publish')}${list}${BUILD}`),
      ...Object.fromEntries(modules),
    })
    await client.succeed(folder, ['-T', '6', 'deploy'], token)

    const packages = await packagesOf(project.id)
    const expected = ['many', ...names].flatMap((name) => [`com/many/${name} 1.0`, `com/many/${name} null`])
    expect(packages.map(({ name, version }) => `${name} ${version}`).sort()).toEqual(expected.sort())
    for (const { id, name, version } of packages.filter((one) => one.version !== null)) {
      const files = (await filesOf(project.id, id)).map(({ file_name }) => file_name)
      const base = `${String(name).slice('com/many/'.length)}-${version}`
      expect(files.sort()).toEqual(name === 'com/many/many' ? [`${base}.pom`] : [`${base}.jar`, `${base}.pom`])
    }
  })
})

describe('mvn deploy:deploy-file and dependency:copy-dependencies', () => {
  it('publish releases and get them back from project and group, and ranges follow deletes', async () => {
    const { group, project, token, ours } = await setUp(MAINTAINER)
    const [first, second] = [randomBytes(50_000), randomBytes(60_000)]
    const command = ours('deploy a file')
    expect(await deployFile(command, first, '1.0')(token)).toMatchObject({ code: 0 })
    expect(await deployFile(command, second, '1.1')(token, 'password.xml')).toMatchObject({ code: 0 })

    expect((await packagesOf(project.id)).map(({ name, version }) => [name, version])).toEqual([
      ['com/mycompany/my-lib', '1.0'],
      ['com/mycompany/my-lib', null],
      ['com/mycompany/my-lib', '1.1'],
    ])
    expect(await download(project.id, 'com/mycompany/my-lib/1.0/my-lib-1.0.jar')).toEqual(first)
    const repositories = ours('pom.xml, to resolve')
    const range = ['com.mycompany:my-lib:[1.0,2.0)']
    expect(await resolve(repositories, range, token, 'password.xml')).toEqual({ 'my-lib-1.1.jar': second })
    const newest = (await packagesOf(project.id)).at(-1)
    await world.call(world.root, 'DELETE', `/projects/${project.id}/packages/${newest?.id}`)
    const level = (path: string) => repositories.replace(`/groups/${group.full_path}/-`, path)
    const byPath = level(`/projects/${encodeURIComponent(String(project.path_with_namespace))}`)
    expect(await resolve(byPath, range, token)).toEqual({ 'my-lib-1.0.jar': first })
  })

  it('resolve from the address for everything what is named like its project', async () => {
    const { group, project, token, ours } = await setUp()
    const [groupId, artifactId] = [group.full_path, project.path] as string[]
    const headers = { 'private-token': token }
    const base = `/projects/${project.id}/packages/maven/${groupId}/${artifactId}/1.0/${artifactId}-1.0`
    const [jar, pom] = [randomBytes(1_000), pomOf(`${groupId}:${artifactId}:1.0`, '')]
    expect((await door.call({ method: 'PUT', path: `${base}.jar`, headers, body: jar })).status).toBe(200)
    expect((await door.call({ method: 'PUT', path: `${base}.pom`, headers, body: pom })).status).toBe(200)

    const anywhere = ours('pom.xml, to resolve').replace(`/groups/${groupId}/-`, '')
    expect(anywhere).toContain('/api/v4/packages/maven')
    expect(await resolve(anywhere, [`${groupId}:${artifactId}:1.0`], token)).toEqual({ [`${artifactId}-1.0.jar`]: jar })
  })

  it('are refused below Developer, and above the limit of a body', async () => {
    const { project, token, ours } = await setUp()
    const reporter = await world.member('projects', project.id, REPORTER)
    const command = ours('deploy a file')
    const ends = await Promise.all([
      deployFile(command, randomBytes(10), '1.0')(reporter.token),
      deployFile(command, Buffer.alloc(4_400_001), '2.0')(token),
    ])

    expect(ends.map(({ code, stdout }) => [code, /\b(403|413)\b/.exec(stdout)?.[1]])).toEqual([
      [1, '403'],
      [1, '413'],
    ])
    const files = await Promise.all((await packagesOf(project.id)).map(({ id }) => filesOf(project.id, id)))
    expect(files.flat().filter(({ file_name }) => String(file_name) !== 'my-lib-2.0.pom')).toEqual([])
  })
})
