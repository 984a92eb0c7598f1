import type { APIGatewayProxyEvent } from 'aws-lambda'
import { config } from '../config.ts'
import { offsetOf, type Page, type Paged, pageCount, type Start } from '../domain/pagination.ts'
import { ownerOf, sealCursor } from './cursors.ts'
import { pathParams, queryParams } from './params.ts'

/** Parameters that carry a secret: they are never written back. */
const SECRETS = ['private_token', 'access_token', 'job_token']

/**
 * What every public URL starts with, without a slash at the end: the setting, or the request's own domain and stage.
 * `event.path` has no stage and `requestContext.path` has.
 */
export const externalUrl = ({ requestContext, path }: APIGatewayProxyEvent): string => {
  const fixed = config().externalUrl
  if (fixed !== undefined) return fixed
  const full = requestContext.path
  const api = path.slice(Math.max(0, path.indexOf('/api/v4/')))
  return `https://${requestContext.domainName}${full.endsWith(api) ? full.slice(0, -api.length) : ''}`
}

/** The URL of the API's own path, such as `/projects/1/packages`. */
export const apiUrl = (event: APIGatewayProxyEvent, path: string) => `${externalUrl(event)}/api/v4${path}`

/** The headers of a page: by its number as GitLab has them, or by keyset nothing but the way on. */
export const pageHeaders = (event: APIGatewayProxyEvent, defaults: Record<string, string>, paged: Paged<unknown>) =>
  paged.page.isKeyset ? keysetHeaders(event, defaults, paged) : numberedHeaders(event, defaults, paged)

const keysetHeaders = (
  event: APIGatewayProxyEvent,
  defaults: Record<string, string>,
  { page, ends }: Paged<unknown>,
): Record<string, string> => {
  if (!ends?.hasMore) return {}
  const to = linksFrom(event, defaults, page)
  return { Link: `<${to({ cursor: cursorTo(page, { after: ends.last }) })}>; rel="next"` }
}

/** A number that does not exist is present and empty. */
const numberedHeaders = (
  event: APIGatewayProxyEvent,
  defaults: Record<string, string>,
  { total, page, ends }: Paged<unknown>,
) => {
  const pages = pageCount(total, page)
  const hasMore = ends?.hasMore || offsetOf(page) + page.size < total
  const previous = page.number > 1 && (page.number <= pages || ends) ? page.number - 1 : undefined
  const next = hasMore ? page.number + 1 : undefined
  const links: [rel: string, number: number | undefined, start?: Start | undefined][] = [
    ['prev', previous, ends && { before: ends.first }],
    ['next', next, ends && { after: ends.last }],
    ['first', 1],
    ['last', pages, 'last'],
  ]
  const to = linksFrom(event, defaults, page)
  return {
    Link: links
      .flatMap(([rel, number, start]) => {
        if (number === undefined) return []
        // The first page is where it is.
        const cursor = number > 1 && start ? { cursor: cursorTo({ ...page, number }, start) } : {}
        return [`<${to({ page: number, ...cursor })}>; rel="${rel}"`]
      })
      .join(', '),
    'X-Next-Page': next === undefined ? '' : String(next),
    'X-Page': String(page.number),
    'X-Per-Page': String(page.size),
    'X-Prev-Page': previous === undefined ? '' : String(previous),
    'X-Total': String(total),
    'X-Total-Pages': String(pages),
  }
}

const cursorTo = (page: Page, start: Start): string | undefined => {
  const owner = ownerOf(page)
  return owner === undefined ? undefined : sealCursor(owner, start)
}

/** Half a surrogate pair, which an unknown parameter may hold, cannot be encoded. */
const encoded = (value: unknown) => encodeURIComponent(String(value).toWellFormed())

/** What tells one page of a list from another: a link repeats none of it. */
const PLACES = ['page', 'cursor']

/** A link repeats all parameters of the request, the defaults and those of the path included, sorted by name. */
const linksFrom = (event: APIGatewayProxyEvent, defaults: Record<string, string>, page: Page) => {
  const { id } = pathParams(event)
  const given = Object.entries(queryParams(event)).filter(([name]) => ![...SECRETS, ...PLACES].includes(name))
  const path = event.path.slice(event.path.indexOf('/api/v4/'))
  return (place: { page?: number; cursor?: string | undefined }) => {
    const params = new Map<string, unknown>([
      ...Object.entries(defaults),
      ...given,
      ...(id === undefined ? [] : [['id', id] as const]),
      ...Object.entries(place).filter(([, value]) => value !== undefined),
      ['per_page', page.asked],
    ])
    const query = [...params]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([name, value]) => (Array.isArray(value) ? value.map((item) => [`${name}[]`, item]) : [[name, value]]))
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    return `${externalUrl(event)}${path}?${query.join('&')}`
  }
}

/** The URL of the request itself with other variable parts in its path, without what is secret in its query. */
export const selfUrl = (event: APIGatewayProxyEvent, replaced: Record<string, string>): string => {
  const path = event.path.slice(event.path.indexOf('/api/v4/')).split('/')
  const parts = event.resource.split('/').map((part, place) => {
    const value = replaced[part.replace(/[{}+]/g, '')]
    return part.startsWith('{') && value !== undefined ? encoded(value) : path[place]
  })
  const query = Object.entries(event.multiValueQueryStringParameters ?? {})
    .filter(([name]) => !SECRETS.includes(name))
    .flatMap(([name, values]) => (values ?? []).map((value) => `${encoded(name)}=${encoded(value)}`))
  const rest = path.slice(parts.length)
  return `${externalUrl(event)}${[...parts, ...rest].join('/')}${query.length > 0 ? `?${query.join('&')}` : ''}`
}
