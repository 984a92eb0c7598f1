import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { notFound, type Resource } from '../domain/errors.ts'
import { isDisplayable, isOpenable, type Package } from '../domain/package.ts'
import { parseId } from '../http/ids.ts'
import { pathParams } from '../http/params.ts'
import type { Database } from '../repository/database.ts'
import type { InProject } from './loadProject.ts'

/** Read ahead of the permission, checked after it. */
export type PackageAhead = { found: Package | undefined }
export type WithPackage = { package: Package }

/** What `loadProject` reads ahead for `loadPackage`. @throws `parameters_invalid` when the id is no integer */
export const findPackage = async (database: Database, event: APIGatewayProxyEvent): Promise<PackageAhead> => ({
  found: await database.packages.find(parseId('package_id', pathParams(event).package_id)),
})

/**
 * The package of the path: of this project, and not hidden, in processing or deleted.
 * @param opens with true a package with the status `error` is refused too, which GitLab lists but does not open
 * @param unopened what such a package is told to be missing as
 */
export const loadPackage = ({
  opens = false,
  unopened = 'unavailable_package',
}: {
  opens?: boolean
  unopened?: Resource
} = {}): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, InProject<PackageAhead> & WithPackage> => ({
  before: ({ context }) => {
    const { found } = context.ahead
    if (found?.projectId !== context.project.id || !isDisplayable(found.status)) throw notFound('package')
    if (opens && !isOpenable(found.status)) throw notFound(unopened)
    context.package = found
  },
})
