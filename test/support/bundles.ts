import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { parseServerlessYml } from '../../local/table.ts'

/** The least that a function over DynamoDB can be: one client as it comes, one read. */
const BARE_CLIENT = `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT }))
export const handler = async () => {
  const { Item } = await client.send(new GetCommand({ TableName: process.env.TABLE_NAME, Key: { pk: 'a', sk: 'b' } }))
  return { statusCode: 200, body: JSON.stringify(Item ?? {}) }
}`

export type Bundle = { text: string; bytes: number; inputs: Metafile['outputs'][string]['inputs'] }

const bundle = async (options: BuildOptions): Promise<Bundle> => {
  const { outputFiles, metafile } = await build({
    bundle: true,
    format: 'esm',
    platform: 'node',
    minify: true,
    ...options,
    write: false,
    metafile: true,
    outdir: resolve('.data'),
  })
  const [file] = outputFiles
  const [output] = Object.values(metafile.outputs)
  return { text: file?.text ?? '', bytes: file?.contents.length ?? 0, inputs: output?.inputs ?? {} }
}

const settings = () => {
  const { alias, banner, mainFields, target } = parseServerlessYml(readFileSync(resolve('serverless.yml'), 'utf8'))
    .custom.esbuild
  return { banner, mainFields, target, alias }
}

/** A module of functions as it is packaged for AWS, by the settings of `serverless.yml`. */
export const bundleOf = (module: string): Promise<Bundle> =>
  bundle({ ...settings(), entryPoints: [resolve(`${module}.ts`)] })

/** What a function is compared with: nothing but the document client, with every way that it knows to credentials. */
export const bundleOfBareClient = (): Promise<Bundle> => {
  const { alias: _alias, ...others } = settings()
  return bundle({ ...others, stdin: { contents: BARE_CLIENT, resolveDir: resolve('.') } })
}
