import { expect, test } from 'vitest'
import { clusterView, type ViewSketch } from '#test/support/cluster-view.ts'
import { type Course, groupCourse, topicCourse } from './course.ts'

const intervalMs = 10_000
const span = { fromMs: 0, untilMs: 60_000, count: 6 }
const at = (index: number, sketch: ViewSketch, gap = index === 0) => ({ view: clusterView({ atMs: index * intervalMs, ...sketch }), intervalMs, gap })
const world = (end: number, committed: number | null): ViewSketch => ({
  topics: { orders: [end] },
  groups: { billing: { committed: committed === null ? null : { orders: { 0: committed } } } }
})
const lasts = (course: Course) =>
  Object.fromEntries(course.panels().map(({ title, columns }) => [title, columns.stretches.map(stretch => stretch?.last ?? null)]))

test("a group's lag, its commits and what is produced for it", () => {
  const course = groupCourse('billing', span)
  for (let index = 0; index <= 5; index++) course.take(at(index, world(100 + index * 200, 100 + index * 50)))
  expect(lasts(course)).toEqual({
    'lag, messages': [0, 150, 300, 450, 600, 750],
    'commits a second': [5, 5, 5, 5, 5, 5],
    'produced a second': [20, 20, 20, 20, 20, 20]
  })
})

test('a gap, offsets that were not seen and a group that is not there are unknown, not zero', () => {
  const course = groupCourse('billing', span)
  course.take(at(0, world(100, 100)))
  course.take(at(1, world(200, 100)))
  course.take(at(2, world(200, null)))
  course.take(at(3, { topics: { orders: [200] } }))
  course.take(at(5, world(200, 200), true))
  const { 'lag, messages': lag, 'commits a second': commits } = lasts(course)
  expect(lag).toEqual([0, 100, null, null, null, 0])
  expect(commits).toEqual([0, 0, null, null, null, null])
})

test('one commit whose lag is unknown makes the sum unknown: else it would look like catching up', () => {
  const course = groupCourse('billing', span)
  const groups = { billing: { committed: { orders: { 0: 0, 1: 0 } } } }
  course.take(at(0, { topics: { orders: [500, 500] }, groups }))
  course.take(at(1, { topics: { orders: [500, { end: null }] }, groups }))
  expect(lasts(course)['lag, messages']!.slice(0, 2)).toEqual([1_000, null])
})

test('a rewind is no rate', () => {
  const course = groupCourse('billing', span)
  for (const [index, committed] of [100, 200, 0, 100].entries()) course.take(at(index, world(1_000, committed)))
  expect(lasts(course)['commits a second']!.slice(0, 4)).toEqual([10, 10, 10, 10])
  expect(course.panels()[1]!.columns.unknown.slice(0, 4)).toEqual([true, true, true, false])
})

test('what was seen last holds until now, unless that is too long ago', () => {
  const fresh = groupCourse('billing', span)
  fresh.take(at(4, world(100, 70), true))
  expect(lasts(fresh)['lag, messages']).toEqual([null, null, null, null, 30, 30])
  const old = groupCourse('billing', span)
  old.take(at(3, world(100, 70), true))
  expect(lasts(old)['lag, messages']).toEqual([null, null, null, 30, null, null])
})

test("a topic's growth by partition, and each reader's lag on it alone", () => {
  const course = topicCourse('orders', ['billing', 'nobody'], span)
  const groups = { billing: { committed: { orders: { 0: 50, 1: 50 }, other: { 0: 0 } } } }
  course.take(at(0, { topics: { orders: [100, 100], other: [9_999] }, groups }))
  course.take(at(1, { topics: { orders: [200, 150], other: [9_999] }, groups }))
  expect([...course.partitionRates()]).toEqual([
    [0, 10],
    [1, 5]
  ])
  expect(lasts(course)['produced a second']!.slice(0, 2)).toEqual([15, 15])
  expect(lasts(course)['lag of billing, messages']!.slice(0, 2)).toEqual([100, 250])
  expect(lasts(course)['lag of nobody, messages']).toEqual(Array.from({ length: 6 }, () => null))
})
