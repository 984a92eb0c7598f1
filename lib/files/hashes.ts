import { createHash } from 'node:crypto'
import type { Digest } from '../domain/directUpload.ts'

/** What is kept of every file, in lower-case hex, made of the bytes that arrived. */
export const hashesOf = (bytes: Uint8Array) => ({
  md5: createHash('md5').update(bytes).digest('hex'),
  sha1: createHash('sha1').update(bytes).digest('hex'),
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** Kept besides where the clients of a format ask for it. */
export const sha512Of = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex')

/** The same of bytes that come in pieces, in no more memory than one of them. */
export const digestOf = async (pieces: AsyncIterable<Uint8Array>): Promise<Digest> => {
  const hashes = {
    md5: createHash('md5'),
    sha1: createHash('sha1'),
    sha256: createHash('sha256'),
    sha512: createHash('sha512'),
  }
  let size = 0
  for await (const piece of pieces) {
    size += piece.length
    for (const hash of Object.values(hashes)) hash.update(piece)
  }
  return {
    size,
    md5: hashes.md5.digest('hex'),
    sha1: hashes.sha1.digest('hex'),
    sha256: hashes.sha256.digest('hex'),
    sha512: hashes.sha512.digest('hex'),
  }
}
