import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { startEarly } from './startEarly.ts'

type Reading<Found> = Context & { reading: Promise<Found> }

/**
 * Starts a read that needs nothing but the request, together with those that find out who asks. Its outcome, a refused
 * parameter included, counts only when the handler awaits it.
 */
export const readAhead = <Found>(
  read: (event: APIGatewayProxyEvent) => Promise<Found>,
): MiddlewareObj<APIGatewayProxyEvent, unknown, Error, Reading<Found>> => ({
  before: ({ event, context }) => {
    context.reading = startEarly(() => read(event))
  },
})
