import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AuditLogWorld, auditLogWorld, batchOf, nextOf } from '#test/support/audit-log-world.ts'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import { readEntry } from '../audit/entry.ts'
import { type AnchoredCheckpoint, ForkFound } from '../anchors/anchor.ts'
import type { CheckpointKeeper } from './anchoring.ts'

let kafka: FakeKafka
let world: AuditLogWorld
beforeEach(() => {
  kafka = fakeKafka({ pollEntries: 100 })
  kafka.createTopic('audit', 2)
  kafka.createTopic('memory')
  world = auditLogWorld(kafka, 'audit')
})
afterEach(() => world.close())

const kinds = async (): Promise<string> => (await world.records()).map(({ key }) => key!.toString()[0]).join('')
const types = async (): Promise<string[]> =>
  (await world.records()).flatMap(({ key, value }) => (key?.toString() === 'event' ? [(readEntry(value!) as { eventType: string }).eventType] : []))
const range = (to: number): number[] => Array.from({ length: to }, (_, number) => number)

/** What was signed. */
const textOf = ({ text }: AnchoredCheckpoint): Buffer => Buffer.from(text).subarray(0, Buffer.from(text).indexOf('\n\n') + 1)

/** An anchor in memory. */
function keeper(fault: () => Error | null = () => null): CheckpointKeeper & { readonly kept: AnchoredCheckpoint[] } {
  const kept: AnchoredCheckpoint[] = []
  return {
    name: 'keeper',
    kept,
    async put(checkpoint) {
      const error = fault()
      if (error) throw error
      kept.push(checkpoint)
      return { anchor: 'keeper', kind: 'webhook', outside: true, location: null, sha256: checkpoint.sha256, repeated: false, evidence: {} }
    },
    held: {
      list: async () => [],
      latest: async () => (kept.length > 0 ? { size: kept.at(-1)!.size, location: '', hidden: false } : null),
      read: async () => kept.at(-1)!.text
    }
  }
}

describe('a log', () => {
  test('begins, takes batches as they are, and is verified', async () => {
    const log = await world.open()
    await log.offer(batchOf(0, 3))
    await log.flushed()
    await log.offer(batchOf(3, 5))
    const checkpoint = await log.checkpoint()
    expect(checkpoint.map(({ size }) => size)).toEqual([7])
    expect(await kinds()).toBe('eteeeteeetn')
    expect(await world.verify()).toMatchObject({ size: 7, checkpointed: 7 })
    expect(await world.numbers()).toEqual(range(5))
    expect(log.head).toMatchObject({ size: 7, sources: { list: { through: 5, resume: 5 } } })
  })

  test('says of a batch that it is durable when it is committed, and not before', async () => {
    const log = await world.open()
    await log.flushed()
    const told: string[] = []
    const found = async (name: string): Promise<void> => void told.push(`${name}: ${await kinds()}`)
    const waiting: Promise<void>[] = []
    const durable = (name: string) => () => void waiting.push(found(name))
    kafka.failNextAppend(world.transactionalId, 'unknown-lost')
    await log.offer({ ...batchOf(0, 2), durable: durable('events') })
    await log.flushed()
    const also = [{ topic: 'memory', partition: 0, key: null, value: Buffer.from('x') }]
    await log.offer({ events: [], also, durable: durable('memory') })
    await log.flushed()
    await Promise.all(waiting)
    expect(told).toEqual(['events: eteet', 'memory: eteet'])
  })

  test('is gone on with behind its end, positions too, and says its new fence in a checkpoint', async () => {
    const first = await world.open()
    await first.offer(batchOf(0, 3))
    await first.close()
    const second = await world.open()
    expect(nextOf(second)).toBe(3)
    await second.offer(batchOf(3, 6))
    await second.close()
    expect(await world.numbers()).toEqual(range(6))
    expect(await types()).toContain('audit.checkpoint')
    expect(await world.verify()).toMatchObject({ size: 8, checkpointed: 5 })
  })

  test('is found behind aborted transactions and markers, however many', async () => {
    const first = await world.open()
    await first.offer(batchOf(0, 3))
    await first.close()
    const junk = { topic: 'audit', partition: 0, key: Buffer.from('event'), value: Buffer.from('never committed') }
    for (let count = 0; count < 40; count++)
      kafka
        .openTransaction(
          world.transactionalId,
          Array.from({ length: 5 }, () => junk)
        )
        .abort()
    kafka.openTransaction(world.transactionalId, [junk])
    const second = await world.open()
    expect(nextOf(second)).toBe(3)
    await second.close()
    expect(await world.verify()).not.toHaveProperty('reason')
  })

  test('that is empty begins once, whoever dies in between', async () => {
    kafka.failNextAppend(world.transactionalId, 'unknown-committed')
    const log = await world.open()
    await log.flushed()
    await log.close()
    const again = await world.open()
    await again.close()
    expect((await types()).filter(type => type === 'audit.began')).toHaveLength(1)
    expect(await world.verify()).not.toHaveProperty('reason')
  })
})

