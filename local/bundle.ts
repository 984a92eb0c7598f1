import { build } from 'esbuild'
import { ESM_BANNER } from './esmBanner.ts'

type Serverless = {
  config: { serviceDir: string }
  service: {
    functions: Record<string, { handler: string }>
    custom: { 'serverless-offline': object }
  }
}

/**
 * Bundles all functions in one go, with what they share in files of their own: a twentieth of the time that a bundle
 * for each function takes, which only AWS needs.
 */
class LocalBundle {
  readonly hooks: Record<string, () => Promise<void>>

  constructor({ config, service }: Serverless) {
    const { BUILD_FOLDER: folder = '.data/build' } = process.env
    this.hooks = {
      'before:offline:start': async () => {
        const handlers = Object.values(service.functions).map(({ handler }) => handler.replace(/\.\w+$/, '.ts'))
        await build({
          absWorkingDir: config.serviceDir,
          entryPoints: [...new Set(handlers)],
          outdir: folder,
          outbase: '.',
          bundle: true,
          splitting: true,
          format: 'esm',
          platform: 'node',
          mainFields: ['module', 'main'],
          outExtension: { '.js': '.mjs' },
          banner: ESM_BANNER,
        })
        service.custom['serverless-offline'] = { ...service.custom['serverless-offline'], location: folder }
      },
    }
  }
}

// biome-ignore lint/style/noDefaultExport: Serverless asks for it
export default LocalBundle
