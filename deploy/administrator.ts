/**
 * `npm run administrator -- --stage prod`: gives the database of a stage its first administrator and prints his token,
 * once. Needs the AWS credentials of somebody who may read the stack and write the table.
 */
import { parseArgs } from 'node:util'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { openDatabase } from '../lib/repository/database.ts'
import { createClient } from '../lib/repository/table.ts'
import { ensureAdministrator } from './firstAdministrator.ts'

const SERVICE = 'packages-api'
/** As in `serverless.yml`. */
const DEFAULT_REGION = 'eu-central-1'

const USAGE = `Usage: npm run administrator -- --stage prod [--region eu-central-1] [--again]
       npm run administrator -- --table <name> [--region eu-central-1] [--again]

  --stage   the stage whose table is meant; its stack says how the table is called
  --table   the table's own name, in place of a stage
  --again   make another token although the administrator has one: it was lost, or has ended

DYNAMODB_ENDPOINT, when it is set, is where the table is.`

/** A problem that the reader can mend. */
class Refusal extends Error {}

const readOptions = () => {
  try {
    const { values } = parseArgs({
      options: {
        stage: { type: 'string' },
        table: { type: 'string' },
        region: { type: 'string' },
        again: { type: 'boolean', default: false },
      },
    })
    if ((values.stage === undefined) === (values.table === undefined))
      throw new Error('Give one of --stage and --table.')
    return values
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  }
}

const tableOf = async (stage: string): Promise<string> => {
  const StackName = `${SERVICE}-${stage}`
  const cloudFormation = new CloudFormationClient({})
  const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }))
  const table = Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'TableName')?.OutputValue
  if (table === undefined) throw new Refusal(`The stack ${StackName} has no output TableName. Deploy it first.`)
  return table
}

const run = async () => {
  const { stage, table, region, again } = readOptions()
  process.env.AWS_REGION = region ?? (process.env.AWS_REGION || DEFAULT_REGION)
  const tableName = table ?? (await tableOf(stage ?? ''))
  const db = openDatabase(createClient(process.env.DYNAMODB_ENDPOINT || undefined), tableName)

  const secret = await ensureAdministrator(db, { again })
  if (secret !== undefined) {
    console.log(
      `Table:  ${tableName}\nUser:   root\nToken:  ${secret}\n\nIt is shown this once. Keep it in a safe place.`,
    )
  } else {
    throw new Refusal('The administrator root has a token already, and it is not shown again. For another: --again')
  }
}

run().catch((error: unknown) => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  console.error(error instanceof Refusal ? message : `It did not work: ${name}: ${message}`)
  process.exitCode = 1
})
