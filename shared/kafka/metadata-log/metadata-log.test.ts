import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokerBatch } from '#test/support/record-batches.ts'
import { quorumBatch, type ScriptedControllers, scriptedControllers, snapshotBytes, spoilt } from '#test/support/scripted-controllers.ts'
import type { MetadataFetch } from './fetch-codec.ts'
import type { MetadataLogItem, MetadataPosition } from './items.ts'
import { MetadataLogReader, type MetadataLogOptions } from './metadata-log.ts'

const change = (offset: number, epoch: number, ...values: string[]): Buffer =>
  brokerBatch({ baseOffset: offset, leaderEpoch: epoch, records: values.map(value => ({ key: null, value: Buffer.from(value) })) })

const open = (controllers: ScriptedControllers, options: MetadataLogOptions = {}) => new MetadataLogReader(controllers.addresses, controllers, options)

const valuesOf = (item: MetadataLogItem | null): string[] =>
  item?.kind === 'records' || item?.kind === 'snapshot' ? [...item.records].map(({ value }) => value.toString()) : []

async function next(reader: MetadataLogReader): Promise<MetadataLogItem> {
  for (;;) {
    const item = await reader.poll()
    if (item) return item
  }
}

async function nextRecords(reader: MetadataLogReader): Promise<MetadataLogItem> {
  for (;;) {
    const item = await next(reader)
    if (item.kind !== 'silence') return item
  }
}

/** Three controllers, the first of which leads epoch 1 with two committed changes. */
function quorumOfThree(): ScriptedControllers {
  const controllers = scriptedControllers()
  for (const log of controllers.logs.values()) Object.assign(log, { batches: [quorumBatch(0, 1, 2), change(1, 1, 'a', 'b')], highWatermark: 3 })
  return controllers
}

describe('committed records', () => {
  test('come from the beginning, in order, the records of the quorum apart', async () => {
    const item = await next(open(quorumOfThree()))
    expect(item).toMatchObject({ kind: 'records', fromOffset: 0, position: { offset: 3, epoch: 1 }, highWatermark: 3, leaderEpoch: 1 })
    expect(item.kind === 'records' && item.quorumRecords).toMatchObject([{ offset: 0, epoch: 1, type: 2 }])
    expect(item.kind === 'records' && item.records).toMatchObject([
      { offset: 1, epoch: 1 },
      { offset: 2, epoch: 1 }
    ])
    expect(valuesOf(item)).toEqual(['a', 'b'])
  })

  test('are read on from a position exactly', async () => {
    const controllers = quorumOfThree()
    controllers.logs.get(1)!.batches.push(change(3, 1, 'c'))
    controllers.logs.get(1)!.highWatermark = 4
    const item = await next(open(controllers, { startAt: { offset: 3, epoch: 1 } }))
    expect(item).toMatchObject({ fromOffset: 3, position: { offset: 4, epoch: 1 } })
    expect(valuesOf(item)).toEqual(['c'])
  })

  test('come from within a batch where a position lies there', async () => {
    expect(valuesOf(await next(open(quorumOfThree(), { startAt: { offset: 2, epoch: 1 } })))).toEqual(['b'])
  })

  test('do not come before the high watermark has passed them', async () => {
    const controllers = quorumOfThree()
    const log = controllers.logs.get(1)!
    log.batches.push(change(3, 1, 'uncommitted'))
    const reader = open(controllers)
    await next(reader)
    expect(await reader.poll({ maxWaitMs: 30 })).toBeNull()
    expect([reader.position, reader.waiting]).toEqual([{ offset: 3, epoch: 1 }, 1])
    log.highWatermark = 4
    expect(valuesOf(await next(reader))).toEqual(['uncommitted'])
  })

  test('wait for the high watermark in short fetches where the leader cannot tell of it', async () => {
    const controllers = quorumOfThree()
    controllers.fetchVersion = 17
    controllers.logs.get(1)!.batches.push(change(3, 1, 'uncommitted'))
    const reader = open(controllers)
    await next(reader)
    await reader.poll({ maxWaitMs: 30 })
    const fetches = controllers.asked.filter(({ key }) => key === 1)
    expect(fetches.at(-1)).toMatchObject({ version: 17, request: { maxWaitMs: 25 } })
  })

  test('that a new leader never had are dropped, and what it has in their place comes', async () => {
    const controllers = quorumOfThree()
    controllers.logs.get(1)!.batches.push(change(3, 1, 'never committed', 'nor this'))
    const reader = open(controllers)
    await next(reader)
    await reader.poll({ maxWaitMs: 30 })
    controllers.down.add(1)
    controllers.lead(2, 2)
    Object.assign(controllers.logs.get(2)!, {
      batches: [...controllers.logs.get(2)!.batches, quorumBatch(3, 2, 2), change(4, 2, 'committed')],
      highWatermark: 5
    })
    const item = await next(reader)
    expect(item).toMatchObject({ kind: 'records', fromOffset: 3, position: { offset: 5, epoch: 2 }, leaderEpoch: 2 })
    expect(valuesOf(item)).toEqual(['committed'])
    expect(reader.counts).toMatchObject({ dropped: 2, epochs: 2 })
  })
})

