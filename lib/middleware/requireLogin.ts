import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import type { Authenticated } from './authenticate.ts'

/** Anonymous callers are refused before anything is looked for. Whoever comes next finds out who the caller is. */
export const requireLogin = (): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Authenticated> => ({
  before: async ({ context }) => {
    if (!(await context.authentication)) throw new PackagesError({ code: 'login_required' })
  },
})
