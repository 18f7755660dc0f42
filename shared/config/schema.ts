import { z } from 'zod'
import { parseBroker } from '../kafka/connection.ts'
import { durationBetween } from './duration.ts'
import { globs, moment, secret, whole } from './types.ts'

const name = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "expected letters, digits, '.', '_' and '-'" })
const why = z.string().min(1, { error: 'expected one sentence that says why' })
const percent = z.number({ error: 'expected a percentage from 0 to 100' }).min(0).max(100)

const sasl = z.strictObject({
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
  username: z.string().min(1),
  password: secret.describe('Give it as ${NAME}, never in the file.')
})

const tls = z
  .strictObject({
    caFile: z.string().min(1).optional().describe('PEM file of the authorities to trust; default: those of Node.'),
    certFile: z.string().min(1).optional().describe("PEM file of Reeve's own certificate, for mutual TLS."),
    keyFile: z.string().min(1).optional(),
    servername: z.string().min(1).optional().describe("Name to expect in the brokers' certificate where it is not their address.")
  })
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), { error: 'certFile and keyFile belong together' })

const brokers = z
  .array(z.string(), { error: 'expected a list of host:port' })
  .transform(list => list.flatMap(text => text.split(',').map(address => address.trim())).filter(address => address !== ''))
  .superRefine((list, context) => {
    if (list.length === 0) context.addIssue({ code: 'custom', message: 'expected at least one host:port' })
    list.forEach((address, index) => {
      try {
        parseBroker(address)
      } catch {
        // Without the address: it may come from the environment.
        context.addIssue({ code: 'custom', message: `address ${index + 1} of ${list.length}: expected host:port with a port from 1 to 65535` })
      }
    })
  })

/** A webhook address, https but for this machine; empty: the channel has none. */
const webhook = z
  .string()
  .refine(text => text === '' || isWebhook(text), { error: 'expected an https:// address (http:// only for this machine)', abort: true })
  .pipe(z.union([z.literal('').transform(() => null), secret]))

function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname))
}

function isRedis(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol) && new URL(text).hostname !== ''
}

const limits = z.strictObject({
  maxActions: whole(0, 10_000).default(5).describe('Most actions of one plan; more is refused and needs a person.'),
  maxPercent: percent.default(10).describe('Most percent of all groups or topics that may be paused or deleted at the same time.'),
  percentMinimum: whole(0, 10_000).default(10).describe('Below this many the percentage does not count.'),
  maxPerOwner: whole(0, 10_000).default(2).describe('Most that one owner may have paused or deleted at the same time.'),
  freeze: z
    .array(
      z
        .strictObject({ from: moment, until: moment, why })
        .refine(({ from, until }) => from < until, { error: 'expected until to be later than from', path: ['until'] })
    )
    .default([])
    .describe('Windows in which nothing is paused or deleted; giving back goes on.'),
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
        tls: tls.optional()
      }),
      redis: z.strictObject({
        url: z.string().refine(isRedis, { error: 'expected redis://[user:password@]host[:port][/db], or rediss:// for TLS', abort: true }).pipe(secret),
        queuePrefix: name.default('reeve').describe("Namespace of Reeve's keys in Redis.")
      }),
      topics: z.strictObject({ prefix: name.default('reeve').describe("Prefix of Reeve's own topics.") }).prefault({}),
      observer: z
        .strictObject({
          interval: durationBetween({ leastMs: 500, mostMs: 3_600_000 }).prefault('30s').describe('From one scan of the cluster to the next.'),
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
      owners: z.array(owner).default([]).describe('Who answers for what; the first rule that matches wins.'),
      notify: z.strictObject({
        platformChannel: z.string().min(1).describe('Where notices go that nobody owns. One of notify.channels.'),
        channels: z.record(
          name,
          z.strictObject({ slackWebhook: webhook.describe('Incoming webhook, given as ${NAME}; empty: none, and its notices are shown as failed.') })
        )
      }),
      agents: z.strictObject(Object.fromEntries(agents.map(each => [each.name, agent(each)]))).prefault({}),
      http: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: whole(0, 65_535).default(9_400) }).prefault({}),
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
