/**
 * Runs what semantic-release calls of its GitLab plugin, with the context that it hands over: the check of the
 * configuration, then the publish. A program of its own, as the plugin is an ES module.
 */
// @ts-expect-error the plugin brings no types
import { publish, verifyConditions } from '@semantic-release/gitlab'

const { config, context } = JSON.parse(process.argv[2] ?? '')
const logger = { log: console.error, error: console.error }
const whole = { ...context, env: process.env, logger }
await verifyConditions(config, whole)
console.log(JSON.stringify(await publish(config, whole)))
