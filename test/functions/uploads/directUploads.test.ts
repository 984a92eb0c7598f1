import { createHash } from 'node:crypto'
import type { ScheduledEvent } from 'aws-lambda'
import { sweepUploads } from '../../../functions/jobs/sweepUploads.ts'
import { objectStore } from '../../../lib/deps.ts'
import { CONFIRM_WITHIN_HOURS, DIRECT_UPLOAD_LIMIT_BYTES } from '../../../lib/domain/directUpload.ts'
import { BODY_LIMIT_BYTES } from '../../../lib/http/params.ts'
import { doors } from '../../support/doors.ts'
import { createWorld, type Json, type Who } from '../../support/world.ts'

const DEVELOPER = 30
const hash = (algorithm: string, bytes: Uint8Array | string) => createHash(algorithm).update(bytes).digest('hex')

type Signed = { id: string; upload: { method: string; url: string; headers: Record<string, string> } }

describe.each(doors().map((door) => [door.name, door] as const))('direct uploads, %s', (_name, door) => {
  const world = createWorld(door)
  const { root, call, get } = world
  beforeAll(() => door.open())

  const uploads = (project: number) => `/projects/${project}/packages/direct_uploads`
  const ask = (who: Who, project: number, path: string, bytes: Uint8Array | string, more: Json = {}) =>
    call(who, 'POST', uploads(project), {
      package_type: 'generic',
      path,
      size: bytes.length,
      sha256: hash('sha256', bytes),
      ...more,
    })
  const send = async ({ upload: { method, url, headers } }: Signed, bytes: Uint8Array | string) => {
    const { 'Content-Length': _length, ...rest } = headers
    return fetch(url, { method, headers: rest, body: new Uint8Array(Buffer.from(bytes)) })
  }
  const confirm = (who: Who, project: number, id: string) => call(who, 'POST', `${uploads(project)}/${id}/confirm`)
  const packagesOf = async (project: number) =>
    (await get(root, `/projects/${project}/packages`)).json as (Json & { id: number })[]

  it('brings a file past the limit of a body into its package, as the own route of its format would', async () => {
    const project = await world.project({ visibility: 'private' })
    const developer = await world.member('projects', project.id, DEVELOPER)
    const bytes = Buffer.alloc(BODY_LIMIT_BYTES + 1, 'direct ')
    const asked = await ask(developer, project.id, 'tool/1.0.0/tool.bin', bytes, { status: 'hidden' })
    expect([asked.status, asked.json]).toEqual([
      201,
      {
        id: expect.stringMatching(/^[0-9a-f]{40}$/),
        package_type: 'generic',
        path: 'tool/1.0.0/tool.bin',
        size: bytes.length,
        sha256: hash('sha256', bytes),
        created_at: expect.any(String),
        expires_at: expect.any(String),
        upload: {
          method: 'PUT',
          url: expect.stringContaining('content-length%3Bhost%3Bx-amz-checksum-sha256'),
          headers: {
            'Content-Length': String(bytes.length),
            'x-amz-checksum-sha256': createHash('sha256').update(bytes).digest('base64'),
          },
        },
        confirm_url: `${door.origin}/api/v4${uploads(project.id)}/${(asked.json as Signed).id}/confirm`,
      },
    ])
    expect(await packagesOf(project.id)).toEqual([])
    expect((await send(asked.json as Signed, bytes)).status).toBe(200)
    expect(await packagesOf(project.id)).toEqual([])

    const confirmed = await confirm(developer, project.id, (asked.json as Signed).id)
    expect([confirmed.status, confirmed.json]).toEqual([
      201,
      expect.objectContaining({
        file_name: 'tool.bin',
        size: bytes.length,
        file_md5: hash('md5', bytes),
        file_sha1: hash('sha1', bytes),
        file_sha256: hash('sha256', bytes),
      }),
    ])
    expect((await get(root, `/projects/${project.id}/packages?status=hidden`)).json).toMatchObject([
      { name: 'tool', version: '1.0.0', package_type: 'generic' },
    ])
    const { headers } = await get(developer, `/projects/${project.id}/packages/generic/tool/1.0.0/tool.bin`)
    const got = new Uint8Array(await (await fetch(String(headers.location))).arrayBuffer())
    expect(hash('sha256', got)).toBe(hash('sha256', bytes))
  })

  it('is confirmed once, however often and by however many it is asked for', async () => {
    const project = await world.project()
    const { json } = await ask(root, project.id, 'tool/1/a', 'once')
    await send(json as Signed, 'once')
    const answers = await Promise.all(Array.from({ length: 5 }, () => confirm(root, project.id, (json as Signed).id)))
    answers.push(await confirm(root, project.id, (json as Signed).id))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(201)

    const [one] = await packagesOf(project.id)
    expect((await get(root, `/projects/${project.id}/packages/${one?.id}/package_files`)).json).toHaveLength(1)
  })

  it('is refused when nothing was sent or something else, and may then be sent again', async () => {
    const project = await world.project()
    const { json } = await ask(root, project.id, 'tool/1/a', 'right')
    const refusal = async () => {
      const { status, json: body } = await confirm(root, project.id, (json as Signed).id)
      return [status, (body as Json).message]
    }
    expect(await refusal()).toEqual([400, '400 Bad request - no file has been sent to the URL of this upload'])
    await send(json as Signed, 'righ')
    expect(await refusal()).toEqual([400, '400 Bad request - the file that was sent has 4 bytes, and not 5'])
    await send(json as Signed, 'wrong')
    expect(await refusal()).toEqual([
      400,
      `400 Bad request - the file that was sent has the SHA-256 ${hash('sha256', 'wrong')}, and not ${hash('sha256', 'right')}`,
    ])
    expect((await refusal())[1]).toMatch(/no file has been sent/)
    expect(await packagesOf(project.id)).toEqual([])
    await send(json as Signed, 'right')
    expect((await confirm(root, project.id, (json as Signed).id)).status).toBe(201)
  })

  it('tells before anything is sent what cannot be', async () => {
    const project = await world.project()
    const refusal = async (path: string, more: Json = {}) => {
      const { status, json } = await ask(root, project.id, path, 'bytes', more)
      return [status, (json as Json).error ?? (json as Json).message]
    }
    expect(await refusal('tool/1/../a')).toEqual([400, expect.stringContaining('file_name is invalid')])
    expect(await refusal('to ol/1..2/a')).toEqual([400, 'package_name is invalid, package_version is invalid'])
    expect(await refusal('tool/1/a', { package_type: 'conan' })).toEqual([
      400,
      'package_type does not have a valid value',
    ])
    expect(await refusal('tool/1/a', { status: 'error' })).toEqual([400, 'status does not have a valid value'])
    expect(await refusal('tool/1/a', { sha256: 'abc' })).toEqual([
      400,
      'sha256 is invalid: it has 64 hexadecimal digits',
    ])
    expect(await refusal('tool/1/a', { size: -1 })).toEqual([400, 'size does not have a valid value'])
    expect(await call(root, 'POST', uploads(project.id), {})).toMatchObject({
      status: 400,
      json: { error: 'size is missing, sha256 is missing, package_type is missing, path is missing' },
    })
    expect(await refusal('tool/1/a', { size: DIRECT_UPLOAD_LIMIT_BYTES + 1 })).toEqual([
      413,
      `413 Content Too Large - a direct upload may have at most ${DIRECT_UPLOAD_LIMIT_BYTES} bytes`,
    ])
  })

  it('belongs to its project, and to those who may publish there', async () => {
    const [project, other] = [await world.project({ visibility: 'private' }), await world.project()]
    const { json } = await ask(root, project.id, 'tool/1/a', 'mine')
    await send(json as Signed, 'mine')
    const { id } = json as Signed
    const reporter = await world.member('projects', project.id, 20)
    const status = async (who: Who, place = project.id) => (await confirm(who, place, id)).status
    expect(await Promise.all([status({}), status(await world.user()), status(reporter)])).toEqual([401, 404, 403])
    const [elsewhere, missing] = [await confirm(root, other.id, id), await confirm(root, other.id, 'nothing')]
    expect([elsewhere.status, elsewhere.text]).toEqual([404, missing.text])
    expect(await status(root)).toBe(201)
  })

  it('is swept with what was sent when nobody has confirmed it in time, and what was confirmed stays', async () => {
    const project = await world.project()
    const [kept, left, never] = await Promise.all(
      ['kept', 'left', 'never'].map(
        async (name) => (await ask(root, project.id, `tool/1/${name}`, name)).json as Signed,
      ),
    )
    for (const [signed, bytes] of [
      [kept, 'kept'],
      [left, 'left'],
    ] as const)
      await send(signed as Signed, bytes)
    expect((await confirm(root, project.id, kept?.id ?? '')).status).toBe(201)

    const sweep = (hours: number) => {
      const at = new Date(Date.now() + hours * 60 * 60 * 1000).toISOString()
      return sweepUploads(
        door.database,
        objectStore,
        () => at,
      )({} as ScheduledEvent, {
        getRemainingTimeInMillis: () => 60_000,
      })
    }
    await sweep(CONFIRM_WITHIN_HOURS - 1)
    expect((await send(never as Signed, 'never')).status).toBe(200)
    await Promise.all([sweep(CONFIRM_WITHIN_HOURS + 1), sweep(CONFIRM_WITHIN_HOURS + 1)])
    await sweep(CONFIRM_WITHIN_HOURS + 1)
    for (const signed of [left, never]) {
      expect(await confirm(root, project.id, signed?.id ?? '')).toMatchObject({
        status: 404,
        json: { message: '404 Direct Upload Not Found' },
      })
      expect((await send(signed as Signed, '')).ok).toBe(true)
    }
    const { headers } = await get(root, `/projects/${project.id}/packages/generic/tool/1/kept`)
    expect(await (await fetch(String(headers.location))).text()).toBe('kept')
  })
})
