import { here, one, type Row } from './panel.ts'
import { streamRows } from './stream-rows.ts'

export const rows: readonly Row[] = [
  {
    title: 'Is Reeve healthy?',
    panels: [
      {
        title: 'Leaders',
        about: 'Exactly one for each cluster. None: nothing is governed. Two for longer than a moment: two installations.',
        kind: 'stat',
        unit: 'none',
        queries: one(`sum by (cluster) (reeve_leader${here})`, '{{cluster}}'),
        red: { below: 1 }
      },
      {
        title: 'Age of the latest turn',
        about: 'Since the scan, or the agent, that is longest without a success. Red from three of the default intervals on.',
        kind: 'stat',
        unit: 's',
        queries: one(`cluster:reeve_turn_age:seconds${here}`, '{{cluster}}'),
        red: { from: 90 }
      },
      {
        title: 'Budget left, 30 days',
        about: 'Of each service level: 100 % is untouched, below 0 % it was missed.',
        kind: 'stat',
        unit: 'percentunit',
        queries: one(`reeve:slo_budget:remaining_ratio${here}`, '{{cluster}} {{slo}}'),
        red: { below: 0 }
      },
      {
        title: 'Burn of the budget, 1 hour',
        about: 'Times the pace that would spend exactly the budget. A page from 14.4 on.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(`reeve:slo_bad:ratio_1h${here} / on (slo) group_left () reeve:slo_budget:ratio`, '{{cluster}} {{slo}}')
      },
      {
        title: 'Clock and Redis',
        about: 'Clock 1: two clocks agree. Redis 1: turns depend on the local timer, or Redis is not set as it should be.',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          {
            expression: `min by (cluster) (reeve_clock_trusted${here} and on (cluster, job, instance) (reeve_leader == 1))`,
            legend: '{{cluster}} clock trusted'
          },
          { expression: `max by (cluster) (reeve_redis_degraded${here})`, legend: '{{cluster}} Redis degraded' }
        ]
      },
      {
        title: 'Alerts that fire',
        about: 'Of Reeve itself; each has a page in deploy/runbooks.',
        kind: 'table',
        unit: 'none',
        queries: one('ALERTS{alertname=~"Reeve.*", alertstate="firing"}', ''),
        empty: 'none'
      }
    ]
  },
  {
    title: 'What it sees',
    panels: [
      {
        title: 'Lag by group, the 20 greatest',
        about: 'Only where it is known: a group without a sample here is unknown, not zero.',
        kind: 'timeseries',
        unit: 'short',
        queries: one(`topk(20, max by (cluster, subject) (reeve_lag_messages${here}))`, '{{cluster}} {{subject}}'),
        empty: 'no lag is known'
      },
      {
        title: 'Groups by state',
        about: 'How each agent judged what it looked at.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(`max by (cluster, agent, state) (reeve_verdicts${here})`, '{{cluster}} {{agent}} {{state}}'),
        empty: 'no group'
      },
      {
        title: 'Parts that cannot be seen',
        about: 'Above 0 nothing that harms is decided about them. Suspended 1: the cluster is being worked on, and nothing is judged.',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          { expression: `max by (cluster, agent) (reeve_unseen_parts${here})`, legend: '{{cluster}} {{agent}}' },
          { expression: `max by (cluster) (reeve_judgement_suspended${here})`, legend: '{{cluster}} judgement suspended' }
        ]
      },
      {
        title: 'Age of what was decided on',
        about: 'Of the observation that the last turn used; more than two intervals is unknown.',
        kind: 'timeseries',
        unit: 's',
        queries: one(`max by (cluster, agent) (reeve_observation_age_seconds${here})`, '{{cluster}} {{agent}}')
      }
    ]
  },
  {
    title: 'What it does',
    panels: [
      {
        title: 'In force',
        about: 'Pauses and other acts that stand now.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(`max by (cluster, agent) (reeve_standing_actions${here})`, '{{cluster}} {{agent}}')
      },
      {
        title: 'Oldest act in force',
        about: 'How long it has stood.',
        kind: 'stat',
        unit: 's',
        queries: one(`time() - min by (cluster, agent) (reeve_oldest_standing_action_timestamp_seconds${here})`, '{{cluster}} {{agent}}'),
        red: { from: 7_200 },
        empty: 'none'
      },
      {
        title: 'Outcomes',
        about: 'Acts applied and undone. "unknown" is neither done nor failed: it is read back.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(
          `sum by (cluster, agent, direction, outcome) (increase(reeve_actions_total${here}[$__rate_interval]))`,
          '{{cluster}} {{agent}} {{direction}} {{outcome}}'
        )
      },
      {
        title: 'Refused by the gate',
        about: 'By dry-run, kill switch, freeze, hold or cap; what exceeds a cap waits for a person.',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          { expression: `max by (cluster, agent) (reeve_refused_actions${here})`, legend: '{{cluster}} {{agent}} refused' },
          { expression: `max by (cluster, agent) (reeve_approvable_actions${here})`, legend: '{{cluster}} {{agent}} wait for a person' }
        ]
      }
    ]
  },
  {
    title: 'What it costs',
    panels: [
      {
        title: 'Requests to Kafka',
        about: 'A second, by principal.',
        kind: 'timeseries',
        unit: 'reqps',
        queries: one(`sum by (cluster, client) (rate(reeve_kafka_requests${here}[$__rate_interval]))`, '{{cluster}} {{client}}')
      },
      {
        title: 'Throttled by the brokers',
        about: 'Share of the time that they asked Reeve to wait.',
        kind: 'timeseries',
        unit: 'percentunit',
        queries: one(`sum by (cluster, client) (rate(reeve_kafka_throttled_seconds${here}[$__rate_interval]))`, '{{cluster}} {{client}}')
      },
      {
        title: 'Seconds a turn',
        about: 'The scan and each agent: median and 99th percentile.',
        kind: 'timeseries',
        unit: 's',
        queries: [
          {
            expression: `histogram_quantile(0.5, sum by (cluster, name, le) (rate(reeve_turn_seconds_bucket${here}[$__rate_interval])))`,
            legend: '{{cluster}} {{name}} median'
          },
          {
            expression: `histogram_quantile(0.99, sum by (cluster, name, le) (rate(reeve_turn_seconds_bucket${here}[$__rate_interval])))`,
            legend: '{{cluster}} {{name}} 99 %'
          }
        ]
      },
      {
        title: 'Turns a minute',
        about: 'By how they ended; turns that the local timer brought are those that Redis did not.',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          { expression: `60 * sum by (cluster, name, result) (rate(reeve_turns_total${here}[$__rate_interval]))`, legend: '{{cluster}} {{name}} {{result}}' },
          { expression: `60 * sum by (cluster) (rate(reeve_redis_direct_turns${here}[$__rate_interval]))`, legend: '{{cluster}} by the local timer' }
        ]
      },
      {
        title: 'Memory',
        about: 'Resident, of each process.',
        kind: 'timeseries',
        unit: 'bytes',
        queries: one('reeve_process_resident_memory_bytes{job=~"reeve|reeve-stream"}', '{{job}} {{instance}}')
      },
      {
        title: 'Processor',
        about: 'Cores, and how late the event loop is at the 99th percentile.',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          { expression: 'rate(reeve_process_cpu_seconds_total{job=~"reeve|reeve-stream"}[$__rate_interval])', legend: '{{job}} {{instance}} cores' },
          { expression: 'reeve_nodejs_eventloop_lag_p99_seconds{job=~"reeve|reeve-stream"}', legend: '{{job}} {{instance}} event loop late, s' }
        ]
      }
    ]
  },
  {
    title: 'Whom it tells',
    panels: [
      {
        title: 'Notices by fate',
        about: 'A notice counts as delivered only when it was confirmed.',
        kind: 'timeseries',
        unit: 'none',
        queries: one(`max by (cluster, agent, state) (reeve_notices${here})`, '{{cluster}} {{agent}} {{state}}'),
        empty: 'no notice'
      },
      {
        title: 'Oldest notice that waits',
        about: 'A page from 15 minutes on; the service level is missed from 5 minutes on.',
        kind: 'timeseries',
        unit: 's',
        queries: one(`max by (cluster) (reeve_oldest_undelivered_notice_seconds${here})`, '{{cluster}}'),
        empty: 'none waits'
      },
      {
        title: 'Notices that nobody can be told',
        about: 'Each stops the clocks that depend on it.',
        kind: 'stat',
        unit: 'none',
        queries: one(`max by (cluster) (reeve_notices_undeliverable${here})`, '{{cluster}}'),
        red: { from: 1 },
        empty: 'none'
      }
    ]
  },
  ...streamRows
]
