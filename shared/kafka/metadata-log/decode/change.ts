import type { JsonValue } from '../../../domain/json.ts'
import { apply } from './apply.ts'
import type { Difference } from './describe.ts'
import { describeGroup, type Group, type Look, look } from './group.ts'
import { emptyImage, type MetadataImage } from './image.ts'
import type { DecodedRecord, RecordType, UnknownTag } from './record.ts'
import { type Touch, touchOf } from './touch.ts'

/** A record at or below the high watermark. Control records of the log are none. */
export interface CommittedRecord {
  readonly offset: number
  /** Leader epoch of its batch. */
  readonly epoch: number
  /** When the controller appended its batch, milliseconds since the epoch. */
  readonly timestampMs: number
  readonly record: DecodedRecord
}

/** First and last offset, both included. */
export type OffsetRange = readonly [first: number, last: number]

/** One change, and where in the log it is: each record is in one change or counted as routine, never in two. */
export interface MetadataChange extends Difference {
  /** Of its first record; no two changes have the same. */
  readonly offset: number
  readonly epoch: number
  /** Of its last record. */
  readonly timestampMs: number
  readonly recordOffsets: readonly OffsetRange[]
  /** Of the metadata transaction (KIP-868) that it was committed or aborted in. */
  readonly transaction: { readonly name: string | null; readonly beginOffset: number; readonly endOffset: number } | null
  /** What a later Kafka says about it: tagged fields that no known release has. */
  readonly unknownTags: readonly (UnknownTag & { readonly offset: number })[]
}

/** Records of one type that are no change: what Kafka does by itself, and the marks of transactions. */
export interface Routine {
  readonly type: RecordType
  readonly count: number
  readonly firstOffset: number
  readonly lastOffset: number
}

/** What the log says so far. A plain value, changed by `foldRecords` alone. */
export interface MetadataFold {
  readonly image: MetadataImage
  /** Records of a transaction that has not ended: they are no part of the image yet, so a reader that starts anew starts at its first offset. */
  open: { readonly name: string | null; readonly records: CommittedRecord[] } | null
}

export interface Folded {
  /** By offset. */
  readonly changes: readonly MetadataChange[]
  /** By type. */
  readonly routine: readonly Routine[]
}

/**
 * Applies committed records to the image and says what they change. Consecutive records of one batch about one resource are one change, a
 * new topic with its configs and partitions too; within a transaction also those that are apart. Two requests that the controller put into
 * one batch can so become one change, but never where they say the same part twice. Records must come whole batches at a time, in order.
 */
export function foldRecords(fold: MetadataFold, records: readonly CommittedRecord[], options: { readonly leaderAndIsr?: boolean } = {}): Folded {
  const collected: Collected = { changes: [], routine: new Map(), leaderAndIsr: options.leaderAndIsr ?? false }
  let plain: CommittedRecord[] = []
  const endPlain = (): void => {
    foldSpan(fold.image, plain, collected, null)
    plain = []
  }
  for (const each of records) {
    const { record } = each
    const type = record.kind === 'known' ? record.type : null
    if (record.kind === 'known' && record.type === 'BeginTransactionRecord') {
      endPlain()
      if (fold.open) abort(fold.open, [], 'another transaction began', collected)
      fold.open = { name: record.fields.name, records: [each] }
    } else if (record.kind === 'known' && record.type === 'AbortTransactionRecord' && fold.open) {
      abort(fold.open, [each], record.fields.reason, collected)
      fold.open = null
    } else if (type === 'EndTransactionRecord' && fold.open) {
      const { name, records: inside } = fold.open
      foldSpan(fold.image, [...inside, each], collected, { name, beginOffset: inside[0]!.offset, endOffset: each.offset })
      fold.open = null
    } else if (fold.open) fold.open.records.push(each)
    else plain.push(each)
  }
  endPlain()
  const changes = collected.changes.sort((one, other) => one.offset - other.offset)
  return { changes, routine: [...collected.routine.values()].sort((one, other) => (one.type < other.type ? -1 : 1)) }
}

interface Collected {
  readonly changes: MetadataChange[]
  readonly routine: Map<RecordType, Routine>
  readonly leaderAndIsr: boolean
}

