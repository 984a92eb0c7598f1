type Sent = { constructor: { name: string }; input: Record<string, unknown> }
type Key = { pk?: unknown }
type Action = { Key?: Key; Item?: Key }

/** They write when a package was downloaded last, which changes nothing that rules protect. */
const NOTE_DOWNLOADS = ['npmRead', 'mavenRead', 'genericRead', 'fileDownloads']

/** The actions of a command, each with what it does. */
const actionsOf = ({ constructor: { name }, input }: Sent): [string, Action][] => {
  if (name === 'TransactWriteCommand') {
    return (input.TransactItems as Record<string, Action>[]).flatMap((part) => Object.entries(part))
  }
  return /^(Put|Update|Delete)Command$/.test(name) ? [[name.replace('Command', ''), input as Action]] : []
}

const partition = ({ Key, Item }: Action) => String((Key ?? Item)?.pk)

/**
 * What a command writes of packages without checking in the same transaction that the rules of their project are still
 * those that were asked. Looks at what goes out to the database, so it holds for code that knows nothing of the guard.
 */
export const unguardedWrites = (functionName: string, sent: Sent): string[] => {
  if (NOTE_DOWNLOADS.includes(functionName)) return []
  const actions = actionsOf(sent)
  const isChecked = actions.some(
    ([what, action]) => what === 'ConditionCheck' && /^PROJECT#\d+#RULES$/.test(partition(action)),
  )
  if (isChecked) return []
  return actions.flatMap(([what, action]) =>
    what !== 'ConditionCheck' && partition(action).startsWith('PACKAGE#') ? [partition(action)] : [],
  )
}
