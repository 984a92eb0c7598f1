import { createHash, randomBytes } from 'node:crypto'
import { notFound, PackagesError } from '../domain/errors.ts'
import { type PersonalToken, TOKEN_BYTES, TOKEN_PREFIX } from '../domain/token.ts'
import { tokenFromItem, tokenPointerFromItem } from './items.ts'
import { personalTokenKey, tokenKey, USER_TOKEN_PREFIX, userKey, userTokenKey } from './keys.ts'
import type { Table } from './table.ts'

const sha256 = (secret: string) => createHash('sha256').update(secret).digest('hex')

export const newSecret = () => `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`

export type NewToken = Pick<PersonalToken, 'userId' | 'name' | 'scopes' | 'expiresOn'>

/** Secrets pass through here once, on their way to a hash; none is stored or returned. */
export const tokenRepository = (table: Table) => ({
  async findBySecret(secret: string): Promise<PersonalToken | undefined> {
    const item = await table.get(tokenKey(sha256(secret)))
    return item && tokenFromItem(item)
  },

  async findById(id: number): Promise<PersonalToken | undefined> {
    const pointer = await table.get(personalTokenKey(id))
    if (!pointer) return undefined
    const item = await table.get(tokenKey(tokenPointerFromItem(pointer).sha256))
    return item && tokenFromItem(item)
  },

  /** All tokens of a user, oldest first. */
  async listByUser(userId: number): Promise<PersonalToken[]> {
    const pointers = await table.queryAll({ pk: userTokenKey(userId, 0).pk, prefix: USER_TOKEN_PREFIX })
    const items = await table.getAll(pointers.map((pointer) => tokenKey(tokenPointerFromItem(pointer).sha256)))
    return items.map(tokenFromItem).sort((one, other) => one.id - other.id)
  },

  /** @throws `not_found` when there is no such user */
  async create(secret: string, wanted: NewToken, createdAt: string): Promise<PersonalToken> {
    const hash = sha256(secret)
    const id = await table.nextId('token')
    const token: PersonalToken = { id, createdAt, revoked: false, ...wanted }
    await table.transact(() => [
      { check: userKey(wanted.userId), if: 'attribute_exists(pk)', otherwise: () => notFound('user') },
      {
        put: { ...tokenKey(hash), ...token },
        if: 'attribute_not_exists(pk)',
        otherwise: () => new PackagesError({ code: 'already_exists', message: 'Token already exists' }),
      },
      { put: { ...personalTokenKey(id), sha256: hash, userId: wanted.userId } },
      { put: { ...userTokenKey(wanted.userId, id), sha256: hash, userId: wanted.userId } },
    ])
    return token
  },

  /** Takes effect with the next request. Revoking twice is no error; an unknown id does nothing. */
  async revoke(id: number): Promise<void> {
    const pointer = await table.get(personalTokenKey(id))
    if (!pointer) return
    const { sha256 } = tokenPointerFromItem(pointer)
    await table.transact(() => [
      {
        update: tokenKey(sha256),
        expression: 'SET revoked = :yes',
        values: { ':yes': true },
        if: 'attribute_exists(pk)',
      },
    ])
  },
})
