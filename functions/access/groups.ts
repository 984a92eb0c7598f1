import type { APIGatewayProxyEvent } from 'aws-lambda'
import { sees, select } from '../../lib/access/lists.ts'
import { asGroupProblems, assertValid, describedProblems, groupProblems } from '../../lib/access/validity.ts'
import { PackagesError } from '../../lib/domain/errors.ts'
import { sliceOf } from '../../lib/domain/pagination.ts'
import type { Caller } from '../../lib/domain/permissions.ts'
import { parentId, visibilities } from '../../lib/domain/project.ts'
import { endpoint } from '../../lib/endpoint.ts'
import { json } from '../../lib/http/answers.ts'
import { externalUrl } from '../../lib/http/links.ts'
import { allParams, parseParams, type Reader, unmodifiedSince } from '../../lib/http/params.ts'
import { presentGroup } from '../../lib/http/present.ts'
import { parsePage } from '../../lib/http/query.ts'
import { findCallerOfNow, identify, requireUser } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { paginate } from '../../lib/middleware/paginate.ts'
import { readAhead } from '../../lib/middleware/readAhead.ts'
import { requireLogin } from '../../lib/middleware/requireLogin.ts'
import type { Database } from '../../lib/repository/database.ts'
import { assertTransferable, changeGroupPlace, readPlace, settleGroupSoon } from './changePlace.ts'
import { readSettings, settingsProblems, shownSettings } from './groupSettings.ts'
import { parseGroupsQuery } from './listQuery.ts'
import { findNamed, openParent } from './namespaces.ts'

const ORDER = { order_by: 'name', sort: 'asc' }

type Contents = Awaited<ReturnType<Database['groups']['listContents']>>

/** One page of what the caller may see and asks for, with the names of the groups around each row. */
const pageOf = async (db: Database, event: APIGatewayProxyEvent, caller: Caller, contents: Contents) => {
  const page = parsePage(event)
  const found = select('group', contents, caller, parseGroupsQuery(event, caller))
  const shown = sliceOf(found, page)
  const groups = await db.groups.locateAll(await db.groups.listGroupsById(shown.map(({ id }) => id)))

  const site = { url: externalUrl(event) }
  const rows = shown.flatMap(({ id }) => {
    const group = groups.find(({ thing }) => thing.id === id)
    return group && sees('group', caller, group.thing) ? [presentGroup(group.thing, group.ancestors, site)] : []
  })
  return { rows, total: found.length, page }
}

/**
 * `GET /groups`: the groups that the caller may see, without personal namespaces, by name, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token.
 */
export const listGroups = (db: () => Database) =>
  endpoint('listGroups', db)
    .use(paginate(ORDER))
    .use(readAhead(() => db().groups.listContents('group')))
    .use(identify(db))
    .handler(async (event, { caller, reading }) => pageOf(db(), event, caller, await reading))

/**
 * `GET /groups/:id/subgroups`: the groups directly in a group that the caller may see, by name, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 404 for a group that is not there or
 * not to be seen.
 */
export const listSubgroups = (db: () => Database) =>
  endpoint('listSubgroups', db)
    .use(paginate(ORDER))
    .use(loadGroup(db, 'read_group', { ahead: (_event, group) => db().groups.listContents('group', group) }))
    .handler(async (event, { caller, group, ahead: contents }) => {
      const direct = contents.filter((content) => parentId(content) === group.id)
      return pageOf(db(), event, caller, direct)
    })

/**
 * `GET /groups/:id/descendant_groups`: the groups in a group, at any depth, that the caller may see, by name, paged.
 *
 * 200 with the page, which may be empty; 400 for a parameter; 401 for a bad token; 404 for a group that is not there or
 * not to be seen.
 */
export const listDescendantGroups = (db: () => Database) =>
  endpoint('listDescendantGroups', db)
    .use(paginate(ORDER))
    .use(loadGroup(db, 'read_group', { ahead: (_event, group) => db().groups.listContents('group', group) }))
    .handler(async (event, { caller, ahead: contents }) => pageOf(db(), event, caller, contents))

const readNewGroup = (read: Reader) => ({
  name: read.required('name', read.text('name')),
  path: read.required('path', read.text('path')),
  description: read.text('description') ?? '',
  visibility: read.oneOf('visibility', visibilities) ?? 'private',
})

/**
 * `POST /groups`: makes a group, at the top or below `parent_id`. Its maker owns it.
 *
 * 201; 400 for a parameter, a path that is taken or reserved, more visibility than the parent's and too deep a place;
 * 401 for anonymous callers; 403 below Maintainer of the parent; 404 for a parent that is not there or not to be seen.
 */
