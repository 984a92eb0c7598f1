import { createRequire } from 'node:module'
import { isNativeError } from 'node:util/types'
import { TestEnvironment } from 'jest-environment-node'

/**
 * Node's environment of a test file, but for packages, which `requireOnce` loads outside of it and once for all files of
 * a worker: an SDK that is compiled anew for each file never gets fast.
 */
class OneRealm extends TestEnvironment {
  constructor(...given: ConstructorParameters<typeof TestEnvironment>) {
    super(...given)
    const { Error: ErrorHere } = this.global
    Object.assign(this.global, { requireOnce: createRequire(import.meta.url) })
    // What a package throws is an error here too, as it is where there is one realm.
    Object.defineProperty(ErrorHere, Symbol.hasInstance, {
      value(this: unknown, thing: unknown) {
        const isOfClass = Function.prototype[Symbol.hasInstance].call(this, thing)
        return isOfClass || (this === ErrorHere && isNativeError(thing))
      },
    })
  }
}

// biome-ignore lint/style/noDefaultExport: Jest asks for it
export default OneRealm
