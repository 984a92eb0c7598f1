import { resolve } from 'node:path'
import { httpDoor } from '../support/doors.ts'
import { testEnvironment } from '../support/environment.ts'
import { run } from '../support/npmClient.ts'
import { type Json, unique } from '../support/world.ts'

const name = unique('python')
const group = `${name}-group`

/** What `python/tour.py` printed; each case asserts a part of it. */
let said: Json
beforeAll(async () => {
  const { code, stdout, stderr } = await run('/usr/bin/python3', [resolve('test/clients/python/tour.py')], '/', {
    GITLAB_URL: httpDoor().origin,
    TOKEN: testEnvironment().rootToken,
    NAME: name,
  })
  if (code !== 0) throw new Error(`tour.py ended with ${code}\n${stdout}${stderr}`)
  said = JSON.parse(stdout) as Json
})

describe('python-gitlab', () => {
  it('makes users and tokens, and is who a token says', () => {
    expect(said).toMatchObject({
      root_is_admin: true,
      version: expect.stringMatching(/^\d+\.\d+/),
      user: name,
      user_by_bearer: name,
      revoked: [401, 'invalid_token'],
    })
  })

  it('makes, shows and lists groups, projects and members', () => {
    expect(said).toMatchObject({
      stranger: [404, '404 Group Not Found'],
      member: [true, 40],
      group: `${group}/sub`,
      groups: [group, `${group}/sub`],
      project: `${group}/outer`,
      projects: ['Inner', 'Outer'],
      removed_twice: [404, '404 Not found'],
    })
  })

  it('makes deploy tokens, which list packages until they are deleted', () => {
    expect(said).toMatchObject({
      deploy_token: ['ci', ['read_package_registry'], true, null],
      deploy_tokens: [[true], 0],
      machine: 0,
      machine_gone: [401, '401 Unauthorized'],
    })
  })

  it('uploads generic packages and downloads them, whole and in pieces', () => {
    expect(said).toMatchObject({ uploaded: '201 Created', downloaded: true, streamed: true })
  })

  it('lists the packages of a project and of a group, with filters, and follows Link from page to page', () => {
    const all = ['tool@1.0.0', 'tool@1.1.0', 'other@1.0.0']
    expect(said).toMatchObject({
      all,
      totals: [3, 2, 2, 1, 2],
      iterated: all,
      page: all.slice(2),
      filtered: ['tool@1.1.0', 'tool@1.0.0'],
      none: [],
      group_packages: ['tool@1.1.0', 'tool@1.0.0', 'other@1.0.0', 'inner-tool@2.0.0'],
      group_project: `${group}/sub/inner`,
      own_packages: ['other@1.0.0', 'tool@1.0.0', 'tool@1.1.0'],
      wrong: [400, 'package_type does not have a valid value'],
    })
  })

  it('shows a package, lists its files, and deletes both', () => {
    expect(said).toMatchObject({
      package: ['tool', '1.1.0', ['1.0.0']],
      files: [
        ['all.bin', 256],
        ['more.bin', 256],
      ],
      files_left: ['more.bin'],
      deleted: [404, '404 Not found'],
      left: ['tool@1.1.0', 'other@1.0.0'],
    })
  })
})
