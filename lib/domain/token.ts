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
}

export const TOKEN_PREFIX = 'pat-'
/** Bytes of randomness in a token: 200 bits, above the 160 that cannot be guessed. */
export const TOKEN_BYTES = 25
/** As in GitLab, a token without an end ends after a year. */
export const TOKEN_LIFE_DAYS = 365
/** As in GitLab, one that is made by rotation ends after a week. */
export const ROTATED_TOKEN_LIFE_DAYS = 7

export const isExpired = ({ expiresOn }: Pick<PersonalToken, 'expiresOn'>, today: string) =>
  expiresOn !== null && expiresOn <= today

/** @param more what opens a route besides */
export const scopesFor = (method: string, more: readonly TokenScope[] = []): TokenScope[] => [
  'api',
  ...(method === 'GET' || method === 'HEAD' ? (['read_api'] as const) : []),
  ...more,
]
