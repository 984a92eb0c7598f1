import type { Cost } from '../test/support/meter.ts'
import { table, writeSection } from './report.ts'

/**
 * Dollars in us-east-1 as published in November 2026: aws.amazon.com/{api-gateway,lambda,dynamodb/on-demand,s3}/pricing.
 * The first tier of each; transfer to the internet and what is stored are not in it.
 */
const PRICES = {
  gatewayRequest: 3.5e-6,
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 0.0000133334,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
  s3Put: 5e-6,
  s3Get: 0.4e-6,
}
/** What a request is taken to last on a function of 1 GB. */
const SECONDS = 0.05

/** Requests to S3 that an endpoint, or the client that it sends there, makes. */
const S3: Record<string, { puts?: number; gets?: number }> = {
  'npm publish, first version': { puts: 1 },
  'npm publish, next version': { puts: 1 },
  'npm install: tarball': { gets: 1 },
  'mvn deploy: a file': { puts: 1 },
  'mvn: download a file': { gets: 1 },
  'generic: upload a file': { puts: 1 },
  'generic: download a file': { gets: 1 },
}

const dollars = (name: string, { readUnits, writeUnits }: Cost) => {
  const { puts = 0, gets = 0 } = S3[name] ?? {}
  return (
    PRICES.gatewayRequest +
    PRICES.lambdaRequest +
    SECONDS * PRICES.lambdaGbSecond +
    readUnits * PRICES.readUnit +
    writeUnits * PRICES.writeUnit +
    puts * PRICES.s3Put +
    gets * PRICES.s3Get
  )
}

/** Writes what a million requests cost into docs/cost.md, by endpoint and by the size of the project. */
export const writePrices = (costs: Record<string, Record<number, Cost>>, sizes: readonly number[]): void => {
  const large = sizes.at(-1) as number
  const million = (name: string, cost: Cost) => (dollars(name, cost) * 1e6).toFixed(2)
  const rows = Object.entries(costs).map(([name, bySize]) => {
    const { calls, readUnits, writeUnits } = bySize[large] as Cost
    return [name, calls, readUnits, writeUnits, ...sizes.map((size) => million(name, bySize[size] as Cost))]
  })
  const heads = sizes.map((size) => `$ at ${size.toLocaleString('en-US')}`)
  const next = costs['npm publish, next version']?.[large] as Cost
  writeSection(
    'prices',
    [
      table(['Request', 'Calls', 'Read units', 'Write units', ...heads], rows),
      `A thousand publishes with npm cost $${(dollars('npm publish, next version', next) * 1e3).toFixed(4)}.`,
    ].join('\n\n'),
    'cost.md',
  )
}
