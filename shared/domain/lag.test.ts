import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clusterView } from '#test/support/cluster-view.ts'
import { groupTopicLags, lagMessages } from './lag.ts'

describe('the lag of a partition', () => {
  test.each([
    { what: 'end minus commit', endOffset: 100, committedOffset: 40, logStartOffset: 0, lag: 60 },
    { what: 'nothing at the end', endOffset: 100, committedOffset: 100, logStartOffset: 0, lag: 0 },
    { what: 'counted from the log start when retention passed the commit', endOffset: 100, committedOffset: 10, logStartOffset: 70, lag: 30 },
    { what: 'nothing in an emptied log', endOffset: 100, committedOffset: 10, logStartOffset: 100, lag: 0 },
    { what: 'nothing when the commit is beyond the end, as after a truncation', endOffset: 100, committedOffset: 120, logStartOffset: 0, lag: 0 },
    { what: 'nothing when the log start was read after the end and is beyond it', endOffset: 100, committedOffset: 10, logStartOffset: 110, lag: 0 },
    { what: 'unknown without an end', endOffset: null, committedOffset: 10, logStartOffset: 0, lag: null },
    { what: 'unknown without a commit', endOffset: 100, committedOffset: null, logStartOffset: 0, lag: null },
    { what: 'unknown without a log start', endOffset: 100, committedOffset: 10, logStartOffset: null, lag: null }
  ])('is $what', ({ lag, ...offsets }) => {
    expect(lagMessages(offsets)).toBe(lag)
  })

  test('is never negative and never more than the log holds', () => {
    const offset = fc.nat(1_000_000)
    fc.assert(
      fc.property(offset, offset, offset, (endOffset, committedOffset, logStartOffset) => {
        const lag = lagMessages({ endOffset, committedOffset, logStartOffset })!
        expect(lag).toBeGreaterThanOrEqual(0)
        expect(lag).toBeLessThanOrEqual(Math.max(endOffset - logStartOffset, 0))
      })
    )
  })

  test('never grows when the commit or the log start moves forward', () => {
    const offset = fc.nat(1_000_000)
    fc.assert(
      fc.property(offset, offset, offset, offset, (endOffset, committedOffset, logStartOffset, step) => {
        const lag = lagMessages({ endOffset, committedOffset, logStartOffset })!
        expect(lagMessages({ endOffset, committedOffset: committedOffset + step, logStartOffset })).toBeLessThanOrEqual(lag)
        expect(lagMessages({ endOffset, committedOffset, logStartOffset: logStartOffset + step })).toBeLessThanOrEqual(lag)
      })
    )
  })
})

describe('the lag of a group by topic', () => {
  test('sums what is known and counts what is not', () => {
    const view = clusterView({
      topics: { orders: [100, 100, { end: null }], audit: [7] },
      groups: { billing: { committed: { orders: { 0: 90, 1: 50, 2: 5 }, audit: { 0: 7 } } } }
    })
    expect(groupTopicLags(view, view.groups.get('billing')!)).toEqual([
      { topic: 'audit', lagMessages: 0, unknownPartitions: 0, partitions: [{ partition: 0, committed: 7, lagMessages: 0 }] },
      {
        topic: 'orders',
        lagMessages: 60,
        unknownPartitions: 1,
        partitions: [
          { partition: 0, committed: 90, lagMessages: 10 },
          { partition: 1, committed: 50, lagMessages: 50 },
          { partition: 2, committed: 5, lagMessages: null }
        ]
      }
    ])
  })

  test('a partition that a member holds without a commit is unknown, not zero', () => {
    const view = clusterView({ topics: { orders: [100] }, groups: { billing: { members: [{ assigned: { orders: [0] } }], committed: {} } } })
    expect(groupTopicLags(view, view.groups.get('billing')!)).toMatchObject([{ topic: 'orders', lagMessages: null, unknownPartitions: 1 }])
  })

  test('commits that were not seen make every lag unknown', () => {
    const view = clusterView({ topics: { orders: [100] }, groups: { billing: { members: [{ assigned: { orders: [0] } }], committed: null } } })
    expect(groupTopicLags(view, view.groups.get('billing')!)).toMatchObject([{ topic: 'orders', lagMessages: null, unknownPartitions: 1 }])
  })

  test('a commit on a topic that the view does not have is unknown', () => {
    const view = clusterView({ topics: {}, groups: { billing: { committed: { gone: { 0: 5 } } } } })
    expect(groupTopicLags(view, view.groups.get('billing')!)).toMatchObject([{ topic: 'gone', lagMessages: null, unknownPartitions: 1 }])
  })
})
