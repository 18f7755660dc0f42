import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { openAnchors } from '../../anchors/index.ts'
import type { AnchorConfig } from '../../anchors/schema.ts'
import { keyNameOf } from '../../audit-log/place.ts'
import type { Config } from '../../config/index.ts'
import { openSigner } from '../../credentials/signer.ts'
import type { ClusterView } from '../../domain/cluster-view.ts'
import type { AuditGround } from '../../engine/audit-ground.ts'
import type { AnyStream } from '../../engine/stream.ts'
import { memoryTopic } from '../../engine/topics.ts'
import { mayReadMetadata } from '../../kafka/examine/controllers.ts'
import { openExaminer } from '../../kafka/examine/index.ts'
import { hashKeyFrom } from '../../kafka/metadata-log/decode/decode.ts'
import type { Kafka } from '../../kafka/ports.ts'
import { reachable } from '../../notify/reachable.ts'
import { type AnchorFacts, type AuditFacts, loggerOf, type MetadataFacts, recentMs } from '../audit-facts.ts'
import { see, type Seen } from '../facts.ts'
import { type Identity, principalOf } from './principals.ts'
import { signersOf } from './signers.ts'

/** An audit log that the configuration has switched on. */
export interface AuditLogOf {
  readonly agent: string
  readonly ground: AuditGround
}

/** Every stream of the configuration that writes an audit log. */
export function auditLogsOf(config: Config, streams: readonly AnyStream[]): readonly AuditLogOf[] {
  return streams.flatMap(({ name, auditGround }) => {
    const agent = config.agents[name]
    return agent?.enabled && auditGround ? [{ agent: name, ground: auditGround(agent.policy) }] : []
  })
}

/** Looks at one audit log as the principal that writes it; each part may fail by itself. Changes nothing, and puts nothing into an anchor. */
export async function gatherAudit(
  { agent, ground }: AuditLogOf,
  config: Config,
  { connection }: Identity,
  opened: Seen<Kafka>,
  view: ClusterView | null
): Promise<AuditFacts> {
  const { topic, continues, prefix, keys } = ground
  const atMs = Date.now()
  const clusterId = view?.clusterId ?? null
  const memory = memoryTopic(config.topics.prefix, agent, view?.brokers.length ?? 3)
  const partitions = view?.topics.get(topic)?.partitions.map(({ partition }) => partition) ?? []
  const examiner = openExaminer(connection)
  // One refusal of a login is enough.
  const ask: typeof see = question => ('why' in opened ? Promise.resolve(opened) : see(question))
  const filled = ground.logs.flatMap(log => log.topic ?? [])
  const paths = ground.logs.flatMap(log => log.file ?? [])
  try {
    const [rights, signers, disks, oldest, recent, loggers, anchors, metadata, files] = await Promise.all([
      ask(() => examiner.topicOperations([...new Set([topic, memory.name, ...(continues === null ? [] : [continues]), ...filled])])),
      'value' in opened ? see(() => signersOf(opened.value, topic, partitions)) : opened,
      ask(() => examiner.disks([{ name: topic, partitions }])),
      ask(() => examiner.stampedRecords([topic], 0)),
      ask(() => examiner.stampedRecords([topic], atMs - recentMs)),
      ask(() => examiner.loggerLevels(Object.values(loggerOf))),
      gatherAnchors(ground.anchors),
      ground.metadata && gatherMetadata(ground.metadata, clusterId),
      Promise.all(paths.map(async path => [path, await see(() => access(path, constants.R_OK).then(() => true as const))] as const))
    ])
    const name = keyNameOf({ prefix, clusterId: clusterId ?? '' })
    const vkeys: Seen<readonly string[]> =
      keys.length > 0 && clusterId === null
        ? { why: 'the name of the keys holds the id of the cluster, which is not known' }
        : await see(async () => keys.map(secret => openSigner({ secret, name })().vkey))
    return { agent, ground, memory, rights, keys: vkeys, signers, disks, oldest, recent, atMs, loggers, anchors, metadata, files: new Map(files) }
  } finally {
    await examiner.close()
  }
}

/** Asks each anchor whether it can be used; one that only takes something, whether there is anybody. */
async function gatherAnchors(configured: readonly AnchorConfig[]): Promise<readonly AnchorFacts[]> {
  const anchors = openAnchors(configured)
  try {
    return await Promise.all(
      anchors.map(async ({ name, kind, outside, check }, index) => {
        const { rfc3161, webhook } = configured[index]!
        const url = rfc3161?.url ?? webhook?.url.reveal()
        const checked = await see(async () => {
          if (url !== undefined) await reachable(url)
          return check()
        })
        return { name, kind, outside, checked }
      })
    )
  } finally {
    for (const anchor of anchors) anchor.close()
  }
}

async function gatherMetadata({ controllers: connection, hashKey }: NonNullable<AuditGround['metadata']>, clusterId: string | null): Promise<MetadataFacts> {
  const controllers = connection.brokers.map(async address => ({ address, mayRead: await see(() => mayReadMetadata(connection, address, clusterId)) }))
  const isKey: Seen<true> = hashKey ? await see(async () => Boolean(hashKeyFrom(Buffer.from(hashKey.reveal()))) as true) : { why: 'there is none' }
  return { principal: await principalOf(connection), hashKey: isKey, controllers: await Promise.all(controllers) }
}
