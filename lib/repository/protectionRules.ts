import { notFound, PackagesError } from '../domain/errors.ts'
import { type ProtectionRule, RULES_PER_PROJECT_LIMIT } from '../domain/protection.ts'
import { rulesFromItem } from './items.ts'
import { projectKey, RULES_SHARDS, rulesKey, rulesShardKey } from './keys.ts'
import type { Table } from './table.ts'

export type NewRule = Omit<ProtectionRule, 'id'>

const unprocessable = (problem: string) => new PackagesError({ code: 'unprocessable', problems: [problem] })

/** The rules of a project are one item, so that who publishes reads them at once and checks one revision. */
export const protectionRuleRepository = (table: Table) => {
  const read = async (projectId: number) => rulesFromItem(await table.get(rulesKey(projectId)))

  /** @throws what `decide` throws, `not_found` when the project is gone */
  const change = async (
    projectId: number,
    decide: (rules: readonly ProtectionRule[]) => readonly ProtectionRule[],
  ): Promise<void> =>
    table.transact(async () => {
      const { revision, rules } = await read(projectId)
      const next = { revision: revision + 1 }
      return [
        {
          check: projectKey(projectId),
          if: 'attribute_exists(pk) AND deletedAt = :none',
          values: { ':none': null },
          otherwise: () => notFound('project'),
        },
        {
          put: { ...rulesKey(projectId), ...next, rules: decide(rules) },
          if: 'attribute_not_exists(pk) OR revision = :revision',
          values: { ':revision': revision },
          otherwise: 'again',
        },
        ...Array.from({ length: RULES_SHARDS }, (_, shard) => ({
          put: { ...rulesShardKey(projectId, shard), ...next },
        })),
      ]
    })

  return {
    /** The oldest first. */
    async list(projectId: number): Promise<ProtectionRule[]> {
      return (await read(projectId)).rules
    },

    /** @throws `unprocessable` when there is such a rule already, or as many as may be; `not_found` */
    async create(projectId: number, wanted: NewRule): Promise<ProtectionRule> {
      const rule = { id: await table.nextId('protection_rule'), ...wanted }
      await change(projectId, (rules) => {
        if (rules.length >= RULES_PER_PROJECT_LIMIT) {
          throw unprocessable(`A project may have at most ${RULES_PER_PROJECT_LIMIT} package protection rules`)
        }
        return unambiguous([...rules, rule])
      })
      return rule
    },

    /**
     * Changes what is given of a rule, if `validate` does not refuse what it becomes.
     * @throws `unprocessable` when it would become like another, or protect from nothing; `not_found`
     */
    async update(
      projectId: number,
      id: number,
      wanted: Partial<NewRule>,
      validate: (rule: NewRule) => void,
    ): Promise<ProtectionRule> {
      let updated: ProtectionRule | undefined
      await change(projectId, (rules) => {
        const before = rules.find((rule) => rule.id === id)
        if (!before) throw notFound('protection_rule')
        const after = { ...before, ...wanted }
        validate(after)
        updated = after
        return unambiguous(rules.map((rule) => (rule.id === id ? after : rule)))
      })
      return updated as ProtectionRule
    },

    /** @throws `not_found` */
    async delete(projectId: number, id: number): Promise<void> {
      await change(projectId, (rules) => {
        const kept = rules.filter((rule) => rule.id !== id)
        if (kept.length === rules.length) throw notFound('protection_rule')
        return kept
      })
    },
  }
}

/** GitLab's words for what cannot be saved. */
const unambiguous = (rules: readonly ProtectionRule[]): readonly ProtectionRule[] => {
  if (rules.some(({ leastToPush, leastToDelete }) => leastToPush === null && leastToDelete === null)) {
    throw unprocessable('A rule must have at least a minimum access role for push or delete.')
  }
  if (new Set(rules.map(({ type, namePattern }) => `${type} ${namePattern}`)).size < rules.length) {
    throw unprocessable('Package name pattern has already been taken')
  }
  return rules
}
