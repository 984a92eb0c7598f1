import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { PackagesError } from '../domain/errors.ts'
import type { Answer } from '../http/answers.ts'
import { presentBug, presentFailure } from '../http/errors.ts'

/**
 * Turns what was thrown into an answer.
 * @param reword changes the words of a failure for clients that look for them elsewhere
 */
export const answerErrors = (
  reword: (answer: Answer) => Answer = (answer) => answer,
): MiddlewareObj<APIGatewayProxyEvent, Answer, Error, Context> => ({
  onError: (request) => {
    const { error } = request
    request.response = reword(error instanceof PackagesError ? presentFailure(error.failure) : presentBug())
  },
})
