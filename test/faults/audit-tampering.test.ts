import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { readEntry } from '#shared/audit/entry.ts'
import { faultStack } from '../support/appender-fault-plan.ts'
import { auditLogWorld, batchOf } from '../support/audit-log-world.ts'
import { type MirrorUnderTest, type MirrorWorld, openMirrorWorld } from '../support/audit-mirror-world.ts'
import { type FileBatch, keepFiles, replicaFiles, withRecords } from '../support/broker-files.ts'
import { until } from '../support/replica.ts'
import type { Spoken } from '../support/reeve-process.ts'

/*
 * What somebody does who has the disks of all brokers: no right of Kafka's keeps him from it, and Kafka itself notices nothing, for the sums of the
 * batches are right.
 */
const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)
console.log(`seed ${seed}`)
const nodes = [1, 2, 3]
const folder = mkdtempSync(join(tmpdir(), 'tampering-'))
let stack: LocalStack
let world: MirrorWorld
beforeAll(async () => {
  stack = await startStack(faultStack)
  process.env['REEVE_TEST_STACK'] = stack.file
  world = await openMirrorWorld({ seed, controllers: stack.description.controllers })
}, 300_000)
afterAll(async () => {
  await world?.close()
  await stack?.stop()
  rmSync(folder, { recursive: true })
})

/** Runs some work while all brokers are stopped. */
async function whileStopped(work: () => void): Promise<void> {
  await Promise.all(nodes.map(node => stack.stopNode(`node-${node}`, 'SIGKILL')))
  work()
  await Promise.all(nodes.map(node => stack.startNode(`node-${node}`)))
}

const isEvent = ({ key }: { readonly key: Buffer | null }): boolean => key?.toString() === 'event'
const eventsIn = (batches: readonly FileBatch[]): number => batches.reduce((sum, { records }) => sum + records.filter(isEvent).length, 0)

/** Sizes of the checkpoints that are outside the cluster. */
function anchored({ anchorFolder }: MirrorUnderTest): number[] {
  const names = readdirSync(anchorFolder, { recursive: true, encoding: 'utf8' })
  return names.flatMap(name => Number(/(\d{16})\.checkpoint$/.exec(name)?.[1] ?? [])).toSorted((one, other) => one - other)
}

const said = ({ code, out, err }: Spoken): string => `${code}: ${out}${err}`

let mirror: MirrorUnderTest
/** As the mirror left it. */
let kept: { restore(): void } | undefined
let size: number

beforeAll(async () => {
  mirror = world.mirror('tampered')
  const writing = mirror.start()
  await writing.leads()
  for (let checkpoints = 0; checkpoints < 4; checkpoints++) {
    await world.load(6)
    await until('one more checkpoint left the cluster', () => anchored(mirror).length > checkpoints, 30_000)
  }
  await writing.stop()
  ;({ size } = await world.read(mirror))
}, 300_000)

/** Alters the partition's files at every broker, as the mirror left them. */
async function altered(alter: (batches: readonly FileBatch[]) => readonly Buffer[]): Promise<void> {
  await whileStopped(() => {
    if (kept) kept.restore()
    else kept = keepFiles(stack, mirror.auditTopic, folder)
    for (const node of nodes) {
      const files = replicaFiles(stack, node, mirror.auditTopic)
      files.write(alter(files.batches))
    }
  })
}

/** The batches up to a marker behind which an anchor knows of more. */
function cutBelow(entries: number): (batches: readonly FileBatch[]) => readonly Buffer[] {
  return batches => {
    const end = batches.findLastIndex(({ records }, index) => records.length === 0 && eventsIn(batches.slice(0, index)) < entries)
    return batches.slice(0, end + 1).map(({ bytes }) => bytes)
  }
}

test('nothing is altered: the log is right', async () => {
  await altered(batches => batches.map(({ bytes, records }, index) => (records.length === 0 ? bytes : withRecords(batches[index]!, records))))
  const verified = await mirror.audit('verify')
  expect(verified, said(verified)).toMatchObject({ code: 0 })
})

