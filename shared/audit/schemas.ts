import { z } from 'zod'
import type { JsonSchema } from './compatibility.ts'
import { accessUnmapped, foldedUnmapped } from './events/access.ts'
import { attributionUnmapped } from './events/attribution.ts'
import { authenticationUnmapped, foldedLoginsUnmapped } from './events/authentication.ts'
import { changeEventTypes, changeUnmapped } from './events/change.ts'
import { journalUnmapped } from './events/journal.ts'
import { routineUnmapped, unknownRecordUnmapped } from './events/metadata.ts'
import { driftedUnmapped, excludedUnmapped, gapUnmapped, unparsedUnmapped } from './events/mirror.ts'
import { requestUnmapped } from './events/request.ts'
import { anything, count, listOf, moment, text } from './schema-parts.ts'

type ClassUid = 6003 | 3002 | 6005 | 1008

const hexHash = z.string().describe('64 lower-case hexadecimal digits.')
const fingerprint = z
  .object({
    algorithm: z.string(),
    algorithm_id: z.literal(3),
    encoding_id: z.literal(1),
    serialization: z.string(),
    serialization_id: z.literal(99),
    value: hexHash
  })
  .meta({ id: 'Fingerprint' })
const user = z.object({ name: text, type_id: z.number().int() }).meta({ id: 'User' })
const api = z.object({ operation: text, service: z.object({ name: z.string() }), request: z.object({ uid: text }).optional() }).meta({ id: 'Api' })
const endpoint = z.object({ ip: text.optional(), name: text.optional(), location: z.object({ region: text }).optional() }).meta({ id: 'Endpoint' })
const resources = listOf(z.object({ type: text, name: text.optional(), uid: text.optional() }).meta({ id: 'Resource' }))

/** Members of all OCSF events here. */
const common = {
  class_name: z.string(),
  category_uid: z.number().int(),
  category_name: z.string(),
  type_uid: z.number().int(),
  activity_id: z.number().int(),
  activity_name: z.string(),
  severity_id: z.number().int(),
  severity: z.string().optional(),
  time: moment,
  message: text.optional(),
  status: z.string().optional(),
  status_id: z.number().int().optional(),
  status_code: text.optional(),
  count: count.optional(),
  start_time: moment.optional(),
  end_time: moment.optional(),
  duration: count.optional(),
  metadata: z.object({
    version: z.string(),
    product: z.object({ name: z.string(), vendor_name: z.string() }),
    profiles: z.array(z.string()),
    sequence: count.describe('Counts the entries of the log from 0, without holes.'),
    uid: z.string().optional(),
    log_name: text.optional(),
    log_provider: z.string().optional(),
    tenant_uid: text.optional().describe('The cluster.'),
    correlation_uid: text.optional(),
    is_truncated: z.boolean().optional().describe('True where something was cut.')
  }),
  attestation_list: z.array(
    z.object({
      chain_uid: z.string(),
      fingerprint,
      prev_event: z.object({ fingerprint, type_uid: z.number().int(), uid: z.string() }).optional(),
      uid: z.string()
    })
  )
}

const classes: Readonly<Record<ClassUid, Readonly<Record<string, z.ZodType>>>> = {
  6003: { actor: z.object({ user, app_name: text.optional() }), src_endpoint: endpoint, api, resources },
  6005: {
    actor: z.object({ user, app_name: text.optional() }),
    src_endpoint: endpoint,
    api,
    resources,
    type: z.string(),
    type_id: z.number().int(),
    database: z.object({ name: text, type: z.string(), type_id: z.number().int() }),
    table: z.object({ name: text, uid: text.optional() }).optional()
  },
  3002: {
    user,
    src_endpoint: endpoint,
    service: z.object({ name: z.string(), uid: text }),
    dst_endpoint: z.object({ name: text }).optional(),
    auth_protocol: text.optional(),
    auth_protocol_id: z.number().int(),
    is_remote: z.boolean(),
    api
  },
  1008: { log_name: text.optional(), log_provider: z.string().optional(), log_type: z.string().optional(), log_type_id: z.number().int().optional() }
}

/** Types whose entries have the same members. */
interface Family {
  readonly types: readonly string[]
  readonly classes: readonly ClassUid[]
  readonly unmapped: z.ZodObject
}

