import { PackagesError } from './errors.ts'

/** Formats whose files may come past the limit of a body, straight to the object store. */
export const directTypes = ['generic', 'maven', 'npm'] as const
export type DirectType = (typeof directTypes)[number]

/**
 * The most that a direct upload may hold. Whoever confirms it waits while its bytes are read and hashed, in less than
 * API Gateway's 29 seconds.
 */
export const DIRECT_UPLOAD_LIMIT_BYTES = 1_000_000_000

/** @throws `too_large` */
export const limitTo = (limitBytes: number, what: string, size: number): void => {
  if (size > limitBytes) throw new PackagesError({ code: 'too_large', what, limitBytes })
}

/** How long what was sent waits to be confirmed; then it is removed. */
export const CONFIRM_WITHIN_HOURS = 24

/**
 * A file that a client said it would send, and what it is to become: `path` is that of the format's own route, below
 * `packages/<type>/`. `size` in bytes, `sha256` in lower-case hex, times in ISO 8601. It waits until it is
 * part of a package, or until nobody wanted that in time.
 */
export type DirectUpload = {
  id: string
  projectId: number
  fileId: number
  type: DirectType
  path: string
  options: Record<string, string>
  size: number
  sha256: string
  createdAt: string
  due: string
  /** The package it is part of, when it is confirmed. */
  packageId: number | null
  state: 'waiting' | 'confirmed' | 'expired'
}

/** What bytes are: size in bytes, hashes in lower-case hex. */
export type Digest = { size: number; md5: string; sha1: string; sha256: string; sha512: string }

/** How a client sends a file straight to the object store. */
export type SignedUpload = { method: 'PUT'; url: string; headers: Record<string, string> }
