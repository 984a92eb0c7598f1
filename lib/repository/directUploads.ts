import { randomBytes } from 'node:crypto'
import { CONFIRM_WITHIN_HOURS, type DirectUpload } from '../domain/directUpload.ts'
import { notFound } from '../domain/errors.ts'
import { directUploadFromItem } from './items.ts'
import { DIRECT_UPLOADS_PARTITION, directUploadKey, dueUploadKey } from './keys.ts'
import type { Table, Write } from './table.ts'

const HOUR_MS = 60 * 60 * 1000
/** 160 bits: whoever does not know an id cannot guess it. */
const ID_BYTES = 20
/** How many one run of the sweep takes on. */
const DUE_AT_A_TIME = 500

const leaveWrite = (
  id: string,
  state: DirectUpload['state'],
  packageId: number | null,
  otherwise: (() => Error) | 'again',
): Write => ({
  update: directUploadKey(id),
  expression: 'SET #state = :state, packageId = :packageId',
  if: '#state = :waiting',
  names: { '#state': 'state' },
  values: { ':state': state, ':packageId': packageId, ':waiting': 'waiting' },
  otherwise,
})

/**
 * Makes a direct upload part of the package that the same transaction writes. Of several who confirm it at once one
 * does; who comes when it has expired finds nothing.
 */
export const confirmWrite = (id: string, packageId: number): Write =>
  leaveWrite(id, 'confirmed', packageId, () => notFound('direct_upload'))

export const directUploadRepository = (table: Table) => ({
  async find(id: string): Promise<DirectUpload | undefined> {
    const item = await table.get(directUploadKey(id))
    return item && directUploadFromItem(item)
  },

  async create(wanted: Omit<DirectUpload, 'id' | 'due' | 'state' | 'packageId'>): Promise<DirectUpload> {
    const due = new Date(Date.parse(wanted.createdAt) + CONFIRM_WITHIN_HOURS * HOUR_MS).toISOString()
    const id = randomBytes(ID_BYTES).toString('hex')
    const upload: DirectUpload = { ...wanted, id, due, packageId: null, state: 'waiting' }
    await table.transact(() => [
      { put: { ...directUploadKey(upload.id), ...upload } },
      { put: { ...dueUploadKey(upload), id: upload.id } },
    ])
    return upload
  },

  /** Those whose time was over at `now`, the oldest first, and not too many of them. */
  async listDue(now: string): Promise<DirectUpload[]> {
    const { items: due } = await table.query({ pk: DIRECT_UPLOADS_PARTITION, between: ['0', now] }, DUE_AT_A_TIME)
    const items = await table.getAll(due.map(({ id }) => directUploadKey(String(id))))
    return items.map(directUploadFromItem)
  },

  /**
   * Ends the time of one that waits; nobody can confirm it after this.
   * @returns whether it is part of nothing, so that its object may go
   */
  async expire({ id }: DirectUpload): Promise<boolean> {
    let isExpired = false
    await table.transact(async () => {
      const item = await table.get(directUploadKey(id))
      const state = item && directUploadFromItem(item).state
      // One that is forgotten may have been confirmed.
      isExpired = state === 'waiting' || state === 'expired'
      if (state !== 'waiting') return []
      return [leaveWrite(id, 'expired', null, 'again')]
    })
    return isExpired
  },

  /** Takes away what is known of one whose time is over. */
  async forget(upload: DirectUpload): Promise<void> {
    await table.transact(() => [{ delete: directUploadKey(upload.id) }, { delete: dueUploadKey(upload) }])
  },
})
