import type { APIGatewayProxyEvent } from 'aws-lambda'
import { parseId } from '../../lib/http/ids.ts'
import { pathParams } from '../../lib/http/params.ts'

/** The ids of the path. @throws `parameters_invalid` when one is no integer */
export const fileIds = (event: APIGatewayProxyEvent) => {
  const { package_id, package_file_id } = pathParams(event)
  return { packageId: parseId('package_id', package_id), fileId: parseId('package_file_id', package_file_id) }
}
