import { here, one, type Row } from './panel.ts'

const noStream = 'no stream runs'

/** Streams, and the audit mirror: what it reads, what it writes, and what its anchors hold. */
export const streamRows: readonly Row[] = [
  {
    title: 'Streams, and what the audit mirror reads',
    panels: [
      {
        title: 'Who runs each stream',
        about: 'Exactly one replica. None: nothing is mirrored.',
        kind: 'stat',
        unit: 'none',
        queries: one(`sum by (cluster, stream) (reeve_stream_leader${here})`, '{{cluster}} {{stream}}'),
        red: { below: 1 },
        empty: noStream
      },
      {
        title: 'Since the last commit',
        about: 'A transaction comes with each lease, whatever happens or not. Red from three of the default leases on.',
        kind: 'stat',
        unit: 's',
        queries: one(`cluster_stream:reeve_stream_uncommitted:seconds${here}`, '{{cluster}} {{stream}}'),
        red: { from: 60 },
        empty: noStream
      },
      {
        title: 'Behind, by source',
        about: 'Age of the newest thing that was taken; 0 where all was read that a source has. A source that never told of a time has no line.',
        kind: 'timeseries',
        unit: 's',
        queries: one(`cluster_stream_source:reeve_audit_source_behind:seconds${here}`, '{{cluster}} {{source}}'),
        empty: noStream
      },
      {
        title: 'Not read yet, by source',
        about: 'Records that a source had at its last answer; of a file 1 for any.',
        kind: 'timeseries',
        unit: 'short',
        queries: one(`max by (cluster, source) (reeve_audit_source_unread${here})`, '{{cluster}} {{source}}'),
        empty: noStream
      },
      {
        title: 'Since each source answered',
        about: 'With something or nothing; one that grows cannot be read.',
        kind: 'timeseries',
        unit: 's',
        queries: one(`time() - max by (cluster, source) (reeve_audit_source_read_timestamp_seconds${here})`, '{{cluster}} {{source}}'),
        empty: noStream
      }
    ]
  },
  {
    title: 'What the audit mirror writes',
    panels: [
      {
        title: 'Events a second, by type',
        about: 'Committed ones.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(`sum by (cluster, kind) (rate(reeve_audit_events_total${here}[$__rate_interval]))`, '{{cluster}} {{kind}}'),
        empty: noStream
      },
      {
        title: 'Lost and unexplained, 24 hours',
        about: 'Losses that were declared, by source, and changes that nobody is known to have made.',
        kind: 'stat',
        unit: 'none',
        queries: [
          { expression: `sum by (cluster, source) (increase(reeve_audit_gaps_total${here}[1d]))`, legend: '{{cluster}} gaps of {{source}}' },
          {
            expression: `sum by (cluster) (increase(reeve_audit_events_total{cluster=~"$cluster", kind="change.unattributed"}[1d]))`,
            legend: '{{cluster}} changes by nobody'
          }
        ],
        red: { from: 1 },
        empty: noStream
      },
      {
        title: 'Wrong with the topic',
        about: 'Settings and rights that are not as they should be, at the last look.',
        kind: 'stat',
        unit: 'none',
        queries: one(`max by (cluster) (reeve_audit_drift_findings${here})`, '{{cluster}}'),
        red: { from: 1 },
        empty: noStream
      },
      {
        title: 'Size of the log',
        about: 'Entries, and how many of them the newest checkpoint covers.',
        kind: 'timeseries',
        unit: 'short',
        queries: [
          { expression: `max by (cluster, partition) (reeve_audit_log_entries${here})`, legend: '{{cluster}} {{partition}} entries' },
          { expression: `max by (cluster, partition) (reeve_audit_checkpoint_entries${here})`, legend: '{{cluster}} {{partition}} under a checkpoint' }
        ],
        empty: noStream
      }
    ]
  },
  {
    title: 'Whether the audit log could be cut unseen',
    panels: [
      {
        title: 'Age of the newest checkpoint',
        about: 'One comes soon after anything happens, and once a day if nothing does.',
        kind: 'timeseries',
        unit: 's',
        queries: one(`time() - max by (cluster, partition) (reeve_audit_checkpoint_timestamp_seconds${here})`, '{{cluster}} {{partition}}'),
        empty: noStream
      },
      {
        title: 'Entries beyond each anchor',
        about: 'Written since the newest checkpoint that it took: what could be cut without its noticing. Failures are attempts since the start.',
        kind: 'timeseries',
        unit: 'short',
        queries: [
          {
            expression: `max by (cluster, partition) (reeve_audit_log_entries${here}) - on (cluster, partition) group_right () max by (cluster, partition, anchor) (reeve_audit_anchored_entries${here})`,
            legend: '{{cluster}} {{partition}} beyond {{anchor}}'
          },
          { expression: `max by (cluster, anchor) (reeve_audit_anchor_failures${here})`, legend: '{{cluster}} failures at {{anchor}}' }
        ],
        empty: 'no anchor'
      },
      {
        title: 'Waits for an anchor',
        about: 'How long the oldest checkpoint waits that an anchor did not take; an alert from 15 minutes on.',
        kind: 'stat',
        unit: 's',
        queries: one(`time() - min by (cluster, anchor) (reeve_audit_unanchored_since_timestamp_seconds${here})`, '{{cluster}} {{anchor}}'),
        red: { from: 900 },
        empty: 'none waits'
      }
    ]
  }
]
