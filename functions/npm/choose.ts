import { pathParams } from '../../lib/http/params.ts'
import type { Endpoint } from '../../lib/routes.ts'

/** What follows `/-/` for `npm audit`, new and old, for tags, `npm whoami`, `npm ping` and `npm search`. */
export const BULK = /^npm\/v1\/security\/advisories\/bulk$/
export const AUDITS = /^npm\/v1\/security\/audits(\/quick)?$/
export const DIST_TAGS = /^package\/.+\/dist-tags$/
export const WHOAMI = /^whoami$/
export const PING = /^ping$/
export const SEARCH = /^v1\/search$/

/**
 * Several endpoints behind one greedy route, by the rest of the path: clients ask an npm registry at dozens of paths, and
 * a REST API ends at 300.
 */
export const choose =
  (choices: readonly (readonly [rest: RegExp, endpoint: Endpoint])[], otherwise: Endpoint): Endpoint =>
  (event, context, options) => {
    const [, endpoint = otherwise] = choices.find(([rest]) => rest.test(restOf(event))) ?? []
    return endpoint(event, context, options)
  }

const restOf = (event: Parameters<typeof pathParams>[0]): string => {
  try {
    return pathParams(event).rest ?? ''
  } catch {
    // Who answers otherwise says what is wrong with it.
    return ''
  }
}
