import type { Package } from '../domain/package.ts'
import { parseDetails } from './packument.ts'

/** Nothing here weighs packages against each other. */
const SCORE = { final: 1, detail: { quality: 1, popularity: 1, maintenance: 1 } }

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const textsOf = (value: unknown) => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [])

/**
 * A package among the results of a search. Source: npm's registry documentation, REGISTRY-API.md.
 * @param page where people look at it
 * @param publisher the user name of who published the version
 */
export const presentFound = (
  { name, version, createdAt, details }: Package & { details: unknown },
  page: string,
  publisher: string | undefined,
) => {
  const manifest = JSON.parse(parseDetails(details).manifest) as Record<string, unknown>
  const user = publisher === undefined ? undefined : { username: publisher }
  return {
    package: {
      name,
      scope: /^@([^/]+)\//.exec(name)?.[1] ?? 'unscoped',
      version,
      description: textOf(manifest.description),
      keywords: textsOf(manifest.keywords),
      date: createdAt,
      links: { npm: page, homepage: textOf(manifest.homepage) },
      ...(user ? { publisher: user } : {}),
      maintainers: user ? [user] : [],
    },
    score: SCORE,
    searchScore: 1,
  }
}
