import type { APIGatewayProxyEvent } from 'aws-lambda'
import { config } from '../config.ts'
import { offsetOf, type Page, pageCount } from '../domain/pagination.ts'
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

/** The headers of an offset page, as GitLab has them. A number that does not exist is present and empty. */
export const pageHeaders = (
  event: APIGatewayProxyEvent,
  defaults: Record<string, string>,
  total: number,
  page: Page,
) => {
  const pages = pageCount(total, page)
  const previous = page.number > 1 && page.number <= pages ? page.number - 1 : undefined
  const next = offsetOf(page) + page.size < total ? page.number + 1 : undefined
  const links = [
    ['prev', previous],
    ['next', next],
    ['first', 1],
    ['last', pages],
  ] as const
  const to = linksFrom(event, defaults, page)
  return {
    Link: links.flatMap(([rel, number]) => (number === undefined ? [] : [`<${to(number)}>; rel="${rel}"`])).join(', '),
    'X-Next-Page': next === undefined ? '' : String(next),
    'X-Page': String(page.number),
    'X-Per-Page': String(page.size),
    'X-Prev-Page': previous === undefined ? '' : String(previous),
    'X-Total': String(total),
    'X-Total-Pages': String(pages),
  }
}

/** Half a surrogate pair, which an unknown parameter may hold, cannot be encoded. */
const encoded = (value: unknown) => encodeURIComponent(String(value).toWellFormed())

/** A link repeats all parameters of the request, the defaults and those of the path included, sorted by name. */
const linksFrom = (event: APIGatewayProxyEvent, defaults: Record<string, string>, page: Page) => {
  const { id } = pathParams(event)
  const given = Object.entries(queryParams(event)).filter(([name]) => !SECRETS.includes(name))
  const path = event.path.slice(event.path.indexOf('/api/v4/'))
  return (number: number) => {
    const params = new Map<string, unknown>([
      ...Object.entries(defaults),
      ...given,
      ...(id === undefined ? [] : [['id', id] as const]),
      ['page', number],
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
