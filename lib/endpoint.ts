import middy from '@middy/core'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { Scope } from './domain/token.ts'
import { type Answer, challenge } from './http/answers.ts'
import { addHeaders } from './middleware/addHeaders.ts'
import { answerErrors } from './middleware/answerErrors.ts'
import { authenticate } from './middleware/authenticate.ts'
import { logRequest } from './middleware/logRequest.ts'
import type { Database } from './repository/database.ts'

type Options = {
  /** Changes the words of a failure for clients that look for them elsewhere. */
  reword?: (answer: Answer) => Answer
  /** Scopes of tokens that open this endpoint besides those that open every one of its method. */
  scopes?: readonly Scope[]
  /** Takes what package clients send: deploy tokens in a header and as Bearer, and either kind by HTTP Basic. */
  deployTokens?: boolean
  /** Asks for HTTP Basic where a login is missing, which some clients wait for before they send what they know. */
  asksForBasic?: boolean
}

/**
 * The stack that every endpoint starts with, in its one fixed order: log, headers, errors, who calls. What follows is
 * the endpoint's own: what it loads and what it answers.
 * @param name the endpoint's one name: its file, its export and its field in the log
 */
export const endpoint = (
  name: string,
  database: () => Database,
  { reword = (answer) => answer, asksForBasic = false, ...authentication }: Options = {},
) =>
  middy<APIGatewayProxyEvent>()
    .use(logRequest(name))
    .use(addHeaders())
    .use(answerErrors(asksForBasic ? (answer) => challenge(reword(answer)) : reword))
    .use(authenticate(database, authentication))
