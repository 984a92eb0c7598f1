import { NAME_LIMIT } from '../domain/project.ts'
import { type DeployToken, isDeployUsername } from '../domain/token.ts'

type Wanted = Pick<DeployToken, 'name' | 'scopes'> & { username: string | undefined }

const problem = (isBroken: boolean, words: string) => (isBroken ? [words] : [])

/** What makes a new deploy token invalid, in GitLab's sentences. */
export const deployTokenProblems = ({ name, scopes, username }: Wanted): string[] => [
  ...problem(scopes.length === 0, "Scopes can't be blank"),
  ...problem(name.trim() === '', "Name can't be blank"),
  ...problem(name.length > NAME_LIMIT, `Name is too long (maximum is ${NAME_LIMIT} characters)`),
  ...problem(
    username !== undefined && !isDeployUsername(username),
    "Username can contain only letters, digits, '_', '-', '+', and '.', and is not longer than 255 characters",
  ),
]
