import type { KeyObject } from 'node:crypto'
import type { ChangeInput, Input } from '#shared/audit/inputs.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import { apply } from '#shared/kafka/metadata-log/decode/apply.ts'
import { type CommittedRecord, foldRecords, type MetadataChange, type MetadataFold } from '#shared/kafka/metadata-log/decode/change.ts'
import { decodeMetadataRecord } from '#shared/kafka/metadata-log/decode/decode.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'
import { differences } from '#shared/kafka/metadata-log/decode/differences.ts'
import { emptyImage } from '#shared/kafka/metadata-log/decode/image.ts'
import type { CommittedRecords, MetadataLog, MetadataPosition, Rewritten, Snapshot } from '#shared/kafka/metadata-log/index.ts'
import type { Log } from '#shared/telemetry/log.ts'
import { type Feed, type GapInput, metadataSource, type MirrorInput } from './feed.ts'
import { imageMemory, rememberedImage, wholeImageMemory } from './image-memory.ts'
import { parted } from './parted.ts'

const positionKey = 'position/metadata-log'

export interface MetadataFeedOptions {
  readonly log: MetadataLog
  readonly remembered: Remembered
  /** Key of the hashes that stand where secrets were. */
  readonly hashKey: KeyObject
  /** What follows of a change, as far as it can be known now. */
  readonly consequenceOf: (change: Difference, timestampMs: number) => Promise<JsonValue>
  readonly logger: Log
}

/** Where the metadata log is to be read from: the position that was remembered. */
export function metadataPosition(remembered: Remembered): MetadataPosition | undefined {
  return remembered.get(positionKey) as unknown as MetadataPosition | undefined
}

/** Of what an answer brings, so many records and the rest of their batch are one step: a first answer has tens of thousands. */
const mostRecords = 250
/** Changes of which the cluster is asked side by side. */
const askedAtOnce = 16

/**
 * Every committed change of the cluster's metadata. The image of the cluster is remembered together with the position: where the log was cut
 * behind us the snapshot is compared with it, and what lies between is a declared gap.
 */
