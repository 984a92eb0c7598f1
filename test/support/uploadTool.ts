import { resolve } from 'node:path'
import { run } from './npmClient.ts'

/** `npm run upload -- …args` in a folder, by somebody with this token; `origin` is where the service is. */
export const runUpload = (folder: string, origin: string, token: string, ...args: string[]) =>
  run(process.execPath, [resolve('tools/upload.ts'), ...args], folder, {
    PATH: process.env.PATH,
    TOKEN: token,
    API: `${origin}/api/v4`,
  })
