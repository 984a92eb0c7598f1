import { PackagesError } from '../domain/errors.ts'
import { InMotion } from './marks.ts'

/** How long a request may spend on moving rows: well below API Gateway's 29 seconds. */
const SETTLE_FOR_MS = 15_000

const deadline = () => {
  const end = Date.now() + SETTLE_FOR_MS
  return () => Date.now() > end
}

/** Who brings home a group that is on its way, as far as `isOver` lets him come. */
type Settling = { settle: (groupId: number, isOver: () => boolean) => Promise<boolean> }

export type WhenStill = ReturnType<typeof openStillness>

/**
 * Runs a change of what is where. A group around that is on its way is brought home first, within the time of one
 * request. @throws `busy`
 */
export const openStillness =
  (groups: Settling) =>
  async <Outcome>(change: (isOver: () => boolean) => Promise<Outcome>): Promise<Outcome> => {
    for (const isOver = deadline(); ; ) {
      try {
        return await change(isOver)
      } catch (error) {
        if (!(error instanceof InMotion)) throw error
        const hasArrived = await groups.settle(error.groupId, isOver)
        if (!hasArrived || isOver()) throw new PackagesError({ code: 'busy' }, { cause: error })
      }
    }
  }
