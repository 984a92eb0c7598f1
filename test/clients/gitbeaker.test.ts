import { AccessLevel, Gitlab } from '@gitbeaker/rest'
import { httpDoor } from '../support/doors.ts'
import { createWorld, type Json, unique } from '../support/world.ts'

const door = httpDoor()
const world = createWorld(door)

/** gitbeaker as its README has it: a host and a token. */
const clientOf = (token: string) => new Gitlab({ host: door.origin, token })
const root = clientOf(String(world.root.token))

/** A private group with a subgroup, a project in each, and somebody who publishes in both; all made by gitbeaker. */
const setUp = async () => {
  const path = unique('gitbeaker')
  const group = await root.Groups.create(path, path, { visibility: 'private' })
  const subgroup = await root.Groups.create('Sub', 'sub', { parentId: group.id, visibility: 'private' })
  const [project, inner] = await Promise.all([
    root.Projects.create({ name: 'Outer', namespaceId: group.id, visibility: 'private' }),
    root.Projects.create({ name: 'Inner', namespaceId: subgroup.id, visibility: 'private' }),
  ])
  const { id, username } = await newUser()
  const { token } = (await root.Users.createPersonalAccessToken(id, 'publishes', ['api'])) as { token: string }
  await root.GroupMembers.add(group.id, AccessLevel.MAINTAINER, { userId: id })
  return { path, group, subgroup, project, inner, user: { id, username }, mine: clientOf(token) }
}

const newUser = () => {
  const username = unique('gitbeaker')
  return root.Users.create({ username, name: username, email: `${username}@example.com`, resetPassword: true })
}

const named = (packages: readonly { name: string; version: string }[]) =>
  packages.map(({ name, version }) => `${name}@${version}`)

const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