const origin = z.string().describe('<prefix>/<cluster id>/<topic>/<partition>')
const logEnd = z.object({
  origin,
  size: count,
  root: z.string(),
  fingerprint: hexHash.optional().describe('Of the last entry.'),
  checkpoint: hexHash.optional().describe('Of the last checkpoint, the whole note.')
})
const began = z.object({
  origin,
  vkey: z.string().describe('Of the first key.'),
  topicId: z.string(),
  chains: count.optional().describe('How many logs the topic has; absent: one.'),
  continues: logEnd.optional().describe('The end of the log of partition 0 of the topic that this one goes on from.'),
  continuesToo: z.array(logEnd).optional().describe('The ends of its other logs.')
})
const checkpoint = z.object({
  trailer: hexHash.nullable().describe('Hash of the last trailer before it.'),
  epoch: z.number().int().describe("The writer's producer epoch."),
  powers: anything.describe('Who could destroy the topic; what is unknown, and why.'),
  excluded: anything.describe('Principals that are not mirrored, with counts.'),
  silent: anything.describe('Sources not heard of, and since when.'),
  heads: z
    .array(z.object({ origin, size: count, fingerprint: hexHash.nullable() }))
    .optional()
    .describe('Where each log of the topic ended before, in a topic of several.'),
  continuedIn: z.string().optional().describe('The topic that goes on where this one ends.')
})
const keyRotated = z.object({ rotation: z.object({ statement: z.string(), byOld: z.string(), byNew: z.string() }) })

/** Every type of event that the log has, by family. */
const families: Readonly<Record<string, Family>> = {
  change: { types: changeEventTypes, classes: [6003], unmapped: changeUnmapped },
  'metadata-unknown': { types: ['metadata.unknown'], classes: [6003], unmapped: unknownRecordUnmapped },
  'metadata-routine': { types: ['metadata.routine'], classes: [6003], unmapped: routineUnmapped },
  attribution: { types: ['change.attributed', 'change.unattributed'], classes: [6003], unmapped: attributionUnmapped },
  request: { types: ['request.done'], classes: [6003], unmapped: requestUnmapped },
  access: { types: ['access.denied', 'access.allowed'], classes: [6003, 6005], unmapped: accessUnmapped },
  'access-folded': { types: ['access.folded', 'access.corrected'], classes: [6005], unmapped: foldedUnmapped },
  authentication: { types: ['authentication.failed', 'authentication.succeeded'], classes: [3002], unmapped: authenticationUnmapped },
  'authentication-folded': { types: ['authentication.folded', 'authentication.corrected'], classes: [3002], unmapped: foldedLoginsUnmapped },
  journal: { types: ['reeve.did'], classes: [6003], unmapped: journalUnmapped },
  'line-unparsed': { types: ['line.unparsed'], classes: [1008], unmapped: unparsedUnmapped },
  'audit-began': { types: ['audit.began'], classes: [1008], unmapped: began },
  'audit-checkpoint': { types: ['audit.checkpoint'], classes: [1008], unmapped: checkpoint },
  'audit-key-rotated': { types: ['audit.key-rotated'], classes: [1008], unmapped: keyRotated },
  'audit-gap': { types: ['audit.gap'], classes: [1008], unmapped: gapUnmapped },
  'audit-excluded': { types: ['audit.excluded'], classes: [1008], unmapped: excludedUnmapped },
  'audit-drifted': { types: ['audit.drifted'], classes: [1008], unmapped: driftedUnmapped }
}

function schemaOf({ types, classes: classUids, unmapped: members }: Family): z.ZodType {
  const unmapped = members.extend({ coordinate: z.string().describe('The place in the source; each place once for each event type.') })
  const payloads = classUids.map(uid => z.object({ class_uid: z.literal(uid), ...common, ...classes[uid], unmapped }))
  return z.object({
    eventSchema: z.literal('reeve.audit.event'),
    eventVersion: z.literal(1),
    eventId: z.string().describe('UUID of version 8, from type and coordinate.'),
    eventType: z.enum(types),
    source: z.enum(['metadata-log', 'admin-scan', 'authorizer-log', 'request-log', 'server-log', 'journal', 'mirror']),
    timestamp: z.string().describe("ISO 8601, UTC, milliseconds: the source's own time."),
    correlationId: z.string().nullable(),
    causationId: z.string().nullable(),
    metadata: z.object({ userId: z.string().nullable(), sessionId: z.string().nullable(), traceId: z.string().nullable(), environment: z.string().nullable() }),
    payload: payloads.length === 1 ? payloads[0]! : z.union(payloads)
  })
}

/** The whole entry of an event of this type; null for a type that the log does not have. */
export function entrySchema(eventType: string): z.ZodType | null {
  const family = Object.values(families).find(({ types }) => types.includes(eventType))
  return family === undefined ? null : schemaOf(family)
}

/** The JSON Schemas of all entries, by family. */
export function auditSchemas(): Readonly<Record<string, JsonSchema>> {
  // Of the input: what is new in a later release is no mistake.
  const schema = (family: Family): JsonSchema => z.toJSONSchema(schemaOf(family), { io: 'input', target: 'draft-2020-12' }) as JsonSchema
  return Object.fromEntries(Object.entries(families).map(([name, family]) => [name, { ...schema(family), title: `Audit log: ${name}` }]))
}
