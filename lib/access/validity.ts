/** What makes a new group, project, user or token valid. Every broken rule is told, in GitLab's words. */
import { tooLong, validationFailed } from '../domain/errors.ts'
import {
  FULL_PATH_LIMIT,
  GROUP_DEPTH_LIMIT,
  type Group,
  isMoreVisible,
  isName,
  isPath,
  NAME_LIMIT,
  PATH_LIMIT,
  PATH_RULE,
  type Visibility,
} from '../domain/project.ts'
import { isReserved } from './reservedNames.ts'

/** Sentences by field; a field without one is fine. */
type Problems = Record<string, readonly string[]>

type Wanted = { name: string; path: string; description: string; visibility: Visibility }

/** What a group or project says of itself; what is left out stays as it is. */
type Description = { name?: string | undefined; description?: string | undefined }

const DESCRIPTION_LIMIT = 2000
/** Source: RFC 5321, 4.5.3.1.3, less the angle brackets. */
const EMAIL_LIMIT = 254

const problem = (isBroken: boolean, words: string) => (isBroken ? [words] : [])

export const nameProblems = (name: string): string[] => {
  if (name.trim() === '') return ["can't be blank"]
  if (name.length > NAME_LIMIT) return [tooLong(NAME_LIMIT)]
  return problem(!isName(name), 'cannot contain control characters')
}

/** Without a parent it is the path of a top-level group or the name of a user. */
export const pathProblems = (path: string, parent?: Pick<Group, 'fullPath'>): string[] => {
  if (path.length > PATH_LIMIT) return [tooLong(PATH_LIMIT)]
  if (!isPath(path)) return [PATH_RULE]
  if (isReserved(path, parent ? 'inside' : 'top')) return [`${path} is a reserved name`]
  const fullLength = parent ? parent.fullPath.length + 1 + path.length : path.length
  return problem(
    fullLength > FULL_PATH_LIMIT,
    `is too long (the full path has ${fullLength} characters, maximum is ${FULL_PATH_LIMIT})`,
  )
}

const descriptionProblems = (description: string) =>
  problem(description.length > DESCRIPTION_LIMIT, tooLong(DESCRIPTION_LIMIT))

export const emailProblems = (email: string): string[] => {
  if (email.length > EMAIL_LIMIT) return [tooLong(EMAIL_LIMIT)]
  return problem(!/^[^\s@]+@[^\s@]+$/.test(email) || /\p{Cc}/u.test(email), 'is invalid')
}

export const groupProblems = (wanted: Wanted, parent: Group | undefined): Problems => ({
  name: nameProblems(wanted.name),
  path: pathProblems(wanted.path, parent),
  description: descriptionProblems(wanted.description),
  visibility_level: problem(
    parent !== undefined && isMoreVisible(wanted.visibility, parent.visibility),
    `${wanted.visibility} is not allowed since the parent group has a ${parent?.visibility} visibility.`,
  ),
  parent_id: problem(
    parent !== undefined && parent.ancestorIds.length + 2 > GROUP_DEPTH_LIMIT,
    `has too deep level of nesting (maximum is ${GROUP_DEPTH_LIMIT} levels)`,
  ),
})

export const projectProblems = (wanted: Wanted, namespace: Group): Problems => ({
  name: nameProblems(wanted.name),
  path: pathProblems(wanted.path, namespace),
  description: descriptionProblems(wanted.description),
  visibility_level: problem(
    isMoreVisible(wanted.visibility, namespace.visibility),
    `${wanted.visibility} is not allowed in a ${namespace.visibility} group.`,
  ),
})

export const describedProblems = ({ name, description }: Description): Problems => ({
  name: name === undefined ? [] : nameProblems(name),
  description: descriptionProblems(description ?? ''),
})

/** The problem of a day before today; today itself is allowed, as in GitLab, and ends at once. */
export const dayProblems = (day: string | null, today: string) =>
  problem(day !== null && day < today, 'cannot be a date in the past')

/**
 * Refuses what has a problem.
 * @param reword turns the problems into the text that GitLab answers for this kind of thing
 * @throws `validation_failed`
 */
export const assertValid = (problems: Problems, reword: (problems: Problems) => string | Problems = (same) => same) => {
  const broken = Object.entries(problems).filter(([, words]) => words.length > 0)
  if (broken.length > 0) throw validationFailed(reword(Object.fromEntries(broken)))
}

/** GitLab prints a group's problems as Ruby does. */
export const asGroupProblems = (problems: Problems) =>
  `Failed to save group {${Object.entries(problems)
    .map(([field, words]) => `:${field}=>${JSON.stringify(words)}`)
    .join(', ')}}`

/** The path that GitLab makes of a project's name: `My Café 2.0` becomes `my-cafe-2-0`. */
export const pathFromName = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/[-_]{2,}/g, '-')
    .replace(/^-|-$/g, '')
