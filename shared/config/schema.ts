import { z } from 'zod'
import { durationBetween } from './duration.ts'
import { approvals, http } from './http-schema.ts'
import { agentTls, brokers, brokerTls, clientTls, sasl } from './kafka-schema.ts'
import { notify as notifySchema } from './notify-schema.ts'
import { globs, moment, secret, whole } from './types.ts'

const name = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "expected letters, digits, '.', '_' and '-'" })
const why = z.string().min(1, { error: 'expected one sentence that says why' })
const percent = z.number({ error: 'expected a percentage from 0 to 100' }).min(0).max(100)

function isRedis(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol) && new URL(text).hostname !== ''
}

const moments = z
  .strictObject({ from: moment, until: moment, why })
  .refine(({ from, until }) => from < until, { error: 'expected until to be later than from', path: ['until'] })

const limits = z.strictObject({
  maxActions: whole(0, 10_000).default(5).describe('Most actions of one plan; more is refused and needs a person.'),
  maxPercent: percent.default(10).describe('Most percent of all groups or topics that may be paused or deleted at the same time.'),
  percentMinimum: whole(0, 10_000).default(10).describe('Below this many the percentage does not count.'),
  maxPerOwner: whole(0, 10_000).default(2).describe('Most that one owner may have paused or deleted at the same time.'),
  freeze: z.array(moments).default([]).describe('Windows in which nothing is paused or deleted; giving back goes on.'),
  holds: z
    .array(z.strictObject({ subject: z.string().min(1, { error: 'expected a name or a glob such as payments-*' }), why }))
    .default([])
    .describe('Groups and topics that are never touched.')
})

const owner = z
  .strictObject({
    team: z.string().min(1),
    channel: z.string().min(1).describe('One of notify.channels.'),
    criticality: z.enum(['low', 'normal', 'high', 'critical']).default('normal').describe("How far trouble of this team's groups may escalate."),
    groups: globs.default([]),
    topics: globs.default([])
  })
  .refine(({ groups, topics }) => groups.length + topics.length > 0, { error: 'expected at least one glob in groups or topics' })

/** An agent as the configuration sees it: a name and what an operator may say to it. */
export interface PolicySchema {
  readonly name: string
  readonly policySchema: z.ZodType
}

/** The whole file. The agents' own policies are given, so that this folder knows no agent. */
export function configSchema(agents: readonly PolicySchema[]) {
  const agent = ({ policySchema }: PolicySchema) =>
    z
      .strictObject({
        enabled: z.boolean().default(true).describe('False: this agent takes no turn.'),
        act: z.boolean().default(false).describe('False: it observes, plans and notifies, and changes nothing.'),
        sasl: sasl.optional().describe("This agent's own principal; default: the cluster's."),
        tls: agentTls.optional().describe("This agent's own certificate, where brokers take the principal from it; default: the cluster's."),
        policy: policySchema.prefault({})
      })
      .optional()
  return z
    .strictObject({
      version: z.literal(1, { error: 'expected 1, the version that this release reads' }),
      cluster: z.strictObject({
        name: name.default('main').describe('How people and metrics call this cluster; under `clusters` its key there.'),
        brokers,
        clientId: name.default('reeve'),
        sasl: sasl.optional(),
        tls: brokerTls.optional()
      }),
      redis: z
        .strictObject({
          url: z.string().refine(isRedis, { error: 'expected redis://[user:password@]host[:port][/db], or rediss:// for TLS', abort: true }).pipe(secret),
          tls: clientTls.optional().describe('For rediss://.'),
          queuePrefix: name.default('reeve').describe("Namespace of Reeve's keys in Redis.")
        })
        .refine(({ url, tls }) => tls === undefined || url.reveal().startsWith('rediss:'), { error: 'needs a rediss:// address in url', path: ['tls'] }),
      topics: z.strictObject({ prefix: name.default('reeve').describe("Prefix of Reeve's own topics.") }).prefault({}),
      observer: z
        .strictObject({
          interval: durationBetween({ leastMs: 500, mostMs: 3_600_000 })
            .prefault('30s')
            .describe(
              'From one scan of the cluster to the next; up to four times as long while brokers throttle it, or while it takes more than 250 ms and more than 1/200 of that time.'
            ),
          keyFrameEvery: whole(1, 10_000).default(20).describe('Every so many scans all is written, not only what changed.')
        })
        .prefault({}),
      lease: z
        .strictObject({
          renewEvery: durationBetween({ leastMs: 200, mostMs: 60_000 }).prefault('5s'),
          takeOverAfter: durationBetween({ leastMs: 1_000, mostMs: 600_000 })
            .prefault('20s')
            .describe('A standby that reads no lease record for so long takes over.')
        })
        .prefault({})
        .refine(({ renewEvery, takeOverAfter }) => takeOverAfter >= 3 * renewEvery, {
          error: 'expected takeOverAfter to be at least three times renewEvery',
          path: ['takeOverAfter']
        }),
      limits: limits.prefault({}),
      maintenance: z
        .array(moments)
        .default([])
        .describe('Windows in which the cluster is worked on: judgement is suspended, nobody is told and nothing is paused; giving back goes on.'),
      owners: z.array(owner).default([]).describe('Who answers for what; the first rule that matches wins.'),
      notify: notifySchema,
      approvals: approvals.prefault({}),
      agents: z.strictObject(Object.fromEntries(agents.map(each => [each.name, agent(each)]))).prefault({}),
      http: http.prefault({}),
      log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info') }).prefault({})
    })
    .superRefine(({ owners, notify }, context) => {
      const known = (channel: string) => Object.hasOwn(notify.channels, channel)
      const message = 'expected one of the names in notify.channels'
      if (!known(notify.platformChannel)) context.addIssue({ code: 'custom', path: ['notify', 'platformChannel'], message })
      owners.forEach(({ channel }, index) => {
        if (!known(channel)) context.addIssue({ code: 'custom', path: ['owners', index, 'channel'], message })
      })
    })
}

export type ParsedConfig = z.output<ReturnType<typeof configSchema>>
