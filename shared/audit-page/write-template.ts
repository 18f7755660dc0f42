// node shared/audit-page/write-template.ts: after a change of the sources in browser/, writes the page that they make.
import { writeFileSync } from 'node:fs'
import { buildTemplate, templateFile } from './template.ts'

writeFileSync(templateFile, buildTemplate())
