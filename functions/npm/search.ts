import type { APIGatewayProxyEvent } from 'aws-lambda'
import { isOpenable } from '../../lib/domain/package.ts'
import type { Project } from '../../lib/domain/project.ts'
import { json } from '../../lib/http/answers.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { parseParams, queryParams } from '../../lib/http/params.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import { distTags } from '../../lib/npm/packument.ts'
import { presentFound } from '../../lib/npm/search.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'
import { nameIn } from './packument.ts'

/** npm's own registry answers with so many when it is not told, and with no more than the limit. */
const DEFAULT_SIZE = 20
const SEARCH_SIZE_LIMIT = 250

/** What npm sends of how to weigh results, and qualifiers of its own registry, mean nothing here: names are searched. */
const parseSearch = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => {
    const size = read.integer('size') ?? DEFAULT_SIZE
    const from = read.integer('from') ?? 0
    if (size < 0 || from < 0) read.refuse(`${size < 0 ? 'size' : 'from'} does not have a valid value`)
    return { text: read.text('text') ?? '', size: Math.min(size, SEARCH_SIZE_LIMIT), from }
  })

const search = async (db: Database, { id }: Project, { text, size, from }: ReturnType<typeof parseSearch>) => {
  const filter = { type: 'npm', name: text, includeVersionless: false } as const
  const found = await db.listings.listNames({ kind: 'project', id }, filter)
  const shown = found.slice(from, from + size)
  const tagged = (
    await db.packages.listTagged(
      shown.map((name) => nameIn({ id }, name)),
      'latest',
    )
  ).filter(({ status }) => isOpenable(status))
  const byName = new Map(tagged.map((version) => [version.name, version]))
  const versions = await Promise.all(shown.map(async (name) => byName.get(name) ?? findHighest(db, id, name)))
  return { total: found.length, versions: versions.filter((version) => version !== undefined) }
}

/** Most names have the tag `latest`; of the others it is the highest version. */
const findHighest = async (db: Database, projectId: number, name: string) => {
  const wanted = nameIn({ id: projectId }, name)
  const { latest } = distTags(await db.packages.listVersions(wanted), [])
  const version =
    latest === undefined ? undefined : await db.packages.findVersionDetails({ ...wanted, version: latest })
  const record = version && (await db.packages.find(version.id))
  return record && { ...record, details: version.details }
}

/**
 * `GET …/npm/-/v1/search`: the packages of a project whose name has every word of `text`, by name, in npm's form.
 *
 * 200; 400 for a parameter; 401 anonymous where the project is not public; 403 for a Guest; 404.
 */
export const searchProject = (db: () => Database) =>
  npmEndpoint('npmSearch', db)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(async (event, { project }) => {
      const { total, versions } = await search(db(), project, parseSearch(event))
      const publishers = await db().users.listById(versions.flatMap(({ creatorId }) => creatorId ?? []))
      const usernames = new Map(publishers.map(({ id, username }) => [id, username]))
      const page = `${externalUrl(event)}/${project.fullPath}/-/packages`
      return json(200, {
        objects: versions.map((found) =>
          presentFound(
            found,
            `${page}/${found.id}`,
            found.creatorId === null ? undefined : usernames.get(found.creatorId),
          ),
        ),
        total,
        time: new Date().toISOString(),
      })
    })
