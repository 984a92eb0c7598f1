import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

/** A presigned URL dies with the session of the role that signed it; a quarter of an hour is always inside. */
export const DOWNLOAD_URL_SECONDS = 15 * 60

/** Where a file's bytes are. Made of ids alone, so that no client's text ever is part of a path. */
export type ObjectId = { projectId: number; packageId: number; fileId: number }

export type ObjectStore = ReturnType<typeof createStore>

export const objectKey = ({ projectId, packageId, fileId }: ObjectId) =>
  `projects/${projectId}/packages/${packageId}/files/${fileId}`

export const createStore = (bucket: string, endpoint: string | undefined) => {
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // A checksum that the client computes on its own would be part of every presigned URL; we keep our own hashes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

  return {
    async put(id: ObjectId, body: Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: objectKey(id), Body: body }))
    },

    /** Deleting what is not there is no error. */
    async delete(id: ObjectId): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: objectKey(id) }))
    },

    /** A URL that whoever holds it may read for `DOWNLOAD_URL_SECONDS`; the browser saves it as `fileName`. */
    presignGet(id: ObjectId, fileName: string): Promise<string> {
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: objectKey(id),
        ResponseContentType: 'application/octet-stream',
        ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`,
      })
      return getSignedUrl(client, command, { expiresIn: DOWNLOAD_URL_SECONDS })
    },

    /** Answers when the bucket does. */
    async ping(): Promise<void> {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    },
  }
}
