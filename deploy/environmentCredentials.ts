/**
 * Stands in for `@aws-sdk/credential-provider-node` in bundles: a function's credentials are in its environment and
 * nowhere else, so it carries no code that asks SSO, STS, files and metadata services for some.
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env'
