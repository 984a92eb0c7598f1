/** What a handler answers. `headers` hold one value each. */
export type Answer = { statusCode: number; headers: Record<string, string>; body: string }

export const json = (statusCode: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  statusCode,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

export const noContent = (): Answer => ({ statusCode: 204, headers: {}, body: '' })

export const redirect = (location: string): Answer => ({ statusCode: 302, headers: { Location: location }, body: '' })