test('the newest records are removed: an anchor tells, the verifier names the first that is gone, and the mirror refuses to go on', async () => {
  const newest = anchored(mirror).at(-1)!
  await altered(cutBelow(newest))
  const { length } = (await world.records(mirror.auditTopic)).filter(isEvent)
  expect(length).toBeGreaterThan(0)
  expect(length).toBeLessThan(newest)
  const verified = await mirror.audit('verify')
  expect(said(verified)).toMatch(new RegExp(`^7: .*sequence ${length}: CUT: .* holds a checkpoint of \\d+ entries, the log has ${length}`, 's'))
  const exported = join(mirror.anchorFolder, 'export-of-the-rest')
  expect(await mirror.audit('export', exported)).toMatchObject({ code: 0 })
  expect(said(await mirror.audit('verify', '--export', exported, '--key', world.signer.vkey, '--anchor', mirror.anchorFolder))).toMatch(/^7: .*CUT: /s)
  const again = mirror.start()
  await until('it ends', () => again.child.exitCode !== null, 60_000)
  expect(again.printed()).toMatch(new RegExp(`has ${length} entries, and an anchor holds a checkpoint of ${newest}: its end was removed`))
  expect((await world.records(mirror.auditTopic)).filter(isEvent)).toHaveLength(length)
  console.log(`${size - length} of ${size} entries were removed: ${verified.err.trim()}`)
})

test('a record is edited: the verifier names it', async () => {
  let sequence = -1
  await altered(batches => {
    const edited = batches.find(({ records }, index) => index > batches.length / 2 && records.some(({ value }) => value?.includes('"User:app-1"')))!
    return batches.map(batch => {
      if (batch !== edited) return batch.bytes
      const found = batch.records.findIndex(record => isEvent(record) && record.value!.includes('"User:app-1"'))
      sequence = sequenceOf(batch.records[found]!.value!)
      const another = Buffer.from(batch.records[found]!.value!.toString('latin1').replaceAll('"User:app-1"', '"User:app-2"'), 'latin1')
      return withRecords(
        batch,
        batch.records.map((record, index) => (index === found ? { ...record, value: another } : record))
      )
    })
  })
  const verified = await mirror.audit('verify')
  expect(said(verified)).toMatch(new RegExp(`^7: .*sequence ${sequence}: `, 's'))
  console.log(`entry ${sequence} was edited: ${verified.err.trim()}`)
})

test('two records change places: the verifier names the first of them', async () => {
  let sequence = -1
  await altered(batches => {
    const chosen = batches.find(({ records }, index) => index > batches.length / 2 && records.filter(isEvent).length > 1)!
    return batches.map(batch => {
      if (batch !== chosen) return batch.bytes
      const [first, second, ...rest] = batch.records
      const [one, other] = isEvent(first!) ? [0, 1] : [1, 2]
      const swapped = [first!, second!, ...rest]
      ;[swapped[one], swapped[other]] = [swapped[other]!, swapped[one]!]
      sequence = sequenceOf(swapped[other].value!)
      return withRecords(batch, swapped)
    })
  })
  const verified = await mirror.audit('verify')
  expect(said(verified)).toMatch(new RegExp(`^7: .*sequence ${sequence}: `, 's'))
  console.log(`entries ${sequence} and ${sequence + 1} changed places: ${verified.err.trim()}`)
})

test('a whole transaction is taken out of the middle: the verifier names its first entry', async () => {
  let sequence = -1
  await altered(batches => {
    // What follows begins with an entry: a checkpoint's note would be found to be of more entries than there are, behind the entry before.
    const gone = batches.findIndex(
      ({ records }, index) => index > batches.length / 2 && records.some(isEvent) && batches[index + 2]?.records.slice(0, 1).some(isEvent)
    )
    sequence = sequenceOf(batches[gone]!.records.find(isEvent)!.value!)
    return batches.filter((_, index) => index !== gone && index !== gone + 1).map(({ bytes }) => bytes)
  })
  const verified = await mirror.audit('verify')
  expect(said(verified)).toMatch(new RegExp(`^7: .*sequence ${sequence}: `, 's'))
  console.log(`the transaction of entry ${sequence} was taken out: ${verified.err.trim()}`)
})

test('an earlier state is gone on with, under the same key: the log is right by itself, and an anchor tells of the fork', async () => {
  const newest = anchored(mirror).at(-1)!
  await altered(cutBelow(newest))
  const { clusterId } = await world.kafka.admin.features()
  const forger = auditLogWorld(world.kafka, mirror.auditTopic, 0, world.signer, clusterId)
  const log = await forger.open()
  await log.offer(batchOf(0, newest + 20))
  await log.checkpoint()
  await log.close()
  await forger.close()
  const nothing = mkdtempSync(join(folder, 'nothing-'))
  expect(await mirror.audit('verify', '--anchor', nothing, '--allow-unanchored')).toMatchObject({ code: 0 })
  const verified = await mirror.audit('verify')
  expect(said(verified)).toMatch(new RegExp(`^7: .*FORKED: .* holds another tree of ${newest} entries than the log has`, 's'))
  console.log(`the log was forked below ${newest}: ${verified.err.trim()}`)
})

function sequenceOf(value: Buffer): number {
  const entry = readEntry(value)
  if ('fault' in entry) throw new Error(entry.fault)
  return entry.sequence
}
