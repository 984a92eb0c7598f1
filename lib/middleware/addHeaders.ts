import type { MiddlewareObj, Request } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import type { Answer } from '../http/answers.ts'

/** The headers that GitLab sends with every answer, refusals included, whatever the request was. */
export const COMMON_HEADERS = {
  'Cache-Control': 'max-age=0, private, must-revalidate',
  Vary: 'Origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
}

/** Adds them, and the request's id. */
export const addHeaders = (): MiddlewareObj<APIGatewayProxyEvent, Answer, Error, Context> => {
  const add = ({ event, response }: Request<APIGatewayProxyEvent, Answer, Error, Context>) => {
    if (!response) return
    response.headers = {
      ...COMMON_HEADERS,
      'X-Request-Id': event.requestContext?.requestId ?? '',
      ...response.headers,
    }
  }
  return { after: add, onError: add }
}
