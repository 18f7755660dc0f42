import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import { leafHash } from '../proof/hash.ts'
import { openTree } from '../proof/tree.ts'
import { seal, type Previous } from './chain.ts'
import { beganEvent, checkpointEvent, keyRotatedEvent, rotationStatement } from './checkpoint-entry.ts'
import type { AuditEvent } from './event.ts'
import { encodeTrailer, frontierOf } from './trailer.ts'
import { verifyLog } from './verify-log.ts'

interface Value {
  readonly kind: string
  readonly value: Buffer
}

const origin = 'reeve.audit/5L6g3nShT-eMCtK--X86sw/audit.platform-operations/0'
const [oldKey, newKey] = [newSigner('reeve.audit/5L6g3nShT-eMCtK--X86sw'), newSigner('reeve.audit/5L6g3nShT-eMCtK--X86sw')]
const identity = { origin, vkey: oldKey.vkey }

/** A log by hand: genesis, events, a checkpoint, events, a rotation of the key, a checkpoint by both, events, a checkpoint by the new one. */
async function log(): Promise<Value[]> {
  const values: Value[] = []
  const tree = openTree()
  let previous: Previous | null = null
  let trailer: string | null = null
  let signers = [oldKey]
  const add = (draft: AuditEvent): void => {
    const sealed = seal(draft, { origin, sequence: tree.size, previous })
    tree.append(leafHash(sealed.bytes))
    values.push({ kind: 'event', value: sealed.bytes })
    previous = sealed
  }
  const end = (): void => {
    const encoded = encodeTrailer({
      origin,
      sequence: tree.size,
      fingerprint: previous!.fingerprint,
      epoch: 3,
      previous: trailer,
      frontier: frontierOf(tree.state()),
      signers: signers.map(({ vkey }) => vkey),
      closedThroughMs: null,
      sources: { journal: { through: tree.size, resume: tree.size } }
    })
    values.push({ kind: 'trailer', value: encoded.bytes })
    trailer = encoded.hash
  }
  const own = (): { origin: string; sequence: number; timestampMs: number } => ({ origin, sequence: tree.size, timestampMs: 1_760_000_000_000 })
  const checkpoint = async (): Promise<void> => {
    add(checkpointEvent(own(), { trailer, epoch: 3, powers: [], excluded: {}, silent: [] }))
    end()
    values.push({ kind: 'note', value: Buffer.from(await signCheckpoint({ origin, size: tree.size, root: tree.root() }, signers)) })
    signers = signers.slice(-1)
  }
  add(beganEvent(own(), { vkey: oldKey.vkey, topicId: 'AAAA', continues: null }))
  for (let number = 0; number < 3; number++) add(deniedEvent(number))
  end()
  await checkpoint()
  for (let number = 3; number < 6; number++) add(deniedEvent(number))
  end()
  const statement = Buffer.from(rotationStatement(own(), oldKey.vkey, newKey.vkey))
  const [byOld, byNew] = await Promise.all([oldKey, newKey].map(async key => Buffer.from(await key.sign(statement)).toString('base64')))
  add(keyRotatedEvent(own(), { oldVkey: oldKey.vkey, newVkey: newKey.vkey, byOld: byOld!, byNew: byNew! }))
  signers = [oldKey, newKey]
  end()
  await checkpoint()
  add(deniedEvent(6))
  end()
  await checkpoint()
  return values
}

let good: Value[]
beforeAll(async () => {
  good = await log()
})

test('a log that is right is verified to its end', () => {
  expect(verifyLog(good, identity)).toMatchObject({ size: 12, checkpointed: 12 })
})

test('a beginning of a log is right too: only an anchor knows that it was cut', () => {
  for (let length = 1; length < good.length; length++) {
    const found = verifyLog(good.slice(0, length), identity)
    if (good[length - 1]!.kind === 'event') expect(found).toEqual({ sequence: expect.any(Number), reason: 'the log ends without a trailer behind it' })
    else expect(found).not.toHaveProperty('reason')
  }
})

test('any byte that is another is found, but for the newest trailer, which no checkpoint names yet', () => {
  fc.assert(
    fc.property(
      fc.nat(good.length - 1).filter(index => index !== good.length - 2),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (index, position, difference) => {
        const value = Buffer.from(good[index]!.value)
        value[position % value.length]! ^= difference
        const changed = good.with(index, { ...good[index]!, value })
        const verified = verifyLog(changed, identity)
        expect(verified).toHaveProperty('reason')
        expect((verified as { sequence: number }).sequence).toBeLessThanOrEqual(latestAt(index))
      }
    ),
    { numRuns: 500 }
  )
})

/** Of the entry at which another byte in a record must be found at last: what a trailer says of sources the next one alone binds. */
function latestAt(index: number): number {
  const next = good[index]!.kind === 'trailer' ? good.findIndex(({ kind }, at) => at > index && kind === 'trailer') : index
  return sequenceAt(next)
}

