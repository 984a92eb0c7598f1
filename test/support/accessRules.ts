import { routes } from './doors.ts'

/** Who calls. Roles and deploy tokens are those of the group around the project; they count in the project too. */
export const callers = [
  'anonymous',
  'no member',
  'Guest',
  'Reporter',
  'Developer',
  'Maintainer',
  'Owner',
  'administrator',
  'reading deploy token',
  'writing deploy token',
] as const
type Caller = (typeof callers)[number]

export const visibilities = ['private', 'internal', 'public'] as const

/** `yes`, or the status of the refusal; 404 is for what the caller may not even see. */
export type Outcome = 'yes' | '401' | '403' | '404'
/** By visibility, in the order of `visibilities`, or one for all. */
type Outcomes = Outcome | [Outcome, Outcome, Outcome]
type DeployToken = 'reading deploy token' | 'writing deploy token'
/** Routes that say nothing of deploy tokens do not take them: who shows one is anonymous there. */
type Rule = Record<Exclude<Caller, DeployToken>, Outcomes> & Partial<Record<DeployToken, Outcomes>>

const YES = {
  anonymous: 'yes',
  'no member': 'yes',
  Guest: 'yes',
  Reporter: 'yes',
  Developer: 'yes',
  Maintainer: 'yes',
  Owner: 'yes',
  administrator: 'yes',
} as const satisfies Rule

const sees: Rule = { ...YES, anonymous: ['404', '404', 'yes'], 'no member': ['404', 'yes', 'yes'] }
const readers = { 'reading deploy token': 'yes', 'writing deploy token': 'yes' } as const
const writers = { 'reading deploy token': '403', 'writing deploy token': 'yes' } as const
const destroyers = { 'reading deploy token': '403', 'writing deploy token': '403' } as const

const reads: Rule = { ...sees, Guest: ['403', 'yes', 'yes'] }
/** The same, where deploy tokens are taken too. */
const tokensRead: Rule = { ...reads, ...readers }
const reporterNot: Rule = { ...sees, 'no member': ['404', '403', '403'], Guest: '403', Reporter: '403' }
const developerNot: Rule = { ...reporterNot, Developer: '403' }
const deletes: Rule = { ...developerNot, anonymous: ['404', '404', '403'] }

/** Who asks for deploy tokens need not be known to hear no. */
const maintainersOf: Rule = deletes
const ownersOf: Rule = { ...deletes, Maintainer: '403' }

/** Clients such as npm and curl ask for a login when they get 401. */
const clientReads: Rule = { ...tokensRead, anonymous: ['401', '401', 'yes'] }
const developers: Rule = { ...reporterNot, anonymous: '401' }
const maintainers: Rule = { ...developerNot, anonymous: '401' }
/** At the level of a group, what he may not read is just not there. */
const clientSees: Rule = { ...sees, ...readers, anonymous: ['401', '401', 'yes'] }
/** Where no project is named, one that is hidden answers as GitLab answers for one that is missing. */
const namedReads: Rule = { ...clientReads, 'no member': ['403', 'yes', 'yes'] }
const owners: Rule = { ...maintainers, Maintainer: '403' }

/** In a group that he sees, an anonymous caller is asked to log in where he finds nothing. */
const groupClientReads: Rule = { ...sees, ...readers, anonymous: '401' }
/** What package clients write. */
const clientWrites: Rule = { ...developers, ...writers }
const clientDeletes: Rule = { ...maintainers, ...destroyers }

const signedIn: Rule = { ...YES, anonymous: '401' }
/** Who asks for members must be known, and see where they are. */
const members: Rule = { ...YES, anonymous: '401', 'no member': ['404', 'yes', 'yes'] }
const administrators: Rule = { ...owners, 'no member': '403', Owner: '403' }

const PUBLIC_TO_ALL = 'what the caller may read; of public projects also the anonymous'
const ASKED_BY_PATH = 'says what is not offered; tags of packages as the packages themselves'

type Line = { rule: Rule; note?: string }

