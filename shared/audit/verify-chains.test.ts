import { describe, expect, test } from 'vitest'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { Sealing } from '../audit-log/sealing.ts'
import type { NewRecord } from '../kafka/ports.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import { openTree } from '../proof/tree.ts'
import { beganEvent } from './checkpoint-entry.ts'
import type { LogEnd, NamedHead } from './together.ts'
import { verifyLog } from './verify-log.ts'

const signer = newSigner('reeve.audit/a-cluster')
const place = { prefix: 'reeve.audit', clusterId: 'a-cluster', topic: 'audit', partition: 1 }
const hex = '0123456789abcdef'.repeat(4)
const end: LogEnd = { origin: 'reeve.audit/a-cluster/audit-2025/0', size: 7, root: hex, fingerprint: hex, checkpoint: hex }

/** What somebody who holds the key lets the log of partition 1 of two say, in place of what is so. */
interface Said {
  readonly chains?: number
  readonly heads?: (right: readonly NamedHead[]) => unknown
  readonly turns?: readonly (number | undefined)[]
  readonly continues?: unknown
  readonly continuesToo?: unknown
  readonly continuedIn?: string | null
}

/** A log with two checkpoints, of five records each. */
async function verdict({ chains = 2, heads = right => right, turns = [1, 2, 3], continues, continuesToo, continuedIn = null }: Said = {}) {
  const empty = { size: 0, last: null, trailer: null }
  const sealing = new Sealing({ place, epoch: 1, tree: openTree(), end: empty, signers: [signer], onTrouble: () => undefined })
  const records: NewRecord[] = []
  const began = beganEvent({ origin: sealing.origin, sequence: 0, timestampMs: 1 }, { vkey: signer.vkey, topicId: 't', chains })
  const { payload } = began
  const links = { ...(continues !== undefined && { continues }), ...(continuesToo !== undefined && { continuesToo }) }
  sealing.push({ ...began, payload: { ...payload, unmapped: { ...payload.unmapped, ...links } as typeof payload.unmapped } })
  const positions = (turn: number | undefined) => ({ sources: {}, closedThroughMs: null, ...(turn !== undefined && { turn }) })
  records.push(...sealing.cut(null, positions(turns[0])).records)
  for (const round of [1, 2]) {
    const { size, last } = sealing.before
    const right = [
      { origin: sealing.origin.replace(/1$/, '0'), size: round, fingerprint: hex },
      { origin: sealing.origin, size, fingerprint: last!.fingerprint }
    ]
    const named = heads(right) as readonly NamedHead[] | null
    const facts = { powers: [], excluded: [], silent: [], timestampMs: round, heads: chains === 1 && named === right ? null : named }
    const part = sealing.cut({ ...facts, continuedIn: round === 2 ? continuedIn : null }, positions(turns[round]))
    const { signers, ...tree } = part.checkpoint!
    records.push(...part.records, sealing.noteRecord(Buffer.from(await signCheckpoint(tree, signers))))
  }
  sealing.push(deniedEvent(1))
  const found = verifyLog(
    [...records, ...(continuedIn === null ? [] : sealing.cut(null, positions(4)).records)].map(({ key, value }) => ({ kind: key!.toString(), value: value! })),
    { origin: sealing.origin, vkey: signer.vkey }
  )
  return 'reason' in found ? `${found.sequence}: ${found.reason}` : 'right'
}

const changed = (index: number, change: object) => (right: readonly NamedHead[]) => right.map((head, at) => (at === index ? { ...head, ...change } : head))

describe('what a log of several says of its topic', () => {
  test('is right as the writer says it', async () => {
    expect(await verdict()).toBe('right')
    expect(await verdict({ continues: end, continuesToo: [{ ...end, origin: end.origin.replace(/0$/, '1') }] })).toBe('right')
  })

  test.each<[string, Said, string]>([
    ['one log alone', { chains: 1, turns: [] }, 'right'],
    ['fewer logs than its own partition', { chains: 1, heads: right => [...right], turns: [] }, '1: it names heads'],
    ['too many logs', { chains: 17 }, '0: chains is 17'],
    ['no heads', { heads: () => null }, '1: its heads are not those of 2 logs'],
    ['a head too few', { heads: right => right.slice(1) }, '1: its heads are not those of 2 logs'],
    ['another member in a head', { heads: changed(0, { more: 1 }) }, '1: its heads are not those of 2 logs'],
    ['heads in another order', { heads: right => right.toReversed() }, '1: its head 0 is one of'],
    ['a head of another topic', { heads: changed(0, { origin: 'reeve.audit/a-cluster/other/0' }) }, '1: its head 0 is one of'],
    ['entries without a fingerprint', { heads: changed(0, { fingerprint: null }) }, '1: its head of'],
    ['a fingerprint without entries', { heads: changed(0, { size: 0 }) }, '1: its head of'],
    ['another size of itself', { heads: changed(1, { size: 0, fingerprint: null }) }, '1: its head of this log is of 0 entries'],
    ['another fingerprint of itself', { heads: changed(1, { fingerprint: hex }) }, '1: its head of this log is of 1 entries'],
    ['fewer entries of another than before', { heads: right => changed(0, { size: 4 - right[0]!.size })(right) }, '2: it names 2 entries of'],
    ['no turn', { turns: [] }, '0: the trailer behind it is of turn none'],
    ['the same turn again', { turns: [1, 1, 2] }, '1: the trailer behind it is of turn 1'],
    ['a turn in a topic of one', { chains: 1, turns: [1] }, '0: the trailer behind it is of turn 1'],
    ['an entry behind its end', { continuedIn: 'audit-2027' }, '3: the log ended before it, and goes on in the topic audit-2027'],
    ['its own topic as the next', { continuedIn: 'audit' }, '2: it is continued in "audit"'],
    ['its own topic as the one before', { continues: { ...end, origin: 'reeve.audit/a-cluster/audit/0' } }, '0: it continues its own topic'],
    ['an end without entries', { continues: { ...end, size: 0 } }, '0: what it continues is no end of a log'],
    ['an end with another member', { continues: { ...end, more: 1 } }, '0: what it continues is no end of a log'],
    ['an end of another partition', { continues: { ...end, origin: end.origin.replace(/0$/, '1') } }, '0: what it continues is'],
    ['other ends without the first', { continuesToo: [end] }, '0: what it continues is no end of a log'],
    ['no other ends', { continues: end, continuesToo: [] }, '0: continuesToo is no list of ends'],
    ['the same end twice', { continues: end, continuesToo: [end] }, '0: what it continues is']
  ])('with %s is found', async (_, said, expected) => {
    expect(await verdict(said)).toContain(expected)
  })
})
