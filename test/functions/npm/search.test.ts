import { doors, through } from '../../support/doors.ts'
import { createWorld, type Json, publishBody, type Who } from '../../support/world.ts'

type Found = { total: number; objects: { package: Json & { name: string; version: string } }[] }

describe.each(doors().map((door) => [door.name, door] as const))('npm search %s', (_name, door) => {
  const { it } = through(door)
  const world = createWorld(door)
  const { root, anonymous } = world
  beforeAll(() => door.open())

  const publish = async (id: number, name: string, version: string, more = {}, who: Who = root) => {
    const path = `/projects/${id}/packages/npm/${name.replace('/', '%2f')}`
    expect(await world.call(who, 'PUT', path, await publishBody(name, version, more))).toMatchObject({ status: 200 })
  }

  /** A private project with four names, of which one is hidden from lists; and who may read it. */
  const setUp = async () => {
    const { id, path_with_namespace } = await world.project({ visibility: 'private' })
    const developer = await world.member('projects', id, 30)
    const manifest = { description: 'Says hello', keywords: ['hi', 'greeting'], homepage: 'https://example.com/hello' }
    await publish(id, '@acme/hello', '1.0.0', { manifest }, developer)
    await publish(id, '@acme/hello', '2.0.0-beta.1', { tag: 'next' }, developer)
    await publish(id, 'hello-world', '1.0.0', { tag: 'next' })
    await publish(id, 'hello-world', '1.10.0', { tag: 'beta' })
    await publish(id, 'hello-world', '1.9.0', { tag: 'old' })
    await publish(id, 'World-tools', '0.1.0')
    await world.package(id, { name: 'hello-hidden', type: 'npm', status: 'hidden' })
    await world.package(id, { name: 'hello-generic' })
    return { id, path: String(path_with_namespace), developer }
  }
  const search = (id: number, query: string, who: Who = root) =>
    world.get(who, `/projects/${id}/packages/npm/-/v1/search${query}`)
  const namesIn = ({ json }: { json: unknown }) => {
    const { total, objects } = json as Found
    return [total, ...objects.map(({ package: { name, version } }) => `${name}@${version}`)]
  }

  it('finds names that have every word, in any case, with the version that an install would get', async () => {
    const { id } = await setUp()
    expect(namesIn(await search(id, '?text=HELLO'))).toEqual([2, '@acme/hello@1.0.0', 'hello-world@1.10.0'])
    expect(namesIn(await search(id, '?text=world%20hello&quality=0.65&popularity=0.98'))).toEqual([
      1,
      'hello-world@1.10.0',
    ])
    expect(namesIn(await search(id, '?text=tools'))).toEqual([1, 'World-tools@0.1.0'])
    expect(namesIn(await search(id, '?text=nothing'))).toEqual([0])
    expect(namesIn(await search(id, ''))).toEqual([3, '@acme/hello@1.0.0', 'World-tools@0.1.0', 'hello-world@1.10.0'])
  })

  it("answers in the form of npm's registry", async () => {
    const { id, path, developer } = await setUp()
    const { json } = await search(id, '?text=@acme')
    expect(json).toEqual({
      total: 1,
      time: expect.stringMatching(/^\d{4}-/),
      objects: [
        {
          package: {
            name: '@acme/hello',
            scope: 'acme',
            version: '1.0.0',
            description: 'Says hello',
            keywords: ['hi', 'greeting'],
            date: expect.stringMatching(/^\d{4}-/),
            links: {
              npm: expect.stringMatching(new RegExp(`^${door.origin}/${path}/-/packages/\\d+$`)),
              homepage: 'https://example.com/hello',
            },
            publisher: { username: developer.username },
            maintainers: [{ username: developer.username }],
          },
          score: { final: 1, detail: { quality: 1, popularity: 1, maintenance: 1 } },
          searchScore: 1,
        },
      ],
    })
  })

  it('tells no more of a package.json than fits, also where it holds what nobody shows', async () => {
    const { id } = await world.project()
    const manifest = {
      description: '"'.repeat(1_000),
      keywords: [...Array.from({ length: 30 }, (_, n) => `word-${n}`.padEnd(300, '-')), 1, null, {}],
      homepage: `https://example.com/${'a'.repeat(1_000)}`,
    }
    await publish(id, 'talkative', '1.0.0', { manifest })
    await publish(id, 'strange', '1.0.0', { manifest: { description: 1, keywords: 'one, two', homepage: {} } })
    const { json } = await search(id, '')
    const [strange, talkative] = (json as Found).objects.map((found): Json => found.package) as [Json, Json]
    expect(strange).toMatchObject({ name: 'strange', keywords: [], links: { npm: expect.any(String) } })
    expect('description' in strange).toBe(false)
    expect(talkative.description).toHaveLength(255)
    expect((talkative.keywords as string[]).map(({ length }) => length)).toEqual(Array(20).fill(60))
    expect(talkative.links).not.toHaveProperty('homepage')
  })

  it('pages by size and from, and refuses what is neither', async () => {
    const { id } = await setUp()
    expect(namesIn(await search(id, '?size=1'))).toEqual([3, '@acme/hello@1.0.0'])
    expect(namesIn(await search(id, '?size=1&from=2'))).toEqual([3, 'hello-world@1.10.0'])
    expect(namesIn(await search(id, '?size=0'))).toEqual([3])
    expect(namesIn(await search(id, '?from=3'))).toEqual([3])
    for (const query of ['?size=a', '?size=-1', '?from=-1', '?from=1.5', '?text=a%00b']) {
      expect(await search(id, query)).toMatchObject({ status: 400 })
    }
  })

  it('shows a private project to nobody who may not read its packages', async () => {
    const { id } = await setUp()
    expect(await search(id, '?text=hello', anonymous)).toMatchObject({ status: 401 })
    expect(await search(id, '?text=hello', await world.user())).toMatchObject({ status: 404 })
    expect(await search(id, '?text=hello', await world.member('projects', id, 10))).toMatchObject({ status: 403 })
    const reader = await world.deployToken('projects', id)
    expect(await world.get(reader, `/projects/${id}/packages/npm/-/v1/search?text=tools`)).toMatchObject({
      status: 200,
    })
  })
})
