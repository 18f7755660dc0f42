import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Memory, Remembered } from '#shared/engine/stream.ts'
import { operationNames, patterns, permissions, resourceTypes } from '#shared/kafka/acl-words.ts'
import { topicConfigs } from '#shared/kafka/metadata-log/decode/apply.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'
import { differences } from '#shared/kafka/metadata-log/decode/differences.ts'
import { type AclState, configsKey, emptyImage, type MetadataImage, quotaKey } from '#shared/kafka/metadata-log/decode/image.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { AclEntry, Admin } from '#shared/kafka/ports.ts'
import { type Feed, type MirrorInput, scanSource } from './feed.ts'
import { rememberedImage, unknownState, wholeImageMemory } from './image-memory.ts'

const sourceId = scanSource
const positionKey = 'position/admin-scan'

interface ScanPosition {
  /** Looks that were dealt with. */
  readonly looks: number
  readonly atMs: number
}

/**
 * Where the metadata log is not read: what two looks at the cluster differ in. What was done and undone between them is not seen, nor who did it,
 * nor when exactly; each event says that it comes from scans. Covers topics, their settings, ACLs and quotas.
 */
export function scanFeed(options: {
  readonly admin: Pick<Admin, 'scan' | 'topicConfigs' | 'acls' | 'quotas'>
  readonly everyMs: number
  readonly consequenceOf: (change: Difference, timestampMs: number) => Promise<JsonValue>
  readonly remembered: Remembered
}): Feed {
  const { admin, everyMs, consequenceOf, remembered } = options
  let before = rememberedImage(remembered)
  let position = (remembered.get(positionKey) as unknown as ScanPosition | undefined) ?? { looks: 0, atMs: 0 }
  let dueAt = performance.now()

  async function look(): Promise<MirrorInput[]> {
    const atMs = Date.now()
    const image = await imageOf(admin, atMs)
    const now: ScanPosition = { looks: position.looks + 1, atMs }
    const inputs: MirrorInput[] = []
    if (before === null) {
      const reason = 'the mirror begins here: what happened before is known by its result only'
      inputs.push({ kind: 'gap', begins: true, sourceId, coordinate: `${sourceId}@${now.looks}`, timestampMs: atMs, from: null, to: atMs, reason })
    } else {
      for (const [index, change] of differences(before, image).changes.entries()) {
        const coordinate = `${sourceId}@${now.looks}#${index}`
        const consequence = await consequenceOf(change, atMs)
        const common = { sourceId, position: { ...now }, source: 'admin-scan', coordinate, timestampMs: atMs, earliestMs: position.atMs } as const
        inputs.push({ kind: 'brought', input: { kind: 'change', ...common, change, records: null, consequence }, through: { ...now }, replay: false })
      }
    }
    inputs.push({ kind: 'brought', input: { kind: 'time', sourceId, position: { ...now }, timestampMs: atMs }, through: { ...now }, replay: false })
    const memoryBefore: Memory = before ? wholeImageMemory(before, []) : new Map()
    const memory = new Map(wholeImageMemory(image, memoryBefore.keys()))
    for (const [key, value] of memoryBefore) if (JSON.stringify(memory.get(key)) === JSON.stringify(value)) memory.delete(key)
    memory.set(positionKey, { ...now })
    inputs.push({ kind: 'memory', memory })
    before = image
    position = now
    return inputs
  }

  return {
    ids: [sourceId],
    // A look sees all that there is.
    unread: new Map([[sourceId, 0]]),
    async next(maxWaitMs) {
      const earlyMs = dueAt - performance.now()
      if (earlyMs > 0) await sleep(Math.min(earlyMs, maxWaitMs))
      if (performance.now() < dueAt) return []
      dueAt = performance.now() + everyMs
      return look()
    },
    close: async () => {}
  }
}

/** The part of the cluster's metadata that a principal may ask for. Throws where a part was not seen: half an image would show changes that are none. */
async function imageOf(admin: Pick<Admin, 'scan' | 'topicConfigs' | 'acls' | 'quotas'>, atMs: number): Promise<MetadataImage> {
  const view = await admin.scan({ atMs, groups: false })
  const names = [...view.topics.keys()]
  const [configs, acls, quotas] = await Promise.all([admin.topicConfigs(names), admin.acls(), admin.quotas()])
  const unseen = [...view.unseen.filter(({ kind }) => kind === 'topics' || kind === 'topic'), ...configs.unseen]
  if (unseen.length > 0) throw new KafkaFault('unreachable', `the look was not whole: ${unseen[0]!.id}: ${unseen[0]!.why}`)
  const image = emptyImage()
  for (const { name, topicId: id, partitions } of view.topics.values()) {
    // Which brokers hold a partition is not part of a look; how many is.
    const states = partitions.map(
      ({ partition, replicas }) =>
        [partition, { ...unknownState, replicas: Array.from<number>({ length: replicas }).fill(-1), addingReplicas: [], removingReplicas: [] }] as const
    )
    image.topics.set(id, { id, name, partitions: new Map(states) })
    image.topicIds.set(name, id)
  }
  for (const [name, settings] of configs.value) {
    const values = [...settings].flatMap(([key, { value, isDefault, isSensitive }]) =>
      isDefault || isSensitive || value === null ? [] : [[key, value] as const]
    )
    if (values.length > 0) image.configs.set(configsKey(topicConfigs, name), { resourceType: topicConfigs, name, values: Object.fromEntries(values) })
  }
  for (const entry of acls) {
    const state = aclState(entry)
    image.acls.set(state.id, state)
  }
  for (const { entity, values } of quotas) {
    const key = quotaKey(Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })))
    image.quotas.set(key, { entity, values })
  }
  return image
}

/** Kafka gives no id of an ACL to those who ask: what it says stands in. */
function aclState({ resourceType, resourceName, pattern, principal, host, operation, permission }: AclEntry): AclState {
  const id = hash('sha256', JSON.stringify([resourceType, resourceName, pattern, principal, host, operation, permission])).slice(0, 32)
  return {
    id,
    resourceType: resourceTypes.indexOf(resourceType),
    resourceName,
    patternType: patterns.indexOf(pattern),
    principal,
    host,
    operation: (operationNames as readonly string[]).indexOf(operation),
    permissionType: permissions.indexOf(permission)
  }
}
