import { allowsDuplicates, type MatchesPattern, nearestPolicy } from '../domain/duplicates.ts'
import { PackagesError } from '../domain/errors.ts'
import type { PackageType } from '../domain/package.ts'
import { isProtected, type ProtectedAbility, type Writer } from '../domain/protection.ts'
import { groupSettingsFromItem, rulesFromItem } from './items.ts'
import { groupSettingsKey, RULES_SHARDS, rulesKey, rulesShardKey } from './keys.ts'
import type { Table, Write } from './table.ts'

declare const permitted: unique symbol

/**
 * The leave to change packages. Only this file makes one, and nothing that writes a package's record does without: no
 * publish, file, tag, status or delete gets past the rules of its project. `checks` belong into the same transaction,
 * and whoever writes the record puts them there.
 */
export type Permit = { readonly checks: readonly Write[]; readonly [permitted]: true }

const permitWith = (checks: readonly Write[]) => ({ checks }) as Permit

/** What readers leave behind, such as the time of a download, is no change by anybody. */
export const READERS_NOTE = permitWith([])

export type Guard = ReturnType<typeof packageGuard>

export const packageGuard = (table: Table) => ({
  /**
   * Reads the rules as they are now and asks them. The permit holds as long as they stay: a write that meets others
   * says `'again'`, and is asked for anew.
   * @throws `protected`
   */
  async permit(
    { project, accessLevel }: Writer,
    ability: ProtectedAbility,
    named: { type: PackageType; name: string },
  ): Promise<Permit> {
    const { revision, rules } = rulesFromItem(await table.get(rulesKey(project.id)))
    if (isProtected(rules, ability, accessLevel, named)) throw new PackagesError({ code: 'protected', from: ability })

    const shard = rulesShardKey(project.id, Math.floor(Math.random() * RULES_SHARDS))
    return permitWith([
      revision === 0
        ? { check: shard, if: 'attribute_not_exists(pk)', otherwise: 'again' }
        : { check: shard, if: 'revision = :revision', values: { ':revision': revision }, otherwise: 'again' },
    ])
  },

  /**
   * Whether the groups around the project let a file be added again. Nothing checks their settings at the moment of the
   * write, which would make all who publish inside a group meet there: a change of them counts for whatever is prepared
   * after it, some milliseconds before it lands. The files themselves are checked.
   */
  async allowsDuplicates(
    { project }: Writer,
    { type, name, version }: { type: PackageType; name: string; version: string | null },
    matches: MatchesPattern,
  ): Promise<boolean> {
    // What Maven keeps for an artifact as a whole is written anew with each of its versions.
    if ((type !== 'maven' && type !== 'generic') || version === null) return true
    const settings = (await table.getAll(project.ancestorIds.map(groupSettingsKey))).map(groupSettingsFromItem)
    const fromInside = project.ancestorIds
      .toReversed()
      .flatMap((id) => settings.find(({ groupId }) => groupId === id) ?? [])
    return allowsDuplicates(nearestPolicy(type, fromInside), { name, version }, matches)
  },
})
