import { afterEach, expect, test, vi } from 'vitest'
import { Acknowledger, type AcknowledgerOptions, type AckWriter } from './acks.ts'
import { type Ack, ackKey } from './protocol.ts'

const log = { info: vi.fn(), warn: vi.fn() }
let current: Ack | null = null
let acks: Acknowledger | null = null
afterEach(async () => {
  await acks?.stop()
  vi.clearAllMocks()
})

const ack = (changes: Partial<Ack> = {}): Ack => ({
  version: 1,
  groupId: 'g',
  memberId: 'm',
  clientId: 'c',
  client: 'kafkajs/2.2.4',
  grain: 'partition',
  commandId: null,
  state: 'running',
  paused: [],
  atMs: 0,
  ...changes
})

/** Keeps what was written; `gate` holds or fails the next writes. */
function fakeWriter(): AckWriter & { readonly written: { key: string; ack: Ack }[]; gate: () => Promise<void> } {
  const written: { key: string; ack: Ack }[] = []
  const writer = {
    written,
    gate: async (): Promise<void> => undefined,
    async write(key: string, each: Ack): Promise<void> {
      await writer.gate()
      written.push({ key, ack: each })
    },
    close: vi.fn(async () => undefined)
  }
  return writer
}
function open(writer: AckWriter, options: Partial<AcknowledgerOptions> = {}): Acknowledger {
  acks = new Acknowledger({ writer, clusterId: () => 'cluster', describe: () => current, log, heartbeatMs: 10_000, stopTimeoutMs: 300, ...options })
  return acks
}

test('a member tells its state under its own key, and again with every heartbeat', async () => {
  current = ack()
  const writer = fakeWriter()
  open(writer, { heartbeatMs: 20 }).tell()
  await vi.waitFor(() => expect(writer.written.length).toBeGreaterThan(3))
  expect(writer.written[0]).toEqual({ key: ackKey('cluster', 'g', 'm'), ack: current })
})

test('who is no member tells nothing', async () => {
  current = null
  const writer = fakeWriter()
  const quiet = open(writer, { heartbeatMs: 5 })
  quiet.tell()
  await quiet.stop()
  expect(writer.written).toEqual([])
})

test('while a write is slow only the latest word of each member waits', async () => {
  current = ack()
  const writer = fakeWriter()
  const held = Promise.withResolvers<void>()
  writer.gate = () => held.promise
  const slow = open(writer)
  slow.tell(ack({ commandId: '1' }))
  await new Promise(resolve => setImmediate(resolve))
  slow.tell(ack({ commandId: '2' }))
  slow.tell(ack({ memberId: 'other' }))
  slow.tell(ack({ commandId: '3' }))
  held.resolve()
  await vi.waitFor(() => expect(writer.written.map(each => `${each.ack.memberId} ${each.ack.commandId}`)).toEqual(['m 1', 'other null', 'm 3']))
})

test('a failed write throws nowhere, is counted and logged, and is tried again', async () => {
  current = ack()
  const writer = fakeWriter()
  let failures = 1
  writer.gate = async () => {
    if (failures-- > 0) throw new Error('TOPIC_AUTHORIZATION_FAILED')
  }
  const retrying = open(writer)
  retrying.tell()
  await vi.waitFor(() => expect(writer.written).toHaveLength(1), { timeout: 2_000 })
  expect(retrying.failures).toBe(1)
  expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ error: 'TOPIC_AUTHORIZATION_FAILED', failures: 1 }), expect.any(String))
})

test('stop says farewell once, closes the writer, and is silent after', async () => {
  current = ack({ commandId: 'x', state: 'paused', paused: ['t-0'] })
  const writer = fakeWriter()
  const ending = open(writer, { heartbeatMs: 5 })
  await ending.stop()
  const count = writer.written.length
  expect(writer.written.at(-1)!.ack).toMatchObject({ state: 'left', commandId: null, paused: [] })
  expect(writer.close).toHaveBeenCalledTimes(1)
  ending.tell()
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(writer.written).toHaveLength(count)
})

test('a writer that hangs or fails does not hold up the stop', async () => {
  current = ack()
  const writer = fakeWriter()
  writer.gate = () => new Promise(() => undefined)
  writer.close = async () => Promise.reject(new Error('closed twice'))
  const beganMs = performance.now()
  await open(writer, { stopTimeoutMs: 50 }).stop()
  expect(performance.now() - beganMs).toBeLessThan(500)
  expect(log.warn).toHaveBeenCalledTimes(2)
})