describe('a commit', () => {
  test.each(['refused', 'unknown-committed', 'unknown-lost'] as const)('that ends %s loses nothing and writes nothing twice', async fault => {
    const troubles: string[] = []
    const log = await world.open({ onTrouble: message => troubles.push(message) })
    await log.flushed()
    for (let number = 0; number < 6; number += 2) {
      kafka.failNextAppend(world.transactionalId, fault)
      await log.offer(batchOf(number, number + 2))
      await log.flushed()
    }
    await log.checkpoint()
    expect(await world.numbers()).toEqual(range(6))
    expect(await world.verify()).toMatchObject({ size: 8, checkpointed: 8 })
    expect(troubles.length > 0).toBe(fault !== 'unknown-committed')
  })

  test.each(['refused', 'unknown-committed', 'unknown-lost'] as const)('of a note alone that ends %s is made good', async fault => {
    const log = await world.open()
    await log.flushed()
    kafka.failNextAppend(world.transactionalId, 'unknown-committed')
    kafka.failNextAppend(world.transactionalId, fault)
    await log.checkpoint()
    expect((await kinds()).replace(/[^n]/g, '')).toBe('n')
    expect(await world.verify()).toMatchObject({ checkpointed: 2 })
  })

  test('of a note and other records that ends unknown, and was made, is not made again', async () => {
    const also = [{ topic: 'memory', partition: 0, key: Buffer.from('image'), value: Buffer.from('1') }]
    const release = Promise.withResolvers<void>()
    const sign = async (message: Uint8Array): Promise<Uint8Array> => {
      await release.promise
      return world.signer.sign(message)
    }
    const log = await world.open({ signers: [{ ...world.signer, sign }] })
    await log.flushed()
    const checkpoint = log.checkpoint()
    await expect.poll(kinds).toBe('etet')
    await log.offer({ events: [], also })
    kafka.failNextAppend(world.transactionalId, 'unknown-committed')
    release.resolve()
    await checkpoint
    await log.flushed()
    expect(await kinds()).toBe('etetn')
    expect(kafka.partition('memory').entries.filter(({ record }) => record !== null)).toHaveLength(1)
  })

  test('of a writer that another has taken over from fails for good, and says so', async () => {
    const zombie = await world.open()
    await zombie.offer(batchOf(0, 2))
    await zombie.flushed()
    const successor = await world.open()
    await expect(zombie.offer(batchOf(2, 4)).then(() => zombie.flushed())).rejects.toMatchObject({ kind: 'fenced' })
    await expect(zombie.offer(batchOf(2, 4))).rejects.toMatchObject({ kind: 'fenced' })
    expect(await zombie.ended).toMatchObject({ kind: 'fenced' })
    await successor.offer(batchOf(2, 5))
    await successor.close()
    expect(await world.numbers()).toEqual(range(5))
    expect(await world.verify()).not.toHaveProperty('reason')
  })
})

