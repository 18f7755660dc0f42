import { KafkaFault } from '#shared/kafka/errors.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import type { Stack } from '#test/support/stack.ts'
import { connectionAs, setAuthorizerLevel } from './ground.ts'
import {
  changes,
  doomedTopic,
  firstRetentionMs,
  ledgerTopic,
  oldForMs,
  oldRecords,
  planted,
  plantedRetentionMs,
  retentionMs,
  stranger,
  youngRecords
} from './script.ts'
import { attributionOf, deniedIn, eventOf } from './seen.ts'
import type { Watch } from './watch.ts'

/** Does to the cluster what the script says, each act when the log has the one before. Ends when a checkpoint covers all of it. */
export async function playStory(stack: Stack, watch: Watch): Promise<void> {
  const admin = await openKafka(connectionAs(stack, 'admin'))
  try {
    const logged = (index: number) => watch.until(seen => eventOf(seen, changes[index]!) !== undefined)
    watch.act(`the platform team creates ${doomedTopic} and ${ledgerTopic}, and ${oldRecords + youngRecords} records are produced`)
    const configs = { 'retention.ms': firstRetentionMs }
    await admin.admin.createTopics([doomedTopic, ledgerTopic].map(name => ({ name, partitions: 1, configs })))
    await produce(admin)
    await logged(0)

    watch.act(`the platform team sets retention.ms of ${doomedTopic} to ${retentionMs}`)
    await admin.admin.alterConfigs({ kind: 'topic', name: doomedTopic }, { 'retention.ms': retentionMs })
    await logged(1)

    watch.act(`the platform team lets ${stranger} describe ${doomedTopic}`)
    await admin.admin.createAcls([
      {
        resourceType: 'topic',
        resourceName: doomedTopic,
        pattern: 'literal',
        principal: stranger,
        host: '*',
        operation: 'describe',
        permission: 'allow'
      }
    ])
    await logged(2)

    watch.act(`${stranger} tries to read ${doomedTopic}`)
    await readInVain(stack)
    await watch.until(seen => deniedIn(seen, doomedTopic, stranger) !== undefined)

    watch.act(`the platform team deletes ${doomedTopic}`)
    const doomed = (await admin.admin.scan({ atMs: Date.now() })).topics.get(doomedTopic)
    if (doomed === undefined) throw new Error(`${doomedTopic} is gone before it was deleted`)
    await admin.admin.deleteTopicById(doomed.topicId)
    await watch.until(seen => changes.every(change => attributionOf(seen, eventOf(seen, change)) !== undefined))
  } finally {
    await admin.close()
  }
  await plant(stack, watch)
}

/** Nobody is asked who he is on the plain listener, and at INFO no authorizer writes a line of what it allowed. */
async function plant(stack: Stack, watch: Watch): Promise<void> {
  watch.act("somebody turns the authorizers' loggers down to INFO")
  await setAuthorizerLevel(stack, 'INFO')
  watch.act(`somebody sets retention.ms of ${ledgerTopic} to ${plantedRetentionMs}, and turns the loggers up again`)
  const kafka = await openKafka({ brokers: stack.brokers, clientId: 'demo-nobody-knows' })
  try {
    await kafka.admin.alterConfigs({ kind: 'topic', name: ledgerTopic }, { 'retention.ms': plantedRetentionMs })
  } finally {
    await kafka.close()
  }
  await setAuthorizerLevel(stack, 'DEBUG')
  const { events } = await watch.until(seen => attributionOf(seen, eventOf(seen, planted)) !== undefined)
  watch.act('the next checkpoint signs all of it')
  await watch.until(({ checkpointed, anchor }) => checkpointed >= events.length && anchor !== null && anchor.size >= checkpointed)
}

/** Most records are older than the retention that the topic is going to have. */
async function produce(admin: Kafka): Promise<void> {
  const appender = await admin.openAppender('demo-orders')
  try {
    await appender.fence()
    const nowMs = Date.now()
    const record = (_: unknown, index: number) => ({
      topic: doomedTopic,
      partition: 0,
      key: null,
      value: Buffer.from(`refund ${index}`),
      timestampMs: index < oldRecords ? nowMs - oldForMs : nowMs
    })
    await appender.append(Array.from({ length: oldRecords + youngRecords }, record))
  } finally {
    await appender.close()
  }
}

async function readInVain(stack: Stack): Promise<void> {
  const kafka = await openKafka(connectionAs(stack, 'nobody'))
  try {
    const reader = await kafka.openReader()
    try {
      await reader.assign(doomedTopic, 0, 'start')
      await reader.poll({ maxWaitMs: 1_000 })
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (error instanceof KafkaFault && error.kind === 'authorization') return
    throw error
  } finally {
    await kafka.close()
  }
  throw new Error(`${stranger} could read ${doomedTopic}`)
}
