import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import { inSources } from './sources.ts'

/** Facts that later middleware adds to the line. */
export type Logged = Context & { facts?: Record<string, string | number> }

/** Milliseconds that only grow. `performance` tells them too, but to load it makes a cold start one longer. */
const now = () => Number(process.hrtime.bigint()) / 1e6

/**
 * One line of JSON for each request, made of named facts. Neither query nor headers are in it, as both may carry
 * tokens; the route stands for the path. A bug's cause is told here and nowhere else.
 */
export const logRequest = (
  name: string,
): MiddlewareObj<APIGatewayProxyEvent, { statusCode: number }, Error, Logged> => {
  const started = new WeakMap<object, number>()

  const write = (level: 'info' | 'error', context: Logged, event: APIGatewayProxyEvent, more: object) => {
    const line = {
      level,
      endpoint: name,
      method: event.httpMethod,
      route: event.resource,
      request_id: event.requestContext?.requestId ?? context.awsRequestId,
      duration_ms: Math.round(now() - (started.get(context) ?? now())),
      ...context.facts,
      ...more,
    }
    console[level](JSON.stringify(line))
  }

  return {
    before: ({ context }) => {
      started.set(context, now())
    },
    after: ({ event, context, response }) => {
      write('info', context, event, { status: response?.statusCode })
    },
    onError: ({ event, context, response, error }) => {
      const status = response?.statusCode ?? 500
      if (error instanceof PackagesError) write('info', context, event, { status, failure: error.failure.code })
      else write('error', context, event, { status, error: describe(error) })
    },
  }
}

const describe = (error: unknown): string =>
  error instanceof Error
    ? `${inSources(error.stack ?? error.message)}${error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`}`
    : String(error)
