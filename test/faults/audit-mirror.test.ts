import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import { faultStack } from '../support/appender-fault-plan.ts'
import { authorizerLine, type MirrorUnderTest, type MirrorWorld, openMirrorWorld, requireSameBodies } from '../support/audit-mirror-world.ts'
import { activeController } from '../support/metadata-witness.ts'
import { gapsIn } from '../support/mirror-kills.ts'
import type { Reeve } from '../support/reeve-process.ts'
import { until } from '../support/replica.ts'

const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)
console.log(`seed ${seed}`)

let stack: LocalStack
let world: MirrorWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

async function open(more: number): Promise<MirrorWorld> {
  return (world = await openMirrorWorld({ seed: seed + more, controllers: stack.description.controllers }))
}

/** Awaits that all is read and judged, and that it is what the calm mirror says. */
async function requireSame(faulty: MirrorUnderTest, calm: MirrorUnderTest): Promise<number> {
  await Promise.all([world!.settled(faulty, 180_000), world!.settled(calm, 180_000)])
  const [found, expected] = [await world!.read(faulty), await world!.read(calm)]
  expect(gapsIn(found.entries)).toEqual([])
  return requireSameBodies(found, expected, world!.linesTopic)
}

/** The process among these that leads. */
async function leader(processes: readonly Reeve[]): Promise<Reeve> {
  let found: Reeve | undefined
  await until(
    'one leads',
    () => {
      found = processes.findLast(
        ({ child, lines }) => child.signalCode === null && child.exitCode === null && lines.findLast(({ role }) => role !== undefined)?.['role'] === 'leader'
      )
      return found !== undefined
    },
    60_000
  )
  return found!
}

