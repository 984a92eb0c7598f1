import { readFileSync } from 'node:fs'
import type { SourceMap } from 'node:module'

/** A line of a stack that lies in a bundle: what stands before the place, the file, its line and column. */
const FRAME = /^( +at .*?)\(?(\/[^\s():]+\.cjs):(\d+):(\d+)\)?$/gm

const maps = new Map<string, SourceMap | undefined>()

/** The map beside a bundle; none where it cannot be read. */
const mapOf = (bundle: string): SourceMap | undefined => {
  if (maps.has(bundle)) return maps.get(bundle)
  let map: SourceMap | undefined
  try {
    const { SourceMap } = process.getBuiltinModule('node:module')
    map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')))
  } catch {}
  maps.set(bundle, map)
  return map
}

/**
 * A stack in which places of a bundle are told as places of the sources. The map is read here, when there is a bug to
 * tell of: Node would read it at each cold start.
 */
export const inSources = (stack: string): string =>
  stack.replaceAll(FRAME, (frame, start: string, bundle: string, line: string, column: string) => {
    const origin = mapOf(bundle)?.findOrigin(Number(line), Number(column))
    if (!origin || !('fileName' in origin)) return frame
    const source = origin.fileName.replace(/^(\.\.\/)+/, '')
    return `${start}(${source}:${origin.lineNumber}:${origin.columnNumber})`
  })
