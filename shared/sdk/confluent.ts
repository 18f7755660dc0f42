import { ownAckWriter } from './ack-writer.ts'
import { clientVersion } from './client-version.ts'
import { commandFor } from './commands.ts'
import { errorText } from './log.ts'
import { type Governed, type Identity, Member, type MemberOptions } from './member.ts'
import { type Assignment, findOwnMember } from './own-member.ts'
import { type PausableConsumer, takeOverPauses } from './pauses.ts'

export type { Governed } from './member.ts'

export interface GovernOptions extends Omit<MemberOptions, 'groupId'> {
  /** The `client.id` of the consumer, where it differs from that of `connection`: it tells members without partitions apart. */
  readonly clientId?: string
}

interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** What is used of a consumer of the KafkaJS-like API. */
export interface ConfluentConsumer extends PausableConsumer {
  committed(topicPartitions: TopicPartition[], timeoutMs: number): Promise<readonly (TopicPartition & { readonly offset: string })[]>
  seek(topicPartitionOffset: TopicPartition & { readonly offset: string }): void
  disconnect(): Promise<void>
}

export interface ConfluentConfig {
  readonly kafkaJS?: { readonly groupId: string }
  readonly 'group.id'?: string
  readonly rebalance_cb?: unknown
}

export interface GovernedConsumer<Consumer> {
  readonly consumer: Consumer
  readonly governed: Governed
}

/** librdkafka's ERR__ASSIGN_PARTITIONS; any other code of a rebalance takes partitions away. */
const assigning = -175
const committedTimeoutMs = 5_000

/**
 * Makes a consumer of the KafkaJS-like API of @confluentinc/kafka-javascript, and lets Reeve pause it, within the rules of protocol.ts. It is made
 * here because only its configuration can bring the callback that tells of rebalances; one of the owner's is called first.
 * Resolves once the control topic has been read to its end, or after `startTimeoutMs`; what goes wrong with Kafka is logged.
 */
export async function governedConsumer<Config extends ConfluentConfig, Consumer extends ConfluentConsumer>(
  kafka: { consumer(config: Config): Consumer },
  config: Config,
  options: GovernOptions
): Promise<GovernedConsumer<Consumer>> {
  const groupId = config.kafkaJS?.groupId ?? config['group.id']
  if (!groupId) throw new Error('the configuration of the consumer: expected kafkaJS.groupId or group.id')
  const { connection, prefix = 'reeve', clientId = connection.clientId } = options
  let identity: Identity | null = null
  let assigned: readonly TopicPartition[] = []
  /** Lost once: the client still knows how far it had come. */
  const lost = new Set<string>()
  let search = new AbortController()
  let leaving = false

  const consumer = kafka.consumer({ ...config, rebalance_cb: onRebalance })
  const pauses = takeOverPauses(consumer)
  const member = new Member(
    { ...options, groupId },
    {
      client: clientVersion('@confluentinc/kafka-javascript'),
      grain: 'partition',
      writer: ownAckWriter(connection, `${prefix}.acks`),
      identity: () => identity,
      obey: table => pauses.command((topic, partition) => commandFor(table, topic, partition)?.state === 'paused'),
      held: () => pauses.held()
    }
  )

  /** Returns what the owner's callback returned: the client takes it for the assignment. Nothing is processed before this resolves. */
  async function onRebalance(error: { readonly code: number }, partitions: readonly TopicPartition[], functions: unknown): Promise<unknown> {
    const owners = config.rebalance_cb as typeof onRebalance | boolean | undefined
    const theirs = typeof owners === 'function' ? await owners(error, partitions, functions) : undefined
    if (leaving) return theirs
    const changed = Array.isArray(theirs) ? (theirs as readonly TopicPartition[]) : partitions
    const names = new Set(changed.map(nameOf))
    const rest = assigned.filter(each => !names.has(nameOf(each)))
    const gains = error.code === assigning
    assigned = gains ? [...rest, ...changed] : rest
    if (gains) await forgetPositions(changed.filter(each => lost.has(nameOf(each))))
    else for (const name of names) lost.add(name)
    const assignment = byTopic(assigned)
    member.changed('applying commands to the new assignment', () =>
      pauses.assign(assignment, (topic, partition) => gains && names.has(nameOf({ topic, partition })))
    )
    void identify(assignment)
    return theirs
  }

  /**
   * A pause makes this client go back to the record after the last one that it processed itself, also where that was before it lost the partition
   * and another member went on: records would be read again and the commit rewound. So a partition that is back begins at its commit.
   */
  async function forgetPositions(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    try {
      for (const { topic, partition, offset } of await consumer.committed([...partitions], committedTimeoutMs))
        if (Number(offset) >= 0) consumer.seek({ topic, partition, offset })
    } catch (error) {
      member.log.warn({ groupId, error: errorText(error) }, 'the commits of partitions that came back are not known: a pause may have records read twice')
    }
  }

  async function identify(assignment: Assignment): Promise<void> {
    search.abort()
    const mine = (search = new AbortController())
    const found = await findOwnMember({ connection, groupId: groupId!, log: member.log, clientId }, assignment, mine.signal)
    if (found === null || mine.signal.aborted) return
    if (identity !== null && identity.memberId !== found.memberId) member.left(() => (identity = null))
    member.changed('telling who this member is', () => (identity = found))
  }

  const disconnect = consumer.disconnect.bind(consumer)
  consumer.disconnect = async () => {
    leaving = true
    search.abort()
    await disconnect()
    member.left(() => {
      identity = null
      pauses.forget()
    })
  }
  return { consumer, governed: await member.start() }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function byTopic(partitions: readonly TopicPartition[]): Assignment {
  return Object.fromEntries([...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, each]) => [topic, each.map(({ partition }) => partition)]))
}
