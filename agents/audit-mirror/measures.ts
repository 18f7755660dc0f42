import type { AuditEvent } from '#shared/audit/event.ts'
import type { SourceClock } from '#shared/audit/watermark.ts'
import type { LogStanding } from '#shared/audit-log/audit-log.ts'
import type { Count, Measure, Reading } from '#shared/telemetry/meter.ts'
import type { MirrorInput } from './feeds/feed.ts'

/** What the mirror measures beside what every stream does. Of a log of several partitions each has its own series. */
export const measures: readonly Measure[] = [
  { name: 'reeve_audit_events_total', help: 'Events that were committed, by their type.', kind: 'counter', labels: ['kind'] },
  { name: 'reeve_audit_gaps_total', help: 'Losses that were declared, by the source that lost something.', kind: 'counter', labels: ['source'] },
  {
    name: 'reeve_audit_source_timestamp_seconds',
    help: "The newest moment that a source has told of, in the source's own time, as far as it is committed.",
    kind: 'gauge',
    labels: ['source']
  },
  {
    name: 'reeve_audit_source_read_timestamp_seconds',
    help: 'When a source last answered, with something or nothing; before that, when it was opened.',
    kind: 'gauge',
    labels: ['source']
  },
  {
    name: 'reeve_audit_source_unread',
    help: 'Records that a source had when it last answered and that were not read yet; of a file, 1 where there were any.',
    kind: 'gauge',
    labels: ['source']
  },
  { name: 'reeve_audit_drift_findings', help: 'What is not as it should be about the audit topic, at the last look.', kind: 'gauge', labels: [] },
  { name: 'reeve_audit_log_entries', help: 'Size of the log.', kind: 'gauge', labels: ['partition'] },
  { name: 'reeve_audit_checkpoint_entries', help: 'Size of the log at its newest checkpoint.', kind: 'gauge', labels: ['partition'] },
  { name: 'reeve_audit_checkpoint_timestamp_seconds', help: 'When the newest checkpoint was made.', kind: 'gauge', labels: ['partition'] },
  {
    name: 'reeve_audit_anchored_entries',
    help: 'Size of the log at the newest checkpoint that an anchor took from this replica.',
    kind: 'gauge',
    labels: ['partition', 'anchor']
  },
  { name: 'reeve_audit_anchor_failures', help: 'Attempts at an anchor that failed, since the log was opened.', kind: 'gauge', labels: ['partition', 'anchor'] },
  {
    name: 'reeve_audit_unanchored_since_timestamp_seconds',
    help: 'Since when the oldest checkpoint waits that an anchor did not take yet; none where none waits.',
    kind: 'gauge',
    labels: ['partition', 'anchor']
  },
  {
    name: 'reeve_audit_anchor_forked',
    help: '1 where an anchor holds another tree of a size that this log has had.',
    kind: 'gauge',
    labels: ['partition', 'anchor']
  }
]

/** What can happen is said at the start of a reign, so that the first time is an increase. */
export function possibleCounts(sourceIds: readonly string[]): readonly Count[] {
  const kinds = ['change.unattributed', 'audit.gap', 'audit.drifted']
  return [...kinds.map(kind => eventCount(kind, 0)), ...sourceIds.map(source => gapCount(source, 0))]
}

/** Of a step: the events that it made, and the losses among its inputs. That the mirror begins somewhere is no loss. */
export function countsOf(inputs: readonly MirrorInput[], events: readonly AuditEvent[]): readonly Count[] {
  const kinds = new Map<string, number>()
  for (const { eventType } of events) kinds.set(eventType, (kinds.get(eventType) ?? 0) + 1)
  const gaps = inputs.flatMap(input => (input.kind === 'gap' && !input.begins ? [gapCount(input.sourceId, 1)] : []))
  return [...[...kinds].map(([kind, by]) => eventCount(kind, by)), ...gaps]
}

/** How far each source has come that has told of any moment, and how many things are wrong with the topic; null: not looked at yet. */
export function readingsOf(clocks: ReadonlyMap<string, SourceClock>, findings: number | null): readonly Reading[] {
  const sources = [...clocks].flatMap(([source, { newestMs }]) => at('reeve_audit_source_timestamp_seconds', { source }, newestMs))
  return [...sources, ...known('reeve_audit_drift_findings', {}, findings)]
}

/** How the log stands, and its checkpoints with those who keep them. */
export function logReadings(partition: number, log: Pick<LogStanding, 'head' | 'newestCheckpoint' | 'anchors'>): readonly Reading[] {
  const { head, newestCheckpoint } = log
  const where = { partition: String(partition) }
  return [
    ...known('reeve_audit_log_entries', where, head.size),
    ...known('reeve_audit_checkpoint_entries', where, newestCheckpoint?.size ?? null),
    ...at('reeve_audit_checkpoint_timestamp_seconds', where, newestCheckpoint?.atMs ?? null),
    ...log.anchors().flatMap(({ name, anchoredSize, failures, waitingSinceMs, forked }) => {
      const labels = { ...where, anchor: name }
      return [
        ...known('reeve_audit_anchored_entries', labels, anchoredSize),
        ...known('reeve_audit_anchor_failures', labels, failures),
        ...at('reeve_audit_unanchored_since_timestamp_seconds', labels, waitingSinceMs),
        ...known('reeve_audit_anchor_forked', labels, Number(forked !== null))
      ]
    })
  ]
}

/** When a source last answered, and what it had that was not read then; null: it cannot say. */
export function sourceReadings(source: string, answeredAtMs: number, unread: number | null): readonly Reading[] {
  return [...at('reeve_audit_source_read_timestamp_seconds', { source }, answeredAtMs), ...known('reeve_audit_source_unread', { source }, unread)]
}

const eventCount = (kind: string, by: number): Count => ({ name: 'reeve_audit_events_total', labels: { kind }, by })
const gapCount = (source: string, by: number): Count => ({ name: 'reeve_audit_gaps_total', labels: { source }, by })

function known(name: string, labels: Reading['labels'], value: number | null): readonly Reading[] {
  return value === null ? [] : [{ name, labels, value }]
}

function at(name: string, labels: Reading['labels'], ms: number | null): readonly Reading[] {
  return known(name, labels, ms === null ? null : ms / 1_000)
}
