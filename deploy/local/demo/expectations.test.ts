import { describe, expect, test } from 'vitest'
import { cast } from './cast.ts'
import { judge } from './expectations.ts'
import { goodRun, startMs } from './run.fixture.ts'
import type { GroupSeen, Seen } from './seen.ts'

const broken = (seen: Seen): string[] => judge(cast, seen).flatMap(({ what, held }) => (held ? [] : [what]))
const withGroup = (groupId: string, change: (group: GroupSeen) => Partial<GroupSeen>): Seen => {
  const seen = goodRun()
  const group = seen.groups.get(groupId)!
  return { ...seen, groups: new Map(seen.groups).set(groupId, { ...group, ...change(group) }) }
}

test('a run in which all went well holds every expectation, and each shows its evidence', () => {
  const judged = judge(cast, goodRun())
  expect(judged.filter(({ held }) => !held)).toEqual([])
  for (const { groupId } of cast) expect(judged.some(({ what }) => what.startsWith(groupId))).toBe(true)
  expect(judged.every(({ evidence }) => evidence.length > 10)).toBe(true)
})

test('where nothing was seen nothing holds that needs something to be seen', () => {
  const judged = judge(cast, { atMs: startMs, groups: new Map(), pauses: [], messages: [], replies: [], refusals: null })
  expect(judged.flatMap(({ what, held }) => (held ? [what] : []))).toEqual(['nobody else was ever paused'])
})

test('a group that should only be told about was paused: two expectations say so', () => {
  const { pauses, ...rest } = goodRun()
  const wrong = broken({ ...rest, pauses: [...pauses, { ...pauses[0]!, key: 'other', groupId: 'fraud-scoring' }] })
  expect(wrong).toEqual(['fraud-scoring stands still without the SDK, and is not paused', 'nobody else was ever paused'])
})

describe('what went wrong is not held', () => {
  const cases: [string, () => Seen, RegExp][] = [
    [
      'a healthy group is told about',
      () => ({
        ...goodRun(),
        messages: [...goodRun().messages, { channel: 'orders', atMs: startMs, title: 'Warning: Group orders-search-indexer stands still', text: '' }]
      }),
      /orders-search-indexer .* left alone/
    ],
    ['the KIP-848 group is seen as classic', () => withGroup('orders-notifications', () => ({ protocol: 'classic' })), /orders-notifications .* left alone/],
    [
      'a group that should move stood',
      () => withGroup('payments-monthly-report', group => ({ commits: group.commits.map(({ atMs }) => ({ atMs, total: 5 })) })),
      /payments-monthly-report lags/
    ],
    [
      'a group that moves never lagged a million',
      () => withGroup('payments-monthly-report', () => ({ largestLagMessages: 1_000_000 })),
      /payments-monthly-report lags/
    ],
    [
      'a group was paused twice',
      () => ({ ...goodRun(), pauses: [...goodRun().pauses, { ...goodRun().pauses[0]!, key: 'again' }] }),
      /payments-ledger .* paused once/
    ],
    [
      'it was paused by another rule',
      () => ({ ...goodRun(), pauses: goodRun().pauses.map(pause => ({ ...pause, cause: 'lag' })) }),
      /paused once|given back|stood while|watched/
    ],
    [
      'commits moved while it was paused',
      () =>
        withGroup('payments-ledger', group => ({
          commits: group.commits.map(({ atMs, total }) => ({ atMs, total: atMs > startMs + 72_000 ? total + 1 : total }))
        })),
      /payments-ledger: its commits in Kafka stood/
    ],
    [
      'too few looks fell into the pause',
      () => withGroup('payments-ledger', group => ({ commits: group.commits.filter(({ atMs }) => atMs < startMs + 70_000 || atMs > startMs + 80_000) })),
      /payments-ledger: its commits in Kafka stood/
    ],
    ['the answer failed', () => ({ ...goodRun(), replies: goodRun().replies.map(reply => ({ ...reply, exitCode: 5 })) }), /repairs it, says "fixed"/],
    [
      'nothing was read after it was given back',
      () => withGroup('payments-ledger', group => ({ commits: group.commits.map(({ atMs }) => ({ atMs, total: 400 })) })),
      /payments-ledger: it is watched/
    ],
    [
      'it fell back',
      () => withGroup('payments-ledger', group => ({ verdicts: [...group.verdicts.slice(0, -1), { ...group.verdicts[0]!, state: 'needs-person' }] })),
      /payments-ledger: it is watched/
    ],
    [
      'it was called out of trouble only before it was paused',
      () => ({ ...goodRun(), messages: goodRun().messages.map(message => (/out of trouble/.test(message.title) ? { ...message, atMs: startMs } : message)) }),
      /it is watched/
    ],
    [
      'a message went astray',
      () => ({ ...goodRun(), messages: goodRun().messages.map((message, index) => (index === 0 ? { ...message, channel: 'orders' } : message)) }),
      /every message|is told about/
    ],
    ['Reeve was refused a right', () => ({ ...goodRun(), refusals: ['Principal = User:reeve-engine is Denied operation = READ'] }), /refused nothing/]
  ]
  test.each(cases)('%s', (_, make, expected) => {
    const wrong = broken(make())
    expect(wrong.length).toBeGreaterThan(0)
    for (const what of wrong) expect(what).toMatch(expected)
  })
})
