import { fork } from 'node:child_process'
import { isHidden } from '../local/registry.ts'
import { nextOf, type Reply } from '../test/support/doors.ts'
import type { Cost } from '../test/support/meter.ts'
import { publishBody, type Who } from '../test/support/world.ts'
import { writePrices } from './prices.ts'
import { drawChart, table, writeSection } from './report.ts'
import { openSetting, type Setting } from './setting.ts'

const PER_PAGE = 20
const ORDERS = ['created_at', 'name', 'version', 'type']
const SORTS = ['asc', 'desc']

type Read = Cost & { answer: Reply }

/** What a request costs. Its token must have been used before: the first of ten minutes notes that. */
const costOf = async ({ meter, world }: Setting, who: Who, path: string): Promise<Read> => {
  const read = await meter.read(() => world.get(who, path))
  if (read.answer.status !== 200) throw new Error(`GET ${path} answered ${read.answer.status}: ${read.answer.text}`)
  return read
}

const shown = ({ calls, readUnits }: Cost) => `${calls} / ${readUnits}`
const most = (costs: readonly Cost[]): Cost => ({
  calls: Math.max(...costs.map(({ calls }) => calls)),
  readUnits: Math.max(...costs.map(({ readUnits }) => readUnits)),
  writeUnits: Math.max(...costs.map(({ writeUnits }) => writeUnits)),
})

/** In one order, both ways: the first page and three that follow by Link; and from its start pages by their bare number. */
const costsOfList = async (
  setting: Setting,
  who: Who,
  list: string,
  query: string,
  pages: (last: number) => readonly number[],
) => {
  const firsts: Read[] = []
  const followed: Read[] = []
  const numbered: [number, Read][] = []
  for (const sort of SORTS) {
    const path = `${list}?per_page=${PER_PAGE}&sort=${sort}${query}`
    const first = await costOf(setting, who, path)
    firsts.push(first)
    let next = nextOf(first.answer)
    for (let count = 0; next && count < 3; count++) {
      const page = await costOf(setting, who, next)
      followed.push(page)
      next = nextOf(page.answer)
    }
    if (sort === 'desc') continue
    numbered.push([1, first])
    const last = Number(first.answer.headers['x-total-pages'])
    for (const number of pages(last)) {
      if (number > 1 && number <= last) numbered.push([number, await costOf(setting, who, `${path}&page=${number}`)])
    }
  }
  const seen = Number(firsts[0]?.answer.headers['x-total'])
  return {
    seen,
    first: most(firsts),
    followed: most(followed),
    numbered,
    deepest: most(numbered.map(([, cost]) => cost)),
  }
}

const projects = async (setting: Setting, sizes: readonly number[]) => {
  const rows: (string | number)[][] = []
  const bySize: Record<string, [number, number][]> = {}
  const byDepth: Record<string, [number, number][]> = {}
  const places: { size: number; project: number; group: number }[] = []
  for (const [n, size] of sizes.entries()) {
    const { top, projects } = await setting.fill(
      { packages: size, projects: 1, groups: 1, depth: 2, seed: n + 1 },
      'lists',
    )
    const id = projects[0]?.id as number
    await setting.count({ kind: 'project', id }, { kind: 'group', id: top.id })
    places.push({ size, project: id, group: top.id })
    const member = await setting.world.member('groups', top.id, 20)
    await setting.world.get(member, '/user')
    const list = `/projects/${id}/packages`
    for (const order of ORDERS) {
      for (const filter of order === 'created_at' ? ['', '&package_type=npm'] : ['']) {
        const query = `&order_by=${order}${filter}`
        const { first, followed, deepest, numbered } = await costsOfList(setting, member, list, query, (last) =>
          [...new Set([5, 50, 500, Math.ceil(last / 2), last])].sort((one, other) => one - other),
        )
        const name = filter === '' ? order : `${order}, npm only`
        rows.push([size.toLocaleString('en-US'), name, shown(first), shown(followed), shown(deepest)])
        bySize[name] = [...(bySize[name] ?? []), [size, first.readUnits]]
        if (size === sizes.at(-1)) byDepth[name] = numbered.map(([number, { readUnits }]) => [number, readUnits])
      }
    }
  }
  return { rows, bySize, byDepth, places }
}

