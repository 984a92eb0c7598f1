import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { PackageFilter, PackageOrder, Sort } from '../domain/listing.ts'
import { packageStatuses, packageTypes } from '../domain/package.ts'
import { DEFAULT_PER_PAGE, MAX_PER_PAGE, type Page } from '../domain/pagination.ts'
import { parseParams, queryParams, type Reader } from './params.ts'

const PROJECT_ORDERS = ['created_at', 'name', 'version', 'type'] as const
const GROUP_ORDERS = [...PROJECT_ORDERS, 'project_path'] as const
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

/** What a project's list takes. @throws `parameters_invalid` */
export const parseProjectPackagesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => readPackageQuery(read, PROJECT_ORDERS))

/** What a group's list takes. @throws `parameters_invalid` */
export const parseGroupPackagesQuery = (event: APIGatewayProxyEvent) =>
  parseParams(queryParams(event), (read) => ({
    ...readPackageQuery(read, GROUP_ORDERS),
    excludeSubgroups: read.boolean('exclude_subgroups') ?? false,
  }))
