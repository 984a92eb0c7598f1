import type { APIGatewayProxyEvent } from 'aws-lambda'
import { answerDocument } from '../../lib/document.ts'
import { notFound } from '../../lib/domain/errors.ts'
import type { Tag } from '../../lib/domain/package.ts'
import type { Project } from '../../lib/domain/project.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import { apiUrl } from '../../lib/http/links.ts'
import { prefersType } from '../../lib/http/negotiation.ts'
import { queryParams } from '../../lib/http/params.ts'
import { entityTag, type Form, MEDIA_TYPES, presentPackument, type Version } from '../../lib/npm/packument.ts'
import type { Database } from '../../lib/repository/database.ts'

export const nameIn = ({ id }: Pick<Project, 'id'>, name: string) => ({ projectId: id, type: 'npm', name }) as const

/** Versions of a name with what is known of them, and its tags. */
export type Found = { versions: Version[]; tags: Tag[] }

export const findVersions = async (
  db: Database,
  event: APIGatewayProxyEvent,
  project: Pick<Project, 'id'>,
  name: string,
): Promise<Found> => {
  const wanted = nameIn(project, name)
  const [versions, { tags }] = await Promise.all([db.packages.listVersionDetails(wanted), db.packages.findTags(wanted)])
  const base = apiUrl(event, `/projects/${project.id}/packages/npm`)
  return { versions: versions.map((version) => ({ ...version, base })), tags }
}

/** npm asks with `write=true` for what it is about to send back. */
const formOf = (event: APIGatewayProxyEvent): Form => {
  if (queryParams(event).write === 'true') return 'write'
  return prefersType(event, MEDIA_TYPES.install) ? 'install' : 'full'
}

/** @throws `not_found` when no version is to be had */
export const answerPackument = async (
  event: APIGatewayProxyEvent,
  store: () => ObjectStore,
  name: string,
  { versions, tags }: Found,
) => {
  const form = formOf(event)
  const text = presentPackument(name, versions, tags, form)
  if (text === undefined) throw notFound('npm_packages')

  return answerDocument(event, store, { text, type: MEDIA_TYPES[form], entityTag: entityTag(text) })
}
