import { gatewayResponses } from './gatewayResponses.ts'

type Resource = { Type: string; DependsOn?: string[]; Properties: Record<string, unknown> }
type Template = { Resources: Record<string, Resource> }
type Statement = { Action?: string[] }
type Serverless = { service: { provider: { compiledCloudFormationTemplate: Template } } }

const idOf = (template: Template, type: string): string => {
  const found = Object.entries(template.Resources).find(([, resource]) => resource.Type === type)
  if (!found) throw new Error(`The template has no ${type}`)
  return found[0]
}

/** What the framework has no setting for, put into the template that it makes. */
class ApiGateway {
  readonly hooks: Record<string, () => void>

  constructor({ service }: Serverless) {
    const edit = () => {
      const template = service.provider.compiledCloudFormationTemplate
      addGatewayResponses(template)
      tieStage(template)
      keepLogGroups(template)
      dropSharedRole(template)
    }
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': edit }
  }
}

/** A deployment is a copy of the API as it is at that moment: the responses have to be there before it. */
const addGatewayResponses = (template: Template) => {
  const responses = gatewayResponses({ Ref: idOf(template, 'AWS::ApiGateway::RestApi') })
  Object.assign(template.Resources, responses)
  const deployment = template.Resources[idOf(template, 'AWS::ApiGateway::Deployment')]
  if (deployment) deployment.DependsOn = [...(deployment.DependsOn ?? []), ...Object.keys(responses)]
}

/**
 * The framework lets each deployment make the stage along the way, which leaves no place for its settings. The stage of
 * `serverless.yml` takes over; the id of its deployment is new each time and cannot be written there.
 */
const tieStage = (template: Template) => {
  const deploymentId = idOf(template, 'AWS::ApiGateway::Deployment')
  const stage = template.Resources[idOf(template, 'AWS::ApiGateway::Stage')]
  if (stage) stage.Properties.DeploymentId = { Ref: deploymentId }
  delete template.Resources[deploymentId]?.Properties.StageName
}

/**
 * A function's log group comes with the template. A function that may make one does so when it still runs while the
 * stack is removed; that group then keeps its lines for ever, and the next deployment finds the name taken.
 */
const keepLogGroups = ({ Resources }: Template) => {
  for (const { Type, Properties } of Object.values(Resources)) {
    if (Type !== 'AWS::IAM::Role') continue
    const policies = (Properties.Policies ?? []) as { PolicyDocument: { Statement: Statement[] } }[]
    for (const statement of policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)) {
      if (statement.Action) statement.Action = statement.Action.filter((action) => action !== 'logs:CreateLogGroup')
    }
  }
}

/** Each function has a role of its own; the one that the framework makes for all is nobody's. */
const dropSharedRole = ({ Resources }: Template) => {
  const { IamRoleLambdaExecution, ...others } = Resources
  if (!JSON.stringify(others).includes('"IamRoleLambdaExecution"')) delete Resources.IamRoleLambdaExecution
}

// biome-ignore lint/style/noDefaultExport: the framework asks for it
export default ApiGateway
