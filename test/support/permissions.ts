import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { parseServerlessYml } from '../../local/table.ts'
import { unguardedWrites } from './guarded.ts'

/** The rights that `serverless.yml` gives each function, by their names in `custom.allow`. */
export const allowedRights = (): Record<string, string[]> => {
  const { functions } = parseServerlessYml(readFileSync(resolve('serverless.yml'), 'utf8'))
  return Object.fromEntries(
    Object.entries(functions).map(([name, { iamRoleStatements = [] }]) => [
      name,
      iamRoleStatements.map((statement) => /^\$\{self:custom\.allow\.(\w+)\}$/.exec(statement)?.[1] ?? statement),
    ]),
  )
}

type Sent = { constructor: { name: string }; input: Record<string, unknown> }

/** What IAM asks for when this command is sent. Source: Service Authorization Reference, DynamoDB and S3. */
const rightsFor = ({ constructor: { name }, input }: Sent): string[] => {
  const command = name.replace(/Command$/, '')
  switch (command) {
    case 'TransactWrite':
      return (input.TransactItems as object[]).flatMap((part) => Object.keys(part).map(inTransaction))
    case 'TransactGet':
      return ['GetItem']
    case 'BatchGet':
      return ['BatchGetItem']
    case 'BatchWrite':
      return ['BatchWriteItem']
    case 'Query':
      return [input.IndexName === undefined ? 'Query' : 'QueryIndex']
    case 'Update':
      return [isNoteOfUse(input) ? 'NoteTokenUse' : 'UpdateItem']
    case 'Get':
    case 'Put':
    case 'Delete':
      return [`${command}Item`]
    case 'HeadBucket':
    case 'ListObjectsV2':
      return ['ListBucket']
    case 'HeadObject':
      return ['GetObject']
    default:
      return [command]
  }
}

/** What the condition of `NoteTokenUse` lets through: this attribute of a token, and nothing of it is answered. */
const isNoteOfUse = ({ Key, UpdateExpression, ConditionExpression, ReturnValues }: Record<string, unknown>) => {
  const names = `${UpdateExpression} ${ConditionExpression}`.replaceAll(/:\w+|\b(SET|AND|OR|attribute_\w+)\b/g, '')
  const attributes = names.match(/[a-zA-Z]\w*/g) ?? []
  const isToken = String((Key as { pk: unknown }).pk).startsWith('TOKEN#')
  return isToken && attributes.every((name) => ['pk', 'lastUsedAt'].includes(name)) && ReturnValues === undefined
}

const inTransaction = (part: string) => (part === 'ConditionCheck' ? 'ConditionCheckItem' : `${part}Item`)

/** A presigned URL is good for as long as its signer may do what it says. */
const presigned = (answer: unknown): string[] => {
  const urls = JSON.stringify(answer ?? '').matchAll(/https?:[^"\s]*X-Amz-Signature=[^"\s]*/g)
  return [...urls].map(([url]) => /[?&]x-id=(\w+)/.exec(url)?.[1] ?? `what ${url} does`)
}

type Role = { functionName: string; allowed: readonly string[]; used: Set<string>; denied?: Error }
const role = new AsyncLocalStorage<Role>()
const all = allowedRights()
const usedRights = new Map<string, Set<string>>()

/** What a function has done so far, in this file of tests. */
export const usedBy = (functionName: string): string[] => [...(usedRights.get(functionName) ?? [])].sort()

/** No function changes packages but by way of the guard, in whatever suite. */
const needGuard = (current: Role, sent: Sent) => {
  const [unguarded] = unguardedWrites(current.functionName, sent)
  if (unguarded === undefined) return
  current.denied = new Error(`${current.functionName} writes ${unguarded} without asking the rules of the project`)
  throw current.denied
}

const need = (current: Role, rights: readonly string[]) => {
  for (const wanted of rights) {
    // Who may change every item may note the use of a token too.
    const right = wanted === 'NoteTokenUse' && current.allowed.includes('UpdateItem') ? 'UpdateItem' : wanted
    current.used.add(right)
    if (current.allowed.includes(right)) continue
    current.denied = new Error(`AccessDenied: serverless.yml does not allow ${current.functionName} to ${right}`)
    throw current.denied
  }
}

type Send = (command: Sent, ...rest: unknown[]) => Promise<unknown>

/** The clients outlive a file of tests: the next one's rights take the place of this one's. */
const AS_IT_COMES = Symbol.for('send as it comes')

for (const { prototype } of [DynamoDBDocumentClient, S3Client]) {
  const client = prototype as unknown as { send: Send; [AS_IT_COMES]?: Send }
  const send = client[AS_IT_COMES] ?? client.send
  Object.assign(prototype, {
    [AS_IT_COMES]: send,
    async send(this: object, command: Sent, ...rest: unknown[]) {
      const current = role.getStore()
      if (current) need(current, rightsFor(command))
      if (current) needGuard(current, command)
      return send.call(this, command, ...rest)
    },
  })
}

/** Runs what a function does with no more rights than its role has, as on AWS. */
export const asFunction = async <Answer>(functionName: string, work: () => Promise<Answer>): Promise<Answer> => {
  const used = usedRights.get(functionName) ?? new Set<string>()
  usedRights.set(functionName, used)
  const current: Role = { functionName, allowed: all[functionName] ?? [], used }
  const answer = await role.run(current, work)
  need(current, presigned(answer))
  // The function may have made an answer of it, or gone on without.
  if (current.denied) throw current.denied
  return answer
}
