/** CommonJS packages inside a bundle that is an ES module still call require for Node's own modules. */
export const ESM_BANNER = {
  js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
}
