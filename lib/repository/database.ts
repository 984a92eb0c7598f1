import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { deployTokenRepository } from './deployTokens.ts'
import { fileRepository } from './files.ts'
import { groupListingRepository } from './groupListings.ts'
import { groupSettingsRepository } from './groupSettings.ts'
import { groupRepository } from './groups.ts'
import { packageGuard } from './guard.ts'
import { counterKey } from './keys.ts'
import { openListing } from './listings.ts'
import { memberRepository } from './members.ts'
import { packageRepository } from './packages.ts'
import { protectionRuleRepository } from './protectionRules.ts'
import { packageRecords } from './records.ts'
import { openTable } from './table.ts'
import { tokenRepository } from './tokens.ts'
import { transitRepository } from './transit.ts'
import { userRepository } from './users.ts'

export type Database = ReturnType<typeof openDatabase>

/** All repositories over one table. Opening costs nothing: nothing is read until something is asked. */
export const openDatabase = (client: DynamoDBDocumentClient, tableName: string) => {
  const table = openTable(client, tableName)
  const transit = transitRepository(table)
  const groups = groupRepository(table, transit)
  const records = packageRecords(table, transit)
  const guard = packageGuard(table)
  return {
    deployTokens: deployTokenRepository(table),
    files: fileRepository(table, records, guard),
    groups,
    groupSettings: groupSettingsRepository(table),
    groupListings: groupListingRepository(table, groups),
    listings: openListing(table),
    members: memberRepository(table),
    packages: packageRepository(table, records, guard),
    protectionRules: protectionRuleRepository(table),
    tokens: tokenRepository(table),
    transit,
    users: userRepository(table),
    /** Answers when the table does. */
    ping: () => table.get(counterKey('package')),
  }
}
