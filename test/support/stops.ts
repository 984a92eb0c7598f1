/** What the global tear-down ends. Set-up and tear-down share a process but not modules. */
const shared = globalThis as { packagesApiStops?: (() => Promise<void>)[] }
shared.packagesApiStops ??= []
export const stops = shared.packagesApiStops
