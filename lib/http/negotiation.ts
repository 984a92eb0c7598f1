import type { APIGatewayProxyEvent } from 'aws-lambda'
import { header } from './params.ts'

type Headers = Pick<APIGatewayProxyEvent, 'headers'>

/** What a header such as `Accept` lists, with the preference for each; without one it is 1. */
const preferences = (text: string | undefined): Map<string, number> =>
  new Map(
    (text ?? '').split(',').map((part) => {
      const [name = '', ...params] = part.split(';').map((word) => word.trim().toLowerCase())
      const preference = Number(params.find((param) => param.startsWith('q='))?.slice('q='.length) ?? 1)
      return [name, Number.isNaN(preference) ? 0 : preference]
    }),
  )

/** Whether the client says that it takes gzip. Saying nothing about encodings is not that: curl says nothing. */
export const acceptsGzip = (event: Headers): boolean => {
  const given = preferences(header(event, 'accept-encoding'))
  return (given.get('gzip') ?? given.get('*') ?? 0) > 0
}

/** Whether the client names the type and prefers no other one by name. */
export const prefersType = (event: Headers, type: string): boolean => {
  const given = preferences(header(event, 'accept'))
  const wanted = given.get(type) ?? 0
  const others = [...given].filter(([name]) => name !== type && !name.includes('*'))
  return wanted > 0 && others.every(([, preference]) => preference <= wanted)
}

/** Whether `If-None-Match` names the entity tag. Weak tags count as equal to strong ones. Source: RFC 9110, 13.1.2. */
export const isKnown = (event: Headers, entityTag: string): boolean => {
  const given = header(event, 'if-none-match')?.trim()
  if (given === undefined) return false
  const opaque = (tag: string) => tag.replace(/^W\//, '')
  return given === '*' || (given.match(/(W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(entityTag))
}
