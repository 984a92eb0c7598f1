import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { ObjectStore } from './files/store.ts'
import { type Answer, redirect } from './http/answers.ts'
import { acceptsGzip, isKnown } from './http/negotiation.ts'
import { today } from './middleware/authenticate.ts'

/**
 * The most that a body may take in an answer. Lambda gives 6,291,556 bytes of JSON, in which text has its quotes escaped
 * and bytes stand in base64; the rest is for headers. Source: Lambda quotas, invocation payload, synchronous.
 */
export const ANSWER_LIMIT_BYTES = 6_200_000
/** Compressed from here on, where the client takes that: a fetch of a long document is a matter of its length. */
export const GZIP_FROM_BYTES = 100_000

const gzipped = promisify(gzip)

/** How long the text is inside the answer's JSON. */
const lengthInAnswer = (text: string) => Buffer.byteLength(JSON.stringify(text))

type Document = { text: string; type: string; entityTag: string }

/**
 * Answers a document of any length: 304 where the client has it, else 200 with it, compressed if it is long; and where
 * that has no room for it, 302 to the object store.
 */
export const answerDocument = async (
  event: APIGatewayProxyEvent,
  store: () => ObjectStore,
  { text, type, entityTag }: Document,
): Promise<Answer> => {
  const headers = { ETag: entityTag, Vary: 'Accept, Accept-Encoding, Origin' }
  if (isKnown(event, entityTag)) return { statusCode: 304, headers, body: '' }

  const isShort = text.length < GZIP_FROM_BYTES
  const encoding = !isShort && acceptsGzip(event) ? 'gzip' : undefined
  if (isShort || (encoding === undefined && lengthInAnswer(text) <= ANSWER_LIMIT_BYTES)) {
    return { statusCode: 200, headers: { ...headers, 'Content-Type': type }, body: text }
  }

  const bytes = encoding === undefined ? Buffer.from(text) : await gzipped(text)
  const body = encoding === undefined ? undefined : bytes.toString('base64')
  if (body !== undefined && body.length <= ANSWER_LIMIT_BYTES) {
    const more = { 'Content-Type': type, 'Content-Encoding': 'gzip' }
    return { statusCode: 200, headers: { ...headers, ...more }, body, isBase64Encoded: true }
  }
  const {
    statusCode,
    headers: location,
    body: none,
  } = redirect(await store().presignDocument(bytes, { type, encoding }, today()))
  return { statusCode, headers: { ...headers, ...location }, body: none }
}
