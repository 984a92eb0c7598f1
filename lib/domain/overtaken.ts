import { PackagesError } from './errors.ts'

/** Somebody else went on with the thing, perhaps taking us for dead: what was read before counts no more. */
export class Overtaken extends Error {}

export const overtaken = () => new Overtaken()

export const ignoreOvertaken = (error: unknown) => {
  if (!(error instanceof Overtaken)) throw error
}

/** More departures and arrivals than this during one request do not happen. */
const ATTEMPTS = 8

/** Reads everything anew when it was overtaken. @throws `busy` when it always is */
export const readUnlessOvertaken = async <Outcome>(read: () => Promise<Outcome>): Promise<Outcome> => {
  for (let attempts = 1; ; attempts++) {
    try {
      return await read()
    } catch (error) {
      ignoreOvertaken(error)
      if (attempts === ATTEMPTS) throw new PackagesError({ code: 'busy' }, { cause: error })
    }
  }
}