export function metadataFeed({ log, remembered, hashKey, consequenceOf, logger }: MetadataFeedOptions): Feed {
  const image = rememberedImage(remembered)
  const keys = new Set(remembered.keys())
  let fold: MetadataFold = { image: image ?? emptyImage(), open: null }
  /** Nothing was read yet, and nothing is remembered: what the first look shows was there before. */
  let fresh = image === null
  /** Came with the last answer, and was not given yet. */
  let rest: CommittedRecords | null = null
  const place = ({ offset, epoch }: MetadataPosition): string => `__cluster_metadata@${offset}.${epoch}`
  const brought = (input: Input, through: MetadataPosition): MirrorInput => ({ kind: 'brought', input, through: { ...through }, replay: false })
  const decode = (value: Buffer) => decodeMetadataRecord(value, { hashKey })

  async function ofRecords({ records, position }: CommittedRecords): Promise<MirrorInput[]> {
    const committed = records.map(({ offset, epoch, timestampMs, value }): CommittedRecord => ({ offset, epoch, timestampMs, record: decode(value) }))
    const waiting = fold.open?.records ?? []
    const { changes, routine } = foldRecords(fold, committed)
    fresh = false
    const inputs: MirrorInput[] = []
    // What follows of each is asked of the cluster: one after the other, a thousand that were made at once would take a minute.
    for (let from = 0; from < changes.length; from += askedAtOnce)
      for (const input of await Promise.all(changes.slice(from, from + askedAtOnce).map(ofChange))) inputs.push(brought(input, position))
    const last = committed.at(-1)
    if (last !== undefined) {
      const from = committed[0]!
      const counts = Object.fromEntries(routine.map(({ type, count }) => [type, count]))
      const common = { sourceId: metadataSource, position: { ...position }, timestampMs: last.timestampMs }
      if (Object.keys(counts).some(type => type !== 'NoOpRecord'))
        inputs.push(brought({ kind: 'routine', ...common, coordinate: place(from), fromOffset: from.offset, toOffset: last.offset, counts }, position))
      else inputs.push(brought({ kind: 'time', ...common }, position))
    }
    const deleted = changes.flatMap(({ kind, resource }) => (kind === 'topic-deleted' && resource.name !== null ? [resource.name] : []))
    const memory = new Map(
      imageMemory(
        fold.image,
        [...waiting, ...committed].map(({ record }) => record),
        deleted
      )
    )
    for (const key of memory.keys()) keys.add(key)
    // Who goes on without the first records of an open transaction could not tell what it did.
    const first = fold.open?.records[0]
    memory.set(positionKey, first ? { offset: first.offset, epoch: first.epoch } : { ...position })
    return [...inputs, { kind: 'memory', memory }]
  }

  async function ofChange(change: MetadataChange): Promise<Input> {
    const { kind, offset, epoch, timestampMs, recordOffsets, transaction, unknownTags, after } = change
    const common = { sourceId: metadataSource, position: { offset, epoch }, coordinate: place(change), timestampMs }
    if (kind === 'unknown-record') return { kind: 'unknown-record', ...common, record: { after, unknownTags } as unknown as JsonValue }
    return ofDifference(change, common, timestampMs, { offsets: recordOffsets, epoch, transaction: transaction as JsonValue })
  }

  async function ofDifference(
    { kind, resource, ...sides }: Difference,
    common: Pick<ChangeInput, 'sourceId' | 'position' | 'coordinate' | 'timestampMs'>,
    earliestMs: number,
    records: ChangeInput['records']
  ): Promise<ChangeInput> {
    const change = { kind, resource, ...(kind === 'unclean-leader-elected' ? knownOf(sides) : sides) }
    return { kind: 'change', source: metadataSource, ...common, earliestMs, change, records, consequence: await consequenceOf(change, common.timestampMs) }
  }

  async function ofSnapshot(snapshot: Snapshot): Promise<MirrorInput[]> {
    const { position, endOffset, epoch, gap, lastContainedLogTimestampMs: timestampMs } = snapshot
    const now = emptyImage()
    for (const { value } of snapshot.records) apply(now, decode(value))
    const inputs: MirrorInput[] = []
    const reason = fresh
      ? 'the mirror begins here: what happened before is known by its result only'
      : 'the log was cut behind a snapshot while nobody read it: changes are known by their result only, and what was done and undone is lost'
    if (gap.to > gap.from)
      inputs.push({ ...gapInput(`${place({ offset: gap.from, epoch })}-${gap.to}`, timestampMs, gap.from, gap.to, reason), ...(fresh && { begins: true }) })
    if (!fresh) {
      for (const [index, change] of differences(fold.image, now).changes.entries()) {
        const common = { sourceId: metadataSource, position: { ...position }, coordinate: `${place({ offset: endOffset, epoch })}#${index}`, timestampMs }
        inputs.push(brought(await ofDifference(change, common, timestampMs, null), position))
      }
    }
    fold = { image: now, open: null }
    fresh = false
    return [...inputs, whole(position)]
  }

  function ofRewritten({ lost, divergedAt, position }: Rewritten): MirrorInput[] {
    const reason = 'the quorum lost changes that had been committed: the log is another one from here on'
    fold = { image: emptyImage(), open: null }
    fresh = true
    return [gapInput(`${place(lost)} rewritten`, Date.now(), { ...divergedAt }, { ...lost }, reason), whole(position)]
  }

  function gapInput(coordinate: string, timestampMs: number, from: JsonValue, to: JsonValue, reason: string): GapInput {
    return { kind: 'gap', sourceId: metadataSource, coordinate, timestampMs, from, to, reason }
  }

  function whole(position: MetadataPosition): MirrorInput {
    const memory = new Map(wholeImageMemory(fold.image, keys))
    for (const [key, value] of memory) if (value !== null) keys.add(key)
    memory.set(positionKey, { ...position })
    return { kind: 'memory', memory }
  }

  return {
    ids: [metadataSource],
    async next(maxWaitMs) {
      const item = rest ?? (await log.poll({ maxWaitMs }))
      rest = null
      if (item === null) return []
      if (item.kind === 'records') {
        const [now, later] = parted(item, mostRecords)
        rest = later
        return ofRecords(now)
      }
      if (item.kind === 'snapshot') return ofSnapshot(item)
      if (item.kind === 'rewritten') return ofRewritten(item)
      logger.warn({ silentMs: Math.round(item.silentMs) }, `nothing comes from the metadata log: ${item.why}`)
      return []
    },
    close: () => log.close()
  }
}

const kept = ['replicas', 'addingReplicas', 'removingReplicas']
const elected = [...kept, 'leader', 'isr', 'leaderRecoveryState']

/** Who led before, and epochs, are not remembered: after a restart they would be made up. What the record of the election says is left. */
function knownOf({ before, after }: Pick<Difference, 'before' | 'after'>): Pick<Difference, 'before' | 'after'> {
  const only = (fields: readonly string[], partitions: JsonValue): JsonValue =>
    Object.fromEntries(
      Object.entries(partitions ?? {}).map(([partition, state]) => [
        partition,
        Object.fromEntries(Object.entries(state as Readonly<Record<string, JsonValue>>).filter(([field]) => fields.includes(field)))
      ])
    )
  return { before: only(kept, before), after: only(elected, after) }
}
