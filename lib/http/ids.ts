import { invalidParameters } from '../domain/errors.ts'
import { FULL_PATH_LIMIT, type Reference } from '../domain/project.ts'

/** An id that nothing has: ids start at 1. */
const NO_ID = 0

const asId = (digits: string) => {
  const id = Number(digits)
  return Number.isSafeInteger(id) && id > 0 ? id : NO_ID
}

/** Digits, with or without a minus, are an id; a project's full path has a slash, a group's need not. */
export const parseReference = (kind: 'project' | 'group', text: string): Reference => {
  if (/^-?\d+$/.test(text)) return { id: asId(text) }
  const isPath = text.length <= FULL_PATH_LIMIT && /^[\w.-]+(\/[\w.-]+)*$/.test(text)
  return isPath && (kind === 'group' || text.includes('/')) ? { fullPath: text } : { id: NO_ID }
}

/** @throws `parameters_invalid` when it is no integer; one that no record can have is just not found */
export const parseId = (name: string, text: string | undefined): number => {
  if (text === undefined || !/^-?\d+$/.test(text)) throw invalidParameters(`${name} is invalid`)
  return asId(text)
}
