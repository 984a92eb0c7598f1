import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'
import { routes } from './support/doors.ts'

/** CloudFormation ends at 500 resources a stack, a REST API at 300 paths. */
const MOST_RESOURCES = 350
const MOST_PATHS = 200

const FIVE = ['listProjectPackages', 'listGroupPackages', 'getPackage', 'listFiles', 'deletePackage']

type Resource = { Type: string; DeletionPolicy?: string; Properties: Record<string, unknown> }
type Template = { Resources: Record<string, Resource> }

const directory = mkdtempSync(join(tmpdir(), 'packages-api-template-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What `npx serverless package` makes for a stage; it needs no account. */
const packaged = (stage: string): Template => {
  const place = join(directory, stage)
  const cli = join(dirname(require.resolve('serverless/package.json')), 'bin', 'serverless.js')
  const { TABLE_NAME: _table, BUCKET_NAME: _bucket, EXTERNAL_URL: _url, ...environment } = process.env
  const { status, stderr } = spawnSync(process.execPath, [cli, 'package', '--stage', stage, '--package', place], {
    env: { ...environment, BUILD_FOLDER: `.esbuild/template-${process.pid}-${stage}` },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(readFileSync(join(place, 'cloudformation-template-update-stack.json'), 'utf8'))
}

const ofType = (template: Template, type: string) =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)

describe('the packaged template for prod', () => {
  let template: Template
  beforeAll(() => {
    template = packaged('prod')
  })

  it('has one function for each of the five endpoints, on arm64 and Node 24', () => {
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

  it('keeps the table on demand, recoverable, protected and with its three indexes', () => {
    expect(template.Resources.PackagesTable).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
        KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'sk' }],
        GlobalSecondaryIndexes: ['by_name', 'by_version', 'by_type'].map((IndexName) => ({ IndexName })),
      },
    })
  })

  it('keeps the bucket private and encrypted', () => {
    expect(template.Resources.PackagesBucket).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: expect.anything(),
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    })
  })

  it('has a method for every route and no two variables side by side in the tree of paths', () => {
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

  it('stays well below the limits of a stack and of a REST API', () => {
    expect(Object.keys(template.Resources).length).toBeLessThan(MOST_RESOURCES)
    expect(ofType(template, 'AWS::ApiGateway::Resource').length).toBeLessThan(MOST_PATHS)
  })
})

describe('the bundle', () => {
  const inputsOf = async (module: string) => {
    const { metafile } = await build({
      entryPoints: [resolve(`${module}.ts`)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      minify: true,
      mainFields: ['module', 'main'],
      write: false,
      metafile: true,
      outdir: directory,
    })
    const [output] = Object.values(metafile.outputs)
    return Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    )
  }

  it.each(FIVE)('of %s holds no S3 client and no format', async (name) => {
    const inputs = await inputsOf(`functions/${name}`)
    expect(
      inputs.filter((path) => /client-s3|s3-request-presigner|tar-stream|semver|lib\/(npm|files)/.test(path)),
    ).toEqual([])
  })

  it.each(['functions/access/access', 'functions/files/files'])('of %s holds no S3 client', async (module) => {
    expect((await inputsOf(module)).filter((path) => path.includes('client-s3'))).toEqual([])
  })
})
