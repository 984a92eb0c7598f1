import type { APIGatewayProxyEvent } from 'aws-lambda'
import { invalidParameters, PackagesError } from '../domain/errors.ts'

/** Parameters by name as they came: text from a query or a form, anything from a JSON body. */
export type Params = Record<string, unknown>

const API = '/api/v4/'

/**
 * The variable parts of the path, decoded once, segment by segment; a greedy `{name+}` keeps its slashes encoded apart.
 * AWS hands `pathParameters` over encoded and serverless-offline decoded, but both agree on `path` and `resource`.
 * @throws `parameters_invalid` for a segment that is no percent-encoded UTF-8
 */
export const pathParams = ({
  path,
  resource,
}: Pick<APIGatewayProxyEvent, 'path' | 'resource'>): Record<string, string> => {
  // A base path mapping of a custom domain stands in front of the resource's own path.
  const given = path.slice(Math.max(0, path.indexOf(API))).split('/')
  const found: Record<string, string> = {}
  for (const [position, part] of resource.split('/').entries()) {
    const name = /^\{(\w+)\+?\}$/.exec(part)?.[1]
    if (name === undefined) continue
    const text = part.endsWith('+}') ? given.slice(position).join('/') : (given[position] ?? '')
    found[name] = decode(name, text)
  }
  return found
}

const decode = (name: string, text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidParameters(`${name} is invalid`)
  }
}

/** The query, the last of equal names; `name[]` gives an array. */
export const queryParams = (event: Pick<APIGatewayProxyEvent, 'multiValueQueryStringParameters'>): Params =>
  collect(
    Object.entries(event.multiValueQueryStringParameters ?? {}).flatMap(([name, values]) =>
      (values ?? []).map((value) => [name, value] as const),
    ),
  )

const collect = (pairs: Iterable<readonly [string, unknown]>): Params => {
  const params: Params = Object.create(null)
  for (const [key, value] of pairs) {
    const name = /^([^[]+)\[\d*\]$/.exec(key)?.[1]
    const list = name === undefined ? undefined : params[name]
    if (name === undefined) params[key.replace(/\[.*$/, '')] = key.includes('[') ? {} : value
    else if (Array.isArray(list)) list.push(value)
    else params[name] = [value]
  }
  return params
}

/**
 * AWS hands bodies over in base64 under `binaryMediaTypes`; serverless-offline hands text over as it is, and the JSON
 * bodies `0` and `false` as a number and a boolean.
 */
const bodyBytes = ({ body, isBase64Encoded }: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>): Buffer =>
  Buffer.from(String(body ?? ''), isBase64Encoded ? 'base64' : 'utf8')

/**
 * The most that a body may hold. Lambda takes 6 MB of event, and the body is in it as base64.
 * Source: Lambda quotas, invocation payload (request and response), synchronous.
 */
export const BODY_LIMIT_BYTES = 4_400_000

export const bodyTooLarge = () =>
  new PackagesError({ code: 'too_large', what: 'the body', limitBytes: BODY_LIMIT_BYTES })

/** The body's bytes. @throws `too_large` above `BODY_LIMIT_BYTES` */
export const readBody = (event: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>): Buffer => {
  const bytes = bodyBytes(event)
  if (bytes.length > BODY_LIMIT_BYTES) throw bodyTooLarge()
  return bytes
}

/** The body as text, whatever its length: to look at before it is known who may send it. */
export const bodyText = (event: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>) =>
  bodyBytes(event).toString('utf8')

/** The type of the body, without parameters. */
export const mediaType = ({ headers }: Pick<APIGatewayProxyEvent, 'headers'>) =>
  (header({ headers }, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

/** One header, whatever case its name came in. */
export const header = ({ headers }: Pick<APIGatewayProxyEvent, 'headers'>, name: string): string | undefined =>
  Object.entries(headers ?? {}).find(([given]) => given.toLowerCase() === name)?.[1]

/**
 * All parameters, as GitLab takes them: from the query, a form of either kind or a JSON object; the body wins.
 * @throws `parameters_invalid` for a body that is not what its content type says
 */
export const allParams = async (event: APIGatewayProxyEvent): Promise<Params> =>
  Object.assign(Object.create(null), queryParams(event), await bodyParams(event))

const bodyParams = async (event: APIGatewayProxyEvent): Promise<Params> => {
  const bytes = readBody(event)
  const text = bytes.toString('utf8')
  if (text.trim() === '') return {}
  const type = mediaType(event)
  if (type === 'multipart/form-data') return parseMultipart(bytes, header(event, 'content-type') ?? '')
  return type === 'application/json' ? parseObject(text) : collect(new URLSearchParams(text))
}

/** What `curl --form` sends, by Node's own parser. A part that is a file is no text, so no parameter takes it. */
const parseMultipart = async (bytes: Buffer, contentType: string): Promise<Params> => {
  try {
    const parts = new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } })
    return collect(await parts.formData())
  } catch {
    throw invalidParameters('the body is not valid multipart/form-data')
  }
}

/** @throws `parameters_invalid` when it is no JSON object */
export const parseObject = (text: string): Params => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidParameters('the body is not valid JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidParameters('the body is not a JSON object')
  }
  return value as Params
}

/** Reads single parameters; each says what is wrong with it, and all are told at once. */
export type Reader = ReturnType<typeof createReader>

