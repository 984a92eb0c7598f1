/**
 * How many packages a project has that lists show, as far as the contents of the groups around it tell: up to
 * `FEW_PACKAGES`. It may be too many, which costs a list by path a round trip, and never too few, which would hide
 * packages from it.
 */
import { displayableSlots, slotName } from '../domain/listing.ts'
import { ignoreOvertaken } from '../domain/overtaken.ts'
import { isDisplayable } from '../domain/package.ts'
import { FEW_PACKAGES, type Project } from '../domain/project.ts'
import { asRead, publicationWrites } from './contents.ts'
import { openHolds } from './holds.ts'
import { projectFromItem } from './items.ts'
import { projectKey } from './keys.ts'
import { isThere } from './places.ts'
import { type Change, readOwnCounts } from './shelves.ts'
import type { Table } from './table.ts'

/** Whether lists are to show a package that they did not. */
export const isPublication = ({ before, after }: Change): boolean =>
  isDisplayable(after.status) && !(before && isDisplayable(before.status))

/**
 * Counts a package that lists are about to show in a project that has few. Apart from the transaction that brings it,
 * which can hold no more where groups are nested deep: whoever stops between the two, or is refused, leaves one too many.
 * @param found the project as it was read; what it notes of its place may be behind, and is then read anew
 */
export const countPublication = (table: Table, found: Project): Promise<void> => {
  let project: Project | undefined = found
  return table.transact(async (failed) => {
    if (failed.length > 0) {
      const item = await table.get(projectKey(found.id))
      project = item && projectFromItem(item)
    }
    if (!project || !isThere(project) || project.publications >= FEW_PACKAGES) return []
    const next = { ...project, publications: project.publications + 1 }
    const { values, ...read } = asRead(project)
    return [
      {
        update: projectKey(found.id),
        expression: 'SET #publications = :publications',
        ...read,
        values: { ...values, ':publications': next.publications },
        otherwise: 'again',
      },
      ...publicationWrites(next),
    ]
  })
}

export const publicationRepository = (table: Table, holdMs: number) => {
  const { release, holding, endWrite } = openHolds(table, 'project', holdMs)

  const countFew = async (id: number): Promise<number> => {
    const counts = await readOwnCounts(table, id)
    const shown = displayableSlots.reduce((sum, slot) => sum + (counts.get(slotName(slot)) ?? 0), 0)
    return Math.min(FEW_PACKAGES, shown)
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
      if (!project || !isThere(project) || project.publications <= (await countFew(id))) return true
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
