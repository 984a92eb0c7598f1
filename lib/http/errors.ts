import type { ErrorCode, Failure, Resource } from '../domain/errors.ts'
import type { Answer } from './answers.ts'
import { json } from './answers.ts'

/** GitLab's words for what is missing. Missing and hidden answer the same, byte for byte. */
const missing = {
  project: '404 Project Not Found',
  group: '404 Group Not Found',
  package: '404 Not found',
  unavailable_package: 'Package not found',
  package_file: '404 Not Found',
  pipelines: '404 Package not found Not Found',
  npm_packages: '404 Packages Not Found',
  npm_package: '404 Package Not Found',
  npm_tag: '404 Package tag Not Found',
  maven_file: '404 Package Not Found',
  user: '404 User Not Found',
  member: '404 Not found',
  token: '404 Not Found',
  deploy_token: '404 Not found',
  protection_rule: '404 Not found',
  namespace: '404 Namespace Not Found',
  direct_upload: '404 Direct Upload Not Found',
  route: '404 Not Found',
} satisfies Record<Resource, string>

const message = (text: unknown) => ({ message: text })

const answers = {
  token_unknown: () => json(401, message('401 Unauthorized')),
  login_required: () => json(401, message('401 Unauthorized')),
  job_token_unsupported: () =>
    json(
      401,
      message(
        '401 Unauthorized - job tokens are not offered here: use a deploy token in the header Deploy-Token, or a personal access token in the header PRIVATE-TOKEN',
      ),
    ),
  token_expired: () =>
    json(401, {
      error: 'invalid_token',
      error_description: 'Token is expired. You can either do re-authorization or token refresh.',
    }),
  token_revoked: () =>
    json(401, {
      error: 'invalid_token',
      error_description: 'Token was revoked. You have to re-authorize from the user.',
    }),
  scope_insufficient: ({ allowed }) =>
    json(403, {
      error: 'insufficient_scope',
      error_description: 'The request requires higher privileges than provided by the access token.',
      scope: allowed.join(' '),
    }),
  not_found: ({ resource }) =>
    resource === 'route' ? json(404, { error: missing.route }) : json(404, message(missing[resource])),
  not_offered: ({ what }) => json(404, message(`404 Not Found - ${what}`)),
  forbidden: ({ reason }) => json(403, message(reason === undefined ? '403 Forbidden' : `403 Forbidden - ${reason}`)),
  parameters_invalid: ({ problems }) => json(400, { error: problems.join(', ') }),
  validation_failed: ({ problems }) => json(400, message(problems)),
  already_exists: ({ message: text }) => json(409, message(text)),
  already_revoked: () => json(400, message('400 Bad request - Token already revoked')),
  protected: ({ from }) =>
    json(403, message(`403 Forbidden - Package ${from === 'create_package' ? 'protected' : 'is deletion protected'}.`)),
  unprocessable: ({ problems }) => json(422, message({ error: problems })),
  package_exists: () => json(403, message('Package already exists.')),
  hash_differs: ({ hash, fileName }) =>
    json(409, message(`409 Conflict - this is not the ${hash} of ${fileName} as it arrived`)),
  modified_since: () => json(412, message('412 Precondition Failed')),
  too_large: ({ what, limitBytes }) =>
    json(413, message(`413 Content Too Large - ${what} may have at most ${limitBytes} bytes`)),
  moved: ({ location, isRead }) =>
    isRead
      ? {
          statusCode: 301,
          headers: { 'Content-Type': 'text/plain', Location: location },
          body: `This resource has been moved permanently to ${location}`,
        }
      : json(405, message('Non GET methods are not allowed for moved projects')),
  busy: () => json(409, message('409 Conflict: Resource lock')),
  unfinished: ({ done, of }) =>
    json(
      503,
      message(`503 Service Unavailable - ${done} of ${of} versions are done; send the same request again to go on`),
      { 'Retry-After': '1' },
    ),
  conflict: ({ message: text }) => json(409, message(text)),
} satisfies { [Code in ErrorCode]: (failure: Extract<Failure, { code: Code }>) => Answer }

/** A failure as GitLab words it. */
export const presentFailure = (failure: Failure): Answer =>
  (answers[failure.code] as (failure: Failure) => Answer)(failure)

/** A bug. It says nothing but where to look: the log line with this id. */
export const presentBug = (): Answer => json(500, message('500 Internal Server Error'))
