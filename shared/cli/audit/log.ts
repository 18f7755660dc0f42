import { Option } from '@commander-js/extra-typings'
import type { AnchorConfig } from '../../anchors/schema.ts'
import { readGenesis } from '../../audit-log/genesis.ts'
import { type LogPlace, placesOf, type TopicPlace } from '../../audit-log/place.ts'
import { kafkaConnection } from '../../config/index.ts'
import type { AuditLogSettings } from '../../engine/stream.ts'
import { openKafka } from '../../kafka/index.ts'
import type { Kafka } from '../../kafka/ports.ts'
import { parseVerifier } from '../../proof/note-key.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { type Cli, type GlobalOptions, reach, readConfig } from '../session.ts'

/** What the flags of these commands say of the log; what they leave out the configuration says. */
export interface LogOptions {
  readonly topic?: string | undefined
  readonly prefix?: string | undefined
}

/** The audit log of a cluster, open for reading. */
export interface AuditLogSession {
  readonly kafka: Kafka
  readonly clusterId: string
  readonly settings: AuditLogSettings
  /** One for each partition. */
  readonly places: readonly LogPlace[]
}

const defaultPrefix = 'reeve.audit'

export const topicOption = () => new Option('--topic <name>', 'default: the one that the configuration names')
export const prefixOption = () => new Option('--prefix <text>', "first part of the log's origin")
/** An option that may come several times. */
export const several = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

/** Opens the cluster as the principal of whoever writes the log, and closes it whatever happens. */
export async function withAuditLog<T>(cli: Cli, options: GlobalOptions & LogOptions, work: (session: AuditLogSession) => Promise<T>): Promise<T> {
  const config = readConfig(cli, options)
  const writers = cli.streams.filter(stream => stream.auditLog !== undefined && config.agents[stream.name] !== undefined)
  const [writer, ...others] = writers
  if (options.topic === undefined && (writer === undefined || others.length > 0))
    throw new CommandFailure(
      exitCodes.usage,
      `${options.config} names ${writer === undefined ? 'no agent that writes' : 'several agents that write'} an audit log: say which topic with --topic`
    )
  const kafka = await reach(() => openKafka(kafkaConnection(config, writer?.name ?? null)), config)
  try {
    return await reach(async () => {
      const { clusterId } = await kafka.admin.features()
      const configured = writer?.auditLog?.(config.agents[writer.name]!.policy, clusterId)
      const base = configured ?? { topic: '', partitions: 1, prefix: defaultPrefix, vkeys: [], anchors: [] }
      const settings = { ...base, topic: options.topic ?? base.topic, prefix: options.prefix ?? base.prefix }
      const place = { prefix: settings.prefix, clusterId, topic: settings.topic }
      return work({ kafka, clusterId, settings, places: placesOf(place, await chainsOf(kafka, place, settings.partitions)) })
    }, config)
  } finally {
    await kafka.close()
  }
}

/** How many logs the topic says that it has; where it says nothing, as many as are configured. */
async function chainsOf(kafka: Kafka, place: TopicPlace, configured: number): Promise<number> {
  const reader = await kafka.openReader()
  try {
    return (await readGenesis(reader, place))?.chains ?? configured
  } finally {
    await reader.close()
  }
}

/** The keys that are known from outside: those of the flags, else those of the configuration. */
export function knownKeys(given: readonly string[] | undefined, configured: readonly string[] = []): readonly string[] {
  for (const vkey of given ?? []) {
    try {
      parseVerifier(vkey)
    } catch (error) {
      throw new CommandFailure(exitCodes.usage, `--key ${vkey}: ${(error as Error).message}`)
    }
  }
  const known = given ?? configured
  if (known.length > 0) return known
  throw new CommandFailure(
    exitCodes.usage,
    'expected --key VKEY, the verifier key of the log, which must come from outside of it (reeve audit keygen printed it)'
  )
}

/** Directories of the flags as anchors, in the place of those of the configuration. */
export function anchorsOf(directories: readonly string[] | undefined, configured: readonly AnchorConfig[] = []): readonly AnchorConfig[] {
  return directories?.map(path => ({ name: path, outside: true, directory: { path } })) ?? configured
}
