import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { lazily, onDemand } from '../domain/lazily.ts'
import { openContents } from './contents.ts'
import { countingRepository } from './counting.ts'
import { deployTokenRepository } from './deployTokens.ts'
import { directUploadRepository } from './directUploads.ts'
import { fileRepository } from './files.ts'
import { groupListingRepository } from './groupListings.ts'
import { groupSettingsRepository } from './groupSettings.ts'
import { groupRepository } from './groups.ts'
import { groupTransitRepository } from './groupTransit.ts'
import { packageGuard } from './guard.ts'
import { holderRepository } from './holders.ts'
import { HOLD_MS } from './holds.ts'
import { counterKey } from './keys.ts'
import { openListing } from './listings.ts'
import { memberRepository } from './members.ts'
import { overviewRepository } from './overviews.ts'
import { packageRepository } from './packages.ts'
import { openPlaces } from './places.ts'
import { protectionRuleRepository } from './protectionRules.ts'
import { publicationRepository } from './publications.ts'
import { packageRecords } from './records.ts'
import { openStillness } from './stillness.ts'
import { openTable, type Table } from './table.ts'
import { tokenRepository } from './tokens.ts'
import { transitRepository } from './transit.ts'
import { userRepository } from './users.ts'

export type Database = ReturnType<typeof databaseOver>

/**
 * All repositories over one table. Opening costs nothing: nothing is read until something is asked, and no repository
 * is made before, as a function asks a few of them.
 * @param holdMs how long publishers wait for somebody who counts packages to move them
 */
export const openDatabase = (client: DynamoDBDocumentClient, tableName: string, holdMs = HOLD_MS) =>
  databaseOver(openTable(client, tableName), holdMs)

/** The same over a table that is open. */
export const databaseOver = (table: Table, holdMs = HOLD_MS) => {
  const places = openPlaces(table)
  const contents = lazily(() => openContents(table, places))
  const transit = lazily(() => transitRepository(table, places, holdMs))
  const groupTransit = lazily(() => groupTransitRepository(table, places, contents(), transit(), holdMs))
  const moves = onDemand({ projects: transit, groups: groupTransit })
  const whenStill = openStillness({ settle: (...group) => groupTransit().settle(...group) })
  const groups = lazily(() => groupRepository(table, places, contents(), moves, whenStill))
  const records = lazily(() => packageRecords(table, transit()))
  const guard = lazily(() => packageGuard(table))
  return onDemand({
    counting: () => countingRepository(table),
    deployTokens: () => deployTokenRepository(table),
    directUploads: () => directUploadRepository(table),
    files: () => fileRepository(table, records(), guard()),
    groups,
    groupTransit,
    groupSettings: () => groupSettingsRepository(table),
    holders: () => holderRepository(table, places),
    groupListings: () => groupListingRepository(table, groups()),
    listings: () => openListing(table),
    members: () => memberRepository(table, places, whenStill),
    overviews: () => overviewRepository(table, records()),
    packages: () => packageRepository(table, records(), guard()),
    protectionRules: () => protectionRuleRepository(table),
    publications: () => publicationRepository(table, holdMs),
    tokens: () => tokenRepository(table),
    transit,
    users: () => userRepository(table),
    /** Answers when the table does. */
    ping: () => () => table.get(counterKey('package')),
  })
}
