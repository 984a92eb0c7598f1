import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec'

export type Resource = {
  Type: string
  DependsOn?: string | string[]
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
  Properties: Record<string, unknown>
}
export type Template = { Resources: Record<string, Resource>; Outputs: Record<string, { Value: unknown }> }

type Property = { type: Type; previousTypes?: Type[]; required?: boolean }
type Type =
  | { type: 'string'; allowedValues?: string[] }
  | { type: 'integer'; allowedValues?: number[] }
  | { type: 'number' | 'boolean' | 'json' | 'date-time' | 'null' | 'tag' }
  | { type: 'ref'; reference: { $ref: string } }
  | { type: 'array' | 'map'; element: Type }
  | { type: 'union'; types: Type[] }

const PSEUDO = /^AWS::(AccountId|NoValue|Partition|Region|StackId|StackName|URLSuffix)$/

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value that CloudFormation works out during the deployment. */
const isIntrinsic = (value: unknown) => isObject(value) && Object.keys(value).some((key) => /^(Ref$|Fn::)/.test(key))

/**
 * What CloudFormation would refuse about a template, by the schemas that AWS publishes of its resources: types and
 * properties that it does not know, required ones that are missing, values of another type, references to nothing.
 */
export const problemsOf = async (template: Template): Promise<string[]> => {
  const spec = await loadAwsServiceSpec()
  const problems: string[] = []
  const resourceOf = (type: string) => [...spec.lookup('resource', 'cloudFormationType', 'equals', type)][0]

  const checkProperties = (given: Record<string, unknown>, known: Record<string, Property>, path: string): string[] => [
    ...Object.entries(known).flatMap(([name, { required }]) =>
      required && given[name] === undefined ? [`${path}.${name} is missing`] : [],
    ),
    ...Object.entries(given).flatMap(([name, value]) => {
      if (value === undefined) return []
      const property = known[name]
      if (!property) return [`${path}.${name} is not known`]
      const tries = [property.type, ...(property.previousTypes ?? [])].map((type) =>
        checkValue(value, type, `${path}.${name}`),
      )
      return tries.find((found) => found.length === 0) ?? tries[0] ?? []
    }),
  ]

  const checkValue = (value: unknown, type: Type, path: string): string[] => {
    if (isIntrinsic(value)) return []
    const unless = (isFine: boolean) => (isFine ? [] : [`${path} is no ${type.type}: ${JSON.stringify(value)}`])
    switch (type.type) {
      case 'string':
        if (typeof value !== 'string') return unless(false)
        return !type.allowedValues || type.allowedValues.includes(value)
          ? []
          : [`${path} is no string that it may be: ${JSON.stringify(value)}`]
      case 'integer':
        return unless(Number.isInteger(value))
      case 'number':
        return unless(typeof value === 'number')
      case 'boolean':
        return unless(typeof value === 'boolean')
      case 'json':
        return unless(isObject(value) || Array.isArray(value))
      case 'tag':
        return unless(isObject(value) && typeof value.Key === 'string')
      case 'array':
        return Array.isArray(value)
          ? value.flatMap((item, place) => checkValue(item, type.element, `${path}[${place}]`))
          : unless(false)
      case 'map':
        return isObject(value)
          ? Object.entries(value).flatMap(([key, item]) => checkValue(item, type.element, `${path}.${key}`))
          : unless(false)
      case 'union': {
        const tries = type.types.map((one) => checkValue(value, one, path))
        return tries.some((found) => found.length === 0) ? [] : (tries[0] ?? [])
      }
      case 'ref': {
        const { properties } = spec.get('typeDefinition', type.reference.$ref) as {
          properties: Record<string, Property>
        }
        return isObject(value) ? checkProperties(value, properties, path) : unless(false)
      }
      default:
        return unless(typeof value === 'string')
    }
  }

  const checkReference = (name: string, path: string) => {
    const [id = '', ...attribute] = name.split('.')
    if (PSEUDO.test(name)) return
    const resource = template.Resources[id]
    if (!resource) problems.push(`${path} refers to ${id}, which is not there`)
    else if (attribute.length > 0 && !resourceOf(resource.Type)?.attributes[attribute.join('.')]) {
      problems.push(`${path} asks for ${name}, which ${resource.Type} does not tell`)
    }
  }

  const walkReferences = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const [place, item] of value.entries()) walkReferences(item, `${path}[${place}]`)
    if (!isObject(value)) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'Ref') checkReference(String(inner), path)
      else if (key === 'Fn::GetAtt') checkReference(Array.isArray(inner) ? inner.join('.') : String(inner), path)
      else if (key === 'Fn::Sub') {
        for (const [, name = ''] of String(inner).matchAll(/\$\{([\w.:]+)\}/g)) checkReference(name, path)
      } else walkReferences(inner, `${path}.${key}`)
    }
  }

  for (const [id, resource] of Object.entries(template.Resources)) {
    const known = resourceOf(resource.Type)
    if (!known) problems.push(`${id} is a ${resource.Type}, which is not known`)
    else problems.push(...checkProperties(resource.Properties ?? {}, known.properties as Record<string, Property>, id))
    for (const other of [resource.DependsOn ?? []].flat()) checkReference(other, `${id}.DependsOn`)
    walkReferences(resource.Properties, id)
  }
  for (const [id, output] of Object.entries(template.Outputs)) walkReferences(output, id)
  return problems
}