describe('the leader', () => {
  test.each([true, false])('is found and followed, its address told by the others: %s', async tellEndpoints => {
    const controllers = quorumOfThree()
    controllers.tellEndpoints = tellEndpoints
    controllers.lead(3, 7)
    const reader = open(controllers)
    expect(valuesOf(await next(reader))).toEqual(['a', 'b'])
    controllers.lead(2, 9)
    const log = controllers.logs.get(2)!
    log.batches.push(quorumBatch(3, 9, 2))
    log.highWatermark = 4
    expect(await next(reader)).toMatchObject({ fromOffset: 3, position: { offset: 4, epoch: 9 }, leaderEpoch: 9 })
  })

  test('that was cut off from the others is left for the new one', async () => {
    const controllers = quorumOfThree()
    const reader = open(controllers, { silenceAfterMs: 500 })
    await next(reader)
    // The old leader has not heard of the election.
    controllers.lead(2, 2, [2, 3])
    Object.assign(controllers.logs.get(2)!, { batches: [...controllers.logs.get(2)!.batches, quorumBatch(3, 2, 2), change(4, 2, 'c')], highWatermark: 5 })
    expect(valuesOf(await nextRecords(reader))).toEqual(['c'])
  })

  test('that does not exist for a while is awaited', async () => {
    const controllers = quorumOfThree()
    controllers.lead(null, 2)
    const reader = open(controllers)
    expect(await reader.poll({ maxWaitMs: 100 })).toBeNull()
    controllers.lead(1, 3)
    expect(valuesOf(await next(reader))).toEqual(['a', 'b'])
  })

  test('that hangs is not asked at once again because the others still name it', async () => {
    const controllers = quorumOfThree()
    const reader = open(controllers)
    await next(reader)
    controllers.down.add(1)
    controllers.downForMs = 500
    // The fetch that is under way is to it.
    const from = controllers.asked.length - 1
    await reader.poll({ maxWaitMs: 950 })
    const asked = controllers.asked.slice(from).map(({ address }) => address)
    expect(asked.filter(address => address === 'controller:1')).toHaveLength(1)
    expect(new Set(asked).size).toBe(3)
  })

  test('is not asked without a pause where two controllers point to each other', async () => {
    const controllers = quorumOfThree()
    controllers.lead(2, 2, [1, 3])
    controllers.lead(1, 2, [2])
    const reader = open(controllers)
    expect(await reader.poll({ maxWaitMs: 300 })).toBeNull()
    expect(controllers.asked.length).toBeLessThan(60)
  })
})

