import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newSigner } from '#test/support/audit-events.ts'
import { filesOf } from '#test/support/audit-export.ts'
import { exportTopic } from '#test/support/audit-topic-export.ts'
import { type AuditTopicWorld, auditTopicWorld, numbersOf } from '#test/support/audit-topic-world.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import { endTopic } from '../audit-log/continue.ts'
import { transactionalIdOf } from '../audit-log/place.ts'
import type { Earlier } from '../audit-log/proving-together.ts'
import type { LogReader } from '../kafka/ports.ts'
import { encodeManifest, type Manifest, manifestFile, readManifest } from './layout.ts'
import { endsOfExport, openExport, proveExport } from './prove-export.ts'

type Files = Map<string, Buffer>

const signer = newSigner('reeve.audit/a-cluster')
let kafka: FakeKafka
let world: AuditTopicWorld
let log: AuditLog
beforeEach(async () => {
  kafka = fakeKafka({ pollEntries: 100 })
  kafka.createTopic('audit', 3)
  world = auditTopicWorld(kafka, 'audit', 3, signer)
  log = await world.open()
  await log.offer(numbersOf(0, 10))
  await log.checkpoint()
})
afterEach(() => world.close())

async function more(from: number, to: number): Promise<void> {
  await log.offer(numbersOf(from, to))
  await log.checkpoint()
}

const exported = async (reader?: LogReader): Promise<Files> => exportTopic(reader ?? (await kafka.openReader()), world)
const manifestOf = (files: Files) => openExport(filesOf(files)) as Manifest
async function faultsOf(files: Files, earlier?: Earlier) {
  const proven = await proveExport(filesOf(files), manifestOf(files), [signer.vkey], [], earlier && { earlier })
  return proven.map(({ fault }) => fault && `${fault.sequence}: ${fault.reason}`)
}

/** The export with the logs of these partitions alone, those of `other` in place of their own. */
function assembled(files: Files, partitions: readonly number[], other: { readonly files: Files; readonly partition: number } | null = null): Files {
  const { clusterId, topic, logs } = manifestOf(files)
  const of = (partition: number): Files => (other?.partition === partition ? other.files : files)
  const made = new Map<string, Buffer>()
  for (const partition of partitions) for (const [path, bytes] of of(partition)) if (path.startsWith(`${partition}/`)) made.set(path, bytes)
  const described = partitions.map(partition => (readManifest(of(partition).get(manifestFile)!) as Manifest).logs[partition]!)
  made.set(manifestFile, encodeManifest({ clusterId, topic, logs: described.length > 0 ? described : logs }))
  return made
}

