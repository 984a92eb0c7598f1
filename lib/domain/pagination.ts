export const DEFAULT_PER_PAGE = 20
export const MAX_PER_PAGE = 100

/** A row's place in an ordered list: the value that orders it, null where it has none, and the id that breaks ties. */
export type Position = { value: string | null; id: number }

/** Where a page begins, if its number is not what tells: right after a row, right before one, or so that it ends the list. */
export type Start = { after: Position } | { before: Position } | 'last'

/**
 * `number` from 1, `size` rows; `asked` is the size as the client wrote it, which links repeat.
 * @property list what the list is that this is a page of; lists that can go on from a row have it
 * @property isKeyset the client goes on from row to row and wants no numbers
 */
export type Page = {
  number: number
  size: number
  asked: number
  list?: string
  start?: Start
  isKeyset?: boolean
}

/** What a page tells those who go on from it. Rows that were dropped after reading count for its ends. */
export type Ends = { first: Position; last: Position; hasMore: boolean }

/** One page of a longer list, with the exact length of the whole. */
export type Paged<Row> = { rows: Row[]; total: number; page: Page; ends?: Ends }

export const offsetOf = ({ number, size }: Page) => (number - 1) * size

/** At least 1: an empty list has one empty page. */
export const pageCount = (total: number, { size }: Page) => Math.max(1, Math.ceil(total / size))

export const sliceOf = <Row>(rows: readonly Row[], page: Page): Row[] =>
  rows.slice(offsetOf(page), offsetOf(page) + page.size)
