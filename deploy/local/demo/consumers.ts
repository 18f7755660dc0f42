import { fileURLToPath } from 'node:url'
import type { Stack } from '#test/support/stack.ts'
import { cast, type Player, poison } from './cast.ts'
import { appConnection } from './ground.ts'
import type { Processes, Started } from './processes.ts'

const trafficProgram = fileURLToPath(new URL('traffic.ts', import.meta.url))
const consumerProgram = fileURLToPath(new URL('../consumers/governed.ts', import.meta.url))
/** What the slow reader's downstream takes: about 650 records a second. */
const slowBytes = 16 * 1_024
const slowEveryMs = 250

export interface StageDoor {
  readonly stack: Stack
  readonly processes: Processes
  /** By which Kafka's tools log in. */
  readonly propertiesFile: string
  readonly signal: AbortSignal
}

/** Starts the live traffic, and resolves once it flows. */
export async function startTraffic({ stack, processes }: StageDoor): Promise<Started> {
  const flowing = Promise.withResolvers<void>()
  const env = { TRAFFIC_CONNECTION: JSON.stringify(appConnection(stack, 'demo-traffic')) }
  const started = processes.start('traffic', [process.execPath, trafficProgram], { env, onLine: line => line === 'flowing' && flowing.resolve() })
  await Promise.race([flowing.promise, processes.mustGoOn(started)])
  return started
}

/** Starts the consumers of every group, each a process of its own, as their teams run them. By group. */
export function startConsumers(door: StageDoor): Map<string, Started> {
  return new Map(cast.map(player => [player.groupId, player.runs === 'java' ? startJava(door, player) : startKafkajs(door, player)]))
}

function startKafkajs({ stack, processes }: StageDoor, player: Player): Started {
  const { groupId, topic, behaviour, sdk } = player
  const options = { connection: appConnection(stack, groupId), groupId, topics: [topic.name], behaviour, sdk, poison, poisonMs: 3_000, restartDelayMs: 200 }
  return processes.start(groupId, [process.execPath, consumerProgram], { env: { CONSUMER_OPTIONS: JSON.stringify(options) }, onLine: () => undefined })
}

/** Kafka's console consumer. The slow one is held up by whoever reads its output, as an application is by its database. */
function startJava({ stack, processes, propertiesFile, signal }: StageDoor, { groupId, topic, behaviour, protocol }: Player): Started {
  const [program = 'java', ...before] = stack.java
  const properties = [`group.protocol=${protocol}`, `client.id=${groupId}`, 'auto.commit.interval.ms=1000'].flatMap(property => [
    '--consumer-property',
    property
  ])
  const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', `${stack.kafkaLibs}/*`, 'org.apache.kafka.tools.consumer.ConsoleConsumer']
  const args = [
    '--bootstrap-server',
    stack.saslBrokers.join(','),
    '--topic',
    topic.name,
    '--group',
    groupId,
    '--from-beginning',
    '--consumer.config',
    propertiesFile,
    ...properties
  ]
  const slow = behaviour === 'slow'
  const started = processes.start(groupId, [program, ...before, ...tool, ...args], slow ? { stdout: 'own' } : {})
  if (slow) readSlowly(started.process.stdout!, signal)
  return started
}

function readSlowly(output: NodeJS.ReadableStream, signal: AbortSignal): void {
  output.pause()
  const timer = setInterval(() => output.read(slowBytes) ?? output.read(), slowEveryMs)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  output.on('end', () => clearInterval(timer))
  output.on('error', () => clearInterval(timer))
}
