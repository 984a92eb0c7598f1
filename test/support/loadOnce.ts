/** What stands in a test file for a module of a package: the one that `oneRealm.ts` has loaded. */
const loadOnce = {
  process: (_source: string, path: string) => ({ code: `module.exports = requireOnce(${JSON.stringify(path)})` }),
}

// biome-ignore lint/style/noDefaultExport: Jest asks for it
export default loadOnce
