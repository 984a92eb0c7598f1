/** What a request may fail to find. The words that a client reads for each stand in `http/errors.ts`. */
export type Resource =
  | 'project'
  | 'group'
  | 'package'
  | 'unavailable_package'
  | 'package_file'
  | 'pipelines'
  | 'npm_packages'
  | 'npm_package'
  | 'npm_tag'
  | 'maven_file'
  | 'user'
  | 'member'
  | 'token'
  | 'deploy_token'
  | 'protection_rule'
  | 'namespace'
  | 'direct_upload'
  | 'route'

/**
 * Everything that can go wrong on purpose. Closed: a code without an answer in `http/errors.ts` does not compile.
 * `problems` are sentences for the client, each naming the parameter or field it is about.
 */
export type Failure =
  | { code: 'token_unknown' }
  | { code: 'token_expired' }
  | { code: 'token_revoked' }
  | { code: 'job_token_unsupported' }
  | { code: 'login_required' }
  | { code: 'scope_insufficient'; allowed: readonly string[] }
  | { code: 'not_found'; resource: Resource }
  | { code: 'not_offered'; what: string }
  | { code: 'forbidden'; reason?: string }
  | { code: 'parameters_invalid'; problems: readonly string[] }
  | { code: 'validation_failed'; problems: string | Record<string, readonly string[]> }
  | { code: 'already_exists'; message: string }
  | { code: 'already_revoked' }
  | { code: 'protected'; from: 'create_package' | 'destroy_package' }
  | { code: 'unprocessable'; problems: readonly string[] }
  | { code: 'package_exists' }
  | { code: 'modified_since' }
  | { code: 'hash_differs'; hash: string; fileName: string }
  | { code: 'too_large'; what: string; limitBytes: number }
  | { code: 'busy' }
  | { code: 'unfinished'; done: number; of: number }
  | { code: 'conflict'; message: string }
  | { code: 'moved'; location: string; isRead: boolean }

export type ErrorCode = Failure['code']

/** The one error that inner rooms throw on purpose; any other error is a bug and answers 500. */
export class PackagesError extends Error {
  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.code, options)
    this.name = 'PackagesError'
    this.failure = failure
  }
}

export const notFound = (resource: Resource) => new PackagesError({ code: 'not_found', resource })

export const notOffered = (what: string) => new PackagesError({ code: 'not_offered', what })

export const forbidden = (reason?: string) =>
  new PackagesError(reason === undefined ? { code: 'forbidden' } : { code: 'forbidden', reason })

export const invalidParameters = (...problems: string[]) => new PackagesError({ code: 'parameters_invalid', problems })

export const validationFailed = (problems: string | Record<string, readonly string[]>) =>
  new PackagesError({ code: 'validation_failed', problems })

/** What every limit on a text says of one past it. */
export const tooLong = (limit: number) => `is too long (maximum is ${limit} characters)`