export const createGroup = (db: () => Database) =>
  endpoint('createGroup', db)
    .use(readAhead((event) => findNamed(db(), event, 'parent_id')))
    .use(requireUser(db))
    .handler(async (event, { caller, user, reading }) => {
      const named = await reading
      const parent = named && openParent(caller, named.namespace)
      const wanted = parseParams(await allParams(event), readNewGroup)
      assertValid(groupProblems(wanted, parent), asGroupProblems)

      const group = await db().groups.createGroup(parent, wanted, user.id, new Date().toISOString())
      const ancestors = parent ? [...named.around, parent] : []
      return json(201, presentGroup(group, ancestors, { url: externalUrl(event) }))
    })

/**
 * `GET /groups/:id`: one group, with what it sets about packages for those who may change it.
 *
 * 200; 401 for a bad token; 404 for a group that is not there or not to be seen, and for a personal namespace.
 */
export const getGroup = (db: () => Database) =>
  endpoint('getGroup', db)
    .use(loadGroup(db, 'read_group'))
    .handler(async (event, { group, ancestors, caller }) =>
      json(200, {
        ...presentGroup(group, ancestors, { url: externalUrl(event) }),
        ...(await shownSettings(db(), caller, group)),
      }),
    )

const readChange = (read: Reader) => ({
  description: { name: read.text('name'), description: read.text('description') },
  place: readPlace(read),
  settings: readSettings(read),
})

/**
 * `PUT /groups/:id`: changes the name, the description, the path and the visibility of a group, and what it sets about
 * packages. Everything inside goes by the new path at once; an old path of a project leads on.
 *
 * 200; 400 for a parameter, a path that is taken, more visibility than the parent's and less than something inside; 401
 * for anonymous callers; 403 below Owner; 404 for a group that is not there or not to be seen; 409 while another change
 * around it is still on its way.
 */
export const updateGroup = (db: () => Database) =>
  endpoint('updateGroup', db)
    .use(requireLogin())
    .use(loadGroup(db, 'admin_group'))
    .handler(async (event, { group, ancestors, caller }) => {
      const { description, place, settings } = parseParams(await allParams(event), readChange)
      assertValid({ ...describedProblems(description), ...(await settingsProblems(settings)) })

      await changeGroupPlace(db(), group, ancestors.at(-1), place)
      await db().groupSettings.change(group.id, settings)
      const changed = await db().groups.describeGroup(group.id, description)
      return json(200, {
        ...presentGroup(changed, ancestors, { url: externalUrl(event) }),
        ...(await shownSettings(db(), caller, changed)),
      })
    })

/**
 * `POST /groups/:id/transfer`: moves a group, with all that is in it, below the group `group_id`, or to the top. Lists
 * show it at once.
 *
 * 201; 400 for a parameter, a path that is taken there, less visibility there, too deep a place and one inside itself;
 * 401 for anonymous callers; 403 below Owner of the group and Maintainer of the target; 404 for what is not there or not
 * to be seen; 409 while another change around it is still on its way.
 */
export const transferGroup = (db: () => Database) =>
  endpoint('transferGroup', db)
    .use(requireLogin())
    .use(loadGroup(db, 'admin_group', { ahead: (event) => findNamed(db(), event, 'group_id') }))
    .handler(async (event, context) => {
      const { group, ahead: named } = context
      // The caller's roles were read for the group; the target has groups of its own around it.
      const everywhere = await findCallerOfNow(db(), context)
      const target = named && openParent(everywhere, named.namespace)
      assertTransferable(group, target)

      const to = target?.id ?? { ownerId: everywhere.user?.id ?? 0 }
      const moved = await db().groups.transferGroup(group.id, to, new Date().toISOString())
      await settleGroupSoon(db(), group.id)
      return json(
        201,
        presentGroup(moved, named ? [...named.around, ...(target ? [target] : [])] : [], { url: externalUrl(event) }),
      )
    })

/**
 * `DELETE /groups/:id`: removes a group with all its subgroups, projects and packages. It is gone from every list at once.
 *
 * 202; 401 for anonymous callers; 403 below Owner; 404 for a group that is not there or not to be seen; 409 while another
 * change around it is still on its way; 412 when it was made after `If-Unmodified-Since`.
 */
export const deleteGroup = (db: () => Database) =>
  endpoint('deleteGroup', db)
    .use(requireLogin())
    .use(loadGroup(db, 'admin_group'))
    .handler(async (event, { group: { id, createdAt } }) => {
      const since = unmodifiedSince(event)
      if (since !== undefined && createdAt > since) throw new PackagesError({ code: 'modified_since' })

      await db().groups.deleteGroup(id, new Date().toISOString())
      await settleGroupSoon(db(), id)

      return json(202, { message: '202 Accepted' })
    })
