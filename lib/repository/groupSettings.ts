import { type GroupSettings, NO_SETTINGS } from '../domain/duplicates.ts'
import { notFound } from '../domain/errors.ts'
import { groupSettingsFromItem } from './items.ts'
import { groupKey, groupSettingsKey } from './keys.ts'
import type { Table } from './table.ts'

/** What of a group's settings changes. What is left out stays, null goes back to the group around it. */
export type SettingsChange = Partial<GroupSettings>

/** An item of its own beside the group: who publishes reads the settings of all groups around, and nothing else of them. */
export const groupSettingsRepository = (table: Table) => {
  const find = async (groupId: number): Promise<GroupSettings> => {
    const item = await table.get(groupSettingsKey(groupId))
    if (!item) return NO_SETTINGS
    const { groupId: _, ...settings } = groupSettingsFromItem(item)
    return settings
  }

  return {
    find,

    /** Changes only the settings that are given, so that two changes at once keep each other's. @throws `not_found` */
    async change(groupId: number, change: SettingsChange): Promise<void> {
      const fields = Object.entries(change)
      if (fields.length === 0) return
      await table.transact(() => [
        { check: groupKey(groupId), if: 'attribute_exists(pk)', otherwise: () => notFound('group') },
        {
          update: groupSettingsKey(groupId),
          expression: `SET groupId = :groupId, ${fields.map(([field]) => `${field} = :${field}`).join(', ')}`,
          values: { ':groupId': groupId, ...Object.fromEntries(fields.map(([field, value]) => [`:${field}`, value])) },
        },
      ])
    },
  }
}
