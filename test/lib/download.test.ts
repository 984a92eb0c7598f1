import { answerDownload, NOTE_WITHIN_MS } from '../../lib/download.ts'
import type { ObjectStore } from '../../lib/files/store.ts'
import type { Logged } from '../../lib/middleware/logRequest.ts'
import type { Database } from '../../lib/repository/database.ts'

const URL = 'https://bucket.example.com/object?signature'
const file = { id: 3, packageId: 2, fileName: '@foo/bar-1.0.3.tgz' }

const download = async (noteDownload: () => Promise<void>) => {
  const context = { facts: { kept: 1 } } as unknown as Logged
  const store = { presignGet: async (...asked: unknown[]) => `${URL}#${JSON.stringify(asked)}` }
  const started = performance.now()
  const answer = await answerDownload(
    context,
    { packages: { noteDownload } } as unknown as Database,
    store as unknown as ObjectStore,
    { id: 1 },
    file,
  )
  return { answer, facts: context.facts, took: performance.now() - started }
}

const redirected = {
  statusCode: 302,
  headers: { Location: `${URL}#${JSON.stringify([{ projectId: 1, fileId: 3 }, 'bar-1.0.3.tgz'])}` },
}

describe('a download', () => {
  it('is a redirect that saves the file without its scope', async () => {
    const { answer, facts } = await download(async () => {})
    expect(answer).toMatchObject(redirected)
    expect(facts).toEqual({ kept: 1 })
  })

  it('does not fail when the note of it does, which the log tells', async () => {
    const { answer, facts } = await download(async () => {
      throw new Error('no database')
    })
    expect(answer).toMatchObject(redirected)
    expect(facts).toEqual({ kept: 1, download_note: 'Error: no database' })
  })

  it('does not wait for a note that takes long', async () => {
    const { answer, facts, took } = await download(() => new Promise(() => {}))
    expect(answer).toMatchObject(redirected)
    expect(facts).toEqual({ kept: 1, download_note: 'late' })
    expect(took).toBeLessThan(NOTE_WITHIN_MS + 1_000)
  })
})