describe('a checkpoint', () => {
  test('comes after so many entries, and its note in the transaction after it', async () => {
    const anchor = keeper()
    const log = await world.open({ limits: { checkpointEntries: 4, lingerMs: 0 }, anchors: [anchor] })
    await log.flushed()
    for (let number = 0; number < 10; number += 2) {
      await log.offer(batchOf(number, number + 2))
      await log.flushed()
    }
    await log.close()
    expect(anchor.kept.map(({ size }) => size)).toEqual(anchor.kept.map(({ size }) => size).toSorted((a, b) => a - b))
    expect(anchor.kept.length).toBeGreaterThanOrEqual(2)
    expect(await world.verify()).toMatchObject({ checkpointed: anchor.kept.at(-1)!.size })
    expect(log.logs[0]!.newestCheckpoint).toEqual({ size: anchor.kept.at(-1)!.size, atMs: expect.any(Number) })
    const idle = { waiting: 0, waitingSinceMs: null, forked: null, failing: null, failures: 0 }
    expect(log.logs[0]!.anchors()).toEqual([{ name: 'keeper', anchoredSize: anchor.kept.at(-1)!.size, ...idle }])
  })

  test('comes once a while when nothing happens, and sooner when something did', async () => {
    let nowMs = 1_760_000_000_000
    const log = await world.open({ nowMs: () => nowMs, limits: { checkpointMs: 40, heartbeatMs: 60 } })
    await log.flushed()
    nowMs += 41
    await expect.poll(() => kinds()).toBe('etetn')
    nowMs += 61
    await expect.poll(() => kinds()).toBe('etetnetn')
    expect(await world.verify()).toMatchObject({ size: 3, checkpointed: 3 })
  })

  test('whose writer died before its note is signed again, to the same bytes, before anything else', async () => {
    const anchor = keeper()
    const death = Promise.withResolvers<Uint8Array>()
    const log = await world.open({ anchors: [anchor], signers: [{ ...world.signer, sign: () => death.promise }] })
    const dying = log.checkpoint().catch((error: unknown) => error)
    await expect.poll(() => kinds()).toBe('etet')
    const second = await world.open({ anchors: [anchor] })
    await second.offer(batchOf(0, 1))
    await second.flushed()
    expect(await kinds()).toBe('etetnet')
    expect(anchor.kept.map(({ size }) => size)).toEqual([2])
    death.resolve(await world.signer.sign(textOf(anchor.kept[0]!)))
    expect(await dying).toMatchObject({ kind: 'fenced' })
    const third = await world.open()
    await third.checkpoint()
    expect(await world.verify()).toMatchObject({ checkpointed: 5 })
  })

  test('carries positions that moved without an event', async () => {
    const log = await world.open()
    await log.flushed()
    await log.offer({ events: [], positions: { quiet: { through: 9, resume: 8 } }, closedThroughMs: 5 })
    await log.flushed()
    const again = await world.open()
    expect(again.head).toMatchObject({ sources: { quiet: { through: 9, resume: 8 } }, closedThroughMs: 5 })
  })

  test('is written with what could not be said where circumstances are too long', async () => {
    const log = await world.open({ circumstances: () => ({ powers: 'x'.repeat(70_000), excluded: {}, silent: [] }) })
    await log.checkpoint()
    const value = (await world.records())
      .filter(({ key }) => key?.toString() === 'event')
      .at(-1)!
      .value!.toString()
    expect(value).toContain('"powers":{"unknown":"audit.checkpoint of')
    expect(await world.verify()).not.toHaveProperty('reason')
  })
})

