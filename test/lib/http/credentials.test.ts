import { type Credentials, credentialsOf, type Takes } from '../../../lib/http/credentials.ts'
import { eventFor } from '../../support/doors.ts'

const of = (headers: Record<string, string>, query = '', takes: Takes = { deployTokens: true }) =>
  credentialsOf(eventFor({ path: `/version${query}`, headers }, '/api/v4/version'), takes)

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

/** One of each, the first in order first. */
const all: [name: string, headers: Record<string, string>, query: string, found: Credentials][] = [
  ['Deploy-Token', { 'Deploy-Token': 'a' }, '', { kind: 'deploy', secret: 'a' }],
  ['private_token', {}, 'private_token=b', { kind: 'personal', secret: 'b' }],
  ['PRIVATE-TOKEN', { 'PRIVATE-TOKEN': 'c' }, '', { kind: 'personal', secret: 'c' }],
  ['access_token', {}, 'access_token=d', { kind: 'either', secret: 'd' }],
  ['Bearer', { authorization: 'bearer e' }, '', { kind: 'either', secret: 'e' }],
  ['JOB-TOKEN', { 'job-token': 'f' }, '', { kind: 'job' }],
  ['job_token', {}, 'job_token=g', { kind: 'job' }],
  ['Basic', { Authorization: basic('h:i:j') }, '', { kind: 'basic', username: 'h', secret: 'i:j' }],
]

describe('the credentials of a request', () => {
  it.each(all)('are found in %s', (_name, headers, query, found) => {
    expect(of(headers, query === '' ? '' : `?${query}`)).toEqual(found)
  })

  it('are, of several, the first in order', () => {
    for (const [place, [name, headers, query, found]] of all.entries()) {
      for (const [otherName, otherHeaders, otherQuery] of all.slice(place + 1)) {
        // One header holds one of the two.
        if (['Bearer', 'Basic'].includes(name) && ['Bearer', 'Basic'].includes(otherName)) continue
        const both = of({ ...otherHeaders, ...headers }, `?${[query, otherQuery].filter(Boolean).join('&')}`)
        expect([name, otherName, both]).toEqual([name, otherName, found])
      }
    }
  })

  it('are none when nothing is shown, or nothing that a route takes', () => {
    expect(of({})).toBeUndefined()
    expect(of({ 'private-token': ' ', authorization: 'Basic' }, '?private_token=')).toBeUndefined()
    expect(of({ authorization: basic('no colon') })).toBeUndefined()
    expect(of({ 'deploy-token': 'a', authorization: basic('h:i') }, '', {})).toBeUndefined()
    expect(of({ authorization: basic('gitlab-ci-token:i') }, '', {})).toEqual({ kind: 'job' })
  })
})
