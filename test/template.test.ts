import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { bundleOf, bundleOfBareClient } from './support/bundles.ts'
import { problemsOf, type Template } from './support/cloudFormation.ts'
import { eventFor, lambdaDoor, routes } from './support/doors.ts'
import { testEnvironment } from './support/environment.ts'
import { run } from './support/npmClient.ts'
import { allowedRights } from './support/permissions.ts'

/** CloudFormation ends at 500 resources a stack, a REST API at 300 paths. */
const MOST_RESOURCES = 350
const MOST_PATHS = 200
/** Source: Lambda API reference, FunctionName; IAM quotas, role names. */
const LONGEST_NAME = 64
/** The longest stage that the names of roles leave room for, in a region with a name as long as they get. */
const LONG_STAGE = 'a-stage-of-16-ch'
const LONG_REGION = 'ap-southeast-1'

const FIVE = ['listProjectPackages', 'listGroupPackages', 'getPackage', 'listFiles', 'deletePackage']

const directory = mkdtempSync(join(tmpdir(), 'packages-api-template-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What `npx serverless package` makes for a stage, but for the code; it needs no account. */
const packaged = async (stage: string, ...options: string[]) => {
  const place = join(directory, stage)
  const cli = join(dirname(require.resolve('serverless/package.json')), 'bin', 'serverless.js')
  const { TABLE_NAME: _table, BUCKET_NAME: _bucket, EXTERNAL_URL: _url, ...environment } = process.env
  const { code, stdout, stderr } = await run(
    process.execPath,
    [cli, 'package', '--stage', stage, '--package', place, ...options],
    resolve('.'),
    { ...environment, BUNDLER: './test/support/noBundle.ts', BUILD_FOLDER: directory },
  )
  if (code !== 0) throw new Error(`${stdout}${stderr}`)
  const read = (name: string) => JSON.parse(readFileSync(join(place, name), 'utf8'))
  return {
    template: read('cloudformation-template-update-stack.json') as Template,
    provider: read('serverless-state.json').service.provider as { stackPolicy: object[] },
  }
}

const ofType = (template: Template, type: string) =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)
const only = (template: Template, type: string) => {
  const [[, { Properties }] = ['', { Properties: {} }], ...others] = ofType(template, type)
  expect(others).toEqual([])
  return Properties
}

/** The text of a name, with this region in it. */
const textOf = (name: unknown, region: string): string => {
  if (typeof name === 'string') return name
  if (typeof name !== 'object' || name === null) return ''
  if ('Fn::Join' in name) {
    const [separator, parts] = name['Fn::Join'] as [string, unknown[]]
    return parts.map((part) => textOf(part, region)).join(separator)
  }
  return 'Ref' in name && name.Ref === 'AWS::Region' ? region : JSON.stringify(name)
}

type Statement = { Effect: string; Action: string[]; Resource: unknown }
type Role = { Policies: { PolicyDocument: { Statement: Statement[] } }[]; ManagedPolicyArns: string[] }

/** The statements of a function's role. */
const statementsOf = (template: Template, functionName: string): Statement[] => {
  const [, { Properties }] = ofType(template, 'AWS::Lambda::Function').find(([, { Properties }]) =>
    String(Properties.FunctionName).endsWith(`-${functionName}`),
  ) as [string, Template['Resources'][string]]
  const [roleId] = (Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt']
  const role = template.Resources[roleId]?.Properties as Role
  expect(role.ManagedPolicyArns).toEqual([])
  return role.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

const TABLE = { 'Fn::GetAtt': ['PackagesTable', 'Arn'] }
const BUCKET = { 'Fn::GetAtt': ['PackagesBucket', 'Arn'] }
// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
const OBJECTS = { 'Fn::Sub': '${PackagesBucket.Arn}/*' }
// biome-ignore lint/suspicious/noTemplateCurlyInString: the same
const INDEXES = { 'Fn::Sub': '${PackagesTable.Arn}/index/*' }
/** What a right of `custom.allow` is on AWS. */
const onAws = (right: string) => {
  const allow = (action: string, Resource: object) => ({ Effect: 'Allow', Action: [action], Resource })
  if (right === 'NoteTokenUse') {
    return {
      ...allow('dynamodb:UpdateItem', TABLE),
      Condition: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['TOKEN#*'] },
        'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', 'lastUsedAt'] },
        StringEqualsIfExists: { 'dynamodb:ReturnValues': ['NONE', 'UPDATED_OLD', 'UPDATED_NEW'] },
      },
    }
  }
  if (right === 'QueryIndex') return allow('dynamodb:Query', INDEXES)
  if (right === 'ListBucket') return allow('s3:ListBucket', BUCKET)
  return right.endsWith('Object') ? allow(`s3:${right}`, OBJECTS) : allow(`dynamodb:${right}`, TABLE)
}