describe('an anchor', () => {
  test('that fails holds nothing up, is told of once for each reason, and gets all in their order', async () => {
    let down = true
    const anchor = keeper(() => (down ? new Error('no route') : null))
    const troubles: string[] = []
    const log = await world.open({ anchors: [anchor], nowMs: () => 1_760_000_000_000, onTrouble: message => troubles.push(message) })
    await log.checkpoint()
    await log.checkpoint()
    expect(log.logs[0]!.anchors()).toMatchObject([{ waiting: 2, waitingSinceMs: 1_760_000_000_000, anchoredSize: null, failing: { why: 'no route' } }])
    expect(log.logs[0]!.anchors()[0]?.failures).toBeGreaterThan(0)
    down = false
    await expect.poll(() => anchor.kept.map(({ size }) => size)).toEqual([2, 3])
    expect(troubles.filter(message => message.includes('no route'))).toHaveLength(1)
    expect(log.logs[0]!.anchors()).toMatchObject([{ waiting: 0, anchoredSize: 3, failing: null }])
  })

  test('that holds another tree is told of, and the next checkpoints go on to it', async () => {
    let first = true
    const anchor = keeper(() => {
      if (!first) return null
      first = false
      return new ForkFound('the bucket', { origin: world.origin, size: 2, text: Buffer.from(''), sha256: '' }, Buffer.from(''))
    })
    const troubles: string[] = []
    const log = await world.open({ anchors: [anchor], onTrouble: message => troubles.push(message) })
    await log.checkpoint()
    await log.checkpoint()
    await expect.poll(() => anchor.kept.map(({ size }) => size)).toEqual([3])
    expect(log.logs[0]!.anchors()).toMatchObject([{ forked: expect.stringContaining('FORK') }])
    expect(troubles).toEqual([expect.stringContaining('FORK')])
  })

  test('that holds more than the log keeps it from being written on', async () => {
    const anchor = keeper()
    const log = await world.open({ anchors: [anchor] })
    await log.offer(batchOf(0, 5))
    await log.checkpoint()
    await log.close()
    for (const end of [2, 0]) {
      kafka.change('audit', 0, partition => partition.truncate(end))
      await expect(world.open({ anchors: [anchor] })).rejects.toMatchObject({ name: 'AuditLogFault', kind: 'cut' })
    }
  })

  test('that cannot be asked is told of, and the log is opened', async () => {
    const troubles: string[] = []
    const held = { list: async () => [], latest: () => Promise.reject(new Error('away')), read: async () => Buffer.alloc(0) }
    await world.open({ anchors: [{ ...keeper(), held }], onTrouble: message => troubles.push(message) })
    expect(troubles).toEqual([expect.stringContaining('away')])
  })
})

describe('keys', () => {
  test('hand over where a newer one is at hand, and the old one is not needed after the first checkpoint', async () => {
    const first = await world.open()
    await first.offer(batchOf(0, 2))
    await first.checkpoint()
    await first.close()
    const newer = newSigner(world.signer.name)
    const second = await world.open({ signers: [world.signer, newer] })
    await second.offer(batchOf(2, 4))
    await second.close()
    await expect(world.open({ signers: [newer] })).rejects.toMatchObject({ kind: 'key' })
    await expect(world.open({ signers: [world.signer, newer, newSigner(world.signer.name)] })).rejects.toThrow('has no checkpoint yet')
    const third = await world.open({ signers: [world.signer, newer] })
    await third.checkpoint()
    await third.close()
    const fourth = await world.open({ signers: [newer] })
    await fourth.offer(batchOf(4, 5))
    await fourth.checkpoint()
    expect((await types()).filter(type => type === 'audit.key-rotated')).toHaveLength(1)
    expect(await world.verify()).toMatchObject({ checkpointed: 11 })
    expect(await world.numbers()).toEqual(range(5))
  })

  test('that the log does not know open nothing', async () => {
    const first = await world.open()
    await first.close()
    await expect(world.open({ signers: [newSigner(world.signer.name)] })).rejects.toMatchObject({ kind: 'key' })
    await expect(world.open({ signers: [] })).rejects.toMatchObject({ kind: 'key' })
  })

  test('that lie elsewhere may fail for a while', async () => {
    let failures = 2
    const sign = (message: Uint8Array): Uint8Array | Promise<Uint8Array> => {
      if (failures-- > 0) throw new Error('the key store is away')
      return world.signer.sign(message)
    }
    const troubles: string[] = []
    const log = await world.open({ signers: [{ ...world.signer, sign }], onTrouble: message => troubles.push(message) })
    await log.checkpoint()
    expect(troubles).toHaveLength(2)
    expect(await world.verify()).toMatchObject({ checkpointed: 2 })
  })
})

