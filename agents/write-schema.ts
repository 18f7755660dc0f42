import { writeFileSync } from 'node:fs'
import { configJsonSchema } from '#shared/config/index.ts'
import { catalogue, streams } from './catalogue.ts'

/** The checked-in schema of the configuration file. `node agents/write-schema.ts` writes it; a test says when it is old. */
export const schemaFile = new URL('../config/schemas/config.schema.json', import.meta.url)

export function currentSchema(): string {
  return configJsonSchema([...catalogue, ...streams].map(({ name, policy }) => ({ name, policySchema: policy })))
}

if (import.meta.main) writeFileSync(schemaFile, currentSchema())