describe('a snapshot', () => {
  const truncated = (controllers: ScriptedControllers): void => {
    for (const log of controllers.logs.values())
      Object.assign(log, {
        batches: [change(10, 2, 'after')],
        highWatermark: 11,
        logStartOffset: 10,
        snapshot: { id: { offset: 10, epoch: 2 }, bytes: snapshotBytes(['x', 'y', 'z'], 1_700_000_000_123, 2) }
      })
    controllers.lead(1, 2)
  }

  test('stands for what the log no longer holds, and says which changes are known by their result only', async () => {
    const controllers = quorumOfThree()
    const reader = open(controllers)
    await next(reader)
    truncated(controllers)
    controllers.chunkBytes = 50
    const item = await next(reader)
    expect(item).toMatchObject({
      kind: 'snapshot',
      endOffset: 10,
      epoch: 2,
      position: { offset: 10, epoch: 2 },
      gap: { from: 3, to: 10 },
      lastContainedLogTimestampMs: 1_700_000_000_123,
      recordCount: 3
    })
    expect([valuesOf(item), valuesOf(item)]).toEqual([
      ['x', 'y', 'z'],
      ['x', 'y', 'z']
    ])
    expect(await next(reader)).toMatchObject({ kind: 'records', fromOffset: 10, position: { offset: 11, epoch: 2 } })
  })

  test('is begun anew when its leader goes in the middle of it', async () => {
    const controllers = quorumOfThree()
    truncated(controllers)
    controllers.chunkBytes = 50
    let chunks = 0
    controllers.beforeAnswer = (_, key) => {
      if (key !== 59 || ++chunks !== 3) return
      controllers.down.add(1)
      controllers.lead(2, 3)
    }
    expect(valuesOf(await next(open(controllers)))).toEqual(['x', 'y', 'z'])
    expect(controllers.asked.filter(({ key }) => key === 59).map(({ address }) => address)).toEqual(
      expect.arrayContaining(['controller:1', 'controller:1', 'controller:1', 'controller:2'])
    )
  })

  test('that is not whole is not given, however often it is read', async () => {
    const whole = snapshotBytes(['x', 'y', 'z'], 0, 2)
    const footer = quorumBatch(4, 2, 4).length
    const wrong = {
      'a bit is wrong': Buffer.concat([spoilt(whole.subarray(0, whole.length - footer)), whole.subarray(-footer)]),
      'the footer is missing': whole.subarray(0, whole.length - footer),
      'the header is missing': whole.subarray(footer),
      'it ends within a batch': whole.subarray(0, whole.length - 1)
    }
    for (const [what, bytes] of Object.entries(wrong)) {
      const controllers = quorumOfThree()
      truncated(controllers)
      for (const log of controllers.logs.values()) log.snapshot = { id: { offset: 10, epoch: 2 }, bytes }
      const reader = open(controllers, { silenceAfterMs: 150 })
      expect(await next(reader).catch((error: Error) => error), what).not.toMatchObject({ kind: 'snapshot' })
      expect(reader.position).toEqual({ offset: 0, epoch: 0 })
      await reader.close()
    }
  })

  test('above its bound is an error that says so', async () => {
    const controllers = quorumOfThree()
    truncated(controllers)
    await expect(next(open(controllers, { maxSnapshotBytes: 100 }))).rejects.toThrow(/the snapshot at offset 10 has \d+ bytes, more than the limit of 100/)
  })

  test('that does not reach to what was handed over says that the log was rewritten', async () => {
    const controllers = quorumOfThree()
    truncated(controllers)
    const reader = open(controllers, { startAt: { offset: 20, epoch: 1 } })
    expect(await next(reader)).toMatchObject({ kind: 'rewritten', lost: { offset: 20, epoch: 1 } })
    expect(await next(reader)).toMatchObject({ kind: 'snapshot', gap: { from: 0, to: 10 } })
  })
})

describe('silence', () => {
  test('is told with what the leader says, again and again, and ends with the next record', async () => {
    const controllers = quorumOfThree()
    const reader = open(controllers, { silenceAfterMs: 60 })
    await next(reader)
    const silences = [await next(reader), await next(reader)]
    for (const silence of silences) expect(silence).toMatchObject({ kind: 'silence', position: { offset: 3, epoch: 1 } })
    expect(silences.map(item => item.kind === 'silence' && item.why)).toEqual(
      Array(2).fill('controller controller:1 leads epoch 1 and commits nothing: its high watermark is 3, 0 records wait for it')
    )
    for (const silence of silences) expect(silence.kind === 'silence' && silence.silentMs).toBeGreaterThanOrEqual(60)
    controllers.logs.get(1)!.batches.push(change(3, 1, 'c'))
    controllers.logs.get(1)!.highWatermark = 4
    expect(valuesOf(await nextRecords(reader))).toEqual(['c'])
  })

  test('is told with why nobody answers', async () => {
    const controllers = quorumOfThree()
    for (const id of [1, 2, 3]) controllers.down.add(id)
    const item = await next(open(controllers, { silenceAfterMs: 60 }))
    expect(item.kind === 'silence' && item.why).toMatch(/ECONNREFUSED/)
  })

  test('is not of the time in which nobody listened', async () => {
    const controllers = quorumOfThree()
    const reader = open(controllers, { silenceAfterMs: 200 })
    await next(reader)
    await new Promise(done => setTimeout(done, 300))
    expect(await reader.poll({ maxWaitMs: 20 })).toBeNull()
  })

  test('is not of the time in which this process stood still', async () => {
    const reader = open(quorumOfThree(), { silenceAfterMs: 200 })
    await next(reader)
    const polled = reader.poll({ maxWaitMs: 250 })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    expect(await polled).toBeNull()
  })
})