describe('the end of a log', () => {
  const write = (key: string, value: string): void =>
    kafka.openTransaction('somebody', [{ topic: 'audit', partition: 0, key: Buffer.from(key), value: Buffer.from(value) }]).commit()

  test('with records of somebody else is gone on with, and they are named', async () => {
    const first = await world.open()
    await first.close()
    write('hello', 'there')
    const second = await world.open()
    expect(second.foreign).toEqual([{ partition: 0, offset: expect.any(Number), key: 'hello' }])
    await second.close()
    expect(await world.verify()).toMatchObject({ reason: expect.stringContaining('a record with the key "hello"') })
  })

  test.each([
    ['an entry without a trailer', 'event', 'noise'],
    ['a trailer that is none', 'trailer', 'noise']
  ])('that is %s is not gone on with', async (_name, key, value) => {
    const first = await world.open()
    await first.close()
    write(key, value)
    await expect(world.open()).rejects.toMatchObject({ name: 'AuditLogFault', kind: 'inconsistent', message: expect.stringContaining('audit-0 offset') })
  })

  test('of another log is not gone on with', async () => {
    kafka.createTopic('audit-other')
    const other = auditLogWorld(kafka, 'audit-other')
    const log = await other.open()
    await log.offer(batchOf(0, 2))
    await log.close()
    const records = (await other.records()).map(({ key, value }) => ({ topic: 'audit', partition: 0, key, value }))
    kafka.openTransaction('somebody', records).commit()
    await expect(world.open()).rejects.toThrow('it is of the log')
  })
})

describe('what is offered', () => {
  test('waits for room', async () => {
    const log = await world.open({ limits: { transactionEntries: 4, lingerMs: 0 } })
    await log.flushed()
    let accepted = 0
    const all = Promise.all(range(10).map(number => log.offer(batchOf(number * 4, number * 4 + 4)).then(() => accepted++)))
    await Promise.resolve()
    expect(accepted).toBeLessThan(10)
    await all
    await log.flushed()
    expect(await world.numbers()).toEqual(range(40))
    // The first transaction has the log's beginning too.
    expect(Math.max(...(await kinds()).split('t').map(transaction => transaction.length))).toBeLessThanOrEqual(5)
  })

  test('is never cut in two, so that its positions hold', async () => {
    const log = await world.open({ limits: { transactionEntries: 2, lingerMs: 0 } })
    await log.flushed()
    await log.offer(batchOf(0, 7))
    await log.flushed()
    expect(await kinds()).toBe('eteeeeeeet')
  })

  test('takes other records into its transaction', async () => {
    const log = await world.open()
    await log.flushed()
    const also = [{ topic: 'memory', partition: 0, key: Buffer.from('image'), value: Buffer.from('1') }]
    kafka.failNextAppend(world.transactionalId, 'unknown-committed')
    await log.offer({ ...batchOf(0, 1), also })
    await log.flushed()
    await log.offer({ events: [], also })
    await log.flushed()
    expect(kafka.partition('memory').entries.filter(({ record }) => record !== null)).toHaveLength(2)
    // Alone they are no reason for an entry.
    expect(await world.verify()).toMatchObject({ size: 2 })
    kafka.failNextAppend(world.transactionalId, 'unknown-lost')
    await log.offer({ events: [], also })
    await log.flushed()
    // The aborted copy, and the one that counts.
    expect(kafka.partition('memory').entries.filter(({ record }) => record !== null)).toHaveLength(4)
  })

  test('and cannot be an entry is declared as lost, in its place', async () => {
    const troubles: string[] = []
    const log = await world.open({ onTrouble: message => troubles.push(message) })
    const wrong = { ...deniedEvent(1), payload: { ...deniedEvent(1).payload, rate: 0.5 } }
    await log.offer({ events: [deniedEvent(0), wrong, deniedEvent(2)] })
    await log.flushed()
    expect(await types()).toEqual(['audit.began', 'access.denied', 'audit.gap', 'access.denied'])
    expect(troubles).toEqual([expect.stringContaining('the number 0.5')])
    expect(await world.verify()).toMatchObject({ size: 4 })
  })

  test('to a log that was closed is refused', async () => {
    const log = await world.open()
    await log.close()
    await expect(log.offer(batchOf(0, 1))).rejects.toThrow('this audit log is closed')
    expect(await log.ended).toBeNull()
  })
})
