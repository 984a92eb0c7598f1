import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  callers,
  lineNames,
  type Outcome,
  outcomeOf,
  renderAccessTable,
  routeNames,
  visibilities,
} from '../support/accessRules.ts'
import { lambdaDoor, type Reply, routes } from '../support/doors.ts'
import { createWorld, type Json, type Who } from '../support/world.ts'

const LEVELS = { Guest: 10, Reporter: 20, Developer: 30, Maintainer: 40, Owner: 50 } as const

const door = lambdaDoor()
const world = createWorld(door)

/** Whoever may more than a Guest stands to every place as to a private one. */
const OUTSIDE = ['anonymous', 'no member', 'Guest', 'reading deploy token', 'writing deploy token'] as const

type Setting = { group: number; project: number; path: string; who: Record<string, Who> }

const build = async (visibility: string): Promise<Setting> => {
  const group = await world.group({ visibility })
  const project = await world.project({ visibility, namespace_id: group.id })
  const who: Record<string, Who> = {
    anonymous: {},
    'no member': await world.user(),
    administrator: await world.user(['api'], { admin: true }),
  }
  who['reading deploy token'] = await world.deployToken('groups', group.id, ['read_package_registry'])
  who['writing deploy token'] = await world.deployToken('groups', group.id, ['write_package_registry'])
  for (const [role, level] of Object.entries(LEVELS)) who[role] = await world.member('groups', group.id, level)
  return { group: group.id, project: project.id, path: String(project.path_with_namespace), who }
}

/** A thing that is not there stands in for what a caller would get, change or delete: so the next one finds it all. */
const NOTHING: Record<string, string> = {
  package_name: 'nothing',
  package_version: '1.0.0',
  rest: '-/nothing-1.0.0.tgz',
  path: 'com/mycompany/nothing/1.0/nothing-1.0.jar',
}

const pathOf = (resource: string, { group, project, path }: Setting) =>
  resource
    .replace(/^\/packages\/maven\/\{path\+\}$/, `/packages/maven/${path}/1.0/nothing-1.0.jar`)
    .replace('{id}', String(resource.startsWith('/groups/') ? group : project))
    .replaceAll(/\{(\w+)\+?\}/g, (_, name: string) => NOTHING[name] ?? '0')

/** A token that may be rotated or revoked: routes about tokens are asked with it, or about it. */
const spareToken = async ({ id }: Who): Promise<Who> => {
  const { id: tokenId, token } = await world.make(`/users/${id}/personal_access_tokens`, {
    name: 'spare',
    scopes: ['api'],
  })
  return { id: tokenId, token: String(token) }
}

/** Where a route makes something is in the body; the rest that it needs is missing, which is told last. */
const bodyOf = (route: string, { group }: Setting): Json => {
  if (route === 'POST /groups') return { parent_id: group }
  return route === 'POST /projects' ? { namespace_id: group } : {}
}

/** 404 for a thing inside of what the caller sees, or 400 for parameters, is told to those who may. */
const outcomeFor = ({ status, json }: Reply): Outcome => {
  const { message } = (json ?? {}) as { message?: unknown }
  if (status === 401) return '401'
  if (status === 403) return '403'
  return /^404 (Project|Group|Namespace) Not Found$/.test(String(message)) ? '404' : 'yes'
}

const UNKNOWN: Who = { token: 'pat-nobody-has-this-one' }

describe('the access table of all routes', () => {
  const settings = new Map<string, Setting>()
  beforeAll(async () => {
    await door.open()
    for (const visibility of visibilities) settings.set(visibility, await build(visibility))
  })

  it('has a line for every route, and for no others', () => {
    expect([...lineNames].sort()).toEqual(routeNames().sort())
  })

  it('is in docs/access-table.md as it is; npm run docs:access writes it', () => {
    expect(readFileSync(resolve('docs/access-table.md'), 'utf8')).toBe(renderAccessTable())
  })

  const isHead = (route: string) => route.startsWith('HEAD ')

  it.each(routeNames().filter(isHead))('says of %s what it says of GET, which the same function answers', (route) => {
    const get = route.replace('HEAD', 'GET')
    const functionOf = (name: string) =>
      routes().find(({ method, resource }) => `${method} ${resource.replace('/api/v4', '')}` === name)?.functionName
    expect(functionOf(route)).toBe(functionOf(get))
    const lineOf = (name: string) =>
      visibilities.map((visibility) => callers.map((caller) => outcomeOf(name, caller, visibility)))
    expect(lineOf(route)).toEqual(lineOf(get))
  })

  it.each(routeNames().filter((route) => !isHead(route)))('is true of %s', async (route) => {
    const [method = '', resource = ''] = route.split(' ')
    const declared: string[] = []
    const got: string[] = []
    // What is about no group or project says the same around each of them.
    const isAboutPlace = /\{id\}|path\+/.test(resource) || /^POST \/(groups|projects)$/.test(route)
    for (const visibility of isAboutPlace ? visibilities : visibilities.slice(0, 1)) {
      const setting = settings.get(visibility) as Setting
      for (const caller of visibility === 'private' ? callers : OUTSIDE) {
        const body = ['POST', 'PUT', 'PATCH'].includes(method) ? bodyOf(route, setting) : undefined
        // A deletion that is allowed stops here.
        const headers = { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }
        const who = setting.who[caller] ?? {}
        const spare = resource.startsWith('/personal_access_tokens/') && who.token ? await spareToken(who) : undefined
        const path = pathOf(resource.replace('{token_id}', String(spare?.id ?? 0)), setting)
        const asking = spare && resource.includes('/self') ? spare : who
        const reply = await world.call(asking, method, path, body, headers)
        declared.push(`${visibility}, ${caller}: ${outcomeOf(route, caller, visibility)}`)
        got.push(`${visibility}, ${caller}: ${outcomeFor(reply)}`)
        expect(reply.status).toBeLessThan(500)
      }
    }
    expect(got).toEqual(declared)
  })

  it.each(routeNames().filter((route) => route !== 'GET /-/readiness'))(
    'refuses an unknown token: %s',
    async (route) => {
      const [method = '', resource = ''] = route.split(' ')
      const setting = settings.get('public') as Setting
      expect(await world.call(UNKNOWN, method, pathOf(resource, setting))).toMatchObject({ status: 401 })
    },
  )
})
