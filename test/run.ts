import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hasJava } from '../local/engines.ts'
import { DEBIAN_REPOSITORY } from './support/mavenClient.ts'

const require = createRequire(import.meta.url)

/** The plugins that the suite runs, and what Debian's dependency plugin needs and does not bring along. */
const MAVEN_PLUGINS = [
  ...['deploy', 'dependency', 'jar'].map((name) => `org/apache/maven/plugins/maven-${name}-plugin`),
  'junit/junit',
]

/** A suite that needs more than Node, what installs it, and how Jest leaves it out. */
const needs = [
  {
    suite: 'storage on DynamoDB Local',
    program: 'Java 11 or newer',
    isThere: hasJava,
    install: 'apt-get install -y default-jre-headless',
  },
  {
    suite: 'python-gitlab',
    program: 'python-gitlab for /usr/bin/python3',
    isThere: () => spawnSync('/usr/bin/python3', ['-c', 'import gitlab']).status === 0,
    install: 'apt-get install -y python3-gitlab',
  },
  {
    suite: 'Maven',
    program: "mvn with Debian's repository of plugins",
    isThere: () =>
      spawnSync('mvn', ['--version']).status === 0 &&
      MAVEN_PLUGINS.every((plugin) => existsSync(join(DEBIAN_REPOSITORY, plugin))),
    install:
      'apt-get install -y maven libmaven-deploy-plugin-java libmaven-dependency-plugin-java libmaven-jar-plugin-java junit4',
  },
]

const isRoot = process.getuid?.() === 0

/** Installs what is missing where that takes no more than a command; says what to do where it does not. */
const missing = needs.filter(({ suite, program, isThere, install }) => {
  if (isThere()) return false
  if (isRoot) {
    console.log(`Installing ${program} for the suite "${suite}": ${install}`)
    spawnSync('sh', ['-c', `apt-get update -q && ${install}`], { stdio: 'inherit' })
    if (isThere()) return false
  }
  console.error(`NOT RUN: the suite "${suite}" needs ${program}. Install it: ${install}`)
  return true
})

const results = join(mkdtempSync(join(tmpdir(), 'packages-api-results-')), 'results.json')
const leftOut = missing.length > 0 ? ['--ignoreProjects', ...missing.map(({ suite }) => suite), '--'] : []
const jest = join(dirname(require.resolve('jest/package.json')), 'bin', 'jest.js')
const given = process.argv.slice(2)
const { status } = spawnSync(process.execPath, [jest, '--json', '--outputFile', results, ...given, ...leftOut], {
  stdio: ['ignore', 'inherit', 'inherit'],
})

type Results = {
  numPassedTests: number
  numFailedTests: number
  numFailedTestSuites: number
  numRuntimeErrorTestSuites: number
}
const summary = JSON.parse(readFileSync(results, 'utf8')) as Results
const notRun = process.env.CI === 'true' ? missing.length : 0
// A suite that could not even be loaded has no failed test of its own.
const failed = summary.numFailedTests + summary.numRuntimeErrorTestSuites + notRun
console.log(`${summary.numPassedTests} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : (status ?? 1)
