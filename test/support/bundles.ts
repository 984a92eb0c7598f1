import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { ESM_BANNER } from '../../local/esmBanner.ts'
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

export type Bundle = { text: string; bytes: number; inputs: Metafile['outputs'][string]['inputs']; map?: string }

const bundle = async (options: BuildOptions): Promise<Bundle> => {
  const { outputFiles, metafile } = await build({
    bundle: true,
    platform: 'node',
    minify: true,
    ...options,
    write: false,
    metafile: true,
    outdir: resolve('.data'),
  })
  const isMap = (path: string) => path.endsWith('.map')
  const code = outputFiles?.find(({ path }) => !isMap(path))
  const map = outputFiles?.find(({ path }) => isMap(path))?.text
  const output = Object.entries(metafile?.outputs ?? {}).find(([path]) => !isMap(path))?.[1]
  return {
    text: code?.text ?? '',
    bytes: code?.contents.length ?? 0,
    inputs: output?.inputs ?? {},
    ...(map ? { map } : {}),
  }
}

const settings = () => {
  const { esbuild } = parseServerlessYml(readFileSync(resolve('serverless.yml'), 'utf8')).custom
  const { alias, format, mainFields, sourcemap, sourcesContent, supported, target } = esbuild
  return { alias, format, mainFields, sourcemap, sourcesContent, supported, target }
}

const made = new Map<string, Promise<Bundle>>()

/** A module of functions as it is packaged for AWS, by the settings of `serverless.yml`: CommonJS. */
export const bundleOf = (module: string): Promise<Bundle> => {
  const found = made.get(module) ?? bundle({ ...settings(), entryPoints: [resolve(`${module}.ts`)] })
  made.set(module, found)
  return found
}

const BARE = { contents: BARE_CLIENT, resolveDir: resolve('.') }

/** What a function is compared with: nothing but the document client as it comes, an ES module. */
export const bundleOfBareClient = (): Promise<Bundle> => {
  const { mainFields, target } = settings()
  return bundle({ mainFields, target, format: 'esm', banner: ESM_BANNER, stdin: BARE })
}

/** The same, bundled as ours are. */
export const bundleOfBareClientAsOurs = (): Promise<Bundle> => bundle({ ...settings(), stdin: BARE })
