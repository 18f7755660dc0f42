import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokerBatch, markerBatch } from '#test/support/record-batches.ts'
import { type Batch, isControl, walkBatches } from './batch.ts'
import { committedFilter } from './committed.ts'
import { controlType } from './records.ts'

interface Written {
  readonly batch: Batch
  readonly fate: 'committed' | 'aborted' | 'control' | 'open'
}
interface AbortedRange {
  readonly producerId: bigint
  readonly firstOffset: number
  readonly lastOffset: number
}

type Step = { readonly producer: number; readonly act: 'write' | 'commit' | 'abort' | 'plain'; readonly records: number }

/** A partition that several transactional producers write to at once, and the fate of each of its batches. */
function play(steps: readonly Step[]): { log: Written[]; aborted: AbortedRange[]; lastStableOffset: number } {
  const log: { batch: Batch; fate: Written['fate'] }[] = []
  const open = new Map<number, { batch: Batch; fate: Written['fate'] }[]>()
  const aborted: AbortedRange[] = []
  let offset = 0
  const append = (bytes: Buffer, fate: Written['fate']): { batch: Batch; fate: Written['fate'] } => {
    const written = { batch: walkBatches([bytes])[0]!, fate }
    log.push(written)
    offset = written.batch.header.lastOffset + 1
    return written
  }
  for (const { producer, act, records } of steps) {
    const sketch = { baseOffset: offset, records: Array.from({ length: records }, () => ({ key: null, value: Buffer.from('x') })) }
    if (act === 'plain') append(brokerBatch(sketch), 'committed')
    else if (act === 'write')
      open.set(producer, [...(open.get(producer) ?? []), append(brokerBatch({ ...sketch, producerId: producer, transactional: true }), 'open')])
    else {
      const ofProducer = open.get(producer)
      if (!ofProducer) continue
      for (const written of ofProducer) written.fate = act === 'commit' ? 'committed' : 'aborted'
      if (act === 'abort') aborted.push({ producerId: BigInt(producer), firstOffset: ofProducer[0]!.batch.header.baseOffset, lastOffset: offset })
      append(markerBatch(offset, producer, act), 'control')
      open.delete(producer)
    }
  }
  const lastStableOffset = Math.min(offset, ...[...open.values()].map(ofProducer => ofProducer[0]!.batch.header.baseOffset))
  return { log, aborted, lastStableOffset }
}

const step: fc.Arbitrary<Step> = fc.record({
  producer: fc.integer({ min: 1, max: 4 }),
  act: fc.constantFrom('write' as const, 'write' as const, 'write' as const, 'commit' as const, 'abort' as const, 'plain' as const),
  records: fc.integer({ min: 1, max: 4 })
})

test('over any interleaving of transactions and any cuts between fetches, exactly the committed data passes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), fc.nat(10), (steps, cuts, startAt) => {
      const { log, aborted, lastStableOffset } = play(steps)
      const stable = log.filter(({ batch }) => batch.header.lastOffset >= startAt && batch.header.baseOffset < lastStableOffset)
      const seen: string[] = []
      for (let index = 0, fetch = 0; index < stable.length; fetch++) {
        const answer = stable.slice(index, index + cuts[fetch % cuts.length]!)
        index += answer.length
        const [from, to] = [answer[0]!.batch.header.baseOffset, answer.at(-1)!.batch.header.lastOffset]
        // As the broker's transaction index is asked: what overlaps the range of the answer. In any order.
        const overlapping = aborted.filter(range => range.lastOffset >= from && range.firstOffset <= to).toReversed()
        const kindOf = committedFilter(overlapping)
        for (const { batch } of answer) seen.push(kindOf(batch.header, isControl(batch.header) && controlType(batch) === 0))
      }
      expect(seen).toEqual(stable.map(({ fate }) => (fate === 'committed' ? 'data' : fate)))
    }),
    { numRuns: 1_000 }
  )
})

test('after its abort marker a producer is believed again within the same answer', () => {
  const kindOf = committedFilter([{ producerId: 1n, firstOffset: 0 }])
  const headers = [
    brokerBatch({ baseOffset: 0, producerId: 1, transactional: true }),
    markerBatch(1, 1, 'abort'),
    brokerBatch({ baseOffset: 2, producerId: 1, transactional: true })
  ]
  expect(headers.map((bytes, index) => kindOf(walkBatches([bytes])[0]!.header, index === 1))).toEqual(['aborted', 'control', 'data'])
})

test('a marker that compaction has emptied has no type', () => {
  const [marker] = walkBatches([brokerBatch({ producerId: 1, transactional: true, control: true, records: [] })])
  expect(controlType(marker!)).toBeNull()
})
