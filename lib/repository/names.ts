import { type Visibility, visibilities } from '../domain/project.ts'
import { type Coordinates, namesPartition, namesPrefix, projectOfNames, transitsKey } from './keys.ts'
import { groupShelves } from './shelves.ts'
import type { Table } from './table.ts'
import { marksOf } from './transit.ts'

/** The directories of names on shelves, for whoever knows a name and looks for its packages. */
export const nameRepository = (table: Table) => ({
  /**
   * Projects in the group, at any depth, that may have packages of this name: one small query a shelf. Projects in
   * transit are among them in any case, as their names may still be on their way. The newest project is the first.
   * @param shown an anonymous caller sees what is public and nothing else, so nothing else is read
   */
  async listProjectIds(
    groupId: number,
    name: Pick<Coordinates, 'type' | 'name'>,
    shown: readonly Visibility[] = visibilities,
  ): Promise<number[]> {
    const [transits, ...rows] = await Promise.all([
      table.get(transitsKey(groupId)),
      ...groupShelves(groupId, shown, false).map((shelf) =>
        table.queryAll({ pk: namesPartition(shelf), prefix: namesPrefix(name) }),
      ),
    ])
    const named = rows.flat().map(({ sk }) => projectOfNames(String(sk)))
    const moving = marksOf(transits).map(({ projectId }) => projectId)
    return [...new Set([...named, ...moving])].sort((one, other) => other - one)
  },
})