/** Records that take effect: of a transaction together, else one by one. */
function foldSpan(image: MetadataImage, records: readonly CommittedRecord[], collected: Collected, transaction: MetadataChange['transaction']): void {
  const groups = groupsIn(records, collected, transaction !== null)
  const before = new Map<Group, Look>()
  for (const committed of records) {
    const group = groups.get(committed)
    if (group && !before.has(group)) before.set(group, look(image, group))
    apply(image, committed.record)
    if (!group || group.records.at(-1) !== committed) continue
    collected.changes.push({ ...describeGroup(image, group, before.get(group)!), ...coordinates(group.records), transaction })
  }
}

function groupsIn(records: readonly CommittedRecord[], collected: Collected, together: boolean): Map<CommittedRecord, Group> {
  const groups = new Map<CommittedRecord, Group>()
  const byPlace = new Map<string, Group>()
  let last: Group | undefined
  for (const committed of records) {
    const touch = touchOf(committed.record, collected.leaderAndIsr)
    if (!touch) {
      countRoutine(collected.routine, committed)
      last = undefined
      continue
    }
    const candidates = together ? places(touch).map(place => byPlace.get(place)) : [last]
    let group = candidates.find(each => each !== undefined && joins(each, touch, committed, together))
    if (group) group.records.push(committed)
    else group = { touch, records: [committed], parts: new Set() }
    if (touch.part !== null) group.parts.add(touch.part)
    groups.set(committed, group)
    for (const place of places(group.touch)) byPlace.set(place, group)
    last = group
  }
  return groups
}

/** Where to look for the change that a record belongs to: a topic is found by its name too. */
function places({ section, key, topicName }: Touch): string[] {
  return [`${section} ${key}`, `name ${topicName}`]
}

function joins({ touch: first, records, parts }: Group, touch: Touch, { offset, epoch, timestampMs }: CommittedRecord, together: boolean): boolean {
  const last = records.at(-1)!
  if (!together && (last.offset + 1 !== offset || last.epoch !== epoch || last.timestampMs !== timestampMs)) return false
  // The controller writes it where min.insync.replicas is set.
  if (touch.kind === 'elr-cleared') return (first.kind === 'topic-created' || first.kind === 'config-changed') && first.topicName === touch.topicName
  if (touch.part === null || parts.has(touch.part)) return false
  if (first.kind === 'topic-created' && touch.kind === 'config-changed') return first.topicName === touch.topicName
  const same = first.kind === touch.kind || (first.kind === 'topic-created' && touch.kind === 'partitions-added')
  return same && first.section === touch.section && first.key === touch.key
}

function countRoutine(routine: Map<RecordType, Routine>, { offset, record }: CommittedRecord): void {
  if (record.kind === 'unknown') return
  const { type } = record
  const before = routine.get(type)
  routine.set(type, { type, count: (before?.count ?? 0) + 1, firstOffset: before?.firstOffset ?? offset, lastOffset: offset })
}

/** What was aborted never took effect; its routine is counted with the rest. */
function abort(open: NonNullable<MetadataFold['open']>, end: readonly CommittedRecord[], reason: string | null, collected: Collected): void {
  const records = [...open.records, ...end]
  const counts: Record<string, number> = {}
  for (const { record } of records) {
    const name = record.kind === 'known' ? record.type : 'unknown'
    counts[name] = (counts[name] ?? 0) + 1
  }
  const transaction = { name: open.name, beginOffset: records[0]!.offset, endOffset: records.at(-1)!.offset }
  const after: JsonValue = { reason, records: counts }
  const resource = { type: 'cluster', name: null, id: null }
  collected.changes.push({ kind: 'transaction-aborted', resource, before: null, after, ...coordinates(records), transaction })
}

function coordinates(records: readonly CommittedRecord[]): Pick<MetadataChange, 'offset' | 'epoch' | 'timestampMs' | 'recordOffsets' | 'unknownTags'> {
  const ranges: [number, number][] = []
  for (const { offset } of records) {
    const range = ranges.at(-1)
    if (range && range[1] + 1 === offset) range[1] = offset
    else ranges.push([offset, offset])
  }
  const { epoch, timestampMs } = records.at(-1)!
  const unknownTags = records.flatMap(({ offset, record }) => (record.kind === 'known' ? record.unknownTags.map(tag => ({ offset, ...tag })) : []))
  return { offset: records[0]!.offset, epoch, timestampMs, recordOffsets: ranges, unknownTags }
}

/** The image that some records make from nothing, for example those of a snapshot. */
export function imageOf(records: Iterable<DecodedRecord>): MetadataImage {
  const image = emptyImage()
  for (const record of records) apply(image, record)
  return image
}
