import { selfUrl } from '../../../lib/http/links.ts'
import { eventFor } from '../../support/doors.ts'

describe('the URL that a moved project is asked by', () => {
  const resource = '/api/v4/projects/{id}/packages/npm/{package_name}/{rest+}'
  const path = '/projects/old%2Fpath/packages/npm/@foo%2Fbar/-/bar-1.0.0.tgz'

  it('is the one asked, with the id in place of the path and without what is secret', () => {
    const event = eventFor({ path: `${path}?page=2&private_token=secret&name=a%20b` }, resource)
    expect(selfUrl(event, { id: '7' })).toBe(
      'https://packages.example.com/prod/api/v4/projects/7/packages/npm/@foo%2Fbar/-/bar-1.0.0.tgz?page=2&name=a%20b',
    )
  })

  it('is one also when a parameter holds half a surrogate pair', () => {
    const event = { ...eventFor({ path }, resource), multiValueQueryStringParameters: { a: ['\ud800'] } }
    expect(selfUrl(event, { id: '7' })).toMatch(/\?a=%EF%BF%BD$/)
  })
})
