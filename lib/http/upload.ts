import type { APIGatewayProxyEvent } from 'aws-lambda'
import { invalidParameters } from '../domain/errors.ts'
import { header, mediaType, type Params, queryParams, readBody } from './params.ts'

/** A file that a client sends, with the parameters of the query and, where it sends a form, of its fields. */
export type Uploaded = { bytes: Buffer; params: Params }

/**
 * Reads an upload: the body as it is (`curl --upload-file`), or the field `file` of a multipart form (gitbeaker).
 * @throws `too_large`, `parameters_invalid` for a form that is none or has no file
 */
export const readUpload = async (event: APIGatewayProxyEvent): Promise<Uploaded> => {
  const body = readBody(event)
  const query = queryParams(event)
  if (mediaType(event) !== 'multipart/form-data') return { bytes: body, params: query }

  const form = await parseForm(body, header(event, 'content-type') ?? '')
  const file = form.get('file')
  if (file === null) throw invalidParameters('file is missing')
  if (typeof file === 'string') throw invalidParameters('file is invalid')

  const fields = [...form].filter(([, value]) => typeof value === 'string')
  const params: Params = Object.assign(Object.create(null), query, Object.fromEntries(fields))
  return { bytes: Buffer.from(await file.arrayBuffer()), params }
}

/** Node's own parser. It wants the whole body in memory, where `BODY_LIMIT_BYTES` has it already. */
const parseForm = async (body: Buffer, contentType: string) => {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'Content-Type': contentType } }).formData()
  } catch {
    throw invalidParameters('the body is not a valid multipart form')
  }
}
