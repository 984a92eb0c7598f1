import { writeFileSync } from 'node:fs'
import { renderAccessTable } from '../test/support/accessRules.ts'

writeFileSync(new URL('access-table.md', import.meta.url), renderAccessTable())
