import { PackagesError } from '../lib/domain/errors.ts'
import { TOKEN_LIFE_DAYS } from '../lib/domain/token.ts'
import type { Database } from '../lib/repository/database.ts'
import { newSecret } from '../lib/repository/tokens.ts'

const USERNAME = 'root'
const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Gives an empty database its first administrator. Run twice, or stopped half-way and run again, it ends the same.
 * @property given the token's text, where somebody chose it
 * @property again makes a token for an administrator who has one already: his was lost, or has ended
 * @returns the text of the token that was made; an administrator who has one keeps it
 */
export const ensureAdministrator = async (
  db: Database,
  { given, again = false }: { given?: string | undefined; again?: boolean } = {},
): Promise<string | undefined> => {
  const now = new Date()
  const root = (await db.users.findByUsername(USERNAME)) ?? (await createRoot(db, now.toISOString()))
  if (!again && (await db.tokens.listByUser(root.id)).length > 0) return undefined

  const end = new Date(now.getTime() + TOKEN_LIFE_DAYS * DAY_MS).toISOString().slice(0, 10)
  const token = { userId: root.id, name: 'first administrator', scopes: ['api' as const], expiresOn: end }
  const secret = given ?? newSecret(root.id)
  await db.tokens.create(secret, token, now.toISOString())
  return secret
}

const createRoot = async (db: Database, createdAt: string) => {
  try {
    const wanted = { username: USERNAME, name: 'Administrator', email: 'root@localhost', admin: true }
    return await db.users.create(wanted, createdAt)
  } catch (error) {
    // Somebody else was first.
    const root = error instanceof PackagesError ? await db.users.findByUsername(USERNAME) : undefined
    if (!root) throw error
    return root
  }
}
