import { z } from 'zod'
import { configSchema, type PolicySchema } from './schema.ts'

/** The JSON Schema of the file as an operator writes it, for editors; ends with a newline. */
export function configJsonSchema(agents: readonly PolicySchema[]): string {
  const schema = z.toJSONSchema(configSchema(agents), { io: 'input', target: 'draft-2020-12' })
  return `${JSON.stringify({ ...schema, title: 'Configuration of Reeve' }, null, 2)}\n`
}
