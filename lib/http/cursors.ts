/**
 * Cursors: what a link carries beside the number of a page, or instead of it, so that the page is found without counting
 * to it. A cursor holds a row's place and a digest of that with all that it belongs to, by which one that was changed,
 * or taken along to another list, shows. It grants nothing: it says where to go on in a list that the caller may read.
 */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Page, Position, Start } from '../domain/pagination.ts'

const DIGEST_LENGTH = 22

const digest = (of: string, place: unknown[]) =>
  createHash('sha256')
    .update(JSON.stringify([of, place]))
    .digest('base64url')
    .slice(0, DIGEST_LENGTH)

const placeOf = (start: Start): unknown[] => {
  if (start === 'last') return ['l']
  const [kind, { value, id }] = 'after' in start ? ['a', start.after] : ['b', start.before]
  return [kind, id, value]
}

/** Values that order rows have no blank and no control character; see `assertSortable`. */
const value = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/))
const id = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const sealed = v.union([
  v.tuple([v.literal('l'), v.string()]),
  v.tuple([v.picklist(['a', 'b']), id, v.nullable(value), v.string()]),
])

/**
 * What a cursor belongs to: the list, and beside a number also that page of it.
 * @returns undefined for lists that know no cursors
 */
export const ownerOf = ({ list, isKeyset, number, size }: Page): string | undefined =>
  list === undefined || isKeyset ? list : JSON.stringify([list, number, size])

export const sealCursor = (of: string, start: Start): string => {
  const place = placeOf(start)
  return Buffer.from(JSON.stringify([...place, digest(of, place)])).toString('base64url')
}

/** @returns undefined for what is no cursor, or none that belongs here */
export const openCursor = (of: string, text: string): Start | undefined => {
  const start = parse(text)
  // What decodes to the same is not the same: a cursor has one spelling.
  return start && sealCursor(of, start) === text ? start : undefined
}

const parse = (text: string): Start | undefined => {
  try {
    const content = v.safeParse(sealed, JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    if (!content.success) return undefined
    if (content.output[0] === 'l') return 'last'
    const [kind, rowId, rowValue] = content.output
    const position: Position = { id: rowId, value: rowValue }
    return kind === 'a' ? { after: position } : { before: position }
  } catch {
    return undefined
  }
}