/**
 * Parses parameters, or tells everything that is wrong with them in GitLab's words.
 * @throws `parameters_invalid`
 */
export const parseParams = <Parsed>(params: Params, read: (reader: Reader) => Parsed): Parsed => {
  const problems: string[] = []
  const parsed = read(createReader(params, problems))
  if (problems.length > 0) throw invalidParameters(...problems)
  return parsed
}

/**
 * Text that a JSON body may have sent as a number. Control characters are never part of a value, and half a surrogate
 * pair, which JSON can spell, is no text: DynamoDB refuses it.
 */
const asText = (value: unknown): string | undefined => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  return typeof value === 'string' && value.isWellFormed() && !/[\x00-\x08\x0e-\x1f]/.test(value) ? value : undefined
}

const asInteger = (value: unknown): number | undefined => {
  const digits = asText(value)
  const number = digits !== undefined && /^-?\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))? ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i

const createReader = (params: Params, problems: string[]) => {
  const refuse = (problem: string) => {
    problems.push(problem)
    return undefined
  }
  /** A parameter that is absent, or JSON's null, is undefined; what `convert` does not know is invalid. */
  const optional = <Value>(name: string, convert: (value: unknown) => Value | undefined): Value | undefined => {
    const value = params[name]
    if (value === undefined || value === null) return undefined
    const converted = convert(value)
    return converted === undefined ? refuse(`${name} is invalid`) : converted
  }

  const text = (name: string) => optional(name, asText)

  const integer = (name: string) => optional(name, asInteger)

  const boolean = (name: string) =>
    optional(name, (value) => {
      const word = asText(value)?.toLowerCase()
      if (word === 'true' || word === '1') return true
      return word === 'false' || word === '0' || word === '' ? false : undefined
    })

  const oneOf = <Value extends string>(name: string, allowed: readonly Value[]): Value | undefined => {
    const value = text(name)
    if (value === undefined || allowed.includes(value as Value)) return value as Value | undefined
    return refuse(`${name} does not have a valid value`)
  }

  /** A list, as a JSON array, as `name[]=…`, or as text with commas. */
  const list = <Value extends string>(name: string, allowed: readonly Value[]): Value[] | undefined => {
    const values = optional(name, (value) => {
      const items = Array.isArray(value)
        ? value.map(asText)
        : asText(value)
            ?.split(',')
            .map((item) => item.trim())
      return items?.includes(undefined) ? undefined : (items as string[] | undefined)
    })
    if (values === undefined || values.every((value) => allowed.includes(value as Value)))
      return values as Value[] | undefined
    return refuse(`${name} does not have a valid value`)
  }

  /** A list of integers, written in the same ways. */
  const integers = (name: string) =>
    optional(name, (value) => {
      const items = Array.isArray(value) ? value : asText(value)?.split(',')
      const numbers = items?.map((item) => asInteger(typeof item === 'string' ? item.trim() : item))
      return numbers?.includes(undefined) ? undefined : (numbers as number[] | undefined)
    })

  /** A day, `2026-12-31`; blank and JSON's null are none. */
  const day = (name: string): string | null | undefined => {
    if (params[name] === null) return null
    return optional(name, (value) => {
      const given = asText(value)
      if (given === '') return null
      const match = /^(\d{4}-\d{2}-\d{2})(T|$)/.exec(given ?? '')?.[1]
      const isDay = match !== undefined && new Date(`${match}T00:00:00Z`).toJSON()?.startsWith(match)
      return isDay ? match : undefined
    })
  }

  /** A moment, `2026-12-31T08:00:00Z`, or the beginning of a day; without a zone in UTC. ISO 8601 with milliseconds. */
  const moment = (name: string) =>
    optional(name, (value) => {
      const [, day, time = '00:00', zone = 'Z'] = MOMENT.exec(asText(value)?.trim() ?? '') ?? []
      const isDay = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day)
      const moment = new Date(isDay ? `${day}T${time}${zone.replace(/UTC/i, 'Z').replace(/^(...)(?=\d)/, '$1:')}` : '')
      return moment.toJSON() ?? undefined
    })

  /** A parameter that JSON's null or blank text sets back. */
  const nullable = <Value>(name: string, read: (name: string) => Value | undefined): Value | null | undefined =>
    params[name] === null || params[name] === '' ? null : read(name)

  const required = <Value>(name: string, value: Value | undefined): Value => {
    if (value === undefined && (params[name] === undefined || params[name] === null)) refuse(`${name} is missing`)
    return value as Value
  }

  /** As GitLab's `at_least_one_of`. */
  const atLeastOne = (...names: string[]) => {
    if (names.every((name) => params[name] === undefined || params[name] === null)) {
      refuse(`${names.join(', ')} are missing, at least one parameter must be provided`)
    }
  }

  return { text, integer, integers, boolean, oneOf, list, day, moment, nullable, required, atLeastOne, refuse }
}

/**
 * The end of the second that `If-Unmodified-Since` names, in ISO 8601: HTTP dates know no fractions. A date that is none
 * is no condition, as in GitLab.
 */
export const unmodifiedSince = (event: Pick<APIGatewayProxyEvent, 'headers'>): string | undefined => {
  const time = Date.parse(header(event, 'if-unmodified-since') ?? '')
  return Number.isNaN(time) ? undefined : new Date(Math.floor(time / 1000) * 1000 + 999).toISOString()
}
