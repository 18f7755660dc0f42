import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { type AuditTopicWorld, auditTopicWorld, numbersOf } from '#test/support/audit-topic-world.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import type { Entry } from '../audit/entry.ts'
import { readEntry } from '../audit/entry.ts'
import { readTrailer, type Trailer, treeStateOf } from '../audit/trailer.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Appender } from '../kafka/ports.ts'
import { openTree } from '../proof/tree.ts'
import { findHead } from './head.ts'
import { Sealing } from './sealing.ts'

let kafka: FakeKafka
let world: AuditTopicWorld
beforeEach(() => {
  kafka = fakeKafka({ pollEntries: 100 })
  kafka.createTopic('audit', 4)
  kafka.createTopic('memory')
  world = auditTopicWorld(kafka, 'audit', 3)
})
afterEach(() => world.close())

const kinds = async (partition: number): Promise<string> => (await world.worlds[partition]!.records()).map(({ key }) => key!.toString()[0]).join('')
const quick = { limits: { checkpointEntries: 12, lingerMs: 0, transactionEntries: 8 } }
const writerId = 'audit-writer-audit-0'

describe('a topic of three logs', () => {
  test('begins them all at once, and writes each source into its own', async () => {
    const log = await world.open()
    await log.offer(numbersOf(0, 20))
    expect((await log.checkpoint()).map(({ size }) => size)).toEqual(log.logs.map(({ head }) => head.size))
    const logs = await world.requireAll(20)
    expect(logs.map(({ chains }) => chains)).toEqual([3, 3, 3])
    expect(log.head.size).toBe(20 + 3 + 3)
    for (const partition of [0, 1, 2]) expect(await kinds(partition)).toMatch(/^e+te*etn$|^e+tetn$/)
  })

  test('has entries and a trailer only where something is new, but a checkpoint of all, with one note each', async () => {
    const log = await world.open()
    await log.flushed()
    const batch = numbersOf(0, 1)
    await log.offer(batch)
    await log.flushed()
    const before = await Promise.all([0, 1, 2].map(kinds))
    expect(before.toSorted()).toEqual(['et', 'et', 'etet'])
    await log.checkpoint()
    expect(await Promise.all([0, 1, 2].map(kinds))).toEqual(before.map(text => `${text}etn`))
    const trailers = (await Promise.all(world.worlds.map(one => one.records())))
      .flat()
      .filter(({ key }) => key!.toString() === 'trailer')
      .map(({ value }) => readTrailer(value!) as Trailer)
    expect(trailers.map(({ turn }) => turn!).toSorted((one, other) => one - other)).toEqual([1, 1, 1, 2, 3, 3, 3])
    const last = trailers.filter(({ turn }) => turn === 3)
    expect(last.map(({ sources }) => sources)).toEqual([batch.positions, batch.positions, batch.positions])
  })

  test('names the heads of all in each checkpoint, as they were committed before', async () => {
    const log = await world.open()
    await log.flushed()
    const heads = log.logs.map(({ origin, head: { size, fingerprint } }) => ({ origin, size, fingerprint }))
    await log.checkpoint()
    for (const one of world.worlds) {
      const entries = (await one.records()).filter(({ key }) => key!.toString() === 'event').map(({ value }) => readEntry(value!) as Entry)
      expect(entries.at(-1)!.value.payload.unmapped['heads']).toEqual(heads)
    }
    expect(heads.map(({ size }) => size)).toEqual([1, 1, 1])
  })

  test('goes on from the newest trailer of all, whichever log it is in', async () => {
    const first = await world.open()
    for (let number = 0; number < 10; number++) {
      await first.offer(numbersOf(number, number + 1))
      await first.flushed()
    }
    await first.close()
    const second = await world.open()
    expect(second.head.sources).toEqual(numbersOf(5, 10).positions)
    await second.offer(numbersOf(0, 25, second.head.sources))
    await second.close()
    const third = await world.open()
    await third.checkpoint()
    await world.requireAll(25)
  })

  test('keeps its bytes in a topic of one log free of all that', async () => {
    kafka.createTopic('alone')
    const alone = auditTopicWorld(kafka, 'alone', 1)
    const log = await alone.open()
    await log.offer(numbersOf(0, 3))
    await log.checkpoint()
    const text = (await alone.worlds[0]!.records()).map(({ value }) => value!.toString()).join()
    expect(text).not.toMatch(/"(chains|heads|turn|continuedIn|continues)"/)
    await alone.requireAll(3)
    await alone.close()
  })

  test('hands the key over in all of them at once', async () => {
    const [signer, newer] = [world.worlds[0]!.signer, newSigner(world.worlds[0]!.signer.name)]
    const first = await world.open()
    await first.checkpoint()
    await first.close()
    const second = await world.open({ signers: [signer, newer] })
    await second.offer(numbersOf(0, 6))
    await second.checkpoint()
    expect((await world.requireAll(6)).map(({ vkeys }) => vkeys)).toEqual(Array.from({ length: 3 }, () => [signer.vkey, newer.vkey]))
  })
})

