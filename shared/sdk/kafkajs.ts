import type { Consumer, ConsumerConfig, Kafka } from 'kafkajs'
import { clientVersion } from './client-version.ts'
import { commandFor } from './commands.ts'
import { kafkajsAckWriter } from './kafkajs-ack-writer.ts'
import { takeOverPauses } from './pauses.ts'
import { tellSlowResume, watchSlowResume } from './kafkajs-slow-resume.ts'
import { type Governed, type Identity, Member, type MemberOptions } from './member.ts'

export type { Governed } from './member.ts'

export interface GovernOptions extends MemberOptions {
  /** The owner's own client: acks are written through a producer of it. */
  readonly kafka: Kafka
}

export interface GovernedConsumer {
  readonly consumer: Consumer
  readonly governed: Governed
}

/** How long a consumer made here waits in a fetch, and so how late it may resume: kafkajs's own default is ten times as much. */
const maxWaitTimeInMs = 500

const known = new WeakSet<Consumer>()

/** Makes a consumer of the owner's client that resumes soon, and governs it; `config` is kafkajs's own and rules where it says something. */
export async function governedConsumer(kafka: Kafka, config: ConsumerConfig, options: Omit<MemberOptions, 'groupId'>): Promise<GovernedConsumer> {
  const consumer = kafka.consumer({ maxWaitTimeInMs, ...config })
  tellSlowResume({ groupId: config.groupId, log: options.log ?? console }, config.maxWaitTimeInMs ?? maxWaitTimeInMs)
  return { consumer, governed: await govern(consumer, { ...options, kafka, groupId: config.groupId }) }
}

/**
 * Lets Reeve pause this consumer, within the rules of protocol.ts. Await it before `subscribe`: it resolves once the control topic
 * has been read to its end, or after `startTimeoutMs`. Rejects only on wrong use; what goes wrong with Kafka is logged.
 */
export async function govern(consumer: Consumer, options: GovernOptions): Promise<Governed> {
  if (known.has(consumer)) throw new Error(`consumer of group ${options.groupId}: it is governed already`)
  known.add(consumer)
  const { kafka, connection, groupId, prefix = 'reeve' } = options
  const pauses = takeOverPauses(consumer)
  let identity: Identity | null = null

  const member = new Member(options, {
    client: clientVersion('kafkajs'),
    grain: 'partition',
    writer: kafkajsAckWriter(kafka, `${prefix}.acks`),
    identity: () => identity,
    obey: table => pauses.command((topic, partition) => commandFor(table, topic, partition)?.state === 'paused'),
    held: () => pauses.held()
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
    if (identity !== null && identity.memberId !== memberId) member.left(() => (identity = null))
    member.changed('applying commands to the new assignment', () => {
      // kafkajs joins as the client id with a UUID behind it.
      const clientId = /^(.*)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/s.exec(memberId)?.[1] ?? connection.clientId
      identity = { memberId, clientId }
      pauses.assign(memberAssignment)
    })
  })
  // A crash stops the consumer too: kafkajs says STOP before it says CRASH, and joins as a new member when it restarts.
  consumer.on(consumer.events.STOP, () => {
    member.left(() => {
      identity = null
      pauses.forget()
    })
  })
  watchSlowResume(consumer, { groupId, log: member.log, holdsAll: () => pauses.holdsAll() })
  return member.start()
}
