import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import type { Paged } from '../domain/pagination.ts'
import { type Answer, json } from '../http/answers.ts'
import { pageHeaders } from '../http/links.ts'

/**
 * Answers the page that the handler returns: its rows as the body, GitLab's paging headers and links around them.
 * @param defaults parameters that links repeat even when the request left them out
 */
export const paginate = (
  defaults: Record<string, string> = {},
): MiddlewareObj<APIGatewayProxyEvent, Answer | Paged<object>, Error, Context> => ({
  after: (request) => {
    const paged = request.response as Paged<object>
    request.response = json(200, paged.rows, pageHeaders(request.event, defaults, paged))
  },
})
