import { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { gate } from './stream-gate.ts'

/** As the streams of @platformatic/kafka: `fetch` brings some records a moment later, and goes on by itself until it is paused or full. */
class Records extends Readable {
  fetched = 0
  #paused = false
  #inFlight = false
  #closed = false

  constructor() {
    super({ objectMode: true, highWaterMark: 8 })
  }
  override _read(): void {
    this.#fetch()
  }
  override pause(): this {
    this.#paused = true
    return super.pause()
  }
  override resume(): this {
    const wasPaused = this.#paused
    this.#paused = false
    super.resume()
    if (wasPaused) process.nextTick(() => this.#fetch())
    return this
  }
  async close(): Promise<void> {
    this.#closed = true
    this.push(null)
    if (this.readableFlowing === null || this.isPaused()) {
      this.removeAllListeners('data')
      this.removeAllListeners('readable')
      this.resume()
    }
    await new Promise(resolve => this.once('close', resolve))
  }
  #fetch(): void {
    if (this.#closed || this.readableFlowing === null || this.#paused || this.#inFlight) return
    this.#inFlight = true
    setImmediate(() => {
      this.#inFlight = false
      if (this.#closed) return
      let more = true
      for (let count = 0; count < 5; count++) more = this.push(this.fetched++)
      if (more) process.nextTick(() => this.#fetch())
    })
  }
}

const ways = {
  'for await': (stream: Readable, got: number[]) => {
    void (async () => {
      for await (const each of stream) {
        got.push(each as number)
        await sleep(0)
      }
    })()
  },
  'a listener': (stream: Readable, got: number[]) => void stream.on('data', (each: number) => got.push(each)),
  'a pipe': (stream: Readable, got: number[]) => {
    const slow = new Writable({ objectMode: true, highWaterMark: 3, write: (each: number, _encoding, done) => (got.push(each), setImmediate(done)) })
    stream.pipe(slow)
  }
}
const inOrder = (got: readonly number[]): void => expect(got).toEqual(got.map((_, index) => index))
const settled = (): Promise<void> => sleep(5)

describe.each(Object.entries(ways))('a stream read by %s', (_name, read) => {
  test('hands on nothing while it is held, fetches nothing more, and then every record in order', async () => {
    const stream = new Records()
    const got: number[] = []
    const { hold, release } = gate(stream)
    read(stream, got)
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(20), { interval: 2 })
    hold()
    await settled()
    const [had, fetched] = [got.length, stream.fetched]
    await sleep(50)
    // One record may be with a pipe's writer.
    expect(got.length - had).toBeLessThanOrEqual(1)
    expect(stream.fetched).toBe(fetched)
    release()
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(fetched + 20), { interval: 2 })
    inOrder(got)
    await stream.close()
  })

  test('hands on nothing when it is held before anybody reads it, and loses nothing', async () => {
    const stream = new Records()
    const got: number[] = []
    const { hold, release } = gate(stream)
    hold()
    read(stream, got)
    await sleep(50)
    expect([got, stream.fetched]).toEqual([[], 0])
    release()
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(20), { interval: 2 })
    inOrder(got)
    await stream.close()
  })

  test('can be closed while it is held', async () => {
    const stream = new Records()
    const { hold } = gate(stream)
    read(stream, [])
    await settled()
    hold()
    await stream.close()
  })

  test('loses nothing and changes no order through any course of holds and releases', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.nat(3)), { maxLength: 12 }), async steps => {
        const stream = new Records()
        const got: number[] = []
        const { hold, release } = gate(stream)
        for (const [index, [held, waitMs]] of steps.entries()) {
          if (held) hold()
          else release()
          if (index === Math.floor(steps.length / 2)) read(stream, got)
          await sleep(waitMs)
        }
        if (steps.length === 0) read(stream, got)
        release()
        const from = got.length
        await vi.waitFor(() => expect(got.length).toBeGreaterThan(from + 10), { interval: 1 })
        inOrder(got)
        await stream.close()
      }),
      { numRuns: 40 }
    )
  })
})

test('what the owner paused stays paused when it is let go, and its resume while it is held takes effect then', async () => {
  const stream = new Records()
  const got: number[] = []
  const { hold, release } = gate(stream)
  stream.on('data', (each: number) => got.push(each))
  stream.pause()
  hold()
  release()
  await sleep(20)
  expect(got).toEqual([])
  hold()
  stream.resume()
  await sleep(20)
  expect(got).toEqual([])
  release()
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(20), { interval: 2 })
  inOrder(got)
  await stream.close()
})

test('a stream that nobody reads keeps its records for who comes later', async () => {
  const stream = new Records()
  const got: number[] = []
  const { hold, release } = gate(stream)
  hold()
  release()
  await sleep(20)
  ways['a listener'](stream, got)
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(20), { interval: 2 })
  inOrder(got)
  await stream.close()
})