/** Of the entry that stands at a record, or behind it. */
function sequenceAt(index: number): number {
  const entries = good.slice(0, index + 1).filter(({ kind }) => kind === 'event').length
  return Math.max(0, entries - 1) + (good[index]!.kind === 'event' ? 0 : 1)
}

test('any two records that change places are found', () => {
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(good.length - 1), (one, other) => {
      fc.pre(one !== other)
      expect(verifyLog(good.with(one, good[other]!).with(other, good[one]!), identity)).toHaveProperty('reason')
    })
  )
})

test('any record that is left out is found by what follows', () => {
  for (let index = 0; index < good.length - 1; index++) expect(verifyLog(good.toSpliced(index, 1), identity), `record ${index}`).toHaveProperty('reason')
})

test('a checkpoint that is missing is found at the entry that it should follow', () => {
  const notes = good.flatMap(({ kind }, index) => (kind === 'note' && index < good.length - 1 ? [index] : []))
  const found = notes.map(index => verifyLog(good.toSpliced(index, 1), identity))
  expect(found).toEqual(notes.map(index => ({ sequence: sequenceAt(index) - 1, reason: 'no checkpoint follows it' })))
})

test('any record that is there twice is found, but for a checkpoint', () => {
  for (let index = 0; index < good.length; index++) {
    const found = verifyLog(good.toSpliced(index, 0, good[index]!), identity)
    if (good[index]!.kind === 'note') expect(found).not.toHaveProperty('reason')
    else expect(found, `record ${index}`).toHaveProperty('reason')
  }
})

test.each<[string, (values: Value[]) => Value[], number, string]>([
  ['a record of somebody else', values => values.toSpliced(3, 0, { kind: 'hello', value: Buffer.from('x') }), 2, 'a record with the key "hello"'],
  ['an entry that is noise', values => values.with(2, { kind: 'event', value: Buffer.from('noise') }), 2, 'not JSON'],
  ['a first entry that is left out', values => values.slice(1), 0, 'its sequence is 1'],
  ['an entry of another history at the same place', values => values.with(3, otherEntry(3)), 3, 'it follows an entry with the fingerprint'],
  ['a trailer of another log', values => values.with(4, { kind: 'trailer', value: retold(values[4]!, { origin: 'a/b/c/0' }) }), 3, 'is one of a/b/c/0'],
  ['a trailer with another edge', values => values.with(4, { kind: 'trailer', value: retold(values[4]!, { frontier: ['0'.repeat(64)] }) }), 3, 'another edge'],
  [
    'a trailer that has another before it',
    values => values.with(4, { kind: 'trailer', value: retold(values[4]!, { previous: '0'.repeat(64) }) }),
    3,
    'follows 000'
  ],
  ['a trailer that names another key', values => values.with(4, { kind: 'trailer', value: retold(values[4]!, { signers: [newKey.vkey] }) }), 3, 'other keys'],
  [
    'a trailer whose positions were changed',
    values => values.with(4, { kind: 'trailer', value: retold(values[4]!, { sources: {} }) }),
    4,
    'it names the trailer'
  ]
])('%s is found with its place', (_name, change, sequence, reason) => {
  expect(verifyLog(change(good), identity)).toEqual({ sequence, reason: expect.stringContaining(reason) })
})

test('a log under another first key, or of another origin, is not the one that was asked for', () => {
  expect(verifyLog(good, { ...identity, vkey: newKey.vkey })).toEqual({ sequence: 0, reason: expect.stringContaining('the log began with the key') })
  expect(verifyLog(good, { ...identity, origin: 'a/b/c/1' })).toEqual({ sequence: 0, reason: expect.stringContaining('an entry of the log') })
})

test('after a rotation the first checkpoint needs both keys', async () => {
  const at = good.findLastIndex(({ kind }, index) => kind === 'note' && index < good.length - 1)
  const size = good.slice(0, at).filter(({ kind }) => kind === 'event').length
  const tree = openTree()
  for (const { kind, value } of good.slice(0, at)) if (kind === 'event') tree.append(leafHash(value))
  for (const only of [oldKey, newKey]) {
    const note = Buffer.from(await signCheckpoint({ origin, size, root: tree.root() }, [only]))
    expect(verifyLog(good.with(at, { kind: 'note', value: note }), identity)).toEqual({ sequence: size - 1, reason: expect.stringContaining('not signed by') })
  }
})

function retold(trailer: Value, change: object): Buffer {
  const { format: _, ...told } = JSON.parse(trailer.value.toString()) as { format: string } & Parameters<typeof encodeTrailer>[0]
  return encodeTrailer({ ...told, ...change }).bytes
}

function otherEntry(sequence: number): Value {
  const previous = { fingerprint: 'ab'.repeat(32), eventId: deniedEvent(99).eventId, typeUid: 600_501 }
  return { kind: 'event', value: seal(deniedEvent(98), { origin, sequence, previous }).bytes }
}
