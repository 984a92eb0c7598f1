import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { FileOrder, PackageFilter, PackageOrder, Sort } from '../domain/listing.ts'
import { packageStatuses, packageTypes } from '../domain/package.ts'
import { DEFAULT_PER_PAGE, MAX_PER_PAGE, type Page } from '../domain/pagination.ts'
import { openCursor, ownerOf } from './cursors.ts'
import { parseParams, queryParams, type Reader } from './params.ts'

const PROJECT_ORDERS = ['created_at', 'name', 'version', 'type'] as const
const GROUP_ORDERS = [...PROJECT_ORDERS, 'project_path'] as const
const FILE_ORDERS = ['id', 'created_at', 'file_name'] as const
const SORTS = ['asc', 'desc'] as const

/** Page and size: 0 or less is page 1 and the default size, but a size of 0 is refused; above the cap is the cap. */
const readPage = (read: Reader): Page => {
  const number = read.integer('page')
  const asked = read.integer('per_page') ?? DEFAULT_PER_PAGE
  if (asked === 0) read.refuse('per_page has a value not allowed')
  const size = asked < 0 ? DEFAULT_PER_PAGE : Math.min(asked, MAX_PER_PAGE)
  return { number: Math.min(Math.max(1, number ?? 1), LAST_PAGE), size, asked }
}

/** Beyond it an offset is no exact number any more; no list is that long. */
const LAST_PAGE = Math.floor(Number.MAX_SAFE_INTEGER / MAX_PER_PAGE)

/** What a list of a package's files takes. @throws `parameters_invalid` */
export const parseFilesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => ({
    page: readPage(read),
    order: read.oneOf<FileOrder>('order_by', FILE_ORDERS) ?? 'id',
    sort: read.oneOf<Sort>('sort', SORTS) ?? 'asc',
  }))

/** The largest page of a package's pipelines, as in GitLab. */
const PIPELINES_PER_PAGE = 20

/**
 * What a list of a package's pipelines takes: its size has rules of its own, and there are no page numbers.
 * @throws `parameters_invalid`
 */
export const parsePipelinesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => {
    const size = read.integer('per_page') ?? PIPELINES_PER_PAGE
    if (size < 1 || size > PIPELINES_PER_PAGE) read.refuse('per_page does not have a valid value')
    const cursor = read.text('cursor') ?? ''
    if (cursor !== '' && !isCursor(cursor)) read.refuse('cursor is invalid')
    return { size, cursor }
  })

/** GitLab's keyset cursor: JSON in URL-safe base64, with the last id and a direction. */
const isCursor = (text: string): boolean => {
  try {
    const cursor: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    const { id, _kd } = Object(cursor)
    return /^\d+$/.test(String(id)) && (_kd === 'n' || _kd === 'p')
  } catch {
    return false
  }
}

export const parsePage = (event: APIGatewayProxyEvent): Page => parseParams(queryParams(event), readPage)

const readFilter = (read: Reader): PackageFilter => {
  const [type, name, version, includeVersionless, status] = [
    read.oneOf('package_type', packageTypes),
    read.text('package_name'),
    read.text('package_version'),
    read.boolean('include_versionless') ?? false,
    read.oneOf('status', packageStatuses),
  ]
  return {
    ...(type === undefined ? {} : { type }),
    ...(name === undefined || name.trim() === '' ? {} : { name }),
    ...(version === undefined || version === '' ? {} : { version }),
    ...(status === undefined ? {} : { status }),
    includeVersionless,
  }
}

const readPackageQuery = <Order extends PackageOrder>(read: Reader, orders: readonly Order[]) => ({
  page: readPage(read),
  order: read.oneOf<PackageOrder>('order_by', orders) ?? 'created_at',
  sort: read.oneOf<Sort>('sort', SORTS) ?? 'asc',
  filter: readFilter(read),
})

/**
 * A page of a list that can go on from a row: beside a number, a cursor that does not fit is ignored; a keyset page is
 * found by its cursor alone.
 */
const placed = <Query extends { page: Page }>(
  read: Reader,
  event: APIGatewayProxyEvent,
  { page: numbered, ...query }: Query,
) => {
  const { cursor, pagination } = queryParams(event)
  const isKeyset = pagination === 'keyset'
  const page: Page = {
    ...numbered,
    ...(isKeyset ? { number: 1, isKeyset } : {}),
    list: JSON.stringify([event.path, query]),
  }
  if (cursor === undefined || (isKeyset && cursor === '')) return { ...query, page }
  const start = typeof cursor === 'string' ? openCursor(ownerOf(page) ?? '', cursor) : undefined
  if (isKeyset && start === undefined) read.refuse('cursor is invalid')
  return { ...query, page: start === undefined ? page : { ...page, start } }
}

/** What a project's list takes. @throws `parameters_invalid` */
export const parseProjectPackagesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => placed(read, event, readPackageQuery(read, PROJECT_ORDERS)))

/** What a group's list takes. @throws `parameters_invalid` */
export const parseGroupPackagesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) =>
    placed(read, event, {
      ...readPackageQuery(read, GROUP_ORDERS),
      excludeSubgroups: read.boolean('exclude_subgroups') ?? false,
    }),
  )