describe('gitbeaker', () => {
  it('makes, shows and lists groups, projects and members', async () => {
    const { path, group, subgroup, project, inner, user, mine } = await setUp()

    expect(await mine.Groups.show(`${path}/sub`)).toMatchObject({
      id: subgroup.id,
      full_path: `${path}/sub`,
      parent_id: group.id,
    })
    expect((await mine.Groups.all({ minAccessLevel: AccessLevel.MAINTAINER })).map(({ id }) => id).sort()).toEqual(
      [group.id, subgroup.id].sort(),
    )
    expect(await root.Groups.search(path)).toMatchObject([{ id: group.id }])

    expect(await mine.Projects.show(`${path}/outer`)).toMatchObject({
      id: project.id,
      path_with_namespace: `${path}/outer`,
      permissions: { project_access: null, group_access: { access_level: AccessLevel.MAINTAINER } },
    })
    const projects = await mine.Projects.all({ membership: true, orderBy: 'name', sort: 'asc' })
    expect(projects.map(({ id }) => id)).toEqual([inner.id, project.id])

    const reader = await newUser()
    expect(
      await mine.ProjectMembers.add(project.id, AccessLevel.REPORTER, { userId: reader.id, expiresAt: '2999-12-31' }),
    ).toMatchObject({ id: reader.id, access_level: 20, expires_at: '2999-12-31' })
    await expect(mine.ProjectMembers.add(project.id, AccessLevel.REPORTER, { userId: reader.id })).rejects.toThrow(
      'Member already exists',
    )
    await mine.ProjectMembers.remove(project.id, reader.id)
    await expect(mine.ProjectMembers.remove(project.id, reader.id)).rejects.toThrow('404')

    const added = await root.GroupMembers.add(subgroup.id, AccessLevel.OWNER, { username: user.username })
    expect(added).toMatchObject({ id: user.id, access_level: 50 })
    await root.GroupMembers.remove(subgroup.id, user.id)
  })

  it('makes users and tokens, and is who a token says', async () => {
    const user = await newUser()
    const made = await root.PersonalAccessTokens.create(user.id, 'reads', ['read_api'], { expiresAt: '2999-12-31' })
    const { token } = made as Json & { token: string }

    expect(made).toMatchObject({ user_id: user.id, scopes: ['read_api'], active: true, expires_at: '2999-12-31' })
    expect(await clientOf(token).Users.showCurrentUser()).toMatchObject({ id: user.id, username: user.username })
    const byBearer = new Gitlab({ host: door.origin, oauthToken: token })
    expect(await byBearer.Users.showCurrentUser()).toMatchObject({ id: user.id })
    await expect(clientOf(token).Groups.create('group', unique('group'))).rejects.toThrow('insufficient_scope')

    await root.PersonalAccessTokens.remove({ tokenId: made.id })
    await expect(clientOf(token).Users.showCurrentUser()).rejects.toThrow('invalid_token')
  })

  it('lists the packages of a project and of a group, filtered, ordered and page by page', async () => {
    const { group, project, inner, mine } = await setUp()
    const { id } = await world.package(project.id, { name: '@foo/bar', version: '1.0.0', type: 'npm' })
    await world.package(project.id, { name: '@foo/bar', version: '1.1.0', type: 'npm' })
    await world.package(project.id, { name: 'plain', version: '2.0.0', type: 'npm' })
    await world.package(project.id, { name: 'app', version: '3.0.0', type: 'maven' })
    await world.package(inner.id, { name: 'bar-inner', version: '0.1.0', type: 'npm' })

    const { Packages } = mine
    const all = ['@foo/bar@1.0.0', '@foo/bar@1.1.0', 'plain@2.0.0', 'app@3.0.0']
    expect(named(await Packages.all({ projectId: project.id }))).toEqual(all)
    expect(named(await Packages.all({ projectId: project.id, perPage: 1 }))).toEqual(all)
    expect(named(await Packages.all({ projectId: project.id, perPage: 1, maxPages: 2 }))).toEqual(all.slice(0, 2))
    expect(named(await Packages.all({ projectId: project.id, perPage: 2, page: 2 }))).toEqual(all.slice(2))
    expect(named(await Packages.all({ projectId: project.id, packageType: 'maven' }))).toEqual(['app@3.0.0'])

    const newest = { packageName: 'BAR', packageType: 'npm', orderBy: 'version', sort: 'desc' } as const
    expect(named(await Packages.all({ projectId: project.id, ...newest }))).toEqual(all.slice(0, 2).reverse())
    const inGroup = await Packages.all({ groupId: group.id, ...newest })
    expect(named(inGroup)).toEqual(['@foo/bar@1.1.0', '@foo/bar@1.0.0', 'bar-inner@0.1.0'])
    expect(inGroup[2]).toMatchObject({ project_id: inner.id, project_path: inner.path_with_namespace })
    expect(named(await Packages.all({ groupId: group.id, excludeSubgroups: true }))).toEqual(all)

    const page = await Packages.all({ groupId: group.id, perPage: 2, page: 2, showExpanded: true })
    expect(named(page.data)).toEqual(all.slice(2))
    expect(page.paginationInfo).toEqual({ total: 5, totalPages: 3, perPage: 2, current: 2, previous: 1, next: 3 })

    expect(await Packages.show(project.id, id)).toMatchObject({
      name: '@foo/bar',
      _links: { delete_api_path: `${door.origin}/api/v4/projects/${project.id}/packages/${id}` },
      versions: [{ version: '1.1.0' }],
    })
    await Packages.remove(project.id, id)
    await expect(Packages.show(project.id, id)).rejects.toThrow('404 Not found')
    expect(named(await Packages.all({ projectId: project.id }))).toEqual(all.slice(1))
  })

  it('publishes generic packages as a form, downloads them, and removes single files', async () => {
    const { path, project, mine } = await setUp()
    const content = (part: Buffer) => new Blob([new Uint8Array(part)])
    const { Packages, PackageRegistry } = mine
    const publish = (filename: string, part: Buffer) =>
      PackageRegistry.publish(project.id, 'tool', '1.0.0', { content: content(part), filename })

    expect(await publish('all.bin', bytes)).toEqual({ message: '201 Created' })
    const selected = await PackageRegistry.publish(
      `${path}/outer`,
      'tool',
      '1.0.0',
      { content: content(bytes.subarray(128)), filename: 'half.bin' },
      { select: 'package_file' },
    )
    expect(selected).toMatchObject({ file_name: 'half.bin', size: 128 })

    const file = await PackageRegistry.download(project.id, 'tool', '1.0.0', 'all.bin')
    expect(Buffer.from(await (file as unknown as Blob).arrayBuffer()).equals(bytes)).toBe(true)

    const [{ id } = { id: 0 }] = await Packages.all({ projectId: project.id, packageName: 'tool' })
    const files = async () => (await Packages.allFiles(project.id, id)).map(({ file_name, size }) => [file_name, size])
    expect(await files()).toEqual([
      ['all.bin', 256],
      ['half.bin', 128],
    ])
    await Packages.removeFile(project.id, id, Number(selected.id))
    expect(await files()).toEqual([['all.bin', 256]])
    await expect(PackageRegistry.download(project.id, 'tool', '1.0.0', 'half.bin')).rejects.toThrow('404')
  })

  it('makes, shows, lists and removes deploy tokens, which read packages as Bearer', async () => {
    const { group, project } = await setUp()
    const made = await root.DeployTokens.create('installs', ['read_package_registry'], { groupId: group.id })
    const { token, ...shown } = made
    expect(shown).toMatchObject({ name: 'installs', username: `gitlab+deploy-token-${made.id}`, expires_at: null })
    expect(await root.DeployTokens.show(made.id, { groupId: group.id })).toEqual(shown)
    expect(await root.DeployTokens.all({ groupId: group.id })).toEqual([shown])
    expect(await root.DeployTokens.all({ projectId: project.id })).toEqual([])
    expect((await root.DeployTokens.all()).map(({ id }) => id)).toContain(made.id)

    const machine = new Gitlab({ host: door.origin, oauthToken: token })
    expect(await machine.Packages.all({ projectId: project.id })).toEqual([])
    await root.DeployTokens.remove(made.id, { groupId: group.id })
    await expect(machine.Packages.all({ projectId: project.id })).rejects.toThrow('401')
  })
})
