import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Cluster } from '#shared/kafka/cluster.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'

/** The topics that Kafka makes at the first request for a coordinator; both replicated over all nodes here. */
const INTERNAL_TOPICS = ['__consumer_offsets', '__transaction_state']

/**
 * Resolves when every broker answers on the connection, names all `nodes` of them, and both coordinators' topics have all their
 * replicas in sync: then groups, transactions and new topics work. Rejects after `boundMs` with what was missing last.
 */
export async function clusterReady(connections: readonly KafkaConnection[], nodes: number, boundMs: number): Promise<void> {
  await Promise.all(connections.map(connection => untilNothingMissing(connection, () => missing(connection, nodes), boundMs)))
}

/** Resolves when the broker at this address answers and is registered under its id, whatever the others do. */
export async function brokerReady(connection: KafkaConnection, id: number, boundMs: number): Promise<void> {
  const look = (cluster: Cluster) =>
    cluster.metadata([]).then(({ brokers }) => (brokers.some(broker => broker.nodeId === id) ? undefined : `broker ${id} is not registered`))
  await untilNothingMissing(connection, () => withCluster(connection, look), boundMs)
}

/** Resolves when the listener takes this connection's credentials and answers. */
export async function listenerReady(connection: KafkaConnection, boundMs: number): Promise<void> {
  await untilNothingMissing(connection, () => withCluster(connection, cluster => cluster.metadata([]).then(() => undefined)), boundMs)
}

async function untilNothingMissing(connection: KafkaConnection, look: () => Promise<string | undefined>, boundMs: number): Promise<void> {
  const until = performance.now() + boundMs
  for (;;) {
    const lacking = await look().catch((error: unknown) => String(error))
    if (lacking === undefined) return
    if (performance.now() > until) throw new Error(`${connection.brokers.join(',')} is not ready after ${boundMs} ms: ${lacking}`)
    await pause(100)
  }
}

function missing(connection: KafkaConnection, nodes: number): Promise<string | undefined> {
  return withCluster(connection, async cluster => {
    const { brokers } = await cluster.metadata([])
    if (brokers.length !== nodes) return `it names ${brokers.length} of ${nodes} brokers`
    for (const kind of ['group', 'transaction'] as const) {
      const { unseen } = await cluster.coordinators(kind, ['readiness'])
      for (const reason of unseen.values()) return `no ${kind} coordinator: ${reason}`
    }
    const { topics } = await cluster.metadata(INTERNAL_TOPICS)
    const replicas = Math.min(3, nodes)
    const behind = topics.find(
      topic => topic.errorCode !== 0 || topic.partitions.some(partition => partition.leaderId < 0 || partition.isrNodes.length < replicas)
    )
    return behind && `replicas of ${behind.name ?? 'a topic'} are not in sync`
  })
}

function redisAnswers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 }, () => socket.write('PING\r\n'))
    const done = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('data', data => done(data.toString().startsWith('+PONG')))
    socket.once('error', () => done(false))
    socket.once('timeout', () => done(false))
  })
}

/** Resolves when Redis has loaded what it kept and answers PING. */
export async function redisReady(port: number, boundMs: number): Promise<void> {
  const until = performance.now() + boundMs
  while (!(await redisAnswers(port))) {
    if (performance.now() > until) throw new Error(`Redis at 127.0.0.1:${port} did not answer PING in ${boundMs} ms`)
    await pause(50)
  }
}

async function withCluster<T>(connection: KafkaConnection, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = new Cluster({ ...connection, connectTimeoutMs: 1_000, requestTimeoutMs: 5_000 })
  try {
    return await work(cluster)
  } finally {
    await cluster.close()
  }
}
