import { expect, test } from 'vitest'
import { checkLeaseTimes, leaseTimes, shouldTakeOver } from './lease.ts'

const lease = { holder: 'a', epoch: 3, renewedAtMs: 0, released: false }

test('a standby takes over at once where nobody led or the leader left in good order', () => {
  expect(shouldTakeOver(undefined, 0, leaseTimes)).toBe(true)
  expect(shouldTakeOver({ ...lease, released: true }, 0, leaseTimes)).toBe(true)
})
test('a leader that is heard of is left alone', () => {
  expect(shouldTakeOver(lease, 19_999, leaseTimes)).toBe(false)
  expect(shouldTakeOver(lease, 20_000, leaseTimes)).toBe(true)
})
test('times under which two could act at once are refused', () => {
  expect(() => checkLeaseTimes(leaseTimes)).not.toThrow()
  expect(() => checkLeaseTimes({ ...leaseTimes, effectDeadlineMs: 15_000 })).toThrow('in which an effect may start and end')
  expect(() => checkLeaseTimes({ ...leaseTimes, renewEveryMs: 7_000 })).toThrow('at least three times')
})
