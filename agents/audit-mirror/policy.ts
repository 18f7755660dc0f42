import { z } from 'zod'
import { anchors } from '#shared/anchors/schema.ts'
import { mostChains } from '#shared/audit/routing.ts'
import { compileLayout, KAFKA_PATTERN } from '#shared/broker-logs/layout.ts'
import { openZone } from '#shared/broker-logs/source-time.ts'
import { durationBetween } from '#shared/config/duration.ts'
import { brokers, brokerTls, sasl } from '#shared/config/kafka-schema.ts'
import { globs, secret, whole } from '#shared/config/types.ts'

const topicName = z.string().regex(/^[A-Za-z0-9._-]{1,249}$/, { error: "expected a topic's name" })
const sourceName = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "expected letters, digits, '.', '_' and '-'" })
const moments = (leastMs: number, mostMs: number) => durationBetween({ leastMs, mostMs })

/** Whether a function takes the text, as a check that says the function's own words. */
function readBy(read: (text: string) => unknown) {
  return z.string().superRefine((text, context) => {
    try {
      read(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })
}

const log = z
  .strictObject({
    id: sourceName.describe('What this source is called in events and positions; must stay the same.'),
    content: z
      .enum(['authorizer', 'request', 'server'])
      .describe('Which log it is, where its lines do not say; `server` is all that a broker writes, for logins.'),
    timeZone: readBy(openZone).default('UTC').describe("Of the brokers' clock: Kafka's own layout writes none. An IANA name such as Europe/Zurich."),
    layout: readBy(compileLayout).default(KAFKA_PATTERN).describe('The PatternLayout of log4j2 that writes it, or that of the line inside `wrapped`.'),
    topic: topicName.optional().describe('The topic that a log forwarder fills, one line a record.'),
    wrapped: z
      .strictObject({ message: z.string().min(1), host: z.string().min(1).optional() })
      .optional()
      .describe('Where the forwarder wraps each line into JSON: the fields that hold the line and the host.'),
    hostHeader: z.string().min(1).optional().describe('The header of the record that holds the host.'),
    file: z.string().min(1).optional().describe('Or the log file itself, on a volume that this process can read; what it is rotated to is read too.'),
    host: z.string().min(1).optional().describe('With `file`: the machine that writes it.')
  })
  .refine(({ topic, file }) => (topic === undefined) !== (file === undefined), { error: 'expected either topic or file' })
  .refine(({ file, host }) => (file === undefined) === (host === undefined), { error: 'file and host belong together' })

const metadata = z.strictObject({
  controllers: brokers.describe('Listeners of the controllers.'),
  sasl: sasl.optional().describe('A principal of its own with CLUSTER_ACTION and no other right: who has it can do as much as a broker.'),
  tls: brokerTls.optional()
})

/** What an operator may say to the mirror. */
export const policySchema = z
  .strictObject({
    topic: topicName.default('audit.platform-operations'),
    chains: whole(1, mostChains)
      .default(1)
      .describe(
        'How many chains the topic has, one a partition; each source is in one of them. Of a topic it never changes: another number needs another topic.'
      ),
    continues: topicName
      .optional()
      .describe(
        'The earlier topic that this one goes on from, for example that of last year: it is ended when this one begins, and nobody writes there any more.'
      ),
    prefix: z
      .string()
      .regex(/^[^\s+/:]{1,100}$/, { error: "expected text without spaces, '+', '/' and ':'" })
      .default('reeve.audit')
      .describe("First part of the log's origin, by which checkpoints and keys are told from those of others."),
    principal: z
      .string()
      .min(1)
      .default('User:reeve-audit')
      .describe('Its own principal as Kafka names it: the only one that should be able to write to the topic.'),
    environment: z.string().min(1).nullable().default(null).describe('Written into each event, for example production.'),
    regions: z
      .array(z.strictObject({ addresses: globs, region: z.string().min(1) }))
      .default([])
      .describe('Where client addresses lie; the first glob that matches wins.'),
    keys: z
      .array(secret)
      .default([])
      .describe('Keys that sign checkpoints (`reeve audit keygen`), given as ${file:…}. The newest last; the one before it stays until it has handed over.'),
    firstKey: z
      .string()
      .regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/, { error: 'expected a verifier key as keygen prints it' })
      .optional()
      .describe('The verifier key that the log began with, once its own is not among `keys` any more: `reeve audit verify` trusts no later one.'),
    hashKey: secret.optional().describe('At least 32 bytes: key of the hashes that stand where secrets were. Needed with `metadata`.'),
    metadata: metadata.optional().describe("KRaft's own metadata log, every committed change. Off unless named; differences of scans stand in."),
    scanEvery: moments(1_000, 3_600_000).prefault('30s').describe('How often the cluster is looked at where the metadata log is not read.'),
    logs: z.array(log).default([]).describe('Authorizer, request and server logs of brokers and controllers.'),
    journal: z.boolean().default(true).describe("Mirror Reeve's own journal."),
    exclude: globs.describe("Principals whose allowed accesses are not mirrored but counted: Reeve's own, to avoid a loop.").default([]),
    window: moments(100, 600_000).prefault('10s').describe('How long before and after a change its line is looked for, in source time.'),
    skew: moments(0, 60_000).prefault('1s').describe('By how much the clocks of brokers and controllers may differ.'),
    lateness: moments(0, 600_000).prefault('5s').describe('By how much lines of one source may come out of order.'),
    giveUp: moments(1_000, 3_600_000).prefault('2m').describe('A source that is this far behind the furthest is not waited for, and called silent.'),
    remember: moments(0, 604_800_000)
      .prefault('1d')
      .describe('How long a change that nobody is known to have made is remembered: a line that comes late and tells of it is an event, too. In source time.'),
    each: globs.default([]).describe('Topics of which every allowed read and write is an event of its own; else they are counted by minute.'),
    checkpointEvery: moments(1_000, 86_400_000).prefault('1m').describe('A signed checkpoint comes so long after anything happened, and at least once a day.'),
    checkpointEntries: whole(1, 1_000_000).default(10_000).describe('And after so many events.'),
    guardEvery: moments(1_000, 86_400_000).prefault('10m').describe("How often the topic's settings and rights are looked at."),
    anchors: anchors.default([]).describe('Places outside the cluster that keep each checkpoint. Without one the log attests itself only.')
  })
  .refine(({ topic, continues }) => topic !== continues, { error: 'expected another topic than its own', path: ['continues'] })

export type Policy = z.output<typeof policySchema>
export type LogPolicy = Policy['logs'][number]
