/**
 * Sends one file of any size up to the limit of direct uploads, and shows how far it has come:
 *
 *   TOKEN=pat-… npm run upload -- --project 1 --type generic tool/1.0.0/tool.bin ./build/tool.bin
 *
 * `API` says where the service is (http://localhost:3000/api/v4). It needs nothing but Node and may be copied anywhere.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

const USAGE = `Usage: TOKEN=… npm run upload -- --project ID [--type generic|maven|npm] [--tag TAG] PATH FILE

  ID    the project's id or full path
  PATH  what stands behind packages/<type>/ in the format's own route, such as tool/1.0.0/tool.bin,
        com/acme/app/1.0/app-1.0.jar or @acme/app
  FILE  the file to send

  TOKEN  a token that may publish    API  where the service is, http://localhost:3000/api/v4 if not set`

class UploadError extends Error {}

const WIDTH = 40

/** Passes bytes on and shows how many of how many there were. */
const progress = (what: string, total: number) => {
  let seen = 0
  let shown = -1
  const show = () => {
    const share = total === 0 ? 1 : seen / total
    const percent = Math.floor(share * 100)
    const isDue = process.stderr.isTTY ? percent !== shown : percent % 25 === 0 && percent !== shown
    if (!isDue) return
    shown = percent
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.')
    const line = `${what.padEnd(7)} [${bar}] ${String(percent).padStart(3)} %  ${(seen / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`
    process.stderr.write(process.stderr.isTTY ? `\r${line}${percent === 100 ? '\n' : ''}` : `${line}\n`)
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      show()
      done(null, chunk)
    },
    flush(done) {
      if (total === 0) show()
      done()
    },
  })
}

const sha256Of = async (file: string, size: number): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), progress('Hashing', size), hash)
  return hash.digest('hex')
}

const post = async (url: string, token: string, body: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'PRIVATE-TOKEN': token },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new UploadError(`${url} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}

type Signed = { method: string; url: string; headers: Record<string, string> }

const send = async (file: string, size: number, { method, url, headers }: Signed): Promise<void> => {
  const start = url.startsWith('https:') ? overHttps : overHttp
  const request = start(url, { method, headers })
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
  })
  const [{ status, text }] = await Promise.all([
    answered,
    pipeline(createReadStream(file), progress('Sending', size), request),
  ])
  if (status >= 300) throw new UploadError(`the object store answered ${status}: ${text}`)
}

const readArguments = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { project: { type: 'string' }, type: { type: 'string', default: 'generic' }, tag: { type: 'string' } },
  })
  const [path, file, ...more] = positionals
  const token = process.env.TOKEN
  if (!values.project || !path || !file || more.length > 0 || !token) throw new UploadError(USAGE)
  const { project, type, tag } = values
  return { project, type, path, file, token, options: tag === undefined ? {} : { tag } }
}

const upload = async () => {
  const { project, type, path, file, token, options } = readArguments()
  const { size } = await stat(file)
  const sha256 = await sha256Of(file, size)
  const api = process.env.API ?? 'http://localhost:3000/api/v4'
  const wanted = { package_type: type, path, size, sha256, ...options }
  const asked = await post(`${api}/projects/${encodeURIComponent(project)}/packages/direct_uploads`, token, wanted)

  await send(file, size, asked.upload as Signed)
  const added = await post(String(asked.confirm_url), token, {})
  console.log(`${path} is file ${added.id} of package ${added.package_id}`)
}

upload().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
