/**
 * The only place that creates clients. Each is made when it is first asked for, and a bundle holds only those that
 * its handler names: `@__PURE__` tells the bundler that what nobody names may go.
 */
import { config } from './config.ts'
import { lazily } from './domain/lazily.ts'
import { createStore, type ObjectStore } from './files/store.ts'
import { type Database, openDatabase } from './repository/database.ts'
import { createClient } from './repository/table.ts'

export const database: () => Database = /* @__PURE__ */ lazily(() =>
  openDatabase(createClient(config().dynamodbEndpoint), config().tableName),
)

export const objectStore: () => ObjectStore = /* @__PURE__ */ lazily(() =>
  createStore(config().bucketName, config().s3Endpoint),
)
