import { invalidParameters, tooLong } from '../domain/errors.ts'
import { FILE_NAME_LIMIT, inDirectories, PACKAGE_NAME_LIMIT, PACKAGE_VERSION_LIMIT } from '../domain/package.ts'

/** What a path below the registry's base names. */
export type GenericPath = { name: string; version: string; fileName: string }

/** They would leave the folder where a file is put. */
const isTraversal = (text: string) => text === '.' || text === '..'

/** Letters, digits and `. _ - +`. Source of the three rules: `lib/gitlab/regex/packages.rb` in GitLab. */
const isName = (text: string) => /^[A-Za-z0-9._\-+]+$/.test(text) && !isTraversal(text)

/** Letters, digits and `. _ - +`, without two dots in a row. */
const isVersion = (text: string) => /^[\w.\-+]+$/.test(text) && !text.includes('..') && !isTraversal(text)

/** As a name, also with `~` and `@` inside; the names of directories may be the same. */
const isFileName = (text: string) => /^(?![~@])[A-Za-z0-9._\-+~@]+(?<![~@])$/.test(text) && !isTraversal(text)

/** Its length is told of first: what is too long may well be right otherwise. */
const problem = (field: string, text: string, limit: number, isValid: boolean): string[] => {
  if (text.length > limit) return [`${field} ${tooLong(limit)}`]
  return isValid ? [] : [`${field} is invalid`]
}

/**
 * Reads the variable parts of a path, which are decoded.
 * @throws `parameters_invalid` with every part that breaks its rule
 */
export const parseGenericPath = (params: Record<string, string>): GenericPath => {
  const { package_name: name = '', package_version: version = '', file_path: path = '' } = params
  const parts = path.split('/')
  const fileName = inDirectories(parts)
  const problems = [
    ...problem('package_name', name, PACKAGE_NAME_LIMIT, isName(name)),
    ...problem('package_version', version, PACKAGE_VERSION_LIMIT, isVersion(version)),
    ...problem('file_name', fileName, FILE_NAME_LIMIT, parts.every(isFileName)),
  ]
  if (problems.length > 0) throw invalidParameters(...problems)
  return { name, version, fileName }
}
