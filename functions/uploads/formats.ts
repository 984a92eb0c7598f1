import type { DirectType } from '../../lib/domain/directUpload.ts'
import type { Reader } from '../../lib/http/params.ts'
import { genericUploads } from '../generic/directUpload.ts'
import { mavenUploads } from '../maven/directUpload.ts'
import { npmUploads } from '../npm/directUpload.ts'
import type { DirectFormat } from './directFormat.ts'

export const formats: Record<DirectType, DirectFormat> = {
  generic: genericUploads,
  maven: mavenUploads,
  npm: npmUploads,
}

/** Options of the formats' own routes, as text. */
export const readOptions = (read: Reader): Record<string, string> => {
  const status = read.oneOf('status', ['default', 'hidden'])
  const tag = read.text('tag')
  return { ...(status === undefined ? {} : { status }), ...(tag === undefined ? {} : { tag }) }
}
