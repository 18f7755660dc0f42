import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Appender, LogReader, LogRecord, NewRecord } from '#shared/kafka/ports.ts'

export interface OpenTransaction {
  commit(): Promise<void>
  abort(): Promise<void>
}

/** What the contract needs of a cluster, real or in memory. */
export interface LogReaderHarness {
  readonly name: string
  createTopic(partitions: number): Promise<string>
  /** Deletes the topic and creates it anew with one partition. */
  recreateTopic(topic: string): Promise<void>
  openReader(): Promise<LogReader>
  openAppender(): Promise<Appender>
  /** A transaction with these records written and not ended. */
  openTransaction(records: readonly NewRecord[]): Promise<OpenTransaction>
  /** Until everything that was ended is stable: markers follow a moment after a commit was answered. */
  settled(topic: string, partitions: readonly number[]): Promise<void>
  deleteRecords(topic: string, partition: number, before: number): Promise<void>
  close(): Promise<void>
}

/** What every LogReader promises. */
export function logReaderContract(open: () => Promise<LogReaderHarness>, name: string): void {
  describe(`the contract of a log reader, on ${name}`, () => {
    let harness: LogReaderHarness
    let reader: LogReader
    let appender: Appender
    const opened: LogReader[] = []

    beforeAll(async () => {
      harness = await open()
      appender = await harness.openAppender()
      await appender.fence()
    })
    afterAll(async () => {
      await Promise.all(opened.map(one => one.close()))
      await appender.close()
      await harness.close()
    })

    const fresh = async (partitions = 1): Promise<string> => {
      reader = await harness.openReader()
      opened.push(reader)
      return harness.createTopic(partitions)
    }
    const record = (topic: string, value: string | null, partition = 0): NewRecord => ({
      topic,
      partition,
      key: Buffer.from('k'),
      value: value === null ? null : Buffer.from(value)
    })
    const appendOpen = (topic: string, ...values: string[]) => appender.append(values.map(value => record(topic, value)))
    const append = async (topic: string, ...values: string[]) => {
      const appended = await appendOpen(topic, ...values)
      await harness.settled(topic, [0])
      return appended
    }
    const toEnd = async (): Promise<string[]> => {
      const values: string[] = []
      await reader.readToEnd(({ value }) => values.push(String(value)))
      return values
    }
    const pollUntil = async (count: number): Promise<LogRecord[]> => {
      const records: LogRecord[] = []
      while (records.length < count) for (const fetched of await reader.poll({ maxWaitMs: 200 })) records.push(...fetched.records)
      return records
    }
    const position = (): number => reader.positions()[0]!.offset

    test('records come back as they were written', async () => {
      const topic = await fresh()
      const written: NewRecord[] = [
        {
          topic,
          partition: 0,
          key: Buffer.from('a'),
          value: Buffer.from('1'),
          timestampMs: 1_700_000_000_000,
          headers: [
            { key: 'trace', value: Buffer.from([0, 255]) },
            { key: 'empty', value: null }
          ]
        },
        { topic, partition: 0, key: null, value: Buffer.alloc(0), timestampMs: 1_600_000_000_000 },
        { topic, partition: 0, key: Buffer.from('a'), value: null, timestampMs: 1_500_000_000_000 }
      ]
      const { offsets } = await appender.append(written)
      await reader.assign(topic, 0, 'start')
      const read = await pollUntil(3)
      expect(read).toEqual(written.map((one, index) => ({ ...one, headers: one.headers ?? [], offset: offsets[index] })))
    })

    test('reading starts at an offset, at the start or at the end', async () => {
      const topic = await fresh()
      const { offsets } = await append(topic, 'a', 'b', 'c')
      await reader.assign(topic, 0, offsets[1]!)
      expect(await toEnd()).toEqual(['b', 'c'])
      await reader.assign(topic, 0, 'start')
      expect(await toEnd()).toEqual(['a', 'b', 'c'])
      await reader.assign(topic, 0, 'end')
      await append(topic, 'd')
      expect(await toEnd()).toEqual(['d'])
    })

    test('several partitions are read, each in order', async () => {
      const topic = await fresh(3)
      const values = [0, 1, 2].map(partition => Array.from({ length: 10 }, (_, index) => `${partition}-${index}`))
      await appender.append(values.flatMap((ofPartition, partition) => ofPartition.map(value => record(topic, value, partition))))
      for (const partition of [0, 1, 2]) await reader.assign(topic, partition, 'start')
      const read = await pollUntil(30)
      for (const partition of [0, 1, 2]) expect(read.filter(one => one.partition === partition).map(one => String(one.value))).toEqual(values[partition])
    })

    test('what is not committed is not seen before its commit, and holds back what comes after', async () => {
      const topic = await fresh()
      await append(topic, 'before')
      const transaction = await harness.openTransaction([record(topic, 'open')])
      await appendOpen(topic, 'after')
      await reader.assign(topic, 0, 'start')
      expect(await toEnd()).toEqual(['before'])
      const [fetched] = await reader.poll({ maxWaitMs: 0 })
      expect(fetched).toMatchObject({ records: [] })
      expect(fetched!.lastStableOffset).toBeLessThan(fetched!.highWatermark)
      expect(fetched!.nextOffset).toBe(fetched!.lastStableOffset)
      await transaction.commit()
      expect((await pollUntil(2)).map(one => String(one.value))).toEqual(['open', 'after'])
    })

    test('what was aborted is never seen, and the position goes beyond it and its marker', async () => {
      const topic = await fresh()
      await append(topic, 'a')
      const transaction = await harness.openTransaction([record(topic, 'no'), record(topic, 'never')])
      await appendOpen(topic, 'b')
      await transaction.abort()
      await harness.settled(topic, [0])
      await reader.assign(topic, 0, 'start')
      expect(await toEnd()).toEqual(['a', 'b'])
      const [fetched] = await reader.poll({ maxWaitMs: 0 })
      expect(position()).toBe(fetched!.highWatermark)
    })

    test('reading to the end ends where nothing was written, and where only aborted records and markers are', async () => {
      const topic = await fresh(2)
      await reader.assign(topic, 0, 'start')
      await reader.assign(topic, 1, 'start')
      expect(await toEnd()).toEqual([])
      const transaction = await harness.openTransaction([record(topic, 'no')])
      await transaction.abort()
      await harness.settled(topic, [0])
      expect(await toEnd()).toEqual([])
      expect(position()).toBeGreaterThan(0)
    })

    test('reading to the end again brings only what is new', async () => {
      const topic = await fresh()
      await append(topic, 'a', 'b')
      await reader.assign(topic, 0, 'start')
      expect(await toEnd()).toEqual(['a', 'b'])
      expect(await toEnd()).toEqual([])
      await append(topic, 'c')
      expect(await toEnd()).toEqual(['c'])
    })

    test('a position that was deleted from the front moves to the log start, and that is said', async () => {
      const topic = await fresh()
      const { offsets } = await append(topic, 'a', 'b', 'c')
      await harness.deleteRecords(topic, 0, offsets[2]!)
      await reader.assign(topic, 0, offsets[0]!)
      const moved = []
      const values: string[] = []
      while (values.length < 1)
        for (const fetched of await reader.poll({ maxWaitMs: 200 })) {
          if (fetched.moved) moved.push(fetched.moved)
          values.push(...fetched.records.map(one => String(one.value)))
        }
      expect(moved).toEqual([{ why: 'below-log-start', asked: offsets[0], resumedAt: offsets[2] }])
      expect(values).toEqual(['c'])
    })

    test('reading to the end ends when everything was deleted from the front', async () => {
      const topic = await fresh()
      await append(topic, 'a', 'b')
      await reader.assign(topic, 0, 'start')
      await harness.deleteRecords(topic, 0, -1)
      expect(await toEnd()).toEqual([])
    })

    test('a position beyond the end moves to the end, and that is said', async () => {
      const topic = await fresh()
      await append(topic, 'a')
      await reader.assign(topic, 0, 1_000)
      let moved
      while (!moved) moved = (await reader.poll({ maxWaitMs: 200 })).find(fetched => fetched.moved)?.moved
      expect(moved).toMatchObject({ why: 'truncated', asked: 1_000, resumedAt: position() })
      await append(topic, 'b')
      expect(await toEnd()).toEqual(['b'])
    })

    test('a poll waits for data and not longer than asked', async () => {
      const topic = await fresh()
      await reader.assign(topic, 0, 'start')
      const beganMs = performance.now()
      expect((await reader.poll({ maxWaitMs: 300 })).flatMap(fetched => fetched.records)).toEqual([])
      expect(performance.now() - beganMs).toBeGreaterThan(250)
      expect(performance.now() - beganMs).toBeLessThan(2_000)
      const poll = reader.poll({ maxWaitMs: 20_000 })
      await append(topic, 'a')
      const beforeMs = performance.now()
      expect((await poll).flatMap(fetched => fetched.records.map(one => String(one.value)))).toEqual(['a'])
      expect(performance.now() - beforeMs).toBeLessThan(5_000)
    })

    test('a poll can be given up', async () => {
      const topic = await fresh()
      await reader.assign(topic, 0, 'start')
      const abort = new AbortController()
      const poll = reader.poll({ maxWaitMs: 20_000, signal: abort.signal })
      abort.abort(new Error('enough'))
      await expect(poll).rejects.toThrow('enough')
    })

    test('a topic that does not exist is an error that names it', async () => {
      await fresh()
      await expect(reader.assign('no-such-topic', 0, 'start')).rejects.toMatchObject({
        apiError: 'UNKNOWN_TOPIC_OR_PARTITION',
        message: expect.stringContaining('no-such-topic')
      })
    })

    test('another incarnation of a topic is never read', async () => {
      const topic = await fresh()
      await append(topic, 'old')
      await reader.assign(topic, 0, 'start')
      expect(await toEnd()).toEqual(['old'])
      await harness.recreateTopic(topic)
      await append(topic, 'new', 'new', 'new')
      const read: LogRecord[] = []
      const polls = async (): Promise<void> => {
        for (;;) for (const fetched of await reader.poll({ maxWaitMs: 200 })) read.push(...fetched.records)
      }
      await expect(polls()).rejects.toThrow(/deleted and created again/)
      expect(read).toEqual([])
    })

    test('a partition that was given up brings nothing, and one that was moved goes on elsewhere', async () => {
      const topic = await fresh(2)
      const { offsets } = await appender.append([record(topic, 'a'), record(topic, 'b'), record(topic, 'c', 1)])
      await harness.settled(topic, [0, 1])
      await reader.assign(topic, 0, 'start')
      await reader.assign(topic, 1, 'start')
      reader.unassign(topic, 1)
      expect(await toEnd()).toEqual(['a', 'b'])
      expect(reader.positions()).toHaveLength(1)
      await reader.assign(topic, 0, offsets[1]!)
      expect(await toEnd()).toEqual(['b'])
    })

    test('a closed reader says so', async () => {
      const topic = await fresh()
      await reader.assign(topic, 0, 'start')
      await reader.close()
      await expect(reader.poll()).rejects.toThrow('closed')
    })
  })
}
