import { enabling, right, type Right } from '#shared/engine/rights.ts'

/** What this agent's principal needs: it is the only one that may command consumers. */
export const rights: readonly Right[] = [
  ...enabling('tell lag that can be read from lag that cannot', [
    right('topic *', 'read', 'reads one record at a committed position, to tell lag that can be read from markers and compacted tails; keeps nothing of it')
  ]),
  ...enabling('give back before retention takes what is unread', [
    right('topic *', 'describe-configs', 'retention.ms and retention.bytes: a group is given back before retention passes its commit'),
    right('cluster kafka-cluster', 'describe', 'sizes of partitions, where a topic is kept by size')
  ]),
  ...enabling('pause a group by the SDK, and give it back', [
    right('topic reeve.control', 'write', 'the commands that the SDK obeys'),
    right('transactional-id reeve.control.consumer-guardian', 'write', 'fences a stale replica of this agent')
  ])
]