const groups = async (setting: Setting, large: { packages: number; projects: number; groups: number }) => {
  const sizes = [
    { packages: 100, projects: 10, groups: 4, depth: 3, seed: 101 },
    { ...large, depth: 3, seed: 102 },
  ]
  const rows: (string | number)[][] = []
  for (const size of sizes) {
    const { top, projects: inside } = await setting.fill(size, 'lists')
    const { world } = setting
    const insider = await world.user()
    await setting.count({ kind: 'group', id: top.id })
    // He sees these by his roles alone.
    for (const { id } of inside.filter((_, place) => isHidden(place, inside.length))) {
      await setting.count({ kind: 'project', id })
      await world.make(`/projects/${id}/members`, { user_id: insider.id, access_level: 20 })
    }
    const callers: [string, Who][] = [
      // Not the one who made it all, who has a role in each of the groups: whoever asks pays for the roles that he has.
      ['administrator', await world.user(['api'], { admin: true })],
      ['member', await world.member('groups', top.id, 20)],
      ['member of 3 projects inside', insider],
      ['anonymous', world.anonymous],
    ]
    for (const [called, who] of callers) {
      await world.get(who, '/user')
      const list = `/groups/${top.id}/packages`
      for (const order of [...ORDERS, 'project_path']) {
        // The middle is the furthest from both ends.
        const { seen, first, followed, deepest } = await costsOfList(
          setting,
          who,
          list,
          `&order_by=${order}`,
          (last) => [Math.ceil(last / 2)],
        )
        const sizes = [size.packages, seen].map((count) => count.toLocaleString('en-US'))
        rows.push([called, order, ...sizes, shown(first), shown(followed), shown(deepest)])
      }
    }
  }
  return rows.sort((one, other) => (`${one[0]}\n${one[1]}` < `${other[0]}\n${other[1]}` ? -1 : 1))
}

/** Every endpoint that clients use all day, in a project of each size. */
const endpoints = async (setting: Setting, places: readonly { size: number; project: number; group: number }[]) => {
  const costs: Record<string, Record<number, Cost>> = {}
  const { meter, world } = setting
  for (const { size, project, group } of places) {
    const base = `/projects/${project}/packages`
    const bytes = Buffer.alloc(1_000, 'a').toString()
    const measure = async (name: string, call: () => Promise<Reply>) => {
      const { answer, ...cost } = await meter.read(call)
      if (answer.status >= 400) throw new Error(`${name} answered ${answer.status}: ${answer.text}`)
      costs[name] = { ...costs[name], [size]: cost }
      return answer
    }
    // Not the first, which notes a download: that is exact to the hour, and tells of a token what is exact to ten minutes.
    const get = async (name: string, path: string, headers = {}) => {
      const call = () => world.call(world.root, 'GET', path, undefined, headers)
      await call()
      return measure(name, call)
    }
    const put = (name: string, path: string) =>
      measure(name, () =>
        world.door.call({ method: 'PUT', path, headers: { 'private-token': String(world.root.token) }, body: bytes }),
      )
    const npm = async (name: string, version: string) => {
      const body = await publishBody('measured', version)
      await measure(name, () => world.call(world.root, 'PUT', `${base}/npm/measured`, body))
    }
    await npm('npm publish, first version', '1.0.0')
    await npm('npm publish, next version', '1.0.1')
    await get('npm install: packument', `${base}/npm/measured`)
    await get('npm install: short packument', `${base}/npm/measured`, { accept: 'application/vnd.npm.install-v1+json' })
    await get('npm install: tarball', `${base}/npm/measured/-/measured-1.0.1.tgz`)
    await put('mvn deploy: a file', `${base}/maven/com/measured/app/1.0/app-1.0.jar`)
    await get('mvn: download a file', `${base}/maven/com/measured/app/1.0/app-1.0.jar`)
    await put('generic: upload a file', `${base}/generic/measured/1.0.0/a.txt`)
    await get('generic: download a file', `${base}/generic/measured/1.0.0/a.txt`)
    await get('list packages of a project', base)
    await get('list packages of a group', `/groups/${group}/packages`)
    const found = await world.get(world.root, `${base}?package_name=measured&package_type=npm`)
    const [{ id = 0 } = {}] = found.json as { id?: number }[]
    await get('get a package', `${base}/${id}`)
    await get('list files of a package', `${base}/${id}/package_files`)
    await measure('delete a package', () => world.call(world.root, 'DELETE', `${base}/${id}`))
  }
  return costs
}

/** 200 names of many versions against 200 names of one, and 2 of thousands: what a search costs follows names. */
const searches = async (setting: Setting, most: number) => {
  const rows: (string | number)[][] = []
  for (const [names, versions] of [
    [200, 1],
    [200, most / 200],
    [2, most / 20],
  ] as const) {
    const project = await setting.fillNames(names, versions)
    await setting.count({ kind: 'project', id: project })
    for (const query of ['package_name=measured-name-1', 'package_name=name-19&order_by=name']) {
      if (names === 2 && query.includes('19')) continue
      const path = `/projects/${project}/packages?per_page=${PER_PAGE}&${query}`
      const first = await costOf(setting, setting.world.root, path)
      const next = nextOf(first.answer)
      const middle = Math.ceil(Number(first.answer.headers['x-total-pages']) / 2)
      rows.push([
        `${names} × ${versions.toLocaleString('en-US')}`,
        query,
        Number(first.answer.headers['x-total']).toLocaleString('en-US'),
        shown(first),
        next ? shown(await costOf(setting, setting.world.root, next)) : '',
        shown(await costOf(setting, setting.world.root, `${path}&page=${middle}`)),
      ])
    }
  }
  return rows
}

