import { PackagesError } from '../domain/errors.ts'
import { ACCESS_LEVELS, type User } from '../domain/permissions.ts'
import { type Group, isPath } from '../domain/project.ts'
import { FRESH_GROUP, namespaceWrites } from './groups.ts'
import { userFromItem } from './items.ts'
import { emailKey, listedUserKey, pathKey, userKey } from './keys.ts'
import { FRESH_USER, roleWrites } from './members.ts'
import type { Table } from './table.ts'

export type NewUser = Pick<User, 'username' | 'name' | 'email' | 'admin'>

export const userRepository = (table: Table) => {
  const find = async (id: number): Promise<User | undefined> => {
    const item = await table.get(userKey(id))
    return item && userFromItem(item)
  }

  return {
    find,

    /** By user name, in any case. A text that is no path is nobody's name, and may be longer than a key of the table. */
    async findByUsername(username: string): Promise<User | undefined> {
      if (!isPath(username)) return undefined
      const alias = await table.get(pathKey(username))
      return alias?.userId === undefined ? undefined : find(Number(alias.userId))
    },

    async listById(ids: readonly number[]): Promise<User[]> {
      return (await table.getAll([...new Set(ids)].map(userKey))).map(userFromItem)
    },

    /** Everybody, the newest first. Reads all of it. */
    async listAll(): Promise<User[]> {
      return (await table.queryAll({ pk: listedUserKey(0).pk, descending: true })).map(userFromItem)
    },

    /**
     * Makes a user with his personal namespace, which he owns.
     * @throws `already_exists` when the name or the address is taken
     */
    async create(wanted: NewUser, createdAt: string): Promise<User> {
      const [id, namespaceId] = await Promise.all([table.nextId('user'), table.nextId('group')])
      const user: User = { id, namespaceId, createdAt, ...wanted }
      const namespace: Group = {
        id: namespaceId,
        kind: 'user',
        name: wanted.name,
        path: wanted.username,
        fullPath: wanted.username,
        description: '',
        visibility: 'public',
        ancestorIds: [],
        createdAt,
        ...FRESH_GROUP,
      }
      const taken = (what: string) => () =>
        new PackagesError({ code: 'already_exists', message: `${what} has already been taken` })
      await table.transact(() => [
        ...namespaceWrites(namespace, taken('Username'), id),
        {
          put: { ...emailKey(wanted.email), userId: id },
          if: 'attribute_not_exists(pk)',
          otherwise: taken('Email'),
        },
        { put: { ...userKey(id), ...user, ...FRESH_USER } },
        { put: { ...listedUserKey(id), ...user } },
        ...roleWrites(
          {
            userId: id,
            source: { kind: 'group', id: namespaceId },
            within: [],
            accessLevel: ACCESS_LEVELS.owner,
            expiresOn: null,
            createdAt,
          },
          undefined,
        ),
      ])
      return user
    },
  }
}
