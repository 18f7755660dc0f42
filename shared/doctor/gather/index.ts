import { type Config, redisTarget } from '../../config/index.ts'
import type { AnyStream } from '../../engine/stream.ts'
import { reeveTopics, topicSettings } from '../../engine/topics.ts'
import { askBroker, openExaminer } from '../../kafka/examine/index.ts'
import { openKafka } from '../../kafka/index.ts'
import type { Admin, Kafka } from '../../kafka/ports.ts'
import { inspectRedis } from '../../queue/inspect.ts'
import { redisAddress } from '../../queue/redis.ts'
import { type AddressFacts, type Facts, known, see, type Seen, type Settings } from '../facts.ts'
import { auditLogsOf, gatherAudit } from './audit.ts'
import { gatherChannels } from './channels.ts'
import { gatherClocks } from './clocks.ts'
import { gatherPrincipal, type Identity, identities, type RoleRights } from './principals.ts'

/** Reads everything that the checks want, by every identity of Reeve's; each part may fail by itself. Changes nothing. */
export async function gather(
  config: Config,
  agents: readonly RoleRights[],
  { sendTest, streams = [] }: { readonly sendTest: boolean; readonly streams?: readonly AnyStream[] }
): Promise<Facts> {
  const own = identities(config, agents)
  const logs = auditLogsOf(config, streams)
  const engine = own[0]!
  const opened = await Promise.all(own.map(({ connection }) => see(() => openKafka(connection))))
  const kafkas = opened.flatMap(seen => ('value' in seen ? [seen.value] : []))
  const examiner = openExaminer(engine.connection)
  try {
    const scanAt = performance.now()
    const view = await seeBy(opened.slice(0, 1), kafka => kafka.admin.scan({ atMs: Date.now() }))
    const scanMs = 'value' in view ? performance.now() - scanAt : null
    const brokers = known(view)?.brokers ?? []
    const topics = reeveTopics(config.topics.prefix)
    const wanted = topicSettings(topics, brokers.length || 3)
    const has = (name: string) => known(view)?.topics.has(name) === true
    const internal = { offsets: has('__consumer_offsets'), transactions: has('__transaction_state') }
    const stamped = ['__consumer_offsets', '__transaction_state', topics.state, topics.journal, topics.observations].filter(has)
    const [addresses, principals, settings, ofTopics, acls, quotas, clocks, findings, channels, audits] = await Promise.all([
      askAll(engine, brokers),
      Promise.all(own.map((identity, index) => gatherPrincipal(identity, opened[index]!, config, Object.values(topics), internal))),
      seeBy(opened, async kafka => brokerSettings(kafka.admin, brokers)),
      topicConfigs(kafkas, opened, [
        ...Object.values(topics),
        ...logs.flatMap(({ ground: { topic, continues } }) => (continues === null ? [topic] : [topic, continues]))
      ]),
      seeBy(opened, kafka => kafka.admin.acls()),
      seeBy(opened, kafka => kafka.admin.quotas()),
      gatherClocks(config, examiner, stamped, opened[0]!),
      inspectRedis(redisTarget(config)),
      gatherChannels(config, sendTest, known(view)?.clusterId ?? ''),
      Promise.all(
        logs.map(log => {
          const index = own.findIndex(({ roles }) => roles.includes(log.agent))
          return gatherAudit(log, config, own[index]!, opened[index]!, known(view))
        })
      )
    ])
    const redis = { address: redisAddress(redisTarget(config)), tls: config.redis.url.reveal().startsWith('rediss:'), findings }
    return { config, addresses, view, scanMs, principals, settings, wanted, topicSettings: ofTopics, acls, quotas, clocks, redis, channels, audits }
  } finally {
    await Promise.all([examiner.close(), ...kafkas.map(kafka => kafka.close())])
  }
}

/** The answer of the first identity that gets one, else the first one's reason: one right is enough for a question. */
async function seeBy<T>(opened: readonly Seen<Kafka>[], ask: (kafka: Kafka) => Promise<T>): Promise<Seen<T>> {
  let first: Seen<T> | null = null
  for (const kafka of opened) {
    const seen: Seen<T> = 'value' in kafka ? await see(() => ask(kafka.value)) : kafka
    if ('value' in seen) return seen
    first ??= seen
  }
  return first ?? { why: 'nobody could ask' }
}

/** Each address by itself: those of the configuration, and what every broker advertises on this listener. */
async function askAll(
  { connection }: Identity,
  brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
): Promise<AddressFacts[]> {
  const advertised = new Map(brokers.map(({ id, host, port }) => [`${host.includes(':') ? `[${host}]` : host}:${port}`, id]))
  const all = [...new Set([...connection.brokers, ...advertised.keys()])]
  return Promise.all(
    all.map(async address => ({
      address,
      bootstrap: connection.brokers.includes(address),
      broker: advertised.get(address) ?? null,
      answer: await see(() => askBroker(connection, address))
    }))
  )
}

/** Throws where no broker listed its settings. */
async function brokerSettings(admin: Admin, brokers: readonly { readonly id: number }[]): Promise<ReadonlyMap<number, Settings>> {
  const { value, unseen } = await admin.configs(brokers.map(({ id }) => ({ kind: 'broker', name: String(id) })))
  if (value.size === 0) throw new Error(unseen[0]?.why ?? 'no broker is known')
  return new Map([...value].map(([id, settings]) => [Number(id.slice('broker:'.length)), settings]))
}

/** Whatever any identity may see of each topic. */
async function topicConfigs(kafkas: readonly Kafka[], opened: readonly Seen<Kafka>[], topics: readonly string[]): Promise<Seen<ReadonlyMap<string, Settings>>> {
  const all = await Promise.all(kafkas.map(kafka => see(() => kafka.admin.topicConfigs(topics))))
  const value = new Map(all.flatMap(seen => [...(known(seen)?.value ?? [])]))
  if (value.size > 0) return { value }
  const refused = [...opened, ...all].find(seen => 'why' in seen)
  const unseen = all.flatMap(seen => known(seen)?.unseen ?? [])[0]
  return { why: unseen?.why ?? (refused && 'why' in refused ? refused.why : 'nobody could ask') }
}