/** All packages by Link, a hundred at a time, and the cost of it by package. */
const walk = async (setting: Setting, place: { size: number; project: number }) => {
  const { meter, world } = setting
  let path: string | undefined = `/projects/${place.project}/packages?per_page=100`
  const seen = new Set<number>()
  let pages = 0
  const { calls, readUnits } = await meter.read(async () => {
    for (; path; pages++) {
      const answer: Reply = await world.get(world.root, path)
      for (const { id } of answer.json as { id: number }[]) seen.add(id)
      path = nextOf(answer)
    }
  })
  const per = (figure: number) => (figure / pages).toFixed(2)
  return [place.size.toLocaleString('en-US'), seen.size.toLocaleString('en-US'), pages, per(calls), per(readUnits)]
}

/**
 * The parts of the bench. Each has a process and a database of its own, and all run at the same time: they count what no
 * clock changes, and to fill the databases takes most of their time.
 */
const PARTS = {
  async projects(setting: Setting, most: number) {
    const sizes = [100, 1_000, 10_000, 100_000].filter((size) => size <= most)
    const { places, ...measured } = await projects(setting, sizes)
    const walks: (string | number)[][] = []
    for (const place of places) walks.push(await walk(setting, place))
    return { ...measured, walks, costs: await endpoints(setting, places), sizes }
  },
  async groups(setting: Setting, most: number) {
    const large = { packages: most, projects: most / 20, groups: most / 200 }
    return { large, groupRows: await groups(setting, large) }
  },
  searches,
}
type Part = keyof typeof PARTS
type Found<Name extends Part> = Awaited<ReturnType<(typeof PARTS)[Name]>>

const measure = async (part: Part, most: number) => {
  const setting = await openSetting()
  try {
    return await PARTS[part](setting, most)
  } finally {
    await setting.stop()
  }
}

const inProcessOfItsOwn = <Name extends Part>(part: Name, most: number) =>
  new Promise<Found<Name>>((resolve, reject) => {
    const child = fork(import.meta.filename, [part, String(most)])
    child.on('message', (found: Found<Name>) => resolve(found))
    child.on('exit', (code) => reject(new Error(`the part about ${part} ended with ${code}`)))
  })

/** @param most packages of the largest project and group */
export const run = async (most: number): Promise<void> => {
  const [{ rows, bySize, byDepth, walks, costs, sizes }, { large, groupRows }, searchRows] = await Promise.all([
    inProcessOfItsOwn('projects', most),
    inProcessOfItsOwn('groups', most),
    inProcessOfItsOwn('searches', most),
  ])
  const lines = (of: Record<string, [number, number][]>) =>
    Object.entries(of).map(([name, points]) => ({ name, points }))

  const name = (n: number) => n.toLocaleString('en-US')
  writeSection(
    'cost',
    [
      'Cells are calls / read units, the dearest of their kind, in both directions for pages by Link. Each request shows a ' +
        'token, which costs its share.',
      drawChart(
        'cost-by-size',
        'Read units of the first page by packages in the project',
        { x: 'packages', y: 'read units' },
        lines(bySize),
      ),
      drawChart(
        'cost-by-depth',
        `Read units of a bare page by its number, of ${name(most)} packages`,
        { x: 'page', y: 'read units' },
        lines(byDepth),
      ),
      '### A project',
      table(['Packages', 'Order', 'First page', 'Next by Link', 'Any page by number'], rows),
      '### A group',
      `The small one has 10 projects in 4 groups, the large one ${name(large.projects)} projects in ${name(large.groups)} nested groups.`,
      table(['Caller', 'Order', 'Packages', 'Seen', 'First page', 'Next by Link', 'The middle by number'], groupRows),
      '### A search by name',
      table(['Names × versions', 'Query', 'Found', 'First page', 'Next by Link', 'The middle by number'], searchRows),
      '### All packages of a project by Link, 100 a page',
      table(['Packages', 'Seen', 'Pages', 'Calls a page', 'Read units a page'], walks),
    ].join('\n\n'),
  )
  writePrices(costs, sizes)
}

const [, program, part, size] = process.argv
if (program === import.meta.filename) process.send?.(await measure(part as Part, Number(size)))
