import { assertValid } from '../../lib/access/validity.ts'
import { type Group, type Project, type Visibility, visibilities } from '../../lib/domain/project.ts'
import type { Reader } from '../../lib/http/params.ts'

type Placed = Pick<Group, 'path' | 'visibility'>

/** What of a group or project decides where its packages are listed, and by whom. */
type Place = { path: string | undefined; visibility: Visibility | undefined }

export const readPlace = (read: Reader): Place => ({
  path: read.text('path'),
  visibility: read.oneOf('visibility', visibilities),
})

/**
 * Where a change of path or visibility starts, apart from that of a name, because packages have to move with it. Until
 * they can, a change is refused: whoever makes something private must not hear that it is done when it is not. What
 * names the place that a thing is in already is no change.
 * @throws `validation_failed`
 */
export const changePlace = async <Thing extends Group | Project>(thing: Thing, wanted: Place): Promise<Thing> => {
  const changed = (field: keyof Placed) => wanted[field] !== undefined && wanted[field] !== thing[field]
  assertValid({
    path: changed('path') ? ['cannot be changed'] : [],
    visibility_level: changed('visibility') ? ['cannot be changed'] : [],
  })
  return thing
}
