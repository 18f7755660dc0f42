import { z } from 'zod'
import { ofTheProcess } from './clusters.ts'
import { configSchema, type PolicySchema } from './schema.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The JSON Schema of the file as an operator writes it, for editors; ends with a newline. */
export function configJsonSchema(agents: readonly PolicySchema[]): string {
  const { required = [], ...schema } = z.toJSONSchema(configSchema(agents), { io: 'input', target: 'draft-2020-12' })
  const ofOneCluster = Object.entries(schema.properties ?? {}).filter(([key]) => !ofTheProcess.includes(key))
  const clusters = {
    type: 'object',
    description: 'Several clusters in place of one: what stands under a name is laid over the rest of the file for that cluster.',
    minProperties: 1,
    additionalProperties: {
      type: 'object',
      properties: Object.fromEntries(ofOneCluster.map(([key, part]) => [key, inPart(part)])),
      additionalProperties: false
    }
  }
  // With several clusters what a cluster needs may stand under its name or at the top.
  const full = {
    ...schema,
    title: 'Configuration of Reeve',
    properties: { ...schema.properties, clusters },
    required: ['version'],
    anyOf: [{ required }, { required: ['clusters'] }]
  }
  return `${JSON.stringify(full, null, 2)}\n`
}

/** A block of which some may stand elsewhere. */
function inPart(part: JsonSchema | boolean): JsonSchema | boolean {
  if (typeof part !== 'object') return part
  const { required: _, ...rest } = part
  return rest
}
