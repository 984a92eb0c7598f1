import * as v from 'valibot'

const url = v.pipe(
  v.string(),
  v.url('must be a URL'),
  v.transform((text) => text.replace(/\/+$/, '')),
)

const schema = v.object({
  /** The table. */
  TABLE_NAME: v.pipe(v.string('is not set'), v.minLength(1, 'is empty')),
  /** The bucket for files. */
  BUCKET_NAME: v.pipe(v.string('is not set'), v.minLength(1, 'is empty')),
  /** Where the database answers; without it AWS's own. */
  DYNAMODB_ENDPOINT: v.optional(url),
  /** Where the object store answers; without it AWS's own. Clients follow redirects to it. */
  S3_ENDPOINT: v.optional(url),
  /** What public links start with, such as `https://packages.example.com`; without it the request's own domain and stage. */
  EXTERNAL_URL: v.optional(url),
})

export type Config = {
  tableName: string
  bucketName: string
  dynamodbEndpoint: string | undefined
  s3Endpoint: string | undefined
  externalUrl: string | undefined
}

/** @throws Error that names each variable that is missing or wrong */
export const parseConfig = (environment: Record<string, string | undefined>): Config => {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = v.safeParse(schema, given)
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message}`)
    throw new Error(
      `The environment is not complete: ${problems.join('; ')}. serverless.yml and npm start set these variables.`,
    )
  }
  const { TABLE_NAME, BUCKET_NAME, DYNAMODB_ENDPOINT, S3_ENDPOINT, EXTERNAL_URL } = parsed.output
  return {
    tableName: TABLE_NAME,
    bucketName: BUCKET_NAME,
    dynamodbEndpoint: DYNAMODB_ENDPOINT,
    s3Endpoint: S3_ENDPOINT,
    externalUrl: EXTERNAL_URL,
  }
}

let parsed: Config | undefined
/** The settings of this process, read once. */
export const config = (): Config => (parsed ??= parseConfig(process.env))
