/** s3rver has no types of its own; this is what we use of it. */
declare module 's3rver' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  type Options = {
    directory: string
    silent?: boolean
    configureBuckets?: { name: string; configs: string[] }[]
  }
  // biome-ignore lint/style/noDefaultExport: it is theirs
  export default class S3rver {
    constructor(options: Options)
    configureBuckets(): Promise<void>
    callback(): (request: IncomingMessage, response: ServerResponse) => void
  }
}