let prod: Awaited<ReturnType<typeof packaged>>
let other: Awaited<ReturnType<typeof packaged>>
let template: Template
beforeAll(async () => {
  // One after the other: both pass through the checkout's .serverless folder.
  prod = await packaged('prod')
  other = await packaged(LONG_STAGE, '--region', LONG_REGION)
  template = prod.template
}, 180_000)

describe('the packaged template', () => {
  it('has nothing that the published schemas of CloudFormation do not know', async () => {
    expect(await problemsOf(template)).toEqual([])
    expect(await problemsOf(other.template)).toEqual([])
  })

  it('would be refused for a property, a type, a value or a reference that is wrong', async () => {
    const broken = structuredClone(template)
    const { Properties: table } = broken.Resources.PackagesTable as Template['Resources'][string]
    Object.assign(table, { DeletionProtection: true, BillingMode: 7, KeySchema: undefined })
    Object.assign(broken.Resources.PackagesBucket?.Properties as object, { AccessControl: 'Everybody' })
    Object.assign(broken.Resources.ApiStage as object, { DependsOn: 'Nobody' })
    Object.assign(broken.Resources.PackagesBucketPolicy as object, { Properties: { Bucket: { Ref: 'Nothing' } } })
    broken.Resources.Made = { Type: 'AWS::DynamoDB::Chair', Properties: {} }

    expect((await problemsOf(broken)).sort()).toEqual([
      'ApiStage.DependsOn refers to Nobody, which is not there',
      'Made is a AWS::DynamoDB::Chair, which is not known',
      'PackagesBucket.AccessControl is no string that it may be: "Everybody"',
      'PackagesBucketPolicy.Bucket refers to Nothing, which is not there',
      'PackagesBucketPolicy.PolicyDocument is missing',
      'PackagesTable.BillingMode is no string: 7',
      'PackagesTable.DeletionProtection is not known',
      'PackagesTable.KeySchema is missing',
    ])
  })

  it('stays well below the limits of a stack and of a REST API', () => {
    expect(Object.keys(template.Resources).length).toBeLessThan(MOST_RESOURCES)
    expect(ofType(template, 'AWS::ApiGateway::Resource').length).toBeLessThan(MOST_PATHS)
  })

  it('tells the URL of the API, the table and the bucket', () => {
    expect(template.Outputs).toMatchObject({
      ApiUrl: { Value: { 'Fn::Sub': expect.stringMatching(/^https:.*\/prod\/api\/v4$/) } },
      TableName: { Value: { Ref: 'PackagesTable' } },
      BucketName: { Value: { Ref: 'PackagesBucket' } },
    })
  })
})