describe('an export of three logs', () => {
  test('holds, and each log goes to the same checkpoint', async () => {
    await log.offer(numbersOf(10, 14))
    await log.flushed()
    const files = await exported()
    expect(await faultsOf(files)).toEqual([null, null, null])
    expect(manifestOf(files).logs.reduce((sum, { behind }) => sum + behind, 0)).toBe(4)
  })

  test('that is made while the logs go on holds as well', async () => {
    const real = await kafka.openReader()
    let reads = 0
    const reader: LogReader = {
      assign: (...given) => real.assign(...given),
      unassign: (...given) => real.unassign(...given),
      positions: () => real.positions(),
      poll: given => real.poll(given),
      close: () => real.close(),
      async readToEnd(onRecord) {
        await real.readToEnd(onRecord)
        await more(10 + reads * 5, 15 + reads++ * 5)
      }
    }
    const files = await exported(reader)
    expect(await faultsOf(files)).toEqual([null, null, null])
    const { logs } = manifestOf(files)
    expect(logs[2]!.behind).toBeGreaterThan(0)
    expect(await faultsOf(await exported())).toEqual([null, null, null])
  })

  test.each([0, 1, 2])('without the log of partition %i fails, and names it', async gone => {
    const files = assembled(
      await exported(),
      [0, 1, 2].filter(partition => partition !== gone)
    )
    const reason = `0: reeve.audit/a-cluster/audit/${gone} is missing: the topic has 3 logs`
    expect(await faultsOf(files)).toEqual([reason, reason])
  })

  test.each([0, 1, 2])('of which the log of partition %i was cut at an earlier checkpoint fails, and names it', async cut => {
    const before = await exported()
    await more(10, 20)
    const faults = await faultsOf(assembled(await exported(), [0, 1, 2], { files: before, partition: cut }))
    const { size } = manifestOf(before).logs[cut]!
    expect(faults).toEqual([0, 1, 2].map(partition => (partition === cut ? `${size}: CUT: it has 1 audit.checkpoint, another log of its topic has 2` : null)))
  })

  test('of which a log is that of another time fails', async () => {
    kafka.createTopic('elsewhere', 3)
    const again = fakeKafka({ pollEntries: 100 })
    again.createTopic('audit', 3)
    const other = auditTopicWorld(again, 'audit', 3, signer)
    const second = await other.open()
    await second.offer(numbersOf(0, 40))
    await second.checkpoint()
    const foreign = await exportTopic(await again.openReader(), other)
    const faults = await faultsOf(assembled(await exported(), [0, 1, 2], { files: foreign, partition: 1 }))
    expect(faults).toEqual([null, expect.stringContaining('it names other heads than the same checkpoint of reeve.audit/a-cluster/audit/0'), null])
    await other.close()
  })

  test('of which a log says that it is alone fails', async () => {
    const again = fakeKafka({ pollEntries: 100 })
    again.createTopic('audit', 2)
    const alone = auditTopicWorld(again, 'audit', 1, signer)
    await (await alone.open()).checkpoint()
    const foreign = await exportTopic(await again.openReader(), alone)
    const faults = await faultsOf(assembled(await exported(), [0, 1, 2], { files: foreign, partition: 0 }))
    const reason = '0: reeve.audit/a-cluster/audit/0 says that the topic has 1 logs, this one 3'
    expect(faults).toEqual([null, reason, reason])
    await alone.close()
  })

  test('beside a log too many fails', async () => {
    const files = await exported()
    const { clusterId, topic, logs } = manifestOf(files)
    for (const [path, bytes] of new Map(files)) if (path.startsWith('2/')) files.set(path.replace('2/', '3/'), bytes)
    files.set(
      manifestFile,
      encodeManifest({ clusterId, topic, logs: [...logs, { ...logs[2]!, partition: 3, path: '3', origin: logs[2]!.origin.replace(/2$/, '3') }] })
    )
    expect((await faultsOf(files)).slice(0, 3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^0: .*audit\/3 is too many/)))
  })
})

describe('an export of a topic that continues another', () => {
  async function continued(): Promise<{ earlier: Files; later: Files; again: Files }> {
    const again = await exported()
    kafka.createTopic('audit-2027', 2)
    const next = auditTopicWorld(kafka, 'audit-2027', 2, signer)
    const { place } = world.worlds[0]!
    const circumstances = () => ({ powers: [], excluded: [], silent: [] })
    const parts = { appender: await kafka.openAppender(transactionalIdOf({ topic: 'audit' })), reader: await kafka.openReader(), circumstances }
    const first = await next.open({
      continues: () => endTopic({ ...parts, place, topicId: 'AAAA', signers: [signer], anchors: [], endingFor: 'audit-2027' })
    })
    await first.offer(numbersOf(10, 20))
    await first.checkpoint()
    const later = await exportTopic(await kafka.openReader(), next)
    await next.close()
    return { earlier: await exported(), later, again }
  }
  const ends = (files: Files) => endsOfExport(filesOf(files), manifestOf(files), [signer.vkey])

  test('holds with the earlier one at hand, and says without it what was not looked at', async () => {
    const { earlier, later } = await continued()
    expect(await faultsOf(earlier)).toEqual([null, null, null])
    expect(await faultsOf(later, ends(earlier))).toEqual([null, null])
    const alone = await proveExport(filesOf(later), manifestOf(later), [signer.vkey], [])
    expect(alone.map(({ fault, earlierUnseen, continues }) => [fault, earlierUnseen, continues.length])).toEqual([
      [null, 'no export of it is at hand', 3],
      [null, 'no export of it is at hand', 3]
    ])
  })

  test('fails beside an earlier one that ends elsewhere, or is not whole', async () => {
    const { earlier, later, again } = await continued()
    const told = await faultsOf(later, ends(again))
    expect(told).toEqual([expect.stringMatching(/^0: it continues .*audit\/0 at \d+ entries, which has/), expect.any(String)])
    expect(await faultsOf(later, ends(assembled(earlier, [0, 2])))).toEqual([
      expect.stringContaining('audit/1, which it continues, is missing'),
      expect.any(String)
    ])
    const flipped = new Map(earlier)
    flipped.set('1/checkpoint', Buffer.from('x'))
    expect(ends(flipped)).toMatchObject({ unseen: expect.stringContaining('the earlier export is not right') })
  })
})
