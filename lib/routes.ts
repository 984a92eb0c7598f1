import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { notFound } from './domain/errors.ts'
import type { Answer } from './http/answers.ts'
import { presentFailure } from './http/errors.ts'

type Handler = (event: APIGatewayProxyEvent, context: Context) => Promise<Answer>

/** Routes by method and resource below `/api/v4`, such as `GET /projects/{id}`. */
export type RouteTable = Record<string, Handler>

/** One Lambda for routes that need the same permissions. API Gateway has matched the route; the table finds its handler. */
export const routeTable =
  (routes: RouteTable): Handler =>
  async (event, context) => {
    const handler = routes[`${event.httpMethod} ${event.resource.replace('/api/v4', '')}`]
    return handler ? handler(event, context) : presentFailure(notFound('route').failure)
  }
