import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import S3rver from 's3rver'

export type LocalStore = { endpoint: string; stop: () => Promise<void> }

/**
 * The object store on a laptop: files below `directory`, S3's protocol on a port of its own.
 * Some clients carry their registry login along a redirect when only the port differs. S3 would refuse a request with
 * two ways of authentication, so a login beside a presigned URL is left out here.
 */
export const startObjectStore = async (directory: string, buckets: readonly string[]): Promise<LocalStore> => {
  await mkdir(directory, { recursive: true })
  const s3rver = new S3rver({
    directory,
    silent: true,
    configureBuckets: buckets.map((name) => ({ name, configs: [] })),
  })
  await s3rver.configureBuckets()
  const answer = s3rver.callback()

  const server = createServer((request, response) => {
    if (request.url?.includes('X-Amz-Signature=')) delete request.headers.authorization
    answer(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
