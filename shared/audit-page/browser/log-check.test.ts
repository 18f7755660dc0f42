import { hash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { deniedEvent } from '#test/support/audit-events.ts'
import { type LogValue, logOf, pagePlace } from '#test/support/audit-page-log.ts'
import { seal } from '../../audit/chain.ts'
import { openLogJudge } from '../../audit/judge.ts'
import { originOf } from '../../audit-log/place.ts'
import { signCheckpoint } from '../../proof/checkpoint.ts'
import { hashToBase64, leafHash } from '../../proof/hash.ts'
import type { Signer } from '../../proof/note-key.ts'
import { checkLog, type LogRecord } from './log-check.ts'

const origin = originOf(pagePlace)
let good: LogValue[]
let vkey: string
let signer: Signer
beforeAll(async () => {
  ;({
    records: good,
    vkey,
    signer
  } = await logOf(
    Array.from({ length: 9 }, (_, number) => deniedEvent(number)),
    3
  ))
})

const recordOf = ({ kind, value }: LogValue): LogRecord => ({ kind, bytes: new Uint8Array(value) })

/** What the page finds, and what `reeve audit verify` does. */
async function both(records: readonly LogValue[]) {
  const judge = openLogJudge(origin, [vkey], new Set([4, 5, 13]))
  for (const { kind, value } of records) judge.take(kind, value)
  return { page: await checkLog(origin, records.map(recordOf)), verify: judge.end() }
}

async function agree(records: readonly LogValue[]): Promise<void> {
  const { page, verify } = await both(records)
  if (verify.fault === null) expect(page.fault).toBeNull()
  else expect(page.fault, `expected ${verify.fault.reason}`).toMatchObject({ sequence: verify.fault.sequence })
}

test('the page verifies a good log as the command does, its roots and keys too', async () => {
  const { page, verify } = await both(good)
  expect(page.fault).toBeNull()
  expect(verify.fault).toBeNull()
  expect(page).toMatchObject({ size: verify.size, keys: verify.vkeys, firstKey: vkey })
  for (const [size, root] of verify.roots) expect(await page.rootAt(size)).toBe(hashToBase64(root))
  expect(page.checkpoints.size).toBe(verify.checkpoints)
})

describe('the page agrees with the command on the first bad sequence where', () => {
  test('any byte is another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (picked, position, difference) => {
        const index = picked % good.length
        const value = Buffer.from(good[index]!.value)
        value[position % value.length]! ^= difference
        await agree(good.with(index, { ...good[index]!, value }))
      }),
      { numRuns: 150 }
    )
  })

  test('any two records change places, one is left out, there twice, or the last', async () => {
    for (let index = 0; index < good.length; index++) {
      await agree(good.toSpliced(index, 1))
      await agree(good.toSpliced(index, 0, good[index]!))
      await agree(good.slice(0, index + 1))
      const other = (index * 7 + 3) % good.length
      await agree(good.with(index, good[other]!).with(other, good[index]!))
    }
  })

  test.each<[string, RegExp | string, string]>([
    ['a space is more', ',', ', '],
    ['a member is there twice', '{', '{"causationId":null,'],
    ['a member is more', '{', '{"aaa":1,'],
    ['a member is called __proto__', '{', '{"__proto__":1,'],
    ['a byte order mark comes first', /^/, '\ufeff'],
    ['a number is no integer', '"severity_id":2', '"severity_id":2.5'],
    ['a number is minus zero', '"severity_id":2', '"severity_id":-0'],
    ['a text has half a surrogate pair', '"User:app"', '"\\ud800"'],
    ['a character is escaped that need not be', '"User:app"', '"\\u0055ser:app"'],
    ['there are two attestations', '"attestation_list":[', '"attestation_list":[{},'],
    ['another attestation comes before', '"payload":{', '"payload":{"aa":{"attestation_list":[{"chain_uid":"x"}]},'],
    ['the class is none of ours', '"class_uid":6005', '"class_uid":1'],
    ['the time is none', /"timestamp":"[^"]*"/, '"timestamp":"2026-02-31T00:00:00.000Z"'],
    ['the metadata is a list', /"metadata":\{[^}]*\}/, '"metadata":[]'],
    ['the hash is in capitals', /"value":"[0-9a-f]{64}"/, `"value":"${'AB'.repeat(32)}"`]
  ])('%s', async (_name, what, by) => {
    const index = 2
    const value = Buffer.from(good[index]!.value.toString().replace(what, by))
    await agree(good.with(index, { ...good[index]!, value }))
    const { page } = await both(good.with(index, { ...good[index]!, value }))
    expect(page.fault).toMatchObject({ sequence: 2 })
  })

  test('members stand in another order, though the fingerprint is that of the bytes', async () => {
    const text = good[2]!.value.toString().replace('"category_uid":6,"class_uid":6005', '"class_uid":6005,"category_uid":6')
    const fingerprint = /"fingerprint":\{[^}]*\},/.exec(text)![0]
    const given = hash('sha256', text.replace(fingerprint, ''))
    const value = Buffer.from(text.replace(fingerprint, fingerprint.replace(/[0-9a-f]{64}/, given)))
    const changed = good.with(2, { kind: 'event', value })
    await agree(changed)
    expect((await both(changed)).page.fault).toEqual({ sequence: 2, reason: 'the bytes are not the canonical form of what they say' })
  })

  test('an entry was sealed behind another than there is, and all else is right', async () => {
    const { eventId, payload } = JSON.parse(good[1]!.value.toString()) as { eventId: string; payload: { type_uid: number } }
    const previous = { fingerprint: 'ab'.repeat(32), eventId, typeUid: payload.type_uid }
    const changed = good.with(2, { kind: 'event', value: seal(deniedEvent(1), { origin, sequence: 2, previous }).bytes })
    await agree(changed)
    expect((await both(changed)).page.fault).toEqual({ sequence: 2, reason: expect.stringContaining('it follows an entry with the fingerprint abab') })
  })

  test('a checkpoint has another root or size, or comes before its trailer, though the key signed it', async () => {
    const index = good.findIndex(({ kind }) => kind === 'note')
    const size = good.slice(0, index).filter(({ kind }) => kind === 'event').length
    const root = leafHash(Buffer.from('another'))
    for (const claimed of [size, size - 1, size + 1]) {
      const changed = good.with(index, { kind: 'note', value: Buffer.from(await signCheckpoint({ origin, size: claimed, root }, [signer])) })
      await agree(changed)
      expect((await both(changed)).page.fault).toMatchObject({ sequence: size - 1 })
    }
    await agree(good.with(index, good[index - 1]!).with(index - 1, good[index]!))
  })

  test('a text is no canonical form, though its fingerprint and its signature are right', async () => {
    for (const [kind, what, by] of [
      ['trailer', ',', ', '],
      ['trailer', '"epoch":3', '"epoch":3.5'],
      ['trailer', '"sources":{', '"sources":{"x":{"through":1},'],
      ['note', '\n', '\r\n'],
      ['note', /\n$/, '\n\n'],
      ['note', ' ', '  ']
    ] as const) {
      const index = good.findIndex(record => record.kind === kind)
      await agree(good.with(index, { kind, value: Buffer.from(good[index]!.value.toString().replace(what, by)) }))
    }
  })
})