describe('functions and routes', () => {
  it('are one function for each of the five endpoints, on arm64 and Node 24', () => {
    const functions = ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties)
    for (const name of FIVE) {
      expect(functions).toContainEqual(
        expect.objectContaining({
          FunctionName: `packages-api-prod-${name}`,
          Handler: `functions/${name}.handler`,
          Architectures: ['arm64'],
          Runtime: 'nodejs24.x',
        }),
      )
    }
  })

  it('have a method for every route and no two variables side by side in the tree of paths', () => {
    const parents = new Map<string, { parent: string; part: string }>()
    for (const [id, { Properties }] of ofType(template, 'AWS::ApiGateway::Resource')) {
      const { ParentId, PathPart } = Properties as { ParentId: { Ref?: string }; PathPart: string }
      parents.set(id, { parent: ParentId.Ref ?? '', part: PathPart })
    }
    const pathOf = (id: string | undefined): string => {
      const place = id === undefined ? undefined : parents.get(id)
      return place ? `${pathOf(place.parent)}/${place.part}` : ''
    }
    const methods = ofType(template, 'AWS::ApiGateway::Method').map(([, { Properties }]) => {
      const { HttpMethod, ResourceId } = Properties as { HttpMethod: string; ResourceId: { Ref: string } }
      return `${HttpMethod} ${pathOf(ResourceId.Ref)}`
    })
    expect(methods.sort()).toEqual(
      routes()
        .map(({ method, resource }) => `${method} ${resource}`)
        .sort(),
    )

    const variables = [...parents.values()].filter(({ part }) => part.startsWith('{'))
    for (const siblings of Map.groupBy(variables, ({ parent }) => parent).values()) {
      expect(siblings.map(({ part }) => part)).toHaveLength(1)
    }
  })

  it('have a route or a schedule for every function', () => {
    const events = ['AWS::ApiGateway::Method', 'AWS::Events::Rule', 'AWS::Scheduler::Schedule']
    const callers = JSON.stringify(events.flatMap((type) => ofType(template, type)))
    for (const [id] of ofType(template, 'AWS::Lambda::Function')) expect(callers).toContain(`"${id}"`)
  })

  it('have an endpoint behind every route, HEAD included', async () => {
    const door = lambdaDoor()
    await door.open()
    const strangers = []
    for (const { method, resource } of routes()) {
      const path = resource
        .replace('/api/v4', '')
        .replaceAll(/\{\w+\+\}/g, 'a/b')
        .replaceAll(/\{\w+\}/g, '1')
      const { json } = await door.call({ method, path })
      if (JSON.stringify(json) === '{"error":"404 Not Found"}') strangers.push(`${method} ${resource}`)
    }
    expect(strangers).toEqual([])
  })

  it('have HEAD wherever the five are read', () => {
    const all = routes().map(({ method, resource }) => `${method} ${resource}`)
    const reads = routes().filter(({ method, functionName }) => method === 'GET' && FIVE.includes(functionName))
    expect(reads).toHaveLength(4)
    for (const { resource } of reads) expect(all).toContain(`HEAD ${resource}`)
  })
})

describe('the role of a function', () => {
  it.each(Object.entries(allowedRights()))('%s has its rights and writes its own log', (name, rights) => {
    expect(statementsOf(template, name)).toEqual([
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: [
          { 'Fn::Sub': expect.stringMatching(new RegExp(`:log-group:/aws/lambda/packages-api-prod-${name}:`)) },
        ],
      },
      ...rights.map(onAws),
    ])
  })

  it('names each action, and no resource of others', () => {
    for (const name of Object.keys(allowedRights())) {
      for (const { Action, Resource } of statementsOf(template, name)) {
        expect(Action.join()).not.toContain('*')
        expect([Resource].flat()).not.toContain('*')
      }
    }
  })

  it('is the only kind of role, but for the one that API Gateway logs by', () => {
    const roles = ofType(template, 'AWS::IAM::Role').map(([id]) => id)
    expect(roles).toHaveLength(Object.keys(allowedRights()).length + 1)
    expect(template.Resources.ApiGatewayLogRole).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        AssumeRolePolicyDocument: { Statement: [{ Principal: { Service: 'apigateway.amazonaws.com' } }] },
        ManagedPolicyArns: [{ 'Fn::Sub': expect.stringContaining('AmazonAPIGatewayPushToCloudWatchLogs') }],
      },
    })
  })
})

