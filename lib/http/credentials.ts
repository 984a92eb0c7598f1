import type { APIGatewayProxyEvent } from 'aws-lambda'
import { header, queryParams } from './params.ts'

/**
 * What a request shows of who calls. Where a secret stands says what it may be: `either` kind of token as Bearer, and
 * with HTTP Basic a personal one with any user name or a deploy token with its own. A `job` token is told, not read.
 */
export type Credentials =
  | { kind: 'personal' | 'deploy' | 'either'; secret: string }
  | { kind: 'basic'; username: string; secret: string }
  | { kind: 'job' }

/** The user name that jobs of GitLab's CI send with their token. */
const JOB_USER = 'gitlab-ci-token'

/** What a route takes besides personal tokens in their own places; where deploy tokens are taken, HTTP Basic is too. */
export type Takes = { deployTokens?: boolean }

/**
 * The credentials of a request, of several the first in GitLab's order of preference: deploy token, personal token as a
 * parameter, in a header and as Bearer, job token, HTTP Basic. Source: `find_user_from_sources` in GitLab's
 * API::APIGuard.
 */
export const credentialsOf = (
  event: APIGatewayProxyEvent,
  { deployTokens = false }: Takes,
): Credentials | undefined => {
  const { private_token, access_token, job_token } = queryParams(event)
  const authorization = header(event, 'authorization') ?? ''
  const pair = basicOf(authorization)
  const isJob = isGiven(job_token) || isGiven(header(event, 'job-token')) || pair?.username === JOB_USER
  const inOrder = [
    deployTokens && secretIn('deploy', header(event, 'deploy-token')),
    secretIn('personal', private_token),
    secretIn('personal', header(event, 'private-token')),
    secretIn('either', access_token),
    secretIn('either', /^Bearer +(\S+) *$/i.exec(authorization)?.[1]),
    isJob && ({ kind: 'job' } as const),
    deployTokens && pair,
  ]
  return inOrder.find((candidate) => candidate !== false && candidate !== undefined) || undefined
}

const isGiven = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

const secretIn = (kind: 'personal' | 'deploy' | 'either', value: unknown): Credentials | undefined =>
  isGiven(value) ? { kind, secret: value.trim() } : undefined

/** Source: RFC 7617. The user name ends at the first colon. */
const basicOf = (authorization: string): Extract<Credentials, { kind: 'basic' }> | undefined => {
  const encoded = /^Basic +(\S+) *$/i.exec(authorization)?.[1]
  const [, username, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? []
  return username === undefined || secret === undefined ? undefined : { kind: 'basic', username, secret }
}