describe('the number of logs', () => {
  test.each([1, 2, 4])('of a topic of three is not changed to %i', async chains => {
    const log = await world.open()
    await log.close()
    await expect(world.open({ chains })).rejects.toMatchObject({ kind: 'chains', message: expect.stringContaining('was begun with 3 chains') })
    await world.open()
  })

  test('of a topic that began with one is not changed either', async () => {
    const log = await world.open({ chains: 1 })
    await log.close()
    await expect(world.open()).rejects.toMatchObject({ kind: 'chains', message: expect.stringContaining('was begun with 1 chain,') })
  })

  test('whose records were removed from one is no beginning', async () => {
    const log = await world.open()
    await log.close()
    kafka.change('audit', 2, partition => partition.truncate(0))
    await expect(world.open()).rejects.toMatchObject({ kind: 'inconsistent' })
  })
})

describe('a commit over several logs', () => {
  test.each(['refused', 'unknown-committed', 'unknown-lost'] as const)('that ends %s loses nothing and writes nothing twice', async fault => {
    const log = await world.open(quick)
    await log.flushed()
    for (let number = 0; number < 12; number += 3) {
      kafka.failNextAppend(writerId, fault)
      await log.offer(numbersOf(number, number + 3))
      await log.flushed()
    }
    await log.checkpoint()
    await world.requireAll(12)
  })

  test('of notes alone that ends unknown is read back', async () => {
    const log = await world.open()
    await log.flushed()
    const release = Promise.withResolvers<void>()
    const checkpoint = log.checkpoint()
    await expect.poll(() => kinds(0)).toBe('etet')
    kafka.failNextAppend(writerId, 'unknown-committed')
    release.resolve()
    await checkpoint
    for (const partition of [0, 1, 2]) expect((await kinds(partition)).replaceAll(/[^n]/g, '')).toBe('n')
    await world.requireAll(0)
  })

  test('finds a log that somebody else has written in meanwhile', async () => {
    const log = await world.open()
    await log.checkpoint()
    const { place, signer } = world.worlds[2]!
    const { size, last } = await findHead(await kafka.openReader(), place)
    const end = { size, last: last!.entry, trailer: last!.trailer.hash }
    const rival = new Sealing({ place, epoch: 9, tree: openTree(treeStateOf(last!.trailer)), end, signers: [signer], onTrouble: () => undefined })
    rival.push(deniedEvent(99))
    kafka.openTransaction('rival', rival.cut(null, { sources: {}, closedThroughMs: null, turn: 9 }).records).commit()
    kafka.failNextAppend(writerId, 'unknown-lost')
    await log.offer(numbersOf(0, 5))
    expect(await log.ended).toMatchObject({ name: 'AuditLogFault', kind: 'inconsistent', message: expect.stringContaining('audit/2: its end is entry') })
  })

  test('of a writer of the release that knew one log is fenced by one of several', async () => {
    const old = await kafka.openAppender(writerId)
    await old.fence()
    await world.open()
    await expect(old.append([{ topic: 'audit', partition: 0, key: Buffer.from('event'), value: Buffer.from('late') }])).rejects.toMatchObject({
      kind: 'fenced'
    })
  })
})

/** An appender and a signer that stop for good at the count-th time that they come to a step, as a process does that is killed there. */
function doomed(step: string, count: number) {
  let left = count
  const grave = Promise.withResolvers<never>()
  grave.promise.catch(() => undefined)
  const died = Promise.withResolvers<void>()
  const reach = async (now: string): Promise<void> => {
    if (now !== step || --left > 0) return
    died.resolve()
    await grave.promise
  }
  const appender = async (): Promise<Appender> => {
    const real = await kafka.openAppender(writerId)
    return {
      ...real,
      async append(records) {
        await reach('append')
        const appended = await real.append(records)
        await reach('appended')
        return appended
      }
    }
  }
  const { signer } = world.worlds[0]!
  const sign = async (message: Uint8Array): Promise<Uint8Array> => {
    await reach('sign')
    const signature = await signer.sign(message)
    await reach('signed')
    return signature
  }
  const bury = (): void => grave.reject(new KafkaFault('fenced', 'this process was killed'))
  return { died: died.promise, bury, appender, signers: [{ ...signer, sign }] }
}

describe('a writer of three logs that dies', () => {
  test.each(['append', 'appended', 'sign', 'signed'])('at the step %s, whichever time, leaves nothing that is lost, twice or out of order', async step => {
    for (const count of [1, 2, 3, 5]) {
      kafka = fakeKafka({ pollEntries: 100 })
      kafka.createTopic('audit', 3)
      world = auditTopicWorld(kafka, 'audit', 3)
      const { died, bury, appender, signers } = doomed(step, count)
      const dying = await Promise.race([died, world.open({ ...quick, appender: await appender(), signers })])
      const offering = (async () => {
        if (!dying) return
        for (let number = 0; number < 60; number += 4) await dying.offer(numbersOf(number, number + 4))
        await dying.checkpoint()
      })().catch(() => undefined)
      await Promise.race([died, offering])
      const successor = await world.open(quick)
      for (let number = 0; number < 60; number += 4) await successor.offer(numbersOf(number, number + 4, successor.head.sources))
      await successor.checkpoint()
      await world.requireAll(60)
      bury()
      await world.close()
    }
  })
})
