import type { Group, Reference } from '../domain/project.ts'
import { pathFromItem } from './items.ts'
import { pathKey, type Source } from './keys.ts'
import type { Table, Write } from './table.ts'

/** Makes a full path lead to a thing. One that somebody left leads on to where he is now, until somebody else wants it. */
export const pathWrite = (
  { kind, id }: Source,
  fullPath: string,
  taken: (() => Error) | 'again',
  more: { userId?: number; from?: string } = {},
): Write => ({
  put: { ...pathKey(fullPath), kind, id, ...more },
  if: 'attribute_not_exists(pk) OR (attribute_exists(movedAt) AND attribute_not_exists(leaving))',
  otherwise: taken,
})

/** The path that a thing has no more leads on to it. */
export const movedWrite = ({ kind, id }: Source, fullPath: string, movedAt: string): Write => ({
  put: { ...pathKey(fullPath), kind, id, movedAt },
  if: 'id = :id AND #kind = :kind',
  names: { '#kind': 'kind' },
  values: { ':id': id, ':kind': kind },
  otherwise: 'again',
})

/** The path that a group leaves. Until it has arrived nobody takes it: what was inside is still found below it. */
export const leavingWrite = ({ id, fullPath }: Group, movedAt: string): Write => ({
  put: { ...pathKey(fullPath), kind: 'group', id, movedAt, leaving: true },
  if: 'id = :id AND #kind = :kind',
  names: { '#kind': 'kind' },
  values: { ':id': id, ':kind': 'group' },
  otherwise: 'again',
})

/** Frees a path, unless somebody else has it by now. */
export const pathDelete = ({ kind, id }: Source, fullPath: string): Write => ({
  delete: pathKey(fullPath),
  if: 'attribute_not_exists(pk) OR (id = :id AND #kind = :kind)',
  names: { '#kind': 'kind' },
  values: { ':id': id, ':kind': kind },
  otherwise: 'again',
})

export const isSamePath = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

/** The full paths of all that may be around a thing, from the inside out. */
const pathsAround = (fullPath: string): string[] => {
  const parts = fullPath.split('/')
  return parts.slice(1).map((_, cut) => parts.slice(0, parts.length - 1 - cut).join('/'))
}

/** No full path has more parts: groups are nested 20 deep at most, and a project is in one of them. */
const DEEPEST = 21

export const openPaths = (table: Pick<Table, 'get' | 'getAll'>) => {
  const find = async (kind: Source['kind'], fullPath: string) => {
    const item = await table.get(pathKey(fullPath))
    const alias = item && pathFromItem(item)
    return alias?.kind === kind ? alias : undefined
  }

  /** What is in a group in transit may not have its new path yet: it is found by the one that the group left. */
  const findBehind = async (kind: Source['kind'], fullPath: string): Promise<number | undefined> => {
    const around = pathsAround(fullPath)
    if (around.length === 0 || around.length >= DEEPEST) return undefined
    const aliases = (await table.getAll(around.map(pathKey))).map((item) => ({ pk: item.pk, ...pathFromItem(item) }))
    const prefix = around.find((path) => aliases.some(({ pk, from }) => pk === pathKey(path).pk && from !== undefined))
    if (prefix === undefined) return undefined
    const from = aliases.find(({ pk }) => pk === pathKey(prefix).pk)?.from
    const behind = await find(kind, `${from}${fullPath.slice(prefix.length)}`)
    return behind && behind.movedAt === undefined ? behind.id : undefined
  }

  return {
    async findId(kind: Source['kind'], reference: Reference): Promise<number | undefined> {
      if ('id' in reference) return reference.id
      const alias = await find(kind, reference.fullPath)
      if (alias && alias.movedAt === undefined) return alias.id
      // What somebody left leads on, unless there is something by now in a group that has not brought its paths along.
      return (await findBehind(kind, reference.fullPath)) ?? alias?.id
    },
  }
}
