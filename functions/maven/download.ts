import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound } from '../../lib/domain/errors.ts'
import { isInstallable, type PackageFile } from '../../lib/domain/package.ts'
import { type Caller, canInProject, isAnonymous } from '../../lib/domain/permissions.ts'
import type { Group, Project } from '../../lib/domain/project.ts'
import { answerDownload } from '../../lib/download.ts'
import { endpoint } from '../../lib/endpoint.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { type Answer, fileHeaders, text } from '../../lib/http/answers.ts'
import { pathParams } from '../../lib/http/params.ts'
import { pathsAbove, readMavenPath, sidecarOf } from '../../lib/maven/paths.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadNamedProject } from '../../lib/middleware/loadNamedProject.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Logged } from '../../lib/middleware/logRequest.ts'
import type { Database } from '../../lib/repository/database.ts'
import { settleOnTheWay } from './settleMetadata.ts'

type Found = { project: Project; file: PackageFile }

/** The path below the base of the repository, and the file that it, or the hash it asks for, is about. */
const wantedOf = (event: APIGatewayProxyEvent) => {
  const path = readMavenPath(pathParams(event).path ?? '')
  return path && { ...path, type: 'maven' as const, ...sidecarOf(path.fileName) }
}
type Wanted = NonNullable<ReturnType<typeof wantedOf>>

/** The artifacts among those of these projects whose metadata is asked for and does not fit. */
const findOutdated = async (db: Database, projectIds: readonly number[], { name, version }: Wanted) =>
  version === null
    ? db.overviews.outdatedAmong(projectIds.map((projectId) => ({ projectId, type: 'maven', name })))
    : []

const findInProject = async (db: Database, event: APIGatewayProxyEvent, project: Project) => {
  const wanted = wantedOf(event)
  if (!wanted) return { found: undefined, outdated: [] }
  const coordinates = { projectId: project.id, type: wanted.type, name: wanted.name, version: wanted.version }
  const [held, outdated] = await Promise.all([
    db.files.findByName(coordinates, wanted.fileName),
    findOutdated(db, [project.id], wanted),
  ])
  const file = held && isInstallable(held.package.status) ? held.file : undefined
  return { found: file && { project, file }, outdated }
}

/** The newest file that each project of a group has, whoever may read it. */
const findInGroup = async (db: Database, event: APIGatewayProxyEvent, group: Group, caller: Caller) => {
  const wanted = wantedOf(event)
  if (!wanted) return { projects: [], files: [], outdated: [] }
  const ids = await db.holders.listProjectIds(group.id, wanted, !isAnonymous(caller))
  const [projects, held, outdated] = await Promise.all([
    db.groups.listProjectsById(ids).then(db.groups.locateAll),
    db.holders.listFiles(ids, wanted, wanted.fileName),
    findOutdated(db, ids, wanted),
  ])
  const files = held.filter(({ package: { status } }) => isInstallable(status))
  return { projects: projects.map(({ thing }) => thing), files, outdated }
}
type InGroup = Awaited<ReturnType<typeof findInGroup>>

/** Those of the projects that are in the group now and that the caller may read. */
const readableIn = ({ id }: Group, caller: Caller, { projects }: InGroup) =>
  projects.filter((project) => project.ancestorIds.includes(id) && canInProject(caller, 'read_package', project))

const newestAmong = (readable: readonly Project[], { files }: InGroup): Found | undefined =>
  files
    .flatMap(({ package: { projectId }, file }) => {
      const project = readable.find(({ id }) => id === projectId)
      return project ? [{ project, file }] : []
    })
    .sort((one, other) => other.file.id - one.file.id)[0]

