import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { ListQuery, TokenQuery } from '../../lib/access/lists.ts'
import type { Sort } from '../../lib/domain/listing.ts'
import { ACCESS_LEVELS, accessLevels, type Caller, NO_ACCESS } from '../../lib/domain/permissions.ts'
import { visibilities } from '../../lib/domain/project.ts'
import { parseParams, queryParams, type Reader } from '../../lib/http/params.ts'

const SORTS = ['asc', 'desc'] as const
const GROUP_ORDERS = ['name', 'path', 'id'] as const
const PROJECT_ORDERS = ['id', 'created_at', 'updated_at', 'last_activity_at', 'name', 'path'] as const
const TOKEN_STATES = ['active', 'inactive'] as const

/** What a list of groups or projects takes besides its order. The three ways to ask for one's own become one. */
const readFilter = (read: Reader): Pick<ListQuery, 'search' | 'visibility' | 'leastRole'> => {
  const leastRole = read.integer('min_access_level') ?? NO_ACCESS
  if (leastRole !== NO_ACCESS && !accessLevels.some((level) => level === leastRole)) {
    read.refuse('min_access_level does not have a valid value')
  }
  return {
    search: read.text('search'),
    visibility: read.oneOf('visibility', visibilities),
    leastRole: Math.max(
      leastRole,
      read.boolean('owned') ? ACCESS_LEVELS.owner : NO_ACCESS,
      read.boolean('membership') ? ACCESS_LEVELS.guest : NO_ACCESS,
    ),
  }
}

/** An anonymous caller is shown all that is public, whatever he asks for, as in GitLab. @throws `parameters_invalid` */
export const parseGroupsQuery = (event: APIGatewayProxyEvent, caller: Caller): ListQuery =>
  parseParams(queryParams(event), (read) => ({
    ...readFilter(read),
    order: read.oneOf('order_by', GROUP_ORDERS) ?? 'name',
    sort: read.oneOf<Sort>('sort', SORTS) ?? 'asc',
    involvedOnly: read.boolean('all_available') === false && caller.user !== undefined,
    topLevelOnly: read.boolean('top_level_only') ?? false,
    skippedIds: read.integers('skip_groups') ?? [],
  }))

/**
 * All times of a project are that of its creation, and ids grow with it. `isSimple` asks for fewer fields.
 * @throws `parameters_invalid`
 */
export const parseProjectsQuery = (event: APIGatewayProxyEvent): ListQuery & { isSimple: boolean } =>
  parseParams(queryParams(event), (read) => {
    const order = read.oneOf('order_by', PROJECT_ORDERS)
    return {
      ...readFilter(read),
      order: order === 'name' || order === 'path' ? order : 'id',
      sort: read.oneOf<Sort>('sort', SORTS) ?? 'desc',
      isSimple: read.boolean('simple') ?? false,
    }
  })

/** @throws `parameters_invalid` */
export const parseMembersQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => ({ search: read.text('query'), userIds: read.integers('user_ids') }))

/** @throws `parameters_invalid` */
export const parseUsersQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => ({ username: read.text('username'), search: read.text('search') }))

/** @throws `parameters_invalid` */
export const parseTokensQuery = (event: APIGatewayProxyEvent): TokenQuery & { userId: number | undefined } =>
  parseParams(queryParams(event), (read) => {
    const state = read.oneOf('state', TOKEN_STATES)
    return {
      userId: read.integer('user_id'),
      isActive: state === undefined ? undefined : state === 'active',
      isRevoked: read.boolean('revoked'),
      search: read.text('search'),
    }
  })