describe('names', () => {
  const NAMES = ['FunctionName', 'RoleName', 'LogGroupName', 'TableName', 'BucketName', 'Name']
  const namesOf = ({ Resources }: Template, region: string) =>
    Object.values(Resources).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Lambda::Permission'
        ? []
        : NAMES.flatMap((name) => (Properties[name] === undefined ? [] : [textOf(Properties[name], region)])),
    )

  it('differ from stage to stage and from region to region', () => {
    const names = namesOf(template, 'eu-central-1')
    expect(names).toEqual([...new Set(names)])
    expect(namesOf(other.template, LONG_REGION).filter((name) => names.includes(name))).toEqual([])
    const roles = ofType(template, 'AWS::IAM::Role').flatMap(([, { Properties }]) => Properties.RoleName ?? [])
    for (const role of roles) expect(textOf(role, 'eu-west-1')).toContain('prod')
    for (const role of roles) expect(textOf(role, 'eu-west-1')).toContain('eu-west-1')
  })

  it(`fit their limits up to a stage as long as ${LONG_STAGE}`, () => {
    const long = ['AWS::Lambda::Function', 'AWS::IAM::Role'].flatMap((type) =>
      ofType(other.template, type).map(([, { Properties }]) =>
        textOf(Properties.FunctionName ?? Properties.RoleName, LONG_REGION),
      ),
    )
    expect(long.length).toBeGreaterThan(FIVE.length)
    for (const name of long) expect(name.length).toBeLessThanOrEqual(LONGEST_NAME)
  })

  it('of table and bucket are made by CloudFormation, which keeps to their limits', () => {
    expect(template.Resources.PackagesTable?.Properties).not.toHaveProperty('TableName')
    expect(template.Resources.PackagesBucket?.Properties).not.toHaveProperty('BucketName')
  })
})

describe('table and bucket', () => {
  it('keep the table on demand, recoverable, protected and with its three indexes', () => {
    expect(template.Resources.PackagesTable).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
        KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'sk' }],
        GlobalSecondaryIndexes: ['by_name', 'by_version', 'by_type'].map((IndexName) => ({ IndexName })),
      },
    })
  })

  it('protect the table of prod, and of no other stage, from deletion', () => {
    expect(template.Resources.PackagesTable?.Properties.DeletionProtectionEnabled).toBe(true)
    expect(other.template.Resources.PackagesTable?.Properties.DeletionProtectionEnabled).toBe(false)
  })

  it('let no update put an empty one in the place of either', () => {
    expect(prod.provider.stackPolicy).toContainEqual({
      Effect: 'Deny',
      Action: ['Update:Replace', 'Update:Delete'],
      Principal: '*',
      Resource: ['LogicalResourceId/PackagesTable', 'LogicalResourceId/PackagesBucket'],
    })
  })

  it('keep the bucket private, encrypted and tidy, and what is deleted for as long as the table can be set back', () => {
    expect(template.Resources.PackagesBucket).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        VersioningConfiguration: { Status: 'Enabled' },
        LifecycleConfiguration: {
          Rules: [
            { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
            { Status: 'Enabled', Prefix: 'documents/', ExpirationInDays: 2 },
            { Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 35 } },
          ],
        },
      },
    })
    for (const [, { Properties }] of ofType(template, 'AWS::S3::Bucket')) {
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      })
    }
  })

  it('let the bucket refuse plain HTTP, whoever asks', () => {
    expect(template.Resources.PackagesBucketPolicy).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: {
        Bucket: { Ref: 'PackagesBucket' },
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: '*',
              Action: 's3:*',
              Resource: [BUCKET, OBJECTS],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      },
    })
  })
})

describe('the API', () => {
  it('is regional, takes every body as bytes and compresses nothing', () => {
    const api = only(template, 'AWS::ApiGateway::RestApi')
    expect(api).toMatchObject({ EndpointConfiguration: { Types: ['REGIONAL'] }, BinaryMediaTypes: ['*/*'] })
    expect(api).not.toHaveProperty('MinimumCompressionSize')
  })

  it('has a stage of its own, with limits for all callers and without traces of what they send', () => {
    const [[deploymentId, deployment] = ['', undefined]] = ofType(template, 'AWS::ApiGateway::Deployment')
    expect(deployment?.Properties).not.toHaveProperty('StageName')
    expect(only(template, 'AWS::ApiGateway::Stage')).toMatchObject({
      StageName: 'prod',
      DeploymentId: { Ref: deploymentId },
      MethodSettings: [
        {
          HttpMethod: '*',
          ResourcePath: '/*',
          ThrottlingRateLimit: expect.any(Number),
          ThrottlingBurstLimit: expect.any(Number),
          DataTraceEnabled: false,
        },
      ],
    })
  })

  it('logs each request as JSON, with the route in place of path, query and headers', () => {
    const { AccessLogSetting } = only(template, 'AWS::ApiGateway::Stage') as {
      AccessLogSetting: { DestinationArn: unknown; Format: string }
    }
    expect(AccessLogSetting.DestinationArn).toEqual({ 'Fn::GetAtt': ['AccessLog', 'Arn'] })
    expect(AccessLogSetting.Format).not.toContain('\n')
    expect(Object.values(JSON.parse(AccessLogSetting.Format)).sort()).toEqual([
      '$context.error.responseType',
      '$context.httpMethod',
      '$context.identity.sourceIp',
      '$context.integrationLatency',
      '$context.requestId',
      '$context.requestTime',
      '$context.resourcePath',
      '$context.responseLatency',
      '$context.responseLength',
      '$context.status',
    ])
  })

  it('keeps no log for ever', () => {
    const groups = ofType(template, 'AWS::Logs::LogGroup')
    expect(groups).toHaveLength(ofType(template, 'AWS::Lambda::Function').length + 1)
    for (const [, { Properties }] of groups) expect(Properties.RetentionInDays).toBe(30)
  })
})

