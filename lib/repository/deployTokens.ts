import { notFound } from '../domain/errors.ts'
import { type DeployToken, defaultUsername } from '../domain/token.ts'
import { deployTokenFromItem, deployTokenPointerFromItem } from './items.ts'
import { deployTokenKey, groupKey, projectKey, tokenKey } from './keys.ts'
import type { Item, Table, Write } from './table.ts'
import { sha256 } from './tokens.ts'

type Source = DeployToken['source']

/** Without a user name it gets one with its id. */
export type NewDeployToken = Pick<DeployToken, 'source' | 'name' | 'scopes' | 'expiresAt' | 'creatorId'> & {
  username: string | undefined
}

/** A token of a place that is gone would open nothing, and never be seen again. */
const placeCheck = ({ kind, id }: Source): Write =>
  kind === 'group'
    ? { check: groupKey(id), if: 'attribute_exists(pk)', otherwise: () => notFound('group') }
    : {
        check: projectKey(id),
        if: 'attribute_exists(pk) AND deletedAt = :none',
        values: { ':none': null },
        otherwise: () => notFound('project'),
      }

/** They stand by the hash of their secret among the personal tokens, with two pointers to them: of their place and of all. */
export const deployTokenRepository = (table: Table) => {
  const tokensOf = async (pointers: readonly Item[]): Promise<DeployToken[]> => {
    const items = await table.getAll(pointers.map((pointer) => tokenKey(deployTokenPointerFromItem(pointer).sha256)))
    return items.map(deployTokenFromItem).sort((one, other) => one.id - other.id)
  }

  return {
    async find(source: Source, id: number): Promise<DeployToken | undefined> {
      const pointer = await table.get(deployTokenKey(source, id))
      return pointer && (await tokensOf([pointer]))[0]
    },

    /** All of a group or project, those of groups around it left out; without a place of the whole instance. Oldest first. */
    async list(source?: Source): Promise<DeployToken[]> {
      return tokensOf(await table.queryAll({ pk: deployTokenKey(source, 0).pk }))
    },

    /** @throws `not_found` when the group or project is gone */
    async create(secret: string, { username, ...wanted }: NewDeployToken, createdAt: string): Promise<DeployToken> {
      const id = await table.nextId('deploy_token')
      const token: DeployToken = {
        id,
        username: username ?? defaultUsername(id),
        createdAt,
        lastUsedAt: null,
        ...wanted,
      }
      const pointer = { sha256: sha256(secret) }
      await table.transact(() => [
        placeCheck(wanted.source),
        { put: { ...tokenKey(pointer.sha256), ...token }, if: 'attribute_not_exists(pk)' },
        { put: { ...deployTokenKey(wanted.source, id), ...pointer } },
        { put: { ...deployTokenKey(undefined, id), ...pointer } },
      ])
      return token
    },

    /** Takes effect with the next request; nothing remains of it. @throws `not_found` */
    async delete(source: Source, id: number): Promise<void> {
      await table.transact(async () => {
        const pointer = await table.get(deployTokenKey(source, id))
        if (!pointer) throw notFound('deploy_token')
        return [
          { delete: tokenKey(deployTokenPointerFromItem(pointer).sha256) },
          { delete: deployTokenKey(source, id), if: 'attribute_exists(pk)', otherwise: () => notFound('deploy_token') },
          { delete: deployTokenKey(undefined, id) },
        ]
      })
    },
  }
}
