/** Where packages are read and published: the base of a registry, and a scope that it is for. */
export type Level = 'project' | 'group' | 'instance'
export type Place = { api: string; projectId: number; group: string; scope: string; level: Level }

const registryOf = ({ api, projectId, group, level }: Place) => {
  if (level === 'project') return `${api}/projects/${projectId}/packages/npm/`
  return level === 'group' ? `${api}/groups/${encodeURIComponent(group)}/-/packages/npm/` : `${api}/packages/npm/`
}

/** The variable that the token is in, so that no file holds it. */
export const TOKEN_VARIABLE = 'PACKAGES_TOKEN'
// biome-ignore lint/suspicious/noTemplateCurlyInString: the clients fill it in
const TOKEN = '${PACKAGES_TOKEN}'

const withoutProtocol = (url: string) => url.replace(/^https?:/, '')

/** `.npmrc` of a project, which npm, pnpm and yarn 1 read. `docs/npm.md` shows all of these settings: a test compares. */
export const npmrc = (place: Place): string =>
  [
    `@${place.scope}:registry=${registryOf(place)}`,
    // npm 12 takes tarballs from below the registry's own path only, unless it is told.
    ...(place.level === 'project' ? [] : ['allow-remote=all']),
    '',
  ].join('\n')

/**
 * `~/.npmrc` of a person or a build: pnpm fills no variables into that of a project. Tarballs are at the projects, so the
 * token is for the whole API; yarn 1 wants it at the registry's own path.
 */
export const userNpmrc = (place: Place): string =>
  [
    `${withoutProtocol(place.api)}/:_authToken=${TOKEN}`,
    `${withoutProtocol(registryOf(place))}:_authToken=${TOKEN}`,
    '',
  ].join('\n')

/** What yarn 1 needs besides, to send its token to tarballs that are not below the registry's own path. */
export const yarn1Npmrc = ({ api }: Place): string => `custom-host-suffix=${new URL(api).host}\n`

/** `pnpm-workspace.yaml`: pnpm installs no version from a lockfile that is younger than a day, but for these. */
export const pnpmWorkspace = ({ scope }: Place): string => `minimumReleaseAgeExclude:\n  - "@${scope}/*"\n`

/** yarn 2 and newer. Versions younger than a day are left out, but for those of the scope. */
export const yarnrc = (place: Place): string =>
  [
    'npmScopes:',
    `  ${place.scope}:`,
    `    npmRegistryServer: "${registryOf(place)}"`,
    `    npmPublishRegistry: "${registryOf({ ...place, level: 'project' })}"`,
    '    npmAlwaysAuth: true',
    `    npmAuthToken: "${TOKEN}"`,
    'npmPreapprovedPackages:',
    `  - "@${place.scope}/*"`,
    // Only for a registry that is reached by plain HTTP, as npm start is.
    'unsafeHttpWhitelist:',
    '  - localhost',
    '',
  ].join('\n')
