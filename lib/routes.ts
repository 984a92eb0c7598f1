import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { notFound } from './domain/errors.ts'
import type { Answer } from './http/answers.ts'
import { presentFailure } from './http/errors.ts'

/**
 * An endpoint with its stack. Its own middleware adds to the context what its handler needs, so the bare context that
 * Lambda gives is all that it must be called with.
 */
export type Endpoint = (event: APIGatewayProxyEvent, context: never, options: { signal: AbortSignal }) => unknown

/** Routes by method and resource below `/api/v4`, such as `GET /projects/{id}`. */
export type RouteTable = Record<string, Endpoint>

const never = new AbortController().signal

/** One Lambda for routes that need the same permissions. API Gateway has matched the route; the table finds its handler. */
export const routeTable =
  (routes: RouteTable) =>
  async (event: APIGatewayProxyEvent, context: Context): Promise<Answer> => {
    const endpoint = routes[`${event.httpMethod} ${event.resource.replace('/api/v4', '')}`]
    if (!endpoint) return presentFailure(notFound('route').failure)
    return endpoint(event, context as never, { signal: never }) as Promise<Answer>
  }
