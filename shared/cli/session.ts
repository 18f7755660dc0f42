import { type Config, kafkaConnection, loadConfig } from '../config/index.ts'
import type { Mistake } from '../config/mistakes.ts'
import type { AnyAgent, ReeveTopics } from '../engine/agent.ts'
import type { AnyStream } from '../engine/stream.ts'
import { reeveTopics } from '../engine/topics.ts'
import { KafkaFault } from '../kafka/errors.ts'
import { openKafka } from '../kafka/index.ts'
import type { Kafka } from '../kafka/ports.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'

/** What every command has: the agents of this build, where to write, and the process's surroundings. */
export interface Cli {
  readonly agents: readonly AnyAgent[]
  readonly streams: readonly AnyStream[]
  readonly env: NodeJS.ProcessEnv
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Columns of the terminal, or undefined where it is none. */
  readonly width: number | undefined
  readonly signal: AbortSignal
}

/** The global options. */
export interface GlobalOptions {
  readonly config: string
  readonly json?: true | undefined
  /** Which cluster of a file that governs several. */
  readonly cluster?: string | undefined
}

/** Reads the configuration, or ends with all its mistakes at once. One for each cluster that is meant. */
export function readConfigs(cli: Cli, { config: file, cluster }: GlobalOptions): readonly Config[] {
  const loaded = loadConfig({ file, env: cli.env, agents: [...cli.agents, ...cli.streams].map(({ name, policy }) => ({ name, policySchema: policy })) })
  if (loaded.ok) {
    const meant = loaded.configs.filter(({ cluster: { name } }) => cluster === undefined || name === cluster)
    if (meant.length > 0) return meant
    throw new CommandFailure(exitCodes.usage, `${file} has no cluster ${JSON.stringify(cluster)}; there are: ${namesOf(loaded.configs)}`)
  }
  throw mistakesFailure(file, loaded.mistakes)
}

/** Ends a command with all mistakes of a file at once. */
export function mistakesFailure(file: string, mistakes: readonly Mistake[]): CommandFailure {
  return new CommandFailure(
    exitCodes.configuration,
    `${file} has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`,
    mistakes.map(({ path, line, message }) => `${path || '(file)'}${line ? ` (line ${line})` : ''}: ${message}`)
  )
}

/** The same for a command that speaks with one cluster. */
export function readConfig(cli: Cli, options: GlobalOptions): Config {
  const [config, ...others] = readConfigs(cli, options)
  if (config && others.length === 0) return config
  throw new CommandFailure(exitCodes.usage, `${options.config} governs several clusters; say which: --cluster ${namesOf([config!, ...others])}`)
}

const namesOf = (configs: readonly Config[]): string => configs.map(({ cluster: { name } }) => name).join(' | ')

export interface Session {
  readonly config: Config
  readonly kafka: Kafka
  readonly clusterId: string
  readonly topics: ReeveTopics
}

/** Opens the cluster as the engine's principal (or an agent's) for one command, and closes it whatever happens. */
export async function withSession<T>(cli: Cli, options: GlobalOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const config = readConfig(cli, options)
  const kafka = await reach(() => openKafka(kafkaConnection(config, null)), config)
  try {
    const { clusterId } = await kafka.admin.features()
    return await reach(() => work({ config, kafka, clusterId, topics: reeveTopics(config.topics.prefix) }), config)
  } finally {
    await kafka.close()
  }
}

const remedies: Partial<Record<KafkaFault['kind'], string>> = {
  unreachable: 'check cluster.brokers and the network, and cluster.sasl and cluster.tls where this listener asks for them',
  tls: 'check cluster.tls: the authority in caFile, the name in servername, and that this listener speaks TLS',
  authentication: 'check the mechanism, user and password in cluster.sasl',
  authorization: 'grant the right: deploy/acls.md lists what each principal needs',
  timeout: 'the broker took the connection and did not answer: does this listener expect TLS or SASL?'
}

/** Turns a fault of the cluster into one sentence with what to do about it. */
export async function reach<T>(work: () => Promise<T>, config: Config): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KafkaFault)) throw error
    // Some faults know better what to look at.
    const remedy = error.message.includes('; check ') ? undefined : remedies[error.kind]
    throw new CommandFailure(exitCodes.unreachable, `Kafka at ${config.cluster.brokers.join(', ')}: ${error.message}${remedy ? `; ${remedy}` : ''}`)
  }
}
