import { expect, test } from 'vitest'
import { clusterView } from '#test/support/cluster-view.ts'
import { commitRate, growthRate } from './rate.ts'

const before = clusterView({
  atMs: 0,
  topics: { orders: [100, { end: null }, 10], other: { topicId: 'first', partitions: [5] } },
  groups: { billing: { committed: { orders: { 0: 40, 1: 5 } } }, blind: { committed: null } }
})
const after = clusterView({
  atMs: 2_000,
  topics: { orders: [150, 60, 30], other: { topicId: 'second', partitions: [500] } },
  groups: { billing: { committed: { orders: { 0: 60, 1: 5, 2: 7 } } }, blind: { committed: null } }
})

test('ends grow by so many records a second, over the partitions that were seen both times', () => {
  expect(growthRate(before, after, new Map([['orders', [0, 1, 2]]]))).toBe(35)
  expect(growthRate(before, after, new Map([['orders', [1]]]))).toBeNull()
  expect(growthRate(before, after, new Map([['nowhere', [0]]]))).toBeNull()
})

test('another topic of the same name has not grown', () => expect(growthRate(before, after, new Map([['other', [0]]]))).toBeNull())

test('commits advance by so many records a second, and a first commit is no advance', () => {
  expect(commitRate(before, after, 'billing')).toBe(10)
  expect(commitRate(after, { ...before, atMs: 3_000 }, 'billing')).toBe(-20)
  expect(commitRate(before, after, 'blind')).toBeNull()
  expect(commitRate(before, after, 'nobody')).toBeNull()
  expect(commitRate(before, before, 'billing')).toBeNull()
})
