import { coordinatesKey, detailsKey } from '../../lib/repository/keys.ts'
import { chunks, createClient, openTable, type Write } from '../../lib/repository/table.ts'
import { now } from './store.ts'
import { publishBody, type Who, type World } from './world.ts'

/** Publishes a version by the request that clients send, for what is about what others do with it. */
export const putVersion = async (world: World, who: Who, projectId: number, name: string, version = '1.0.0') => {
  const path = `/projects/${projectId}/packages/npm/${name.replace('/', '%2f')}`
  expect(await world.call(who, 'PUT', path, await publishBody(name, version))).toMatchObject({ status: 200 })
}

/**
 * Many versions of one npm package, as a packument reads them: three thousand publishes would take minutes. No list shows
 * them, and no file is behind them.
 */
export const fillVersions = async (
  tableName: string,
  projectId: number,
  name: string,
  count: number,
  manifestOf: (version: string) => object,
): Promise<void> => {
  const client = createClient(process.env.DYNAMODB_ENDPOINT)
  const table = openTable(client, tableName)
  // Beyond the ids of others, of which the counter would give one at a time.
  const first = Date.now()
  const versions = Array.from({ length: count }, (_, n) => ({ id: first + n, version: `1.${n}.0` }))
  const writesOf = ({ id, version }: { id: number; version: string }): Write[] => {
    const coordinates = { projectId, type: 'npm', name, version } as const
    const row = { id, version, createdAt: now(), status: 'default' }
    const manifest = JSON.stringify({ name, version, ...manifestOf(version) })
    const details = { manifest, sha1: 'a'.repeat(40), integrity: `sha512-${'b'.repeat(86)}==`, fileId: id }
    return [
      { put: { ...coordinatesKey(coordinates), ...row } },
      { put: { ...detailsKey(coordinates), ...row, details } },
    ]
  }
  await Promise.all(chunks(versions, 50).map((some) => table.transact(() => some.flatMap(writesOf))))
  client.destroy()
}
