import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { incompatibilities, type JsonSchema } from '#shared/audit/compatibility.ts'
import { auditSchemas } from '#shared/audit/schemas.ts'
import { configJsonSchema } from '#shared/config/index.ts'
import { catalogue, streams } from './catalogue.ts'

/** The checked-in schema of the configuration file. `node agents/write-schema.ts` writes it; a test says when it is old. */
export const schemaFile = new URL('../config/schemas/config.schema.json', import.meta.url)

export function currentSchema(): string {
  return configJsonSchema([...catalogue, ...streams].map(({ name, policy }) => ({ name, policySchema: policy })))
}

/** The checked-in schemas of the audit log's entries, one file a family. */
export const auditSchemaFile = (family: string): URL => new URL(`../config/schemas/audit/${family}.schema.json`, import.meta.url)
/** The same of the last release, in one file: `node agents/write-schema.ts --release` writes it. */
export const releasedAuditSchemas = new URL('../config/schemas/audit-released.json', import.meta.url)

export function currentAuditSchemas(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(auditSchemas()).map(([family, schema]) => [family, `${JSON.stringify(schema, null, 2)}\n`]))
}

/** What the present schemas of the audit log take from whoever reads by those of the last release. */
export function auditSchemaFaults(): string[] {
  const present = auditSchemas()
  const released = JSON.parse(readFileSync(releasedAuditSchemas, 'utf8')) as Readonly<Record<string, JsonSchema>>
  return Object.entries(released).flatMap(([family, schema]) => {
    const now = present[family]
    return now === undefined ? [`${family}: was removed`] : incompatibilities(schema, now).map(fault => `${family}: ${fault}`)
  })
}

if (import.meta.main) {
  writeFileSync(schemaFile, currentSchema())
  mkdirSync(new URL('.', auditSchemaFile('change')), { recursive: true })
  for (const [family, schema] of Object.entries(currentAuditSchemas())) writeFileSync(auditSchemaFile(family), schema)
  if (process.argv.includes('--release')) writeFileSync(releasedAuditSchemas, `${JSON.stringify(auditSchemas())}\n`)
}
