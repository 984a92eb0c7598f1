import { createHash, randomBytes } from 'node:crypto'
import { notFound, PackagesError } from '../domain/errors.ts'
import {
  DEPLOY_TOKEN_PREFIX,
  NOTE_USE_EVERY_MS,
  type PersonalToken,
  TOKEN_BYTES,
  TOKEN_PREFIX,
  type Token,
  tellingUser,
} from '../domain/token.ts'
import { deployTokenFromItem, tokenFromItem, tokenPointerFromItem } from './items.ts'
import { listedTokenKey, personalTokenKey, tokenKey, USER_TOKEN_PREFIX, userKey, userTokenKey } from './keys.ts'
import type { Table, Write } from './table.ts'

export const sha256 = (secret: string) => createHash('sha256').update(secret).digest('hex')

const random = () => randomBytes(TOKEN_BYTES).toString('base64url')

/** The text of a new personal token. */
export const newSecret = (userId: number) => tellingUser(`${TOKEN_PREFIX}${random()}`, userId)

/** The same of a deploy token, which is nobody's. */
export const newDeploySecret = () => `${DEPLOY_TOKEN_PREFIX}${random()}`

export type NewToken = Pick<PersonalToken, 'userId' | 'name' | 'scopes' | 'expiresOn'>

/** A new token with what finds it: its secret, its id, its user, and the list of all. */
const tokenWrites = (sha256: string, token: PersonalToken): Write[] => [
  { check: userKey(token.userId), if: 'attribute_exists(pk)', otherwise: () => notFound('user') },
  {
    put: { ...tokenKey(sha256), ...token },
    if: 'attribute_not_exists(pk)',
    otherwise: () => new PackagesError({ code: 'already_exists', message: 'Token already exists' }),
  },
  { put: { ...personalTokenKey(token.id), sha256, userId: token.userId } },
  { put: { ...userTokenKey(token.userId, token.id), sha256, userId: token.userId } },
  { put: { ...listedTokenKey(token.id), ...token } },
]

/** Secrets pass through here once, on their way to a hash; none is stored or returned. */
export const tokenRepository = (table: Table) => ({
  /** A token of either kind: what a client sends does not always say which it is. */
  async findBySecret(secret: string): Promise<Token | undefined> {
    const item = await table.get(tokenKey(sha256(secret)))
    return item && ('source' in item ? deployTokenFromItem(item) : tokenFromItem(item))
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

  /** All tokens of all users, oldest first. Reads all of it. */
  async listAll(): Promise<PersonalToken[]> {
    return (await table.queryAll({ pk: listedTokenKey(0).pk })).map(tokenFromItem)
  },

  /** The same tokens as they are now: the list of all does not know when they were used last. */
  async refresh(tokens: readonly PersonalToken[]): Promise<PersonalToken[]> {
    const pointers = await table.getAll(tokens.map(({ id }) => personalTokenKey(id)))
    const items = await table.getAll(pointers.map((pointer) => tokenKey(tokenPointerFromItem(pointer).sha256)))
    const current = new Map(items.map(tokenFromItem).map((token) => [token.id, token]))
    return tokens.map((token) => current.get(token.id) ?? token)
  },

  /**
   * Notes that a token of either kind was used, unless somebody else noted it within `NOTE_USE_EVERY_MS`. Of all that is
   * stored nothing else changes: a reader's role allows no more.
   */
  async noteUse(secret: string, now: string): Promise<void> {
    await table.update({
      update: tokenKey(sha256(secret)),
      expression: 'SET lastUsedAt = :now',
      if: 'attribute_exists(pk) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt = :never OR lastUsedAt <= :due)',
      values: {
        ':now': now,
        ':never': null,
        ':due': new Date(Date.parse(now) - NOTE_USE_EVERY_MS).toISOString(),
      },
    })
  },

  /** @throws `not_found` when there is no such user */
  async create(secret: string, wanted: NewToken, createdAt: string): Promise<PersonalToken> {
    const id = await table.nextId('token')
    const token: PersonalToken = { id, createdAt, revoked: false, lastUsedAt: null, ...wanted }
    await table.transact(() => tokenWrites(sha256(secret), token))
    return token
  },

  /**
   * Puts a new token in the place of an old one, which ends with it: of several who rotate it at once, one does.
   * @throws `already_revoked`
   */
  async rotate(
    old: PersonalToken,
    secret: string,
    expiresOn: string | null,
    createdAt: string,
  ): Promise<PersonalToken> {
    const [pointer, id] = await Promise.all([table.get(personalTokenKey(old.id)), table.nextId('token')])
    if (!pointer) throw notFound('token')
    const token: PersonalToken = { ...old, id, createdAt, expiresOn, revoked: false, lastUsedAt: null }
    await table.transact(() => [
      {
        update: tokenKey(tokenPointerFromItem(pointer).sha256),
        expression: 'SET revoked = :yes',
        if: 'revoked = :no',
        values: { ':yes': true, ':no': false },
        otherwise: () => new PackagesError({ code: 'already_revoked' }),
      },
      { put: { ...listedTokenKey(old.id), ...old, revoked: true } },
      ...tokenWrites(sha256(secret), token),
    ])
    return token
  },

  /** Takes effect with the next request. Revoking twice is no error; an unknown id does nothing. */
  async revoke(id: number): Promise<void> {
    const pointer = await table.get(personalTokenKey(id))
    if (!pointer) return
    const key = tokenKey(tokenPointerFromItem(pointer).sha256)
    await table.transact(async () => {
      const item = await table.get(key)
      if (!item) return []
      return [
        { update: key, expression: 'SET revoked = :yes', values: { ':yes': true }, if: 'attribute_exists(pk)' },
        { put: { ...listedTokenKey(id), ...tokenFromItem(item), revoked: true } },
      ]
    })
  },
})
