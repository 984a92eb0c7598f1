export const DEFAULT_PER_PAGE = 20
export const MAX_PER_PAGE = 100

/** An offset page: `number` from 1, `size` rows; `asked` is the size as the client wrote it, which links repeat. */
export type Page = { number: number; size: number; asked: number }

/** One page of a longer list, with the exact length of the whole. */
export type Paged<Row> = { rows: Row[]; total: number; page: Page }

export const offsetOf = ({ number, size }: Page) => (number - 1) * size

/** At least 1: an empty list has one empty page. */
export const pageCount = (total: number, { size }: Page) => Math.max(1, Math.ceil(total / size))

export const sliceOf = <Row>(rows: readonly Row[], page: Page): Row[] =>
  rows.slice(offsetOf(page), offsetOf(page) + page.size)
