import { afterEach, expect, test, vi } from 'vitest'
import type { Fetched, LogReader, LogRecord } from '../kafka/ports.ts'
import { commandFor, inForce } from './commands.ts'
import { Control, type ControlOptions, type ControlState } from './control.ts'
import { type Command, controlKey } from './protocol.ts'

const dayMs = 86_400_000
const log = { info: vi.fn(), warn: vi.fn() }
let running: Control[] = []
afterEach(async () => {
  await Promise.all(running.map(control => control.stop()))
  running = []
  vi.clearAllMocks()
})

/** A log in memory, and readers of it that can be lost. */
class FakeTopic {
  readonly records: LogRecord[] = []
  opened = 0
  broken: Error | null = null
  #changed = Promise.withResolvers<void>()

  write(value: Command | string | null, key = controlKey({ clusterId: 'c', groupId: 'g' })): void {
    const bytes = value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    this.records.push({ topic: 'control', partition: 0, offset: this.records.length, timestampMs: 0, key: Buffer.from(key), value: bytes, headers: [] })
    this.#wake()
  }

  wipe(): void {
    this.records.length = 0
    this.break(new Error('the topic was deleted'))
  }

  break(error: Error): void {
    this.broken = error
    this.#wake()
  }

  open = async (): Promise<{ clusterId: string; reader: LogReader }> => {
    this.opened++
    if (this.broken) throw this.broken
    let next = 0
    const take = (): Fetched => {
      const records = this.records.slice(next)
      next = this.records.length
      return { topic: 'control', partition: 0, records, nextOffset: next, logStartOffset: 0, highWatermark: next, lastStableOffset: next }
    }
    const reader: LogReader = {
      assign: async () => undefined,
      unassign: () => undefined,
      positions: () => [],
      readToEnd: async onRecord => take().records.forEach(onRecord),
      poll: async ({ signal } = {}) => {
        while (next >= this.records.length && !this.broken) {
          signal?.throwIfAborted()
          const aborted = new Promise(resolve => signal?.addEventListener('abort', resolve))
          await Promise.race([this.#changed.promise, aborted])
        }
        if (this.broken) throw this.broken
        return [take()]
      },
      close: async () => undefined
    }
    return { clusterId: 'c', reader }
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

function command(changes: Partial<Command> = {}): Command {
  return { version: 1, commandId: 'one', state: 'paused', issuedAtMs: 0, untilMs: Date.now() + 60_000, ttlMs: 60_000, reason: 'r', issuer: 'i', ...changes }
}
function follow(topic: FakeTopic, options: Partial<ControlOptions> = {}): Control & { readonly states: ControlState[] } {
  const states: ControlState[] = []
  const onState = (state: ControlState): void => void states.push(state)
  const control = new Control({
    topic: 'control',
    groupId: 'g',
    open: topic.open,
    onChange: () => undefined,
    onState,
    log,
    backoff: { firstMs: 5, maxMs: 20 },
    ...options
  })
  running.push(control)
  return Object.assign(control, { states })
}
const isPaused = (control: Control): boolean => commandFor(control.table, 't', 0)?.state === 'paused'

test('start resolves only once the topic has been read to its end, with the command in force', async () => {
  const topic = new FakeTopic()
  topic.write(command({ commandId: 'zero' }))
  topic.write('garbage')
  topic.write(command())
  const control = follow(topic)
  expect(await control.start()).toBe(true)
  expect(inForce(control.table).map(held => held.command.commandId)).toEqual(['one'])
})

test('a command takes effect when it comes and ends with its tombstone', async () => {
  const topic = new FakeTopic()
  const onChange = vi.fn()
  const control = follow(topic, { onChange })
  await control.start()
  topic.write(command())
  await vi.waitFor(() => expect(isPaused(control)).toBe(true))
  topic.write(null)
  await vi.waitFor(() => expect(isPaused(control)).toBe(false))
  expect(onChange).toHaveBeenCalledTimes(2)
})

test('records of other groups call nobody', async () => {
  const topic = new FakeTopic()
  const onChange = vi.fn()
  await follow(topic, { onChange }).start()
  topic.write(command(), controlKey({ clusterId: 'c', groupId: 'other' }))
  topic.write(command())
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1))
})

test('a topic that cannot be read at the start lets the consumer start unpaused, says so, and is obeyed once it can be', async () => {
  const topic = new FakeTopic()
  topic.break(new Error('no such topic'))
  topic.write(command())
  const control = follow(topic, { startTimeoutMs: 40 })
  expect(await control.start()).toBe(false)
  expect(isPaused(control)).toBe(false)
  expect(log.warn).toHaveBeenCalledWith(expect.anything(), expect.stringContaining('starts unpaused'))
  expect(topic.opened).toBeGreaterThan(1)
  topic.broken = null
  await vi.waitFor(() => expect(isPaused(control)).toBe(true))
})

test('a reader that never answers does not hold the start', async () => {
  const topic = new FakeTopic()
  const { reader } = await topic.open()
  const control = follow(topic, {
    startTimeoutMs: 20,
    open: async () => ({ clusterId: 'c', reader: { ...reader, readToEnd: () => new Promise<void>(() => undefined) } })
  })
  expect(await control.start()).toBe(false)
})

test('a pause lets go at its expiry while the topic is lost, and is not taken up again from the same record', async () => {
  const topic = new FakeTopic()
  topic.write(command({ ttlMs: 150 }))
  const control = follow(topic)
  await control.start()
  expect(isPaused(control)).toBe(true)
  topic.break(new Error('connection lost'))
  await vi.waitFor(() => expect(control.state).toBe('lost'))
  expect(isPaused(control)).toBe(true)
  await vi.waitFor(() => expect(isPaused(control)).toBe(false))
  topic.broken = null
  await vi.waitFor(() => expect(control.state).toBe('following'))
  expect(isPaused(control)).toBe(false)
})

test('a command that vanished while the topic was lost is let go after the new reading', async () => {
  const topic = new FakeTopic()
  topic.write(command())
  const control = follow(topic)
  await control.start()
  topic.wipe()
  await vi.waitFor(() => expect(control.state).toBe('lost'))
  expect(isPaused(control)).toBe(true)
  topic.broken = null
  await vi.waitFor(() => expect(isPaused(control)).toBe(false))
  expect(control.states).toEqual(expect.arrayContaining(['following', 'lost', 'reading']))
})

test('the loss is tried again with a bounded back-off', async () => {
  const topic = new FakeTopic()
  topic.break(new Error('down'))
  const control = follow(topic, { startTimeoutMs: 1 })
  await control.start()
  await vi.waitFor(() => expect(topic.opened).toBeGreaterThan(5))
  expect(control.state).toMatch(/lost|reading/)
})

test.each([-40, 40])('a wall clock %i days wrong lets go within ttlMs', async days => {
  const topic = new FakeTopic()
  topic.write(command({ ttlMs: 200 }))
  const control = follow(topic, { clock: { nowMs: () => Date.now() + days * dayMs, monotonicMs: () => performance.now() } })
  await control.start()
  expect(isPaused(control)).toBe(days < 0)
  await vi.waitFor(() => expect(isPaused(control)).toBe(false))
})

test('a wall clock that jumps past the expiry lets go within a second or so', async () => {
  const topic = new FakeTopic()
  topic.write(command())
  let aheadMs = 0
  const control = follow(topic, { clock: { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() } })
  await control.start()
  aheadMs = 40 * dayMs
  await vi.waitFor(() => expect(isPaused(control)).toBe(false), { timeout: 1_500 })
})

test('after stop a pause in force still lets go at its expiry', async () => {
  const topic = new FakeTopic()
  topic.write(command({ ttlMs: 150 }))
  const control = follow(topic)
  await control.start()
  await control.stop()
  expect(isPaused(control)).toBe(true)
  await vi.waitFor(() => expect(isPaused(control)).toBe(false))
})