/** The line of every route: its rule, and what the rule does not say. */
const lines: Record<string, Line> = {
  'GET /projects/{id}/packages': { rule: tokensRead },
  'HEAD /projects/{id}/packages': { rule: tokensRead },
  'GET /groups/{id}/packages': { rule: { ...sees, ...readers }, note: 'lists the packages that the caller may read' },
  'HEAD /groups/{id}/packages': { rule: { ...sees, ...readers } },
  'GET /projects/{id}/packages/{package_id}': { rule: tokensRead },
  'HEAD /projects/{id}/packages/{package_id}': { rule: tokensRead },
  'GET /projects/{id}/packages/{package_id}/package_files': { rule: tokensRead },
  'HEAD /projects/{id}/packages/{package_id}/package_files': { rule: tokensRead },
  'DELETE /projects/{id}/packages/{package_id}': { rule: deletes },
  'DELETE /projects/{id}/packages/{package_id}/package_files/{package_file_id}': { rule: deletes },
  'GET /projects/{id}/packages/{package_id}/pipelines': { rule: reads },
  'GET /projects/{id}/packages/{package_id}/package_files/{package_file_id}/download': { rule: tokensRead },

  'GET /projects/{id}/packages/npm/{package_name}': { rule: clientReads },
  'GET /projects/{id}/packages/npm/{package_name}/{rest+}': { rule: clientReads },
  'GET /projects/{id}/packages/npm/-/package/{package_name}/dist-tags': { rule: clientReads },
  'GET /projects/{id}/packages/npm/-/package/{package_name}/{rest+}': { rule: clientReads },
  'GET /projects/{id}/packages/npm/-/ping': { rule: clientReads },
  'GET /projects/{id}/packages/npm/-/whoami': { rule: { ...signedIn, ...readers } },
  'POST /projects/{id}/packages/npm/-/package/{package_name}/{rest+}': {
    rule: YES,
    note: 'says that it is not offered',
  },
  'GET /projects/{id}/packages/npm/-/{rest+}': { rule: YES, note: 'says what is not offered' },
  'PUT /projects/{id}/packages/npm/-/{rest+}': { rule: YES, note: 'says what is not offered' },
  'DELETE /projects/{id}/packages/npm/-/{rest+}': { rule: YES, note: 'says what is not offered' },
  'POST /projects/{id}/packages/npm/-/{rest+}': {
    rule: YES,
    note: 'says what is not offered; `npm audit` is for those who read packages',
  },
  'PUT /projects/{id}/packages/npm/{package_name}': { rule: clientWrites, note: '`npm deprecate` is for Maintainers' },
  'PUT /projects/{id}/packages/npm/{package_name}/{rest+}': { rule: clientDeletes },
  'DELETE /projects/{id}/packages/npm/{package_name}/{rest+}': { rule: clientDeletes },
  'GET /groups/{id}/-/packages/npm/{package_name}': { rule: groupClientReads, note: PUBLIC_TO_ALL },
  'GET /groups/{id}/-/packages/npm/{package_name}/{rest+}': { rule: groupClientReads, note: PUBLIC_TO_ALL },
  'GET /groups/{id}/-/packages/npm/-/{rest+}': { rule: YES, note: ASKED_BY_PATH },
  'POST /groups/{id}/-/packages/npm/-/{rest+}': {
    rule: YES,
    note: 'says what is not offered; `npm audit` is for those who see the group',
  },
  'GET /packages/npm/{package_name}': { rule: { ...signedIn, ...readers }, note: PUBLIC_TO_ALL },
  'GET /packages/npm/{package_name}/{rest+}': { rule: { ...signedIn, ...readers }, note: PUBLIC_TO_ALL },
  'GET /packages/npm/-/{rest+}': { rule: YES, note: ASKED_BY_PATH },
  'POST /packages/npm/-/{rest+}': { rule: YES, note: 'says what is not offered; `npm audit` is for everybody' },
  'PUT /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': { rule: clientWrites },
  'DELETE /projects/{id}/packages/npm/-/package/{package_name}/dist-tags/{tag}': { rule: clientDeletes },

  'GET /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': { rule: clientReads },
  'HEAD /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': { rule: clientReads },
  'PUT /projects/{id}/packages/generic/{package_name}/{package_version}/{file_path+}': { rule: clientWrites },

  'POST /projects/{id}/packages/direct_uploads': { rule: clientWrites },
  'POST /projects/{id}/packages/direct_uploads/{upload_id}/confirm': { rule: clientWrites },
  'GET /projects/{id}/packages/maven/{path+}': { rule: clientReads },
  'HEAD /projects/{id}/packages/maven/{path+}': { rule: clientReads },
  'GET /groups/{id}/-/packages/maven/{path+}': {
    rule: clientSees,
    note: 'finds the packages that the caller may read',
  },
  'HEAD /groups/{id}/-/packages/maven/{path+}': { rule: clientSees },
  'GET /packages/maven/{path+}': { rule: namedReads, note: 'of the project with whose path the name begins' },
  'HEAD /packages/maven/{path+}': { rule: namedReads },
  'PUT /projects/{id}/packages/maven/{path+}': { rule: clientWrites },

  'GET /groups': { rule: YES, note: 'lists what the caller may see' },
  'POST /groups': { rule: maintainers, note: 'in the group `parent_id`; at the top whoever is signed in' },
  'GET /groups/{id}': { rule: sees, note: 'members of anything inside see the group too' },
  'PUT /groups/{id}': { rule: owners },
  'DELETE /groups/{id}': { rule: owners },
  'POST /groups/{id}/transfer': { rule: owners, note: 'and Maintainer where it goes' },
  'GET /groups/{id}/projects': { rule: sees, note: 'lists what the caller may see' },
  'GET /groups/{id}/subgroups': { rule: sees, note: 'lists what the caller may see' },
  'GET /groups/{id}/descendant_groups': { rule: sees, note: 'lists what the caller may see' },
  'GET /groups/{id}/members': { rule: members },
  'GET /groups/{id}/members/all': { rule: members },
  'GET /groups/{id}/members/{user_id}': { rule: members },
  'GET /groups/{id}/members/all/{user_id}': { rule: members },
  'PUT /groups/{id}/members/{user_id}': { rule: owners, note: 'no role above his own' },
  'POST /groups/{id}/members': { rule: owners, note: 'no role above his own' },
  'DELETE /groups/{id}/members/{user_id}': { rule: owners, note: 'everybody may leave' },
  'GET /projects': { rule: YES, note: 'lists what the caller may see' },
  'POST /projects': {
    rule: developers,
    note: 'in the group `namespace_id`; in his own namespace whoever is signed in',
  },
  'GET /projects/{id}': { rule: sees },
  'PUT /projects/{id}': { rule: maintainers, note: 'the visibility is for Owners' },
  'DELETE /projects/{id}': { rule: owners },
  'PUT /projects/{id}/transfer': { rule: owners, note: 'and Developer where it goes' },
  'GET /projects/{id}/packages/protection/rules': { rule: maintainers },
  'POST /projects/{id}/packages/protection/rules': { rule: maintainers },
  'PATCH /projects/{id}/packages/protection/rules/{package_protection_rule_id}': { rule: maintainers },
  'DELETE /projects/{id}/packages/protection/rules/{package_protection_rule_id}': { rule: maintainers },
  'GET /projects/{id}/members': { rule: members },
  'GET /projects/{id}/members/all': { rule: members },
  'GET /projects/{id}/members/{user_id}': { rule: members },
  'GET /projects/{id}/members/all/{user_id}': { rule: members },
  'PUT /projects/{id}/members/{user_id}': { rule: maintainers, note: 'no role above his own' },
  'POST /projects/{id}/members': { rule: maintainers, note: 'no role above his own' },
  'DELETE /projects/{id}/members/{user_id}': { rule: maintainers, note: 'no role above his own; everybody may leave' },
  'GET /users': { rule: { ...YES, anonymous: '403' }, note: 'anonymous callers by `username` only' },
  'GET /users/{user_id}': { rule: { ...YES, anonymous: '403' } },
  'POST /users': { rule: administrators },
  'POST /users/{user_id}/personal_access_tokens': { rule: administrators },
  'GET /user': { rule: signedIn },
  'GET /deploy_tokens': { rule: administrators },
  'GET /groups/{id}/deploy_tokens': { rule: maintainersOf },
  'GET /groups/{id}/deploy_tokens/{token_id}': { rule: maintainersOf },
  'POST /groups/{id}/deploy_tokens': { rule: ownersOf },
  'DELETE /groups/{id}/deploy_tokens/{token_id}': { rule: ownersOf },
  'GET /projects/{id}/deploy_tokens': { rule: maintainersOf },
  'GET /projects/{id}/deploy_tokens/{token_id}': { rule: maintainersOf },
  'POST /projects/{id}/deploy_tokens': { rule: maintainersOf },
  'DELETE /projects/{id}/deploy_tokens/{token_id}': { rule: maintainersOf },
  'GET /version': { rule: signedIn },
  'GET /personal_access_tokens': { rule: signedIn, note: 'his own; administrators all' },
  'GET /personal_access_tokens/self': { rule: signedIn },
  'GET /personal_access_tokens/{token_id}': { rule: signedIn, note: 'his own; administrators any' },
  'POST /personal_access_tokens/self/rotate': { rule: signedIn },
  'POST /personal_access_tokens/{token_id}/rotate': { rule: signedIn, note: 'his own; administrators any' },
  'DELETE /personal_access_tokens/self': { rule: signedIn },
  'DELETE /personal_access_tokens/{token_id}': { rule: signedIn, note: 'his own; administrators any' },

  'GET /-/readiness': { rule: YES },
}

