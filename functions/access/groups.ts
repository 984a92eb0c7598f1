import { select } from '../../lib/access/lists.ts'
import { asGroupProblems, assertValid, groupProblems } from '../../lib/access/validity.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import { visibilities } from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, type Reader } from '../../lib/http/params.ts'
import { presentGroup } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { identify, requireUser } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import type { Database } from '../../lib/repository/database.ts'
import { parseGroupsQuery } from './listQuery.ts'
import { findNamed, openParent } from './namespaces.ts'
import { readAhead } from './readAhead.ts'

/**
 * `GET /groups`: the groups that the caller may see, without personal namespaces, by name, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token.
 */
export const listGroups = (db: () => Database) =>
  endpoint('listGroups', db)
    .use(paginate({ order_by: 'name', sort: 'asc' }))
    .use(readAhead(() => db().groups.listContents('group')))
    .use(identify(db))
    .handler(async (event, { caller, reading }) => {
      const page = parsePage(event)
      const query = parseGroupsQuery(event)
      const found = select('group', await reading, caller, query)
      const ids = sliceOf(found, page).map(({ id }) => id)
      const groups = new Map((await db().groups.listGroupsById(ids)).map((group) => [group.id, group]))

      const site = { url: externalUrl(event) }
      const rows = ids.flatMap((id) => groups.get(id) ?? []).map((group) => presentGroup(group, site))
      return { rows, total: found.length, page }
    })

const readNewGroup = (read: Reader) => ({
  name: read.required('name', read.text('name')),
  path: read.required('path', read.text('path')),
  description: read.text('description') ?? '',
  visibility: read.oneOf('visibility', visibilities) ?? 'private',
})

/**
 * `POST /groups`: makes a group, at the top or below `parent_id`. Its maker owns it.
 *
 * 201; 400 for a parameter, a path that is taken, more visibility than the parent's and too deep a place; 401 for
 * anonymous callers; 403 below Maintainer of the parent; 404 for a parent that is not there or not to be seen.
 */
export const createGroup = (db: () => Database) =>
  endpoint('createGroup', db)
    .use(readAhead((event) => findNamed(db(), event, 'parent_id')))
    .use(requireUser(db))
    .handler(async (event, { caller, user, reading }) => {
      const named = await reading
      const parent = named && openParent(caller, named.namespace)
      const wanted = parseParams(allParams(event), readNewGroup)
      assertValid(groupProblems(wanted, parent), asGroupProblems)

      const group = await db().groups.createGroup(parent, wanted, user.id, new Date().toISOString())
      return json(201, presentGroup(group, { url: externalUrl(event) }))
    })

/**
 * `GET /groups/:id`: one group.
 *
 * 200; 401 for a bad token; 404 for a group that is not there or not to be seen, and for a personal namespace.
 */
export const getGroup = (db: () => Database) =>
  endpoint('getGroup', db)
    .use(loadGroup(db, 'read_group'))
    .handler(async (event, { group }) => json(200, presentGroup(group, { url: externalUrl(event) })))