test('what was handed over and is not in the log any more is told, and reading begins anew', async () => {
  const controllers = quorumOfThree()
  const reader = open(controllers, { startAt: { offset: 9, epoch: 1 } })
  expect(await next(reader)).toEqual({
    kind: 'rewritten',
    lost: { offset: 9, epoch: 1 },
    divergedAt: { offset: 3, epoch: 1 },
    position: { offset: 0, epoch: 0 }
  })
  expect(await next(reader)).toMatchObject({ kind: 'records', fromOffset: 0, position: { offset: 3, epoch: 1 } })
})

test('a bad batch is never handed over: it is read again, and the silence says what is wrong', async () => {
  const controllers = quorumOfThree()
  for (const log of controllers.logs.values()) log.batches.push(spoilt(change(3, 1, 'spoilt')))
  for (const log of controllers.logs.values()) log.highWatermark = 4
  const reader = open(controllers, { silenceAfterMs: 200, startAt: { offset: 3, epoch: 1 } })
  const item = await next(reader)
  expect(item.kind === 'silence' && item.why).toMatch(/the CRC32C of the batch at offset 3 is not/)
  expect(reader.position).toEqual({ offset: 3, epoch: 1 })
  for (const log of controllers.logs.values()) log.batches.splice(-1, 1, change(3, 1, 'sound'))
  expect(valuesOf(await nextRecords(reader))).toEqual(['sound'])
})

test('a hole in the log is not stepped over', async () => {
  const controllers = quorumOfThree()
  for (const log of controllers.logs.values()) Object.assign(log, { batches: [...log.batches, change(4, 1, 'after a hole')], highWatermark: 5 })
  const reader = open(controllers, { silenceAfterMs: 100 })
  const item = await next(reader)
  expect([item.kind, reader.position.offset]).toEqual(['silence', 0])
})

test('a right that is missing everywhere is an error, one that is missing on one controller is not', async () => {
  const controllers = quorumOfThree()
  controllers.lead(2, 2)
  controllers.denying.add(1)
  expect(valuesOf(await next(open(controllers)))).toEqual(['a', 'b'])
  for (const id of [2, 3]) controllers.denying.add(id)
  await expect(next(open(controllers))).rejects.toMatchObject({ kind: 'authorization', apiError: 'CLUSTER_AUTHORIZATION_FAILED' })
})

test('controllers before Kafka 3.9 are refused with their version', async () => {
  const controllers = quorumOfThree()
  controllers.fetchVersion = 16
  await expect(next(open(controllers))).rejects.toThrow('speaks Fetch up to 16, expected at least 17 (Kafka 3.9)')
})

test('only ApiVersions, Fetch and FetchSnapshot are sent, and a fetch says what is known', async () => {
  const controllers = quorumOfThree()
  const reader = open(controllers)
  await next(reader)
  await reader.poll({ maxWaitMs: 30 })
  expect([...new Set(controllers.asked.map(({ key }) => key))].toSorted((a, b) => a - b)).toEqual([1, 18])
  const fetch = controllers.asked.at(-1)!.request as MetadataFetch
  expect(fetch).toMatchObject({ leaderEpoch: 1, position: { offset: 3, epoch: 1 }, highWatermark: 3, maxWaitMs: 500 })
})

test('a reader that is closed says so, and two cannot poll it at once', async () => {
  const reader = open(quorumOfThree())
  const first = reader.poll()
  await expect(reader.poll()).rejects.toThrow('polled already')
  await first
  await reader.close()
  await expect(reader.poll()).rejects.toThrow('closed')
})

