/** GitLab's scopes for personal access tokens. Only `api`, `read_api` and `self_rotate` open anything here. */
export const tokenScopes = [
  'api',
  'read_api',
  'read_user',
  'create_runner',
  'manage_runner',
  'k8s_proxy',
  'self_rotate',
  'read_repository',
  'write_repository',
  'read_registry',
  'write_registry',
  'read_virtual_registry',
  'write_virtual_registry',
  'ai_features',
  'sudo',
  'admin_mode',
  'read_service_ping',
] as const
export type TokenScope = (typeof tokenScopes)[number]

/** `expiresOn` is a day, `2027-11-23`: the token ends when that day begins (UTC). The secret is stored as SHA-256 only. */
export type PersonalToken = {
  id: number
  userId: number
  name: string
  scopes: TokenScope[]
  expiresOn: string | null
  revoked: boolean
  createdAt: string
  lastUsedAt: string | null
}

/** GitLab's scopes for deploy tokens. Only the two of the package registry open anything here. */
export const deployTokenScopes = [
  'read_repository',
  'read_registry',
  'write_registry',
  'read_package_registry',
  'write_package_registry',
  'read_virtual_registry',
  'write_virtual_registry',
] as const
export type DeployTokenScope = (typeof deployTokenScopes)[number]

/**
 * A token that belongs to a project, or to a group with all that is inside, and to no user. `expiresAt` is a moment in
 * ISO 8601. With HTTP Basic it goes with its user name.
 */
export type DeployToken = {
  id: number
  source: { kind: 'group' | 'project'; id: number }
  name: string
  username: string
  scopes: DeployTokenScope[]
  expiresAt: string | null
  creatorId: number
  createdAt: string
  lastUsedAt: string | null
}

/** Whatever a caller may show. */
export type Token = PersonalToken | DeployToken
export const isDeployToken = (token: Token): token is DeployToken => 'source' in token

export const defaultUsername = (id: number) => `gitlab+deploy-token-${id}`

/** GitLab's rule: letters, digits and `. + _ -`. */
export const isDeployUsername = (text: string) => /^[\w.+-]{1,255}$/.test(text)

export const DEPLOY_TOKEN_PREFIX = 'dt-'
export const TOKEN_PREFIX = 'pat-'
/** Bytes of randomness in a token: 200 bits, above the 160 that cannot be guessed. */
export const TOKEN_BYTES = 25

/**
 * A personal token ends with its user's id, as GitLab's routable tokens tell theirs: so his roles are looked for beside
 * the token. It decides nothing, as the whole text is what is found.
 */
export const tellingUser = (secret: string, userId: number) => `${secret}.${userId.toString(36)}`

/** The first user of all is the administrator, who may have chosen his token: it tells nobody. */
const FIRST_USER_ID = 1

/** Whose token it probably is; nobody's where it is a deploy token. */
export const userTold = (secret: string): number | undefined => {
  if (secret.startsWith(DEPLOY_TOKEN_PREFIX)) return undefined
  const [, told] = (secret.startsWith(TOKEN_PREFIX) && /\.([0-9a-z]{1,10})$/.exec(secret)) || []
  return told === undefined ? FIRST_USER_ID : Number.parseInt(told, 36)
}

/** As in GitLab, a token without an end ends after a year. */
export const TOKEN_LIFE_DAYS = 365
/** As in GitLab, one that is made by rotation ends after a week. */
export const ROTATED_TOKEN_LIFE_DAYS = 7

export const isExpired = ({ expiresOn }: Pick<PersonalToken, 'expiresOn'>, today: string) =>
  expiresOn !== null && expiresOn <= today

export const isOver = ({ expiresAt }: Pick<DeployToken, 'expiresAt'>, now: string) =>
  expiresAt !== null && expiresAt <= now

/** A token that is used all the time is written once in this time, as in GitLab. */
export const NOTE_USE_EVERY_MS = 10 * 60 * 1000

/** Whether the use of a token now is to be noted. */
export const isUseDue = ({ lastUsedAt }: Pick<Token, 'lastUsedAt'>, now: string) =>
  lastUsedAt === null || Date.parse(now) - Date.parse(lastUsedAt) >= NOTE_USE_EVERY_MS

/** A scope of either kind of token. */
export type Scope = TokenScope | DeployTokenScope

/** What opens a route that reads by another method than GET. */
export const readingScopes: readonly Scope[] = ['read_api', 'read_package_registry']

const isReading = (method: string) => method === 'GET' || method === 'HEAD'

/** @param more what opens a route besides, for tokens of either kind */
export const scopesFor = (method: string, more: readonly Scope[] = []): Scope[] => [
  'api',
  ...(isReading(method) ? (['read_api'] as const) : []),
  ...more.filter((scope) => (tokenScopes as readonly Scope[]).includes(scope)),
]

/** The same for deploy tokens, of which one that writes reads too. */
export const deployScopesFor = (method: string, more: readonly Scope[] = []): Scope[] => [
  ...(isReading(method) ? (['read_package_registry'] as const) : []),
  'write_package_registry',
  ...more.filter((scope) => (deployTokenScopes as readonly Scope[]).includes(scope)),
]
