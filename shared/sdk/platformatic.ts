import { ownAckWriter } from './ack-writer.ts'
import { clientVersion } from './client-version.ts'
import { forWholeMember } from './commands.ts'
import { type Governed, type Identity, Member, type MemberOptions } from './member.ts'
import { gate, type Gate, type GatedStream } from './stream-gate.ts'

export type { Governed } from './member.ts'

export interface GovernOptions extends Omit<MemberOptions, 'groupId'> {
  /** Of the consumer, for a person who looks for it; default: that of `connection`. */
  readonly clientId?: string
}

/** What is used of a Consumer of @platformatic/kafka. */
export interface StreamConsumer {
  readonly groupId: string
  readonly memberId: string | null
  readonly assignments: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
  on(event: 'consumer:group:join' | 'consumer:group:leave' | 'consumer:group:rebalance', listener: () => void): unknown
  consume(options: never): Promise<GatedStream>
}

const known = new WeakSet<StreamConsumer>()

/**
 * Lets Reeve pause all streams of this consumer, within the rules of protocol.ts. Await it before `consume`: it resolves once the control
 * topic has been read to its end, or after `startTimeoutMs`. The client can only pause a whole stream, so commands for a topic or a
 * partition are answered "unsupported". Rejects only on wrong use; what goes wrong with Kafka is logged.
 */
export async function govern(consumer: StreamConsumer, options: GovernOptions): Promise<Governed> {
  const { groupId } = consumer
  if (known.has(consumer)) throw new Error(`consumer of group ${groupId}: it is governed already`)
  known.add(consumer)
  const { connection, prefix = 'reeve', clientId = connection.clientId } = options
  const gates = new Map<GatedStream, Gate>()
  let holds = false
  let identity: Identity | null = null

  const identify = (): Identity | null => {
    const { memberId } = consumer
    if (memberId !== null && identity?.memberId !== memberId) identity = { memberId, clientId }
    return identity
  }
  const obey = (hold: boolean): void => {
    holds = hold
    for (const each of gates.values())
      if (hold) each.hold()
      else each.release()
  }
  const member = new Member(
    { ...options, groupId },
    {
      client: clientVersion('@platformatic/kafka'),
      grain: 'group',
      writer: ownAckWriter(connection, `${prefix}.acks`),
      identity: identify,
      obey: table => obey(forWholeMember(table).held),
      held: () => (holds ? (consumer.assignments ?? []).flatMap(({ topic, partitions }) => partitions.map(partition => `${topic}-${partition}`)) : [])
    }
  )

  const consume = consumer.consume.bind(consumer) as (options: never, ...more: unknown[]) => Promise<GatedStream> | undefined
  const adopt = (stream: GatedStream): GatedStream => {
    const one = gate(stream)
    if (holds) one.hold()
    gates.set(stream, one)
    stream.once('close', () => gates.delete(stream))
    return stream
  }
  /** With a callback or with a promise, as the client has it. */
  const governedConsume = (consumeOptions: never, callback?: (error: Error | null, stream?: GatedStream) => void): unknown =>
    callback
      ? consume(consumeOptions, (error: Error | null, stream?: GatedStream) => callback(error, stream && adopt(stream)))
      : consume(consumeOptions)?.then(adopt)
  consumer.consume = governedConsume as typeof consumer.consume

  consumer.on('consumer:group:join', () => {
    if (identity !== null && identity.memberId !== consumer.memberId) member.left(() => (identity = null))
    member.changed('applying commands to the new assignment')
  })
  consumer.on('consumer:group:rebalance', () => member.changed('applying commands in a rebalance'))
  consumer.on('consumer:group:leave', () => member.left(() => (identity = null)))
  return member.start()
}
