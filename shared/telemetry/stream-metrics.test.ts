import { expect, test } from 'vitest'
import type { Measure, Reading } from './meter.ts'
import { openMetrics } from './metrics.ts'

const measures: readonly Measure[] = [
  { name: 'reeve_toys_total', help: 'Toys.', kind: 'counter', labels: ['colour'] },
  { name: 'reeve_toy_box', help: 'Toys in the box.', kind: 'gauge', labels: ['box'] },
  { name: 'reeve_toy_age_seconds', help: 'Age of the oldest.', kind: 'gauge', labels: [] }
]
let nowMs = 100_000
const metrics = openMetrics(() => nowMs)
const open = (cluster: string) => metrics.cluster(cluster).stream({ name: 'toys', leaseMs: 20_000, measures })
const samples = async (cluster: string) => (await metrics.text()).split('\n').filter(line => line.startsWith('reeve_') && line.includes(`cluster="${cluster}"`))

test('a stream that starts says that it is to run and does not lead, and claims nothing else', async () => {
  open('starting')
  expect(await samples('starting')).toEqual([
    'reeve_stream_leadership_lost_total{cluster="starting",stream="toys",why="fenced"} 0',
    'reeve_stream_leader{cluster="starting",stream="toys"} 0',
    'reeve_stream_lease_seconds{cluster="starting",stream="toys"} 20'
  ])
})

test('who leads, what was committed and when, what was lost, and who waits to be told', async () => {
  const meter = open('eu')
  meter.role(true)
  meter.committed()
  nowMs = 130_000
  meter.lost('fenced')
  meter.lost('timeout')
  meter.step({ inputs: 5, outputs: 2 })
  meter.notices(() => 3)
  meter.count([
    { name: 'reeve_toys_total', labels: { colour: 'red' }, by: 0 },
    { name: 'reeve_toys_total', labels: { colour: 'blue' }, by: 2 }
  ])
  const lines = await samples('eu')
  for (const line of [
    'reeve_stream_leader{cluster="eu",stream="toys"} 1',
    'reeve_stream_committed_timestamp_seconds{cluster="eu",stream="toys"} 100',
    'reeve_stream_leadership_lost_total{cluster="eu",stream="toys",why="fenced"} 1',
    'reeve_stream_leadership_lost_total{cluster="eu",stream="toys",why="timeout"} 1',
    'reeve_streamed_total{cluster="eu",stream="toys",direction="in"} 5',
    'reeve_streamed_total{cluster="eu",stream="toys",direction="out"} 2',
    'reeve_stream_notices_waiting{cluster="eu",stream="toys"} 3',
    'reeve_toys_total{colour="red",cluster="eu",stream="toys"} 0',
    'reeve_toys_total{colour="blue",cluster="eu",stream="toys"} 2'
  ])
    expect(lines).toContain(line)
  meter.role(false)
  expect(await samples('eu')).toContain('reeve_stream_leader{cluster="eu",stream="toys"} 0')
})

test('a gauge is read at the scrape, has no sample while it is unknown, and none of a reign that ended', async () => {
  const meter = open('us')
  let readings: Reading[] = [{ name: 'reeve_toy_box', labels: { box: 'a' }, value: 1 }]
  const forget = meter.gauges(() => readings)
  const others = meter.gauges(() => [{ name: 'reeve_toy_age_seconds', labels: {}, value: 7 }])
  const toys = async () => (await samples('us')).filter(line => line.startsWith('reeve_toy_'))
  const age = 'reeve_toy_age_seconds{cluster="us",stream="toys"} 7'
  expect(await toys()).toEqual(['reeve_toy_box{box="a",cluster="us",stream="toys"} 1', age])
  readings = [{ name: 'reeve_toy_box', labels: { box: 'b' }, value: 2 }]
  expect(await toys()).toEqual(['reeve_toy_box{box="b",cluster="us",stream="toys"} 2', age])
  forget()
  expect(await toys()).toEqual([age])
  others()
  expect(await toys()).toEqual([])
})

test('what is no measure of the stream is not counted in silence', () => {
  const meter = open('wrong')
  expect(() => meter.count([{ name: 'reeve_unheard_of_total', labels: {}, by: 1 }])).toThrow('toys counts reeve_unheard_of_total')
  expect(() => meter.count([{ name: 'reeve_toy_box', labels: { box: 'a' }, by: 1 }])).toThrow('no counter among its measures')
})
