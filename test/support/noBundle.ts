import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Serverless = { service: { functions: Record<string, { package?: object }> } }

/** An archive with nothing in it. */
const EMPTY_ZIP = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)])

/** Stands in for the bundler where only the template is asked for: every function is the same empty archive. */
class NoBundle {
  readonly hooks: Record<string, () => void>

  constructor({ service }: Serverless) {
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => {
        const artifact = join(process.env.BUILD_FOLDER ?? '', 'empty.zip')
        writeFileSync(artifact, EMPTY_ZIP)
        for (const each of Object.values(service.functions)) each.package = { artifact }
      },
    }
  }
}

// biome-ignore lint/style/noDefaultExport: Serverless asks for it
export default NoBundle