/** The file by a redirect, or its hash as text; to HEAD what they are. */
const answer = async (
  event: APIGatewayProxyEvent,
  context: Logged,
  db: Database,
  store: ObjectStore,
  found: Found | undefined,
): Promise<Answer> => {
  const hash = wantedOf(event)?.hash
  if (!found || (hash && !found.file[hash])) throw notFound('maven_file')
  const { project, file } = found
  if (hash) return text(200, file[hash] ?? '')

  const checksums = { 'X-Checksum-MD5': file.md5, 'X-Checksum-SHA1': file.sha1, 'X-Checksum-SHA256': file.sha256 }
  if (event.httpMethod === 'HEAD') {
    return { statusCode: 200, headers: { ...fileHeaders(file), ...checksums }, body: '' }
  }
  const redirected = await answerDownload(context, db, store, project, file)
  return { ...redirected, headers: { ...redirected.headers, ...checksums } }
}

/**
 * `GET` and `HEAD /projects/:id/packages/maven/*path/:file_name`: the newest file of that name, by a redirect to the
 * object store, or the hash of one as text.
 *
 * 302; 200 for a hash and for HEAD; 401 anonymous where the project is not public; 403 for a Guest; 404.
 */
export const downloadFromProject = (db: () => Database, store: () => ObjectStore) =>
  endpoint('downloadMavenFile', db, { deployTokens: true, asksForBasic: true })
    .use(
      loadProject(db, 'read_package', {
        asksForLogin: true,
        ahead: (event, project) => findInProject(db(), event, project),
      }),
    )
    .handler(async (event, context) => {
      const { project, ahead } = context
      const again = await settleAll(context, db(), store(), ahead.outdated)
      const { found } = again ? await findInProject(db(), event, project) : ahead

      return answer(event, context, db(), store(), found)
    })

/**
 * `GET` and `HEAD /groups/:id/-/packages/maven/*path/:file_name`: the same from whichever project of the group has it;
 * of several, among those that the caller may read, the one that was published last.
 *
 * 302; 200 for a hash and for HEAD; 401 anonymous where the group is not public; 404.
 */
export const downloadFromGroup = (db: () => Database, store: () => ObjectStore) =>
  endpoint('downloadMavenFileOfGroup', db, { deployTokens: true, asksForBasic: true })
    .use(
      loadGroup(db, 'read_group', {
        asksForLogin: true,
        ahead: (event, group, { caller }) => findInGroup(db(), event, group, caller),
      }),
    )
    .handler(async (event, context) => {
      const { group, caller, ahead } = context
      const readable = readableIn(group, caller, ahead)
      const outdated = ahead.outdated.filter(({ projectId }) => readable.some(({ id }) => id === projectId))
      const again = await settleAll(context, db(), store(), outdated)
      const held = again ? await findInGroup(db(), event, group, caller) : ahead

      return answer(event, context, db(), store(), newestAmong(readable, held))
    })

/**
 * `GET` and `HEAD /packages/maven/*path/:file_name`: the same from the project with whose full path the path begins.
 *
 * 302; 200 for a hash and for HEAD; 401 anonymous where no public project has such a path; 403 where no project that
 * the caller may see has, and for a Guest; 404.
 */
export const downloadFromAnywhere = (db: () => Database, store: () => ObjectStore) =>
  endpoint('downloadMavenFileOfInstance', db, { deployTokens: true, asksForBasic: true })
    .use(
      loadNamedProject(
        db,
        (event) => pathsAbove(wantedOf(event)?.name ?? ''),
        (event, project) => findInProject(db(), event, project),
      ),
    )
    .handler(async (event, context) => {
      const { project, ahead } = context
      const again = await settleAll(context, db(), store(), ahead.outdated)
      const { found } = again ? await findInProject(db(), event, project) : ahead

      return answer(event, context, db(), store(), found)
    })

/** @returns whether there was anything to settle, after which what was read ahead may be behind */
const settleAll = async (
  context: Logged,
  db: Database,
  store: ObjectStore,
  outdated: Awaited<ReturnType<typeof findOutdated>>,
): Promise<boolean> => {
  await Promise.all(outdated.map((artifact) => settleOnTheWay(context, db, store, artifact)))
  return outdated.length > 0
}
