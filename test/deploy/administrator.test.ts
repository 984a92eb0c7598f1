import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { createTable } from '../../local/table.ts'
import { lambdaDoor } from '../support/doors.ts'
import { run } from '../support/npmClient.ts'

const door = lambdaDoor()
const table = process.env.TABLE_NAME ?? ''
beforeAll(() => createTable(process.env.DYNAMODB_ENDPOINT ?? '', table))

/** `npm run administrator -- …args`, without npm. */
const administrator = (args: readonly string[], environment: Record<string, string> = {}) => {
  const { PATH, DYNAMODB_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  const env = { PATH, DYNAMODB_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...environment }
  return run(process.execPath, [resolve('deploy/administrator.ts'), ...args], resolve('.'), env)
}

const tokenIn = (text: string) => /^Token: {2}(pat-[\w-]{34}\.1)$/m.exec(text)?.[1]
const whois = async (token = '') => (await door.call({ path: '/user', headers: { 'private-token': token } })).json

/** CloudFormation, as far as `DescribeStacks` goes. Its answer is that of its API reference. */
const openCloudFormation = async (outputs: Record<string, string>) => {
  const asked: string[] = []
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      asked.push(new URLSearchParams(body).get('StackName') ?? '')
      response.setHeader('content-type', 'text/xml').end(
        `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>
          <member><StackName>any</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
          <CreationTime>2026-11-23T00:00:00.000Z</CreationTime><Outputs>${members.join('')}</Outputs></member>
        </Stacks></DescribeStacksResult></DescribeStacksResponse>`,
      )
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    asked,
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((closed) => server.close(closed)),
  }
}

describe('npm run administrator', () => {
  it('makes the administrator of an empty table and shows a token that works, once', async () => {
    const first = await administrator(['--table', table])
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(await whois(tokenIn(first.stdout))).toMatchObject({ username: 'root', is_admin: true })

    const second = await administrator(['--table', table])
    expect([second.code, second.stdout]).toEqual([1, ''])
    expect(second.stderr).toContain('has a token already')
  })

  it('makes another token on request; the first one stays', async () => {
    const again = await administrator(['--table', table, '--again'])
    expect(again.code).toBe(0)
    expect(await whois(tokenIn(again.stdout))).toMatchObject({ username: 'root' })
  })

  it('finds the table of a stage in the outputs of its stack', async () => {
    const cloudFormation = await openCloudFormation({ ApiUrl: 'https://example.com', TableName: table })
    const { code, stdout } = await administrator(['--stage', 'try', '--again'], {
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url,
    })
    await cloudFormation.close()
    expect([code, cloudFormation.asked]).toEqual([0, ['packages-api-try']])
    expect(stdout).toContain(table)
    expect(await whois(tokenIn(stdout))).toMatchObject({ username: 'root' })
  })

  it('says so when the stack is not of this service', async () => {
    const cloudFormation = await openCloudFormation({})
    const { code, stderr } = await administrator(['--stage', 'try'], {
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url,
    })
    await cloudFormation.close()
    expect([code, stderr]).toEqual([1, 'The stack packages-api-try has no output TableName. Deploy it first.\n'])
  })

  it.each([[[]], [['--stage', 'prod', '--table', table]], [['--token', 'my-secret']]])(
    'shows how it is used when it is called with %j',
    async (args) => {
      const { code, stdout, stderr } = await administrator(args)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('Usage: npm run administrator -- --stage prod')
    },
  )

  it('tells what failed when the table is not there', async () => {
    const { code, stderr } = await administrator(['--table', 'nowhere'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^It did not work: ResourceNotFoundException/)
  })
})