describe('what API Gateway answers by itself', () => {
  type Response = {
    ResponseType: string
    StatusCode?: string
    ResponseTemplates: Record<string, string>
    ResponseParameters: Record<string, string>
  }
  const responses = () =>
    ofType(template, 'AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => Properties as unknown as Response)
  const answer = (type: string) => {
    const found = responses().find(({ ResponseType }) => ResponseType === type)
    return [found?.StatusCode, JSON.parse(found?.ResponseTemplates['application/json'] ?? '""')]
  }

  it.each(['MISSING_AUTHENTICATION_TOKEN', 'RESOURCE_NOT_FOUND', 'INVALID_SIGNATURE', 'EXPIRED_TOKEN'])(
    "is GitLab's 404 for an unknown route: %s",
    (type) => {
      expect(answer(type)).toEqual(['404', { error: '404 Not Found' }])
    },
  )

  it('names the limit of a body, in the words that a function has for it', async () => {
    const door = lambdaDoor()
    await door.open()
    const headers = { 'private-token': testEnvironment().rootToken }
    const tooLarge = await door.call({ method: 'POST', path: '/users', headers, body: new Uint8Array(4_400_001) })
    const { message } = tooLarge.json as { message: string }
    expect([tooLarge.status, message]).toEqual([413, expect.stringContaining('4400000 bytes')])
    expect(answer('REQUEST_TOO_LARGE')).toEqual(['413', { message, error: message }])
  })

  it('says when to come back after too many requests', () => {
    expect(answer('THROTTLED')).toEqual(['429', { message: '429 Too Many Requests' }])
    const throttled = responses().find(({ ResponseType }) => ResponseType === 'THROTTLED')
    expect(throttled?.ResponseParameters['gatewayresponse.header.Retry-After']).toBe("'1'")
  })

  it.each([
    ['ACCESS_DENIED', '403', { message: '403 Forbidden' }],
    ['WAF_FILTERED', '403', { message: '403 Forbidden' }],
    ['BAD_REQUEST_BODY', '400', { error: '400 Bad Request' }],
    ['BAD_REQUEST_PARAMETERS', '400', { error: '400 Bad Request' }],
    ['INTEGRATION_FAILURE', '504', { message: '504 Gateway Timeout' }],
    ['INTEGRATION_TIMEOUT', '504', { message: '504 Gateway Timeout' }],
    ['DEFAULT_4XX', undefined, { message: 'Bad Request' }],
    ['DEFAULT_5XX', undefined, { message: '500 Internal Server Error' }],
  ])('has one of the two shapes of errors: %s', (type, status, body) => {
    expect(answer(type)).toEqual([status, body])
  })

  it('has the headers of every answer, repeats nothing of the request, and is there before the deployment', () => {
    for (const { ResponseTemplates, ResponseParameters } of responses()) {
      expect(ResponseParameters).toMatchObject({
        'gatewayresponse.header.X-Content-Type-Options': "'nosniff'",
        'gatewayresponse.header.X-Frame-Options': "'SAMEORIGIN'",
        'gatewayresponse.header.Cache-Control': "'max-age=0, private, must-revalidate'",
      })
      expect(JSON.stringify([ResponseTemplates, ResponseParameters])).not.toMatch(/\$context|\$input|method\.request/)
    }
    const [[, deployment] = ['', undefined]] = ofType(template, 'AWS::ApiGateway::Deployment')
    const ids = ofType(template, 'AWS::ApiGateway::GatewayResponse').map(([id]) => id)
    expect(deployment?.DependsOn).toEqual(expect.arrayContaining(ids))
  })
})

describe('the bundle', () => {
  const inputsOf = async (module: string) =>
    Object.entries((await bundleOf(module)).inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    )

  /** The answer of a bundle to one request without a token, in a process and a folder of its own. */
  const runBundle = async (name: string, environment: NodeJS.ProcessEnv = {}) => {
    const place = mkdtempSync(join(directory, 'bundle-'))
    const file = join(place, 'function.cjs')
    const { text, map = '' } = await bundleOf(`functions/${name}`)
    writeFileSync(file, text)
    writeFileSync(`${file}.map`, map)
    const route = routes().find(({ module }) => module === `functions/${name}`) as ReturnType<typeof routes>[number]
    const path = route.resource.replace('/api/v4', '').replaceAll(/\{\w+\+?\}/g, '0')
    const event = eventFor({ method: route.method, path }, route.resource)
    const script = `require(${JSON.stringify(file)}).handler(${JSON.stringify(event)}, { awsRequestId: 'test' })
      .then(({ statusCode }) => process.stdout.write('\\n' + statusCode), console.error).finally(() => process.exit())`
    const { stdout, stderr } = await run(process.execPath, ['-e', script], place, { ...process.env, ...environment })
    return { status: Number(stdout.trim().split('\n').at(-1)), stderr }
  }

  it('of each of the five is at most 1.15 times as large as one of the bare document client', async () => {
    const bare = await bundleOfBareClient()
    for (const name of FIVE) {
      const { bytes } = await bundleOf(`functions/${name}`)
      expect([name, bytes <= 1.15 * bare.bytes]).toEqual([name, true])
    }
  })

  it('takes credentials from the environment, and has no code that asks elsewhere', async () => {
    const inputs = await inputsOf('functions/npm/npmWrite')
    expect(inputs.filter((path) => /credential-provider-(?!env)|nested-clients|token-providers/.test(path))).toEqual([])
    expect(inputs.some((path) => path.includes('credential-provider-env'))).toBe(true)
  })

  it.each(['functions/listGroupPackages', 'functions/npm/npmWrite'])(
    'of %s has no code for event streams',
    async (name) => {
      expect((await inputsOf(name)).filter((path) => path.includes('/event-streams/'))).toEqual([])
    },
  )

  it('of a function runs by itself, where nothing else of the project is', async () => {
    await lambdaDoor().open()
    const asked = [
      ...FIVE.map((name) => [name, 404] as const),
      ['npm/npmRead', 401] as const,
      ['web/readiness', 200] as const,
    ]
    const answers = []
    for (const [name] of asked) {
      const { status, stderr } = await runBundle(name)
      answers.push([name, stderr || status])
    }
    expect(answers).toEqual(asked)
  })

  it('of a function tells in its log where in the sources a bug is', async () => {
    const { status, stderr } = await runBundle('listProjectPackages', { TABLE_NAME: 'there-is-no-such-table' })
    expect(status).toBe(500)
    const { error } = JSON.parse(stderr) as { error: string }
    const source = /\(lib\/repository\/table\.ts:(\d+):\d+\)/.exec(error)
    expect(readFileSync(resolve('lib/repository/table.ts'), 'utf8').split('\n')[Number(source?.[1]) - 1]).toContain(
      'await',
    )
    expect(error).not.toContain('.cjs:')
  })

  it.each(FIVE)('of %s holds no S3 client and no format', async (name) => {
    const inputs = await inputsOf(`functions/${name}`)
    expect(
      inputs.filter((path) =>
        /client-s3|s3-request-presigner|tar-stream|semver|re2js|lib\/(npm|maven|generic|files)/.test(path),
      ),
    ).toEqual([])
  })

  it.each(['functions/access/accessRead', 'functions/access/accessWrite', 'functions/files/files'])(
    'of %s holds no S3 client',
    async (module) => {
      expect((await inputsOf(module)).filter((path) => path.includes('client-s3'))).toEqual([])
    },
  )
})
