import { notFound, type PackagesError } from '../lib/domain/errors.ts'
import { presentBug, presentFailure } from '../lib/http/errors.ts'
import { bodyTooLarge } from '../lib/http/params.ts'
import { COMMON_HEADERS } from '../lib/middleware/addHeaders.ts'

/** What API Gateway answers by itself, before or instead of a function. */
type GatewayAnswer = { status?: number; body: Record<string, string>; headers?: Record<string, string> }

const asPresented = ({ failure }: PackagesError): GatewayAnswer & { status: number } => {
  const { statusCode, body } = presentFailure(failure)
  return { status: statusCode, body: JSON.parse(body) }
}

export const unknownRoute = asPresented(notFound('route'))

const refused = asPresented(bodyTooLarge())
/** npm shows `error`, other clients `message`: API Gateway does not know who asks. */
export const tooLarge = { ...refused, body: { ...refused.body, error: refused.body.message ?? '' } }

const said = (status: number, text: string, headers?: Record<string, string>): GatewayAnswer => ({
  status,
  body: { message: `${status} ${text}` },
  ...(headers ? { headers } : {}),
})

/**
 * By API Gateway's type of response. No answer repeats what API Gateway has to say: its text about a bad signature has
 * the `Authorization` header in it.
 */
const answers: Record<string, GatewayAnswer> = {
  // No route here asks API Gateway for a login, so each of these means that no route was found: a path or a method that
  // is unknown, the second with an `Authorization` header that AWS takes for a signature of its own.
  MISSING_AUTHENTICATION_TOKEN: unknownRoute,
  RESOURCE_NOT_FOUND: unknownRoute,
  INVALID_SIGNATURE: unknownRoute,
  EXPIRED_TOKEN: unknownRoute,
  // Above 10 MB at API Gateway itself, and below it where base64 makes the event larger than Lambda takes.
  REQUEST_TOO_LARGE: tooLarge,
  // The bucket of tokens fills up every second.
  THROTTLED: said(429, 'Too Many Requests', { 'Retry-After': '1' }),
  ACCESS_DENIED: said(403, 'Forbidden'),
  WAF_FILTERED: said(403, 'Forbidden'),
  BAD_REQUEST_BODY: { status: 400, body: { error: '400 Bad Request' } },
  BAD_REQUEST_PARAMETERS: { status: 400, body: { error: '400 Bad Request' } },
  INTEGRATION_FAILURE: said(504, 'Gateway Timeout'),
  INTEGRATION_TIMEOUT: said(504, 'Gateway Timeout'),
  // Without a status: API Gateway's documentation says that one here would become that of all other types as well.
  DEFAULT_4XX: { body: { message: 'Bad Request' } },
  DEFAULT_5XX: { body: JSON.parse(presentBug().body) },
}

const logicalId = (type: string) =>
  `Answer${type
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')}`

/** `AWS::ApiGateway::GatewayResponse` resources in the words, and with the headers, of our own refusals. */
export const gatewayResponses = (restApiId: unknown): Record<string, { Type: string; Properties: object }> =>
  Object.fromEntries(
    Object.entries(answers).map(([type, { status, body, headers = {} }]) => [
      logicalId(type),
      {
        Type: 'AWS::ApiGateway::GatewayResponse',
        Properties: {
          RestApiId: restApiId,
          ResponseType: type,
          ...(status === undefined ? {} : { StatusCode: String(status) }),
          ResponseTemplates: { 'application/json': JSON.stringify(body) },
          ResponseParameters: Object.fromEntries(
            Object.entries({ ...COMMON_HEADERS, ...headers }).map(([name, value]) => [
              `gatewayresponse.header.${name}`,
              // The quotes make it a text; without them it would name something of the request.
              `'${value}'`,
            ]),
          ),
        },
      },
    ]),
  )
