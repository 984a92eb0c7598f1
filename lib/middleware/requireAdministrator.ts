import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { forbidden } from '../domain/errors.ts'
import type { SignedIn } from './identify.ts'

/** Comes after `requireUser`: only administrators go on. */
export const requireAdministrator = (): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, SignedIn> => ({
  before: ({ context }) => {
    if (!context.user.admin) throw forbidden('this needs an administrator')
  },
})