/** The routes of `serverless.yml` as the table names them. */
export const routeNames = () => routes().map(({ method, resource }) => `${method} ${resource.replace('/api/v4', '')}`)

export const lineNames = Object.keys(lines)

/** What the table says that a caller gets of a route. */
export const outcomeOf = (route: string, caller: Caller, visibility: (typeof visibilities)[number]): Outcome => {
  const rule = lines[route]?.rule
  const outcomes = rule?.[caller] ?? rule?.anonymous ?? 'yes'
  return typeof outcomes === 'string' ? outcomes : (outcomes[visibilities.indexOf(visibility)] as Outcome)
}

const cell = (outcomes: Outcomes) => (typeof outcomes === 'string' ? outcomes : outcomes.join(' / '))

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

/** `docs/access-table.md`, which `npm run docs:access` writes. */
export const renderAccessTable = (): string =>
  [
    '# Who may do what, route by route',
    '',
    'Written by `npm run docs:access` from the routes of `serverless.yml` and the rules in',
    '`test/support/accessRules.ts`; `test/functions/accessRoutes.test.ts` asks every route as every caller whether it is',
    'true. Paths start with `/api/v4`.',
    '',
    'A cell is `yes` or the status of the refusal; three of them are for a private, an internal and a public group or',
    'project. Roles are inherited from the groups around a project, and the highest counts. What a caller may not see',
    'answers 404, exactly as if it did not exist. Whoever has a right needs a token whose scope covers it: `api`, or',
    '`read_api` to read; an unknown, expired or revoked token is 401 everywhere but on `/-/readiness`.',
    '',
    'Deploy tokens are those of the group around, with the scope `read_package_registry` or `write_package_registry`. Routes',
    'that do not take them answer as to anonymous callers.',
    '',
    row(['Route', ...callers, 'Besides']),
    row(['Route', ...callers, 'Besides'].map(() => '---')),
    ...routeNames().map((route) => {
      const { rule, note = '' }: Line = lines[route] ?? { rule: YES, note: 'no rule is declared' }
      return row([`\`${route}\``, ...callers.map((caller) => cell(rule[caller] ?? rule.anonymous)), note])
    }),
    '',
  ].join('\n')