describe('a cluster of three', () => {
  beforeAll(async () => {
    stack = await startStack(faultStack)
    process.env['REEVE_TEST_STACK'] = stack.file
  }, 300_000)
  afterAll(() => stack?.stop())

  test('stopped past its lease and woken: it is fenced, and writes nothing beside its successor', async () => {
    const here = await open(1)
    const [faulty, calm] = [here.mirror('zombie'), here.mirror('calm')]
    const reference = calm.start()
    const pair = [faulty.start()]
    await Promise.all([reference.leads(), pair[0]!.leads()])
    pair.push(faulty.start())
    await pair[1]!.said('it stands by', ({ role }) => role === 'standby', 60_000)
    for (let round = 0; round < 3; round++) {
      const zombie = await leader(pair)
      await here.load(4)
      zombie.child.kill('SIGSTOP')
      const other = pair.find(each => each !== zombie)!
      const reigns = () => other.lines.filter(({ role }) => role === 'leader').length
      const before = reigns()
      await here.load(6)
      await until('the other leads', () => reigns() > before, 60_000)
      const size = async () => (await here.read(faulty)).size
      const sizeBefore = await size()
      zombie.child.kill('SIGCONT')
      await zombie.said('it is fenced', ({ kind, role }) => kind === 'fenced' || role === 'standby', 30_000)
      await until('it stands by', () => zombie.lines.findLast(({ role }) => role !== undefined)?.['role'] === 'standby', 30_000)
      expect(await size()).toBeGreaterThanOrEqual(sizeBefore)
      await here.load(3)
    }
    await here.closing()
    console.log(`zombies: ${await requireSame(faulty, calm)} events are the same`)
  })

  test("brokers, the active controller and the transaction's coordinator are killed in turn under load", async () => {
    const here = await open(2)
    const cluster = new Cluster({ brokers: stack.description.brokers, clientId: 'mirror-faults', requestTimeoutMs: 5_000 })
    const [faulty, calm] = [here.mirror('brokers'), here.mirror('calm')]
    const mirror = faulty.start()
    await mirror.leads()
    const log = { topic: faulty.auditTopic, partition: 0 }
    const id = transactionalIdOf(log)
    const coordinator = async () => {
      let node: number | undefined
      await until('a coordinator', async () => (node = (await cluster.coordinators('transaction', [id])).of.get(id)) !== undefined, 60_000)
      return node!
    }
    const victims = [async () => 1, async () => (await activeController(stack.description)).node, coordinator, async () => 3]
    const tookMs: number[] = []
    for (const victim of victims) {
      await here.load(4)
      const node = `node-${await victim()}`
      const began = performance.now()
      await stack.stopNode(node, 'SIGKILL')
      await here.load(6)
      tookMs.push(performance.now() - began)
      await stack.startNode(node)
      await here.load(2)
    }
    await cluster.close()
    await here.closing()
    await here.settled(faulty, 180_000)
    // What nobody disturbed is read from the beginning, when all is over.
    await calm.start().leads()
    const same = await requireSame(faulty, calm)
    console.log(
      `${victims.length} nodes killed, the load went on within ${tookMs.map(ms => `${(ms / 1_000).toFixed(1)} s`).join(', ')}; ${same} events are the same`
    )
    expect(mirror.child.exitCode).toBeNull()
  })

  test('its topic is deleted and made again: it refuses to write, and says what to do', async () => {
    const here = await open(4)
    const faulty = here.mirror('deleted')
    const mirror = faulty.start()
    await mirror.leads()
    await here.load(5)
    await until(
      'a checkpoint left the cluster',
      // Another one comes when something moves behind it, which here nothing need do.
      async () => (await here.read(faulty)).entries.some(({ eventType }) => eventType === 'audit.checkpoint'),
      30_000
    )
    await sleep(1_500)
    await mirror.stop()
    expect(await faulty.audit('verify')).toMatchObject({ code: 0 })
    const topic = (await here.kafka.admin.scan({ atMs: 0 })).topics.get(faulty.auditTopic)!
    await here.kafka.admin.deleteTopicById(topic.topicId)
    await until('it is gone', async () => !(await here.kafka.admin.scan({ atMs: 0 })).topics.has(faulty.auditTopic), 30_000)
    const gone = await faulty.audit('verify')
    expect(gone.code).toBeGreaterThan(0)
    expect(gone.err).toContain(faulty.auditTopic)
    const again = faulty.start()
    await until('it ends', () => again.child.exitCode !== null, 60_000)
    expect(again.printed()).toMatch(
      /has 0 entries, and an anchor holds a checkpoint of \d+: its end was removed, or its topic was deleted and made again\. Go on in a new topic/
    )
    expect(await here.records(faulty.auditTopic)).toEqual([])
    const cut = await faulty.audit('verify')
    expect(`${cut.code} ${cut.out}${cut.err}`).toMatch(/^7 .*CUT: .* holds a checkpoint of \d+ entries, the log has 0/s)
  })

  test('bad input through the whole mirror: each line is an event that says what is wrong, and nothing ends', async () => {
    const here = await open(5)
    const faulty = here.mirror('bad')
    const mirror = faulty.start()
    await mirror.leads()
    const bad = [
      Buffer.from('garbage'),
      Buffer.from([0x5b, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80]),
      Buffer.from('[2026-11-21 12:00:00,000] INFO Principal = User:half is Denied operation = RE'),
      Buffer.from('{"time":"2026-11-21T12:00:00Z","level":"INFO","message":"another layout"}'),
      Buffer.from('21/Nov/2026 12:00:00 INFO kafka.authorizer.logger Principal = User:x is Denied'),
      Buffer.alloc(900_000, 'x'),
      Buffer.alloc(0)
    ]
    for (const value of bad) await here.raw(0, value)
    here.rawFile(Buffer.concat([...bad.flatMap(value => [value, Buffer.from('\n')]), Buffer.alloc(1_200_000, 'y'), Buffer.from('\n')]))
    await here.load(4)
    await here.closing()
    await here.settled(faulty)
    const { entries } = await here.read(faulty)
    const unparsed = entries.filter(({ eventType }) => eventType === 'line.unparsed').map(({ coordinate }) => coordinate)
    const places = unparsed.filter(place => place.startsWith(`${here.linesTopic}/0@`)).map(place => Number(place.split('@')[1]))
    expect(places.slice(0, bad.length)).toHaveLength(bad.length)
    expect(unparsed.filter(place => place.startsWith('node-9:')).length).toBeGreaterThan(0)
    expect(mirror.child.exitCode).toBeNull()
    expect(mirror.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('a clock that goes back, and hours that a zone has twice or not at all: each line has its event, which says how sure its time is', async () => {
    const here = await open(6)
    const logs = [{ id: 'node-9', content: 'authorizer', file: here.file, host: 'node-9', timeZone: 'Europe/Zurich' }]
    const faulty = here.mirror('clock', { logs })
    const mirror = faulty.start()
    await mirror.leads()
    const times = [
      '2026-10-25 01:59:59,000',
      '2026-10-25 02:30:00,000',
      '2026-10-25 02:10:00,000',
      '2026-10-25 03:00:00,000',
      '2026-03-29 02:30:00,000',
      '2026-11-21 12:00:00,000'
    ]
    here.rawFile(
      times
        .map((time, index) => `${authorizerLine(0, 'Denied', `of-${index}`, 'READ', 'Topic:LITERAL:t', 'Fetch').replace(/^\[[^\]]*\]/, `[${time}]`)}\n`)
        .join('')
    )
    const denied = async () => (await here.read(faulty)).entries.filter(({ eventType }) => eventType === 'access.denied')
    await until('each line has its event', async () => (await denied()).length === times.length, 30_000)
    const sure = (await denied()).map(({ value }) => value.payload.unmapped['timeCertainty'])
    expect(sure).toEqual(['zoned', 'ambiguous', 'ambiguous', 'zoned', 'skipped', 'zoned'])
    expect(mirror.child.exitCode).toBeNull()
  })
})

describe('controllers that cut off their log', () => {
  beforeAll(async () => {
    const properties = {
      ...faultStack.properties,
      'metadata.log.max.record.bytes.between.snapshots': '2000',
      'metadata.log.max.snapshot.interval.ms': '5000',
      'metadata.max.retention.ms': '1000'
    }
    stack = await startStack({ ...faultStack, properties })
    process.env['REEVE_TEST_STACK'] = stack.file
  }, 300_000)
  afterAll(() => stack?.stop())

  test('while the mirror is away: a declared gap, and what differs, once however often it is killed then', async () => {
    const here = await open(7)
    const faulty = here.mirror('away')
    const first = faulty.start()
    await first.leads()
    await here.load(6)
    await here.closing()
    await here.settled(faulty)
    await first.kill()
    const before = await here.read(faulty)
    const log = openMetadataLog({ brokers: stack.description.controllers, clientId: 'mirror-faults' })
    await log.poll({ maxWaitMs: 5_000 })
    const left = log.position
    await log.close()
    await here.load(20)
    // Kafka looks once a minute for what it may cut off.
    await until(
      'the log begins later than the mirror left it',
      async () => {
        const reader = openMetadataLog({ brokers: stack.description.controllers, clientId: 'mirror-faults' }, { startAt: left })
        try {
          const item = await reader.poll({ maxWaitMs: 2_000 })
          return item?.kind === 'snapshot'
        } finally {
          await reader.close()
        }
      },
      180_000
    )
    const doomed = faulty.start({ step: 'committed', count: 3 })
    await until('it died', () => doomed.child.signalCode !== null, 60_000)
    const last = faulty.start()
    await last.leads()
    await here.closing()
    await until('the gap is told', async () => gapsIn((await here.read(faulty)).entries).length > 0, 60_000)
    const after = await here.read(faulty)
    expect(gapsIn(after.entries)).toHaveLength(1)
    const created = after.entries.slice(before.entries.length).filter(({ eventType }) => eventType === 'topic.created')
    console.log(`${created.length} topics were created while it was away; gap ${JSON.stringify(gapsIn(after.entries)[0])}`)
    expect(created.length).toBeGreaterThan(0)
  })
})
