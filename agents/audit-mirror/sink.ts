import { openAnchors } from '#shared/anchors/index.ts'
import type { Circumstances } from '#shared/audit/checkpoint-entry.ts'
import { guard } from '#shared/audit-log/guard.ts'
import { readGuardFacts } from '#shared/audit-log/guard-facts.ts'
import { keyNameOf, transactionalIdOf } from '#shared/audit-log/place.ts'
import { auditTopicSeen, createAuditTopic, tooFewBrokers } from '#shared/audit-log/topic.ts'
import { openAuditLog } from '#shared/audit-log/writer.ts'
import { openSigner } from '#shared/credentials/signer.ts'
import { PolicyMistake } from '#shared/engine/policy-mistake.ts'
import type { Remembered, Sink, Surroundings } from '#shared/engine/stream.ts'
import { openEarlier } from './earlier.ts'
import { logReadings } from './measures.ts'
import type { Policy } from './policy.ts'
import type { MirrorOutput } from './transform.ts'

/** Takes the audit log over and writes behind its end. Refuses where everybody may do everything with the topic. */
export async function openSink({ kafka, clusterId, log, meter }: Surroundings, policy: Policy, remembered: Remembered): Promise<Sink<MirrorOutput>> {
  const { topic, chains, continues, prefix, principal, keys, anchors: configured, checkpointEvery, checkpointEntries } = policy
  const place = { prefix, clusterId, topic }
  if (keys.length === 0)
    throw new PolicyMistake(`agents.audit-mirror.policy.keys: expected a key that signs checkpoints (reeve audit keygen --name ${keyNameOf(place)})`)
  const { created } = await createAuditTopic(kafka.admin, topic, chains)
  const found = await auditTopicSeen(kafka.admin, topic)
  const { brokers } = await kafka.admin.features()
  const few = tooFewBrokers(brokers)
  if (few !== null) log.warn({ topic }, few)
  if (created) log.info({ topic }, 'the audit topic was created')
  const facts = await readGuardFacts(kafka.admin, { topic, partitions: chains, writer: principal, atMs: Date.now() })
  const { open, openWhy } = guard(facts, [transactionalIdOf(place)])
  if (open === 'yes') throw new Error(`${topic} is open to everybody, and is not written: ${openWhy}`)
  const anchors = openAnchors(configured)
  if (!anchors.some(({ outside }) => outside)) log.warn({}, 'no anchor outside the cluster: the log attests itself only, and verification says so')
  const signers = keys.map(secret => openSigner({ secret, name: keyNameOf(place) })())
  const opened: { close(): unknown }[] = [...anchors]
  let circumstances: Circumstances = { powers: { unknown: 'not looked at yet' }, excluded: [], silent: [] }
  const closeAll = async (): Promise<void> => void (await Promise.all(opened.map(each => each.close())))
  try {
    if (found.partitions.length < chains)
      throw new PolicyMistake(
        `agents.audit-mirror.policy.chains: ${chains}, and ${topic} has ${found.partitions.length} ${found.partitions.length === 1 ? 'partition' : 'partitions'}: say as many as it began with, or name a new topic that continues it`
      )
    if (continues !== undefined && !(await kafka.admin.scan({ atMs: Date.now(), groups: false, topics: [continues] })).topics.has(continues))
      throw new Error(`agents.audit-mirror.policy.continues: there is no topic ${continues}, or it cannot be seen`)
    const reader = await kafka.openReader()
    opened.push(reader)
    const appender = await kafka.openAppender(transactionalIdOf(place))
    opened.push(appender)
    const options = {
      place,
      reader,
      topicId: found.topicId,
      signers,
      anchors,
      atLeast: sizesIn(remembered, topic),
      circumstances: () => circumstances,
      limits: { checkpointMs: checkpointEvery, checkpointEntries },
      onTrouble: (message: string) => log.warn({}, message)
    }
    const earlier = continues === undefined ? null : await openEarlier(kafka, { ...options, atLeast: sizesIn(remembered, continues) }, continues)
    const written = await openAuditLog({ ...options, chains, appender, ...(earlier && { continues: earlier }) })
    const unwatch = meter?.gauges(() => written.logs.flatMap(each => logReadings(each.partition, each)))
    return {
      async write(outputs, also, durable) {
        const last = outputs.at(-1)
        if (last) circumstances = last.circumstances
        const positions = Object.assign({}, ...outputs.map(output => output.positions)) as MirrorOutput['positions']
        await written.offer({
          events: outputs.flatMap(({ events }) => events),
          sourceIds: outputs.flatMap(({ eventSources }) => eventSources),
          ...(last && { positions, closedThroughMs: last.closedThroughMs }),
          also,
          ...(durable && { durable })
        })
      },
      standing: () => new Map([[sizesKey(topic), written.logs.map(({ head }) => head.size)]]),
      flush: () => written.flushed(),
      async close() {
        unwatch?.()
        await written.close()
        await closeAll()
      }
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** How long the logs of a topic are known to be: an anchor may be behind, or not there at all. */
const sizesKey = (topic: string): string => `written/${topic}`

function sizesIn(remembered: Remembered, topic: string): readonly number[] {
  return (remembered.get(sizesKey(topic)) as readonly number[] | undefined) ?? []
}
