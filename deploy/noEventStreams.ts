/**
 * Stands in for `@smithy/core/event-streams` in bundles. No operation that is called here streams events, and code
 * that could read them is the one part of the SDK that it loads later, for which a bundler wraps all that it shares.
 */
const refuse = (): never => {
  throw new Error('Bundles have no code for event streams: see custom.esbuild.alias in serverless.yml')
}

export const eventStreamSerdeProvider = refuse

/** What a client does with its settings when it is made. */
export const resolveEventStreamSerdeConfig = <Settings extends object>(settings: Settings): Settings => settings

export class EventStreamSerde {
  constructor() {
    refuse()
  }
}