type Act = { act: 'append'; values: number } | { act: 'commit' } | { act: 'elect'; keep: number; to: number } | { act: 'snapshot' } | { act: 'read' }

/** A quorum whose leader appends, commits and loses what it did not commit, as Raft allows and no further. */
class History {
  readonly controllers = scriptedControllers()
  /** What was committed, by offset; null for records of the quorum. */
  readonly committed: (string | null)[] = []
  /** What the leader has beyond that, batch by batch. */
  tail: { values: (string | null)[]; bytes: Buffer; epoch: number }[] = []
  epoch = 0
  #counter = 0
  #committedEpoch = 0

  constructor() {
    this.elect(1, 0)
  }

  get end(): number {
    return this.committed.length + this.tail.reduce((sum, { values }) => sum + values.length, 0)
  }

  append(count: number): void {
    const values = Array.from({ length: count }, () => `${this.epoch}/${this.#counter++}`)
    this.#push(values, change(this.end, this.epoch, ...values))
  }

  commit(): void {
    for (const { values, epoch } of this.tail) {
      this.committed.push(...values)
      this.#committedEpoch = epoch
    }
    this.tail = []
    for (const log of this.controllers.logs.values()) log.highWatermark = this.committed.length
  }

  elect(to: number, keep: number): void {
    this.epoch++
    this.tail = this.tail.slice(0, keep)
    const end = this.end
    for (const log of this.controllers.logs.values()) log.batches = log.batches.filter(batch => Number(batch.readBigInt64BE(0)) < end)
    this.controllers.lead(to, this.epoch)
    this.#push([null], quorumBatch(end, this.epoch, 2))
  }

  snapshot(): void {
    const offset = this.committed.length
    if (offset === 0) return
    const id = { offset, epoch: this.#committedEpoch }
    const bytes = snapshotBytes([`state at ${offset}`], 0, id.epoch)
    for (const log of this.controllers.logs.values())
      Object.assign(log, { snapshot: { id, bytes }, logStartOffset: offset, batches: log.batches.filter(batch => Number(batch.readBigInt64BE(0)) >= offset) })
  }

  #push(values: (string | null)[], bytes: Buffer): void {
    this.tail.push({ values, bytes, epoch: this.epoch })
    for (const log of this.controllers.logs.values()) log.batches.push(bytes)
  }
}

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('append' as const), values: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 4, arbitrary: fc.constant({ act: 'commit' as const }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('elect' as const), keep: fc.nat(2), to: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ act: 'snapshot' as const }) },
  { weight: 6, arbitrary: fc.constant({ act: 'read' as const }) }
)

test('whatever a quorum goes through, each committed offset comes once, in order, and no other; a resumed reader goes on where the last one was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), fc.boolean(), async (acts, resume) => {
      const history = new History()
      let reader = open(history.controllers)
      let position: MetadataPosition = { offset: 0, epoch: 0 }
      const read = async (maxWaitMs: number): Promise<void> => {
        const item = await reader.poll({ maxWaitMs })
        if (!item) return
        if (item.kind === 'records') {
          expect(item.fromOffset).toBe(position.offset)
          const given = [...item.records.map(({ offset, value }) => [offset, value.toString()]), ...item.quorumRecords.map(({ offset }) => [offset, null])]
          const expected = history.committed.slice(position.offset, item.position.offset).map((value, index) => [position.offset + index, value])
          expect(given.toSorted(([one], [other]) => Number(one) - Number(other))).toEqual(expected)
        } else {
          expect(item).toMatchObject({ kind: 'snapshot', gap: { from: position.offset, to: item.position.offset } })
          expect(valuesOf(item)).toEqual([`state at ${item.position.offset}`])
        }
        position = item.position
        if (!resume) return
        await reader.close()
        reader = open(history.controllers, { startAt: position })
      }
      for (const step of acts) {
        if (step.act === 'append') history.append(step.values)
        else if (step.act === 'commit') history.commit()
        else if (step.act === 'elect') history.elect(step.to, step.keep)
        else if (step.act === 'snapshot') history.snapshot()
        else await read(5)
      }
      history.commit()
      while (position.offset < history.committed.length) await read(1_000)
      expect(position.offset).toBe(history.committed.length)
      await reader.close()
    }),
    { numRuns: 100 }
  )
})
