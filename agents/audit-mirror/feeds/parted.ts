import type { CommittedRecords } from '#shared/kafka/metadata-log/index.ts'

/** The first so many records of an answer, with whatever else may be of the last one's batch, and what comes behind them; null: nothing. */
export function parted(item: CommittedRecords, mostRecords: number): readonly [now: CommittedRecords, later: CommittedRecords | null] {
  const { records, quorumRecords } = item
  // A batch has one epoch and, from a controller, one time.
  const end = records.findIndex(({ epoch, timestampMs }, index) => {
    const before = records[index - 1]
    return index >= mostRecords && (before!.epoch !== epoch || before!.timestampMs !== timestampMs)
  })
  if (end === -1) return [item, null]
  const last = records[end - 1]!
  const offset = last.offset + 1
  return [
    { ...item, position: { offset, epoch: last.epoch }, records: records.slice(0, end), quorumRecords: quorumRecords.filter(each => each.offset < offset) },
    { ...item, fromOffset: offset, records: records.slice(end), quorumRecords: quorumRecords.filter(each => each.offset >= offset) }
  ]
}
