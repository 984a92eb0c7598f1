import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, freePort, startChild, untilReady } from './children.ts'
import { StartError } from './startError.ts'

const require = createRequire(fileURLToPath(new URL('../package.json', import.meta.url)))

/** A database that answers at `endpoint`. */
export type Engine = Child & { name: string; endpoint: string }

/** dynoxide's program; it comes as an optional dependency for Linux x64 alone. */
export const dynoxideProgram = (): string | undefined => {
  try {
    const program = join(dirname(require.resolve('@dynoxide/linux-x64/package.json')), 'dynoxide')
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}

export const hasJava = (): boolean => {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** @param directory where data stays; without it nothing does */
export const startDynoxide = async (program: string, directory?: string): Promise<Engine> => {
  const port = await freePort()
  if (directory) await mkdir(directory, { recursive: true })
  const storage = directory ? ['--db-path', join(directory, 'dynoxide.sqlite')] : []
  return answering('dynoxide', port, startChild('dynoxide', program, ['--port', String(port), ...storage]))
}

/** AWS's own DynamoDB Local, from an npm package. Needs Java 11 or newer. */
export const startDynamoDBLocal = async (directory?: string): Promise<Engine> => {
  const port = await freePort()
  const home = join(dirname(require.resolve('amplify-dynamodb-simulator/package.json')), 'emulator')
  const place = directory && join(directory, 'dynamodb-local')
  if (place) await mkdir(place, { recursive: true })
  const storage = place ? ['-dbPath', place] : ['-inMemory']
  const args = [
    '-Djava.library.path=./DynamoDBLocal_lib',
    '-jar',
    'DynamoDBLocal.jar',
    '-sharedDb',
    '-disableTelemetry',
  ]
  const child = startChild('DynamoDB Local', 'java', [...args, '-port', String(port), ...storage], { cwd: home })
  return answering('DynamoDB Local', port, child)
}

const answering = async (name: string, port: number, child: Child): Promise<Engine> => {
  const endpoint = `http://127.0.0.1:${port}`
  try {
    await untilReady(name, child, async () => (await fetch(endpoint)).status > 0)
  } catch (error) {
    await child.stop()
    throw error
  }
  return { ...child, name, endpoint }
}

/** The engine that runs on this machine. @throws Error that says what to install when there is none */
export const startEngine = (directory?: string): Promise<Engine> => {
  const program = dynoxideProgram()
  if (program !== undefined) return startDynoxide(program, directory)
  if (hasJava()) return startDynamoDBLocal(directory)
  throw new StartError(
    'No database can run here: dynoxide has a program for Linux x64 only, and DynamoDB Local needs Java. ' +
      'Install Java 11 or newer (https://adoptium.net), or set DYNAMODB_ENDPOINT to a database that runs elsewhere.',
  )
}
