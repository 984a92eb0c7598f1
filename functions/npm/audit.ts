import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { invalidParameters, PackagesError } from '../../lib/domain/errors.ts'
import { readingScopes } from '../../lib/domain/token.ts'
import { json } from '../../lib/http/answers.ts'
import { parseObject, readBody } from '../../lib/http/params.ts'
import { identify } from '../../lib/middleware/identify.ts'
import { loadGroup } from '../../lib/middleware/loadGroup.ts'
import { loadProject } from '../../lib/middleware/loadProject.ts'
import type { Database } from '../../lib/repository/database.ts'
import { npmEndpoint } from './npmEndpoint.ts'

/** What a list of dependencies may unpack to. */
export const AUDIT_LIMIT_BYTES = 32 * 1024 * 1024

const unpack = promisify(gunzip)

/** What npm sends is compressed. Some that stand before us unpack it and leave the header, so the bytes tell. */
const readAudit = async (event: APIGatewayProxyEvent) => {
  const bytes = readBody(event)
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  try {
    return parseObject(
      (isPacked ? await unpack(bytes, { maxOutputLength: AUDIT_LIMIT_BYTES }) : bytes).toString('utf8'),
    )
  } catch (error) {
    if (error instanceof PackagesError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PackagesError({ code: 'too_large', what: 'the unpacked body', limitBytes: AUDIT_LIMIT_BYTES })
    }
    throw invalidParameters('the body is not valid gzip')
  }
}

/** By severity, as npm 6 and yarn 1 sum them up. */
const NONE = { info: 0, low: 0, moderate: 0, high: 0, critical: 0 }
const UNCOUNTED = { dependencies: 0, devDependencies: 0, optionalDependencies: 0, totalDependencies: 0 }

/** What `npm audit` is told: nothing is known of what it asks about. Newer clients ask for advisories in bulk. */
const answerBulk = async (event: APIGatewayProxyEvent) => {
  await readAudit(event)
  return json(200, {})
}

const answerAudit = async (event: APIGatewayProxyEvent) => {
  await readAudit(event)
  return json(200, { actions: [], advisories: {}, muted: [], metadata: { vulnerabilities: NONE, ...UNCOUNTED } })
}

const answers = { bulk: answerBulk, audits: answerAudit }
export type AuditKind = keyof typeof answers

/**
 * `POST …/npm/-/npm/v1/security/advisories/bulk`, `…/audits` and `…/audits/quick` of a project.
 *
 * 200; 400 for a body that is no JSON; 401 anonymous where the project is not public; 403 for a Guest; 404; 413.
 */
export const auditInProject = (db: () => Database, kind: AuditKind) =>
  npmEndpoint('npmAudit', db, readingScopes)
    .use(loadProject(db, 'read_package', { asksForLogin: true }))
    .handler(answers[kind])

/** The same of a group. 200; 400; 401 anonymous where the group is not public; 404; 413. */
export const auditInGroup = (db: () => Database, kind: AuditKind) =>
  npmEndpoint('npmAuditOfGroup', db, readingScopes)
    .use(loadGroup(db, 'read_group', { asksForLogin: true }))
    .handler(answers[kind])

/** The same of the instance, for everybody. 200; 400; 401 for a bad token; 413. */
export const auditInInstance = (db: () => Database, kind: AuditKind) =>
  npmEndpoint('npmAuditOfInstance', db, readingScopes).use(identify(db)).handler(answers[kind])
