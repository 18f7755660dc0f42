import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type LogBytes, openLogBytes } from './log-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-log-bytes-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

/** As many bytes as are asked for, or up to the end. */
async function bytesAt(bytes: LogBytes, position: number, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length)
  let at = 0
  for (let more = true; more && at < length;) {
    const { bytesRead } = await bytes.read(into, at, length - at, position + at)
    at += bytesRead
    more = bytesRead > 0
  }
  return into.subarray(0, at)
}

test('bytes of a compressed file are those of the other, wherever one reads, in whatever order', async () => {
  const whole = Buffer.from(Array.from({ length: 1_500_000 }, (_, index) => (index * 31 + (index >> 8) * 7) & 255))
  const path = file('any.gz', Buffer.concat([gzipSync(whole.subarray(0, 700_000)), gzipSync(whole.subarray(700_000))]))
  const place = fc.tuple(fc.oneof(fc.nat(1_600_000), fc.nat(5_000)), fc.integer({ min: 1, max: 200_000 }))
  await fc.assert(
    fc.asyncProperty(fc.array(place, { maxLength: 8 }), async places => {
      const bytes = await openLogBytes(path, true)
      for (const [at, length] of places) expect((await bytesAt(bytes, at, length)).equals(whole.subarray(at, at + length))).toBe(true)
      expect(await bytes.sizeBytes()).toBe(whole.length)
      await bytes.close()
    }),
    { numRuns: 10 }
  )
})

test('going back by what was just read does not begin anew: a batch is read, and then proven', async () => {
  const [batch, batches] = [1_048_576, 32]
  const path = file('long.gz', gzipSync(Buffer.alloc(batch * batches), { level: 1 }))
  const bytes = await openLogBytes(path, true)
  expect((await bytesAt(bytes, 0, batch)).length).toBe(batch)
  // Whoever began anew would come upon this.
  const handle = openSync(path, 'r+')
  writeSync(handle, 'no gzip any more', 0)
  closeSync(handle)
  for (let at = 0; at < batch * batches; at += batch) for (const _ of ['read', 'proven']) expect((await bytesAt(bytes, at, batch)).length).toBe(batch)
  await bytes.close()
})

test('what is cut off or damaged has no size, and ends where it cannot be read', async () => {
  const whole = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index) & 255))
  const compressed = gzipSync(whole)
  const flipped = Buffer.from(compressed)
  flipped[flipped.length - 6]! ^= 1
  for (const damaged of [compressed.subarray(0, -1), compressed.subarray(0, 9), flipped, Buffer.from('no gzip at all')]) {
    const bytes = await openLogBytes(file('damaged.gz', damaged), true)
    expect(await bytes.sizeBytes()).toBeNull()
    const read = await bytesAt(bytes, 0, whole.length + 1)
    expect(whole.subarray(0, read.length).equals(read)).toBe(true)
    await bytes.close()
  }
})
