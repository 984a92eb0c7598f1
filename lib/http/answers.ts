import { baseNameOf, type PackageFile } from '../domain/package.ts'

/** What a handler answers. `headers` hold one value each; a body of bytes is in base64. */
export type Answer = { statusCode: number; headers: Record<string, string>; body: string; isBase64Encoded?: true }

export const json = (statusCode: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  statusCode,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

export const text = (statusCode: number, body: string): Answer => ({
  statusCode,
  headers: { 'Content-Type': 'text/plain' },
  body,
})

export const noContent = (): Answer => ({ statusCode: 204, headers: {}, body: '' })

export const redirect = (location: string): Answer => ({ statusCode: 302, headers: { Location: location }, body: '' })

/** A client that has a password sends it only when it is asked, and then sends the request again. */
export const challenge = (answer: Answer): Answer =>
  answer.statusCode === 401
    ? { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': 'Basic realm="Packages API"' } }
    : answer

/** What a file is, for those who ask without getting it. The object store gives a file the same `ETag`. */
export const fileHeaders = ({ fileName, size, md5, sha256, createdAt }: PackageFile) => ({
  'Accept-Ranges': 'bytes',
  'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(baseNameOf(fileName))}`,
  'Content-Length': String(size),
  'Content-Type': 'application/octet-stream',
  ETag: `"${md5}"`,
  'Last-Modified': new Date(createdAt).toUTCString(),
  'X-Checksum-SHA256': sha256,
})