describe('a log that is held from a trailer on', () => {
  const heldFrom = (index: number): LogRecord[] => [{ ...recordOf(good[index]!), kind: 'start' }, ...good.slice(index + 1).map(recordOf)]
  const starts = (): number[] => good.flatMap(({ kind }, index) => (kind === 'trailer' && index < good.length - 3 ? [index] : []))

  test('is verified to the same root, from each of its trailers', async () => {
    const whole = await checkLog(origin, good.map(recordOf))
    for (const index of starts()) {
      const part = await checkLog(origin, heldFrom(index))
      expect(part.fault).toBeNull()
      expect(part.size).toBe(whole.size)
      expect(part.first).toBeGreaterThan(0)
      expect(await part.rootAt(part.size)).toBe(await whole.rootAt(whole.size))
      expect(await part.rootAt(part.first - 1)).toBeNull()
    }
  })

  test('is not verified where that trailer or what follows is another', async () => {
    const [index] = starts()
    const text = good[index!]!.value.toString()
    const frontier = (JSON.parse(text) as { frontier: string[] }).frontier[0]!
    const forged = { kind: 'start', bytes: new TextEncoder().encode(text.replace(frontier, '0'.repeat(64))) } as const
    expect((await checkLog(origin, heldFrom(index!).with(0, forged))).fault).not.toBeNull()
    expect((await checkLog(origin, heldFrom(index!).toSpliced(2, 1))).fault).not.toBeNull()
  })
})
