import kafkajs, { type KafkaConfig } from 'kafkajs'
import { z } from 'zod'
import { type KafkaConnection, tlsOptions } from '#shared/kafka/connection.ts'

/** What a consumer process is told, as one JSON argument. */
export const consumerOptionsSchema = z.strictObject({
  connection: z.custom<KafkaConnection>(value => Array.isArray((value as KafkaConnection | null)?.brokers), 'expected a connection with brokers'),
  groupId: z.string().min(1),
  topics: z.array(z.string().min(1)).min(1),
  /**
   * healthy: handles every record in `workMs`. stuck: waits in its handler for a dependency that comes back with "fixed".
   * poison: ends at a record whose value begins with `poison`, is started again, and skips such records after "fixed".
   */
  behaviour: z.enum(['healthy', 'stuck', 'poison']),
  /** Whether it adopted the SDK. */
  sdk: z.boolean(),
  prefix: z.string().default('reeve'),
  poison: z.string().min(1).default('poison'),
  /** How long it works on such a record before it ends. */
  poisonMs: z.number().nonnegative().default(0),
  workMs: z.number().nonnegative().default(0),
  /** Before a process that ended is started again. */
  restartDelayMs: z.number().nonnegative().default(1_000),
  /** "fixed" was said before this process began. */
  fixed: z.boolean().default(false)
})
export type ConsumerOptions = z.infer<typeof consumerOptionsSchema>

/** One line of JSON on standard output; `event` says which. Bytes of records are never in it. */
export function say(event: string, facts: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, atMs: Date.now(), ...facts })}\n`)
}

/** The same connection for kafkajs. Its log goes to standard error, warnings and worse. */
export function kafkajsConfig(connection: KafkaConnection): KafkaConfig {
  const { brokers, clientId, sasl } = connection
  const tls = tlsOptions(connection)
  return {
    brokers: [...brokers],
    clientId,
    logLevel: kafkajs.logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, label, log }) =>
        void process.stderr.write(`${label} ${namespace} ${log.message}\n`),
    ...(tls && { ssl: tls }),
    ...(sasl && { sasl: kafkajsLogin(sasl) })
  }
}

/** A password is looked up once: kafkajs takes no function for it. */
function kafkajsLogin(sasl: NonNullable<KafkaConnection['sasl']>): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism === 'OAUTHBEARER') return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
  const { mechanism, username, password } = sasl
  return { mechanism: mechanisms[mechanism], username, password: typeof password === 'string' ? password : password() } as NonNullable<KafkaConfig['sasl']>
}
const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const

/** The options of this process as JSON: the argument itself, or the variable CONSUMER_OPTIONS, so that a password is in no list of processes. */
export function readOptions(argument: string | undefined): ConsumerOptions {
  const text = argument?.startsWith('{') ? argument : process.env['CONSUMER_OPTIONS']
  if (text === undefined) throw new Error('expected the options as JSON, as one argument or in CONSUMER_OPTIONS')
  const parsed = consumerOptionsSchema.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error(`the options are wrong: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
