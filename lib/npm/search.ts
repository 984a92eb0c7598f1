import type { Package } from '../domain/package.ts'
import { parseDetails } from './packument.ts'

/** Nothing here weighs packages against each other. */
const SCORE = { final: 1, detail: { quality: 1, popularity: 1, maintenance: 1 } }

/** What a result tells of a package.json, so that as many as one may ask for fit into an answer. In characters. */
const TEXT_LIMIT = 255
const KEYWORD_LIMIT = 60
const KEYWORDS_LIMIT = 20

const isText = (value: unknown) => typeof value === 'string'
const textOf = (value: unknown) => (isText(value) ? value.slice(0, TEXT_LIMIT) : undefined)
const keywordsOf = (value: unknown) =>
  Array.isArray(value)
    ? value
        .filter(isText)
        .slice(0, KEYWORDS_LIMIT)
        .map((word) => word.slice(0, KEYWORD_LIMIT))
    : []
/** A part of an address leads elsewhere. */
const urlOf = (value: unknown) => (isText(value) && value.length <= TEXT_LIMIT ? value : undefined)

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
      keywords: keywordsOf(manifest.keywords),
      date: createdAt,
      links: { npm: page, homepage: urlOf(manifest.homepage) },
      ...(user ? { publisher: user } : {}),
      maintainers: user ? [user] : [],
    },
    score: SCORE,
    searchScore: 1,
  }
}
