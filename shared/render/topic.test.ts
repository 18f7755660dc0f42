import { expect, test } from 'vitest'
import { clusterView } from '#test/support/cluster-view.ts'
import { groupTopicLags } from '../domain/lag.ts'
import { topicText, type TopicFacts } from './topic.ts'

const view = clusterView({
  topics: { orders: [1_500, { end: null, leader: null, inSyncReplicas: 1 }] },
  groups: { 'billing\u001b[31m': { committed: { orders: { 0: 300, 1: 7 } } } }
})
const group = [...view.groups.values()][0]!
const facts: TopicFacts = {
  topic: view.topics.get('orders')!,
  rates: new Map([
    [0, 12.5],
    [1, null]
  ]),
  owner: { team: 'sales', channel: 'sales' },
  readers: [{ group, lag: groupTopicLags(view, group)[0]!, owner: { team: 'money', by: 'topic' }, said: [] }],
  configs: { seen: { 'retention.ms': '3600000', 'x.secret': null } },
  unseen: [{ kind: 'partition', id: 'orders-1', why: 'no leader' }]
}

test('partitions, readers, owner and configuration of a topic, and what was not seen of it', () => {
  expect(`\n${topicText(facts)}\n`).toMatchInlineSnapshot(`
    "
    orders: 2 partitions, id 6f726465-7273-0000-0000-000000000000, owner sales (sales)

    partitions
      partition  leader  in sync  start  end    last stable  records/s
      ─────────  ──────  ───────  ─────  ─────  ───────────  ─────────
      0          1       3 of 3   0      1,500  1,500        12.5
      1          none    1 of 3   0      ?      ?            ?

    readers
      group              state  members  lag                  owner                 said of it
      ─────────────────  ─────  ───────  ───────────────────  ────────────────────  ──────────
      billing\\u{1b}[31m  empty  0        1,200 and 1 unknown  money (of the topic)  nothing

    configuration (asked now; not part of the observations)
      retention.ms: 3600000
      x.secret: (hidden)

    not seen
      partition orders-1: no leader
    "
  `)
})

test('what is not known is not left out', () => {
  const text = topicText({ ...facts, owner: null, readers: [], configs: { unseen: 'TOPIC_AUTHORIZATION_FAILED' }, rates: new Map() })
  expect(text).toContain('owner nobody')
  expect(text).toContain('no group has a commit here')
  expect(text).toContain('not seen: TOPIC_AUTHORIZATION_FAILED')
})

test('a table of thousands is cut, and says so', () => {
  const many = clusterView({ topics: { orders: Array.from({ length: 120 }, () => 1) } }).topics.get('orders')!
  expect(topicText({ ...facts, topic: many })).toContain('and 70 more (--json has all)')
})
