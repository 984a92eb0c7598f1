import type { Config } from 'jest'

/** Packages that each worker loads once. An SDK that is compiled anew for each file never gets fast. */
const ONCE = ['@aws-sdk', '@smithy', 'fast-check', 're2js', 'semver', 'tar-stream', 'valibot', 'yaml'].join('|')

const common = {
  testEnvironment: '<rootDir>/test/support/oneRealm.ts',
  transform: {
    [`/node_modules/(${ONCE})/`]: '<rootDir>/test/support/loadOnce.ts',
    '\\.(ts|js)$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' } }],
  } as Config['transform'],
  // Its exports name no way in for require.
  moduleNameMapper: { '^@middy/(\\w+)$': '<rootDir>/node_modules/@middy/$1/index.js' },
  transformIgnorePatterns: [`/node_modules/(?!(@middy|${ONCE})/)`],
  modulePathIgnorePatterns: ['<rootDir>/.esbuild/', '<rootDir>/.serverless/', '<rootDir>/.data/'],
}

/** One suite on two engines: what is stored must not grow to fit the mistakes of one of them. */
const storageOn = (displayName: string, setup: string, leftOut: string[] = []) => ({
  ...common,
  displayName,
  testPathIgnorePatterns: leftOut,
  testMatch: ['<rootDir>/test/lib/repository/**/*.test.ts'],
  setupFiles: [`<rootDir>/test/support/${setup}.ts`],
})

const PYTHON_GITLAB = '<rootDir>/test/clients/pythonGitlab.test.ts'
const MAVEN = ['maven', 'mavenLarge'].map((name) => `<rootDir>/test/clients/${name}.test.ts`)

const config: Config = {
  globalSetup: '<rootDir>/test/support/startAll.ts',
  globalTeardown: '<rootDir>/test/support/stopAll.ts',
  // No measure of anything: what hangs is to end, also where a machine is busy with others.
  testTimeout: 180_000,
  // One more than there are cores at the least: the suites wait for servers half of their time.
  maxWorkers: 3,
  projects: [
    {
      ...common,
      displayName: 'service',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/lib/repository/', PYTHON_GITLAB, ...MAVEN],
      setupFiles: ['<rootDir>/test/support/onDynoxide.ts'],
    },
    {
      ...common,
      displayName: 'python-gitlab',
      testMatch: [PYTHON_GITLAB],
      setupFiles: ['<rootDir>/test/support/onDynoxide.ts'],
    },
    {
      ...common,
      displayName: 'Maven',
      testMatch: MAVEN,
      setupFiles: ['<rootDir>/test/support/onDynoxide.ts'],
    },
    storageOn('storage on dynoxide', 'onDynoxide'),
    // Which rows pages have does not depend on the engine; what each costs on this one, `bounds.test.ts` shows.
    storageOn(
      'storage on DynamoDB Local',
      'onDynamoDBLocal',
      process.env.EVERY_CASE === 'true' ? [] : ['/repository/pages.test.ts'],
    ),
  ],
}

// biome-ignore lint/style/noDefaultExport: Jest asks for it
export default config
