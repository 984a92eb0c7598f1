import { readFile } from 'node:fs/promises'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { parse } from 'yaml'
import { lazily } from '../lib/domain/lazily.ts'

/** CloudFormation's own tags; the table uses none of them. */
const customTags = ['!Ref', '!Sub', '!GetAtt', '!Join', '!If', '!Equals', '!Not', '!Or', '!And'].map((tag) => ({
  tag,
  resolve: (text: string) => text,
}))

type ServerlessYml = {
  functions: Record<string, { handler: string; iamRoleStatements?: string[]; events: { http?: string }[] }>
  custom: {
    esbuild: {
      alias: Record<string, string>
      format: 'cjs'
      mainFields: string[]
      sourcemap: boolean
      sourcesContent: boolean
      supported: Record<string, boolean>
      target: string
    }
  }
  resources: { Resources: { PackagesTable: { Properties: CreateTableCommandInput } } }
}

/** The parts of `serverless.yml` that are read besides the framework: functions with routes and rights, how they are bundled, and the table. */
export const parseServerlessYml = (text: string): ServerlessYml =>
  parse(text, { customTags, logLevel: 'error' }) as ServerlessYml

/** The table's properties as `serverless.yml` has them: the one definition that AWS, `npm start` and tests share. */
const tableProperties = lazily(async () => {
  const text = await readFile(new URL('../serverless.yml', import.meta.url), 'utf8')
  const { resources } = parseServerlessYml(text)
  const { BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } =
    resources.Resources.PackagesTable.Properties
  return { BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes }
})

/** What the table of `npm start` is called. */
export const LOCAL_TABLE = 'packages-api-local'

/** Creates the table unless it is there. */
export const createTable = async (endpoint: string, tableName: string): Promise<void> => {
  const client = new DynamoDBClient({ endpoint })
  try {
    await client.send(new CreateTableCommand({ TableName: tableName, ...(await tableProperties()) }))
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: tableName })
  client.destroy()
}
