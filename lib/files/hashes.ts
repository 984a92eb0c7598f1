import { createHash } from 'node:crypto'

/** What is kept of every file, in lower-case hex, made of the bytes that arrived. */
export const hashesOf = (bytes: Uint8Array) => ({
  md5: createHash('md5').update(bytes).digest('hex'),
  sha1: createHash('sha1').update(bytes).digest('hex'),
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** Kept besides where the clients of a format ask for it. */
export const sha512Of = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex')
