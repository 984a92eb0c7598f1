import { testEnvironment } from './environment.ts'
import './onDynoxide.ts'

process.env.DYNAMODB_ENDPOINT = testEnvironment().dynamodbLocal
