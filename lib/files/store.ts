import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Digest, SignedUpload } from '../domain/directUpload.ts'
import { PackagesError } from '../domain/errors.ts'
import { digestOf } from './hashes.ts'

/** A presigned URL dies with the session of the role that signed it; a quarter of an hour is always inside. */
export const DOWNLOAD_URL_SECONDS = 15 * 60

/** The same of a URL to send bytes to: it has to be used in this time, and what takes longer is not cut off. */
export const UPLOAD_URL_SECONDS = 15 * 60
const CHECKSUM_HEADER = 'x-amz-checksum-sha256'

/** Where a file's bytes are. Made of ids alone, so that no client's text ever is part of a path. */
export type ObjectId = { projectId: number; fileId: number }

export type ObjectStore = ReturnType<typeof createStore>

/** Without the package: which one a file joins is only known when it is, after its bytes are here. */
export const objectKey = ({ projectId, fileId }: ObjectId) => `projects/${projectId}/files/${fileId}`

/** How the bytes of a document are to be read. */
export type Representation = { type: string; encoding?: 'gzip' | undefined }

/** Below a prefix of its own, by which the bucket knows what it may remove. */
const documentKey = (bytes: Uint8Array, day: string) =>
  `documents/${day}/${createHash('sha256').update(bytes).digest('hex')}`

/** Source: Amazon S3 user guide, conditional writes. */
const isTaken = (error: unknown) =>
  error instanceof S3ServiceException &&
  (error.name === 'PreconditionFailed' || error.name === 'ConditionalRequestConflict')

export const createStore = (bucket: string, endpoint: string | undefined) => {
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // A checksum that the client computes on its own would be part of every presigned URL; we keep our own hashes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

  const open = async (id: ObjectId): Promise<AsyncIterable<Uint8Array> | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey(id) }))
      return Body as AsyncIterable<Uint8Array> | undefined
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  }

  return {
    /**
     * Stores the bytes, then does what makes them part of a package. When that is refused nothing refers to the object
     * and it goes again; after any other error they may be part of one.
     */
    async put<Outcome>(id: ObjectId, body: Uint8Array, refer: () => Promise<Outcome>): Promise<Outcome> {
      const object = { Bucket: bucket, Key: objectKey(id) }
      await client.send(new PutObjectCommand({ ...object, Body: body }))
      try {
        return await refer()
      } catch (error) {
        if (error instanceof PackagesError) await client.send(new DeleteObjectCommand(object))
        throw error
      }
    },

    /** The bytes of an object as they come, or undefined when there is none. */
    open,

    /** The bytes of a small object, or undefined when there is none. */
    async read(id: ObjectId): Promise<Buffer | undefined> {
      const body = await open(id)
      return body && buffer(body)
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

    /**
     * A URL to which these bytes, and no others, may be sent until `UPLOAD_URL_SECONDS` from now, with these headers.
     * S3 compares what arrives with the size and the hash, both of which are signed.
     */
    async presignPut(id: ObjectId, { size, sha256 }: Pick<Digest, 'size' | 'sha256'>): Promise<SignedUpload> {
      const checksum = Buffer.from(sha256, 'hex').toString('base64')
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: objectKey(id),
        ContentLength: size,
        ChecksumSHA256: checksum,
      })
      const url = await getSignedUrl(client, command, {
        expiresIn: UPLOAD_URL_SECONDS,
        unhoistableHeaders: new Set([CHECKSUM_HEADER]),
      })
      return { method: 'PUT', url, headers: { 'Content-Length': String(size), [CHECKSUM_HEADER]: checksum } }
    },

    /** What the stored bytes are, read once and in no more memory than a chunk; undefined when there is no object. */
    async digest(id: ObjectId): Promise<Digest | undefined> {
      const body = await open(id)
      return body && digestOf(body)
    },

    /** Removes an object, if it is there. */
    async remove(id: ObjectId): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: objectKey(id) }))
    },

    /**
     * Stores a document that no answer has room for and gives a URL of it, as for a file. Its key is its content and
     * the day, so that it is stored once a day at the most; the bucket removes it when the day is over.
     */
    async presignDocument(bytes: Uint8Array, { type, encoding }: Representation, day: string): Promise<string> {
      const object = { Bucket: bucket, Key: documentKey(bytes, day) }
      const headers = { ContentType: type, ...(encoding === undefined ? {} : { ContentEncoding: encoding }) }
      try {
        await client.send(new PutObjectCommand({ ...object, ...headers, Body: bytes, IfNoneMatch: '*' }))
      } catch (error) {
        // It is there already, or somebody else is about to have stored the same.
        if (!isTaken(error)) throw error
      }
      return getSignedUrl(client, new GetObjectCommand(object), { expiresIn: DOWNLOAD_URL_SECONDS })
    },

    /** Answers when the bucket does. */
    async ping(): Promise<void> {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    },
  }
}
