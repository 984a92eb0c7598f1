import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { endpoint } from '../../../lib/endpoint.ts'
import { json } from '../../../lib/http/answers.ts'
import { NOTE_USE_WITHIN_MS } from '../../../lib/middleware/noteUse.ts'
import { requireLogin } from '../../../lib/middleware/requireLogin.ts'
import type { Database } from '../../../lib/repository/database.ts'
import { eventFor } from '../../support/doors.ts'

const token = { id: 1, userId: 1, scopes: ['api'], expiresOn: null, revoked: false, createdAt: '', lastUsedAt: null }

/** A request with a token whose use is due, to a database that takes the note in its own way. */
const ask = async (noteUse: () => Promise<void>, lastUsedAt: string | null = null) => {
  const tokens = { findBySecret: async () => ({ ...token, lastUsedAt }), noteUse }
  const asked = endpoint('asked', () => ({ tokens }) as unknown as Database)
    .use(requireLogin())
    .handler(async () => json(200, {}))
  const lines: string[] = []
  const log = jest.spyOn(console, 'info').mockImplementation((line: string) => lines.push(line))
  const started = performance.now()
  const event: APIGatewayProxyEvent = eventFor(
    { path: '/version', headers: { 'private-token': 'secret' } },
    '/api/v4/version',
  )
  const context = { awsRequestId: 'test' } as Context
  const { statusCode } = (await asked(event, context as never, { signal: new AbortController().signal })) as {
    statusCode: number
  }
  log.mockRestore()
  return { statusCode, took: performance.now() - started, line: JSON.parse(lines[0] ?? '{}') }
}

describe('the note of the use of a token', () => {
  it('is waited for, since Lambda stops when the answer is out', async () => {
    let isWritten = false
    const { statusCode, line } = await ask(async () => {
      await new Promise((done) => setTimeout(done, 20))
      isWritten = true
    })
    expect([statusCode, isWritten]).toEqual([200, true])
    expect(line).not.toHaveProperty('token_note')
  })

  it('holds no answer up for longer than its limit, which the log tells', async () => {
    const { statusCode, took, line } = await ask(() => new Promise(() => {}))
    expect([statusCode, line.token_note]).toEqual([200, 'late'])
    expect(took).toBeLessThan(NOTE_USE_WITHIN_MS + 1_000)
  })

  it('fails no request when it fails, which the log tells', async () => {
    const { statusCode, line } = await ask(async () => {
      throw new Error('no database')
    })
    expect([statusCode, line.token_note]).toEqual([200, 'Error: no database'])
  })

  it('is not taken again for a use within ten minutes', async () => {
    let notes = 0
    const note = async () => {
      notes++
    }
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
    await ask(note, ago(9))
    expect(notes).toBe(0)
    await ask(note, ago(11))
    expect(notes).toBe(1)
  })
})
