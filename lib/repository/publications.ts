/**
 * The packages of a project that lists show, as far as the contents of the groups around it tell. They may be too many,
 * which costs a list by path a round trip, and are never too few, which would hide packages from it.
 */
import { isDeepStrictEqual } from 'node:util'
import { displayableSlots, isListed, slotName, slotOf } from '../domain/listing.ts'
import { ignoreOvertaken } from '../domain/overtaken.ts'
import { isDisplayable, type Package } from '../domain/package.ts'
import { FEW_PACKAGES, type Project, type Publications } from '../domain/project.ts'
import { asRead, publicationWrites } from './contents.ts'
import { openHolds } from './holds.ts'
import { projectFromItem } from './items.ts'
import { projectKey } from './keys.ts'
import { isThere } from './places.ts'
import { type Change, readOwnCounts } from './shelves.ts'
import type { Table } from './table.ts'

/** What lists are to show that they did not, and contents do not tell yet; undefined where that is nothing. */
export const newPublications = (
  changes: readonly Change[],
  { listed, others }: Publications,
): Publications | undefined => {
  const kinds = changes.flatMap(({ before, after }) => {
    const kind = kindOf(after)
    return kind && !(before && kindOf(before) === kind) ? [kind] : []
  })
  const more = { listed: kinds.filter((kind) => kind === 'listed').length, others: kinds.includes('others') }
  const isNew = (more.listed > 0 && listed < FEW_PACKAGES) || (more.others && !others)
  return isNew ? more : undefined
}

const kindOf = (record: Package): keyof Publications | undefined => {
  if (!isDisplayable(record.status)) return undefined
  return isListed(slotOf(record)) ? 'listed' : 'others'
}

/**
 * Counts packages that lists are about to show in a project that has few. Apart from the transaction that brings them,
 * which can hold no more where groups are nested deep: whoever stops between the two, or is refused, leaves too many.
 * @param found the project as it was read; what it notes of its place may be behind, and is then read anew
 */
export const countPublications = (table: Table, found: Project, more: Publications): Promise<void> => {
  let project: Project | undefined = found
  return table.transact(async (failed) => {
    if (failed.length > 0) {
      const item = await table.get(projectKey(found.id))
      project = item && projectFromItem(item)
    }
    if (!project || !isThere(project)) return []
    const publications: Publications = {
      listed: Math.min(FEW_PACKAGES, project.publications.listed + more.listed),
      others: project.publications.others || more.others,
    }
    if (isDeepStrictEqual(publications, project.publications)) return []
    const { values, ...read } = asRead(project)
    return [
      {
        update: projectKey(found.id),
        expression: 'SET #publications = :publications',
        ...read,
        values: { ...values, ':publications': publications },
        otherwise: 'again',
      },
      ...publicationWrites({ ...project, publications }),
    ]
  })
}

export const publicationRepository = (table: Table, holdMs: number) => {
  const { release, holding, endWrite } = openHolds(table, 'project', holdMs)

  const countFew = async (id: number): Promise<Publications> => {
    const counts = await readOwnCounts(table, id)
    const shown = displayableSlots.filter((slot) => (counts.get(slotName(slot)) ?? 0) > 0)
    const listed = shown.filter(isListed).reduce((sum, slot) => sum + (counts.get(slotName(slot)) ?? 0), 0)
    return { listed: Math.min(FEW_PACKAGES, listed), others: !shown.every(isListed) }
  }

  return {
    /**
     * Lets the contents tell how many packages a project has left, where they tell of more. Whoever publishes meanwhile
     * waits, and counts his own package once more.
     * @returns whether they tell no more than there are; somebody else may be at the project
     */
    async recount(id: number): Promise<boolean> {
      const item = await table.get(projectKey(id))
      const project = item && projectFromItem(item)
      if (!project || !isThere(project) || !isMore(project.publications, await countFew(id))) return true
      if (project.held) await release(project)
      if (project.transit || project.held) return false
      try {
        await holding(project, async (by) => {
          const next = { ...project, publications: await countFew(id) }
          await table.transact(() => [
            endWrite(next, by, ['publications'], asRead(project)),
            ...publicationWrites(next),
          ])
        })
        return true
      } catch (error) {
        ignoreOvertaken(error)
        return false
      }
    },
  }
}

const isMore = (told: Publications, there: Publications) => told.listed > there.listed || (told.others && !there.others)
