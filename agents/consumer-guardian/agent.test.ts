import { afterEach, expect, test } from 'vitest'
import type { ClusterView } from '#shared/domain/cluster-view.ts'
import type { PersonRequest, Ports } from '#shared/engine/agent.ts'
import { TrustedClock } from '#shared/engine/clock.ts'
import type { TurnContext } from '#shared/engine/engine.ts'
import { Leader } from '#shared/engine/leader.ts'
import { standingOf } from '#shared/engine/look.ts'
import { openPorts } from '#shared/engine/ports.ts'
import { StateStore } from '#shared/engine/state.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { turn, type TurnReport } from '#shared/engine/turn.ts'
import { ackKey, type Command, commandSchema, controlKey, decode } from '#shared/sdk/protocol.ts'
import { clusterView, type GroupSketch } from '#test/support/cluster-view.ts'
import { fakeKafka, type FakeKafka } from '#test/support/fake-kafka.ts'
import { openLimits, quickTimes } from '#test/support/replica.ts'
import type { GuardianSnapshot } from './observe.ts'
import { consumerGuardian } from './index.ts'

/** Whole turns of the engine over a cluster in memory: scan, decide, gate, act, record. Seconds in place of hours. */
const policy = consumerGuardian.policy.parse({
  pauseOn: ['stuckBehind', 'crashLoop'],
  lagMessages: 5,
  pageLagMessages: 50,
  incidentLagMessages: 60,
  lagFor: '10s',
  noProgressFor: '8s',
  executiveAfter: '1m',
  memberChangesWithin: '10s',
  pauseFor: '20s',
  verifyWithin: '6s',
  trialFor: '10s',
  rebalanceQuietFor: '4s',
  ackFreshFor: '10s'
})
const owners = [{ team: 'payments', channel: 'payments', criticality: 'normal' as const, groups: ['settle'], topics: [] }]
const intervalMs = 2_000
const topics = reeveTopics('reeve')
const clusterId = 'cluster-under-test'

class World {
  nowMs = Date.parse('2026-03-02T09:00:00Z')
  readonly kafka: FakeKafka = fakeKafka({ nowMs: () => this.nowMs })
  group: GroupSketch = { members: [{ memberId: 'm1', clientId: 'settle' }], committed: { orders: { 0: 2 } } }
  /** What the members acknowledge; null: they know nothing of it. */
  obeys: 'yes' | 'no' | null = 'yes'
  act = true
  view: (view: ClusterView) => ClusterView = view => view
  ports!: Ports & { close(): Promise<void> }
  leader!: Leader
  #sequence = 0
  #member!: Awaited<ReturnType<FakeKafka['openAppender']>>

  async open(records = 20): Promise<this> {
    const orders = { name: 'orders', partitions: 1, configs: { 'cleanup.policy': 'delete', 'retention.ms': String(7 * 86_400_000), 'retention.bytes': '-1' } }
    await this.kafka.admin.createTopics([...topicSettings(topics, 3), orders])
    this.#member = await this.kafka.openAppender('member')
    await this.#member.fence()
    await this.#member.append(Array.from({ length: records }, () => ({ topic: 'orders', partition: 0, key: null, value: Buffer.from('order') })))
    const store = new StateStore(topics.state, await this.kafka.openReader())
    await store.open()
    const appender = await this.kafka.openAppender(topics.state)
    await appender.fence()
    this.leader = new Leader({
      store,
      clock: new TrustedClock(
        () => this.nowMs,
        async () => this.nowMs
      ),
      topics,
      holder: 'one',
      appender,
      epoch: 1
    })
    this.ports = await openPorts(this.kafka, clusterId, topics, 'reeve.consumer-guardian')
    await this.ports.appender.fence()
    return this
  }

  /** One scan and one turn; then the members do what they were told, and an interval passes. */
  async turn(): Promise<TurnReport> {
    const log = this.kafka.partition('orders')
    const view = this.view(
      clusterView({
        clusterId,
        atMs: this.nowMs,
        topics: { orders: [{ end: log.highWatermark, start: log.logStartOffset, lastStable: log.lastStableOffset }] },
        groups: { settle: this.group }
      })
    )
    this.kafka.admin.show(view)
    const settings = { holder: 'one', observer: { intervalMs, keyFrameEvery: 3, maintenance: [] }, limits: openLimits, owners, times: quickTimes }
    const context: TurnContext = { settings, hooks: {}, log: { debug() {}, info() {}, warn() {}, error() {} } }
    const report = await turn(
      context,
      this.leader,
      { agent: consumerGuardian, policy, act: this.act, ports: this.ports },
      { view, intervalMs, sequence: ++this.#sequence },
      async () => true
    )
    this.nowMs += intervalMs
    await this.#acknowledge()
    return report
  }

  async until(state: string, turns = 40): Promise<TurnReport> {
    const seen: string[] = []
    for (let index = 0; index < turns; index++) {
      const report = await this.turn()
      const verdict = report.decision.verdicts[0]
      if (verdict?.state === state) return report
      seen.push(`${verdict?.state}: ${verdict?.why}`)
    }
    throw new Error(`never ${state}:\n${[...new Set(seen)].join('\n')}`)
  }

  async command(): Promise<Command | null> {
    const control = await this.ports.table(topics.control)
    return decode(commandSchema, control.get(controlKey({ clusterId, groupId: 'settle' }))?.value ?? null)
  }

  get standing(): readonly string[] {
    return standingOf(this.leader.store, 'consumer-guardian').map(({ key }) => key)
  }

  get said(): string[] {
    return [...this.leader.store.entries('notice/consumer-guardian/')].map(([key]) =>
      key
        .split('/')
        .slice(4)
        .join('/')
        .replace(/\/\d+$/, '')
    )
  }

  async ask(kind: PersonRequest['kind']): Promise<void> {
    await this.leader.commit(new Map([['request/r1', { id: 'r1', kind, subject: 'settle', who: 'ada', why: 'new release', atMs: this.nowMs }]]))
  }

  commit(offset: number): void {
    this.group = { ...this.group, committed: { orders: { 0: offset } } }
  }

  async #acknowledge(): Promise<void> {
    if (this.obeys === null) return
    const command = await this.command()
    const inForce = this.obeys === 'yes' && command !== null && command.untilMs > this.nowMs ? command : null
    const paused = inForce?.state === 'paused'
    for (const { memberId = '' } of this.group.members ?? []) {
      const ack = {
        version: 1,
        groupId: 'settle',
        memberId,
        clientId: 'settle',
        client: 'kafkajs/2.2.4',
        grain: 'partition',
        commandId: inForce?.commandId ?? null,
        state: paused ? 'paused' : 'running',
        paused: paused ? ['orders-0'] : [],
        atMs: 0
      }
      await this.#member.append([
        { topic: topics.acks, partition: 0, key: Buffer.from(ackKey(clusterId, 'settle', memberId)), value: Buffer.from(JSON.stringify(ack)) }
      ])
    }
  }
}

let world: World
afterEach(() => world.ports.close())

test('a stuck group is told about, paused, verified, given back at expiry, and out of trouble when it moves', async () => {
  world = await new World().open()
  await world.until('paused')
  expect(world.standing).toHaveLength(1)
  expect(await world.command()).toMatchObject({
    commandId: world.standing[0],
    state: 'paused',
    ttlMs: 20_000,
    issuer: 'reeve/consumer-guardian',
    reason: expect.stringContaining('orders-0 has a record at 2')
  })
  await world.until('trial')
  expect([world.standing, await world.command()]).toMatchObject([[], { state: 'running', reason: 'the pause of 20s is over' }])
  for (let offset = 3; offset < 9; offset++) {
    world.commit(offset)
    await world.turn()
  }
  expect(world.said).toEqual(['warning', 'paused', 'verified', 'released', 'trial-held'])
})

test('a group whose owner says fixed is given back at once; when it stands again, a person decides', async () => {
  world = await new World().open()
  await world.until('paused')
  await world.turn()
  await world.ask('fixed')
  expect((await world.turn()).outcomes).toMatchObject([{ undo: true, outcome: 'done' }])
  expect((await world.command())!.reason).toBe('ada said fixed: new release')
  await world.until('needs-person')
  for (let index = 0; index < 20; index++) await world.turn()
  expect([world.standing, world.said.at(-1)]).toEqual([[], 'needs-person'])
})

test('a pause that the members do not follow is taken back', async () => {
  world = await new World().open()
  world.obeys = 'no'
  await world.until('needs-person')
  expect([world.standing, await world.command()]).toMatchObject([[], { state: 'running' }])
})

test('a group without the SDK is only told about', async () => {
  world = await new World().open()
  world.obeys = null
  for (let index = 0; index < 20; index++) await world.turn()
  expect([world.said, world.standing, await world.command()]).toEqual([['warning'], [], null])
})

test('where the agent may not act, the pause is refused by the gate and nothing is written', async () => {
  world = await new World().open()
  world.act = false
  const { judged } = await world.until('to be paused')
  expect([judged.refused.length, judged.permitted, await world.command()]).toEqual([1, [], null])
})

test('an uncertain append is read back: the pause is in force once, whether it was committed or lost', async () => {
  for (const fault of ['unknown-committed', 'unknown-lost'] as const) {
    world = await new World().open()
    world.kafka.failNextAppend('reeve.consumer-guardian', fault)
    await world.until('paused')
    const written = world.kafka.partition(topics.control).highWatermark
    expect([world.standing.length, (await world.command())!.state, written > 0]).toEqual([1, 'paused', true])
  }
})

test('an uncertain giving back is read back too: one that was lost is done again', async () => {
  for (const [fault, outcome] of [
    ['unknown-committed', 'done'],
    ['unknown-lost', 'not-done']
  ] as const) {
    world = await new World().open()
    await world.until('paused')
    await world.ask('fixed')
    world.kafka.failNextAppend('reeve.consumer-guardian', fault)
    expect((await world.turn()).outcomes).toMatchObject([{ undo: true, outcome }])
    await world.turn()
    expect([world.standing, (await world.command())!.state]).toEqual([[], 'running'])
  }
})

test('a pause that somebody overwrote is not undone in his place', async () => {
  world = await new World().open()
  await world.until('paused')
  const other: Command = { ...(await world.command())!, commandId: 'other', reason: 'by hand' }
  await world.ports.appender.append([
    { topic: topics.control, partition: 0, key: Buffer.from(controlKey({ clusterId, groupId: 'settle' })), value: Buffer.from(JSON.stringify(other)) }
  ])
  await world.until('needs-person')
  expect([world.standing, await world.command()]).toEqual([[], other])
})

const look = async (view: ClusterView, standing: GuardianSnapshot['standing'] = []): Promise<GuardianSnapshot> => {
  world.kafka.admin.show(view)
  const observed = { view, intervalMs, gap: false, standing, requests: [], notices: new Map(), owners }
  return (await consumerGuardian.observe(world.ports, observed, policy)) as GuardianSnapshot
}
const withGroup = (committed: Record<number, number>, orders: Parameters<typeof clusterView>[0] = {}) =>
  clusterView({
    clusterId,
    atMs: world.nowMs,
    topics: { orders: [20] },
    groups: { settle: { members: [{ memberId: 'm1' }], committed: { orders: committed } } },
    ...orders
  })

test('only an acknowledgement that a member wrote for itself counts, and garbage stops nothing', async () => {
  world = await new World().open()
  await world.turn()
  const ack = {
    version: 1,
    groupId: 'settle',
    memberId: 'm2',
    clientId: 'c',
    client: 'x',
    grain: 'group',
    commandId: null,
    state: 'running',
    paused: [],
    atMs: 1
  }
  const append = (key: string, value: string) =>
    world.ports.appender.append([{ topic: topics.acks, partition: 0, key: Buffer.from(key), value: Buffer.from(value) }])
  await append(ackKey(clusterId, 'settle', 'm1x'), JSON.stringify(ack))
  await append('rubbish', '{')
  const { groups } = await look(withGroup({ 0: 2 }))
  expect(groups.get('settle')!.acks!.map(({ memberId }) => memberId)).toEqual(['m1'])
})

test('lag behind which no record can be read is nothing to read; what could not be asked is unknown, and named', async () => {
  world = await new World().open()
  const readable = async (view: ClusterView) => (await look(view)).groups.get('settle')!.readable
  expect(await readable(withGroup({ 0: 20 }))).toEqual({ held: false, because: 'it has read everything' })
  expect(await readable(withGroup({ 0: 19 }))).toEqual({ held: true, because: 'orders-0 has a record at 19' })
  expect(await readable(withGroup({ 0: 20 }, { topics: { orders: [{ end: 23, lastStable: 20 }] } }))).toMatchObject({
    held: false,
    because: expect.stringContaining('3 offsets')
  })
  expect(await readable(withGroup({}))).toEqual({ held: null, because: 'no partition has a known lag' })
  world.kafka.failNextPoll(new Error('broker 2 is away'))
  const failed = await look(withGroup({ 0: 2 }))
  expect([failed.groups.get('settle')!.readable.held, failed.unseen[0]]).toMatchObject([
    null,
    { kind: 'partition', id: 'orders-0', why: expect.stringContaining('broker 2 is away') }
  ])
})

test.for<[string, Record<string, string | null>, number | 'never' | null]>([
  ['seven days after the record at the commit', {}, 7 * 86_400_000],
  ['never, where nothing expires', { 'retention.ms': '-1' }, 'never'],
  ['never, where retention is longer than time', { 'retention.ms': '9223372036854775807' }, 'never'],
  ['never, where the topic is only compacted', { 'cleanup.policy': 'compact' }, 'never'],
  ['unknown, where a size is the limit and sizes were not seen', { 'retention.bytes': '1000' }, null],
  ['unknown, where the limit is no number', { 'retention.ms': 'soon' }, null]
])('retention passes a commit %s', async ([, configs, lossAfterMs]) => {
  world = await new World().open()
  const writtenMs = world.nowMs
  await world.turn()
  const view = withGroup({ 0: 2 })
  world.kafka.admin.show(view)
  await world.kafka.admin.alterConfigs({ kind: 'topic', name: 'orders' }, configs)
  const { lossAtMs } = (await look(view)).groups.get('settle')!
  expect(lossAtMs).toEqual(typeof lossAfterMs === 'number' ? writtenMs + lossAfterMs : lossAfterMs)
})

test('when the configuration of a topic does not come, the loss is unknown, and the turn goes on', async () => {
  world = await new World().open()
  await world.turn()
  world.kafka.admin.failNext('topicConfigs', new Error('TOPIC_AUTHORIZATION_FAILED'))
  const snapshot = await look(withGroup({ 0: 2 }))
  expect([snapshot.groups.get('settle')!.lossAtMs, snapshot.unseen]).toEqual([
    null,
    [{ kind: 'topic', id: 'orders', why: 'its configuration: TOPIC_AUTHORIZATION_FAILED' }]
  ])
})

test.for<[string, Parameters<typeof clusterView>[0], string | null]>([
  ['everything seen', {}, null],
  ['another group unseen', { unseen: [{ kind: 'group', id: 'other', why: 'timeout' }] }, null],
  ['another topic unseen', { unseen: [{ kind: 'partition', id: 'orders-2-0', why: 'timeout' }] }, null],
  ['a partition of its topic unseen', { unseen: [{ kind: 'partition', id: 'orders-0', why: 'timeout' }] }, 'partition orders-0 was not seen: timeout'],
  ['the clock not trusted', { unseen: [{ kind: 'clock', id: 'now', why: 'no two agree' }] }, 'clock now was not seen: no two agree'],
  ['the cluster worked on', { unseen: [{ kind: 'maintenance', id: 'declared', why: 'new disks' }] }, 'judgement is suspended (declared): new disks'],
  ['offsets unseen', { topics: { orders: [{ end: null }] } }, 'the offsets of orders-0 were not seen'],
  ['its topic gone from an empty list', { topics: {} }, 'the offsets of orders-0 were not seen'],
  ['members unseen', { groups: { settle: { members: null, state: 'stable', committed: {} } } }, 'its members were not seen'],
  ['commits unseen', { groups: { settle: { committed: null } } }, 'its commits were not seen']
])('a look at a group is complete or says what it lacks: %s', async ([, sketch, missing]) => {
  world = await new World().open()
  expect((await look(withGroup({ 0: 2 }, sketch))).groups.get('settle')!.missing).toEqual(missing === null ? [] : [missing])
})

test('after three reads that failed, a look begins no more; those under way are told the same', async () => {
  world = await new World().open()
  for (let index = 0; index < 5; index++) world.kafka.failNextPoll(new Error('broker 2 is away'))
  const groups = Object.fromEntries(Array.from({ length: 105 }, (_, index) => [`g${index}`, { committed: { orders: { 0: 2 } } }]))
  const snapshot = await look(clusterView({ clusterId, atMs: world.nowMs, topics: { orders: [20] }, groups }))
  const because = [...snapshot.groups.values()].map(({ readable }) => readable.because)
  expect([snapshot.unseen.length, because.filter(text => text === '100 reads of this look had failed before').length]).toEqual([100, 5])
})

test('no more records are read a turn than the policy says, and groups take turns', async () => {
  world = await new World().open()
  const groups = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`g${index}`, { committed: { orders: { 0: 2 } } }]))
  const known = new Set<string>()
  for (let turns = 0; turns < 12; turns++) {
    world.nowMs += intervalMs
    const view = clusterView({ clusterId, atMs: world.nowMs, topics: { orders: [20] }, groups })
    world.kafka.admin.show(view)
    const snapshot = (await consumerGuardian.observe(
      world.ports,
      { view, intervalMs, gap: false, standing: [], requests: [], notices: new Map(), owners },
      consumerGuardian.policy.parse({ maxPeeks: 2 })
    )) as GuardianSnapshot
    const read = [...snapshot.groups.values()].filter(({ readable }) => readable.held === true)
    expect(read).toHaveLength(2)
    for (const { groupId } of read) known.add(groupId)
  }
  expect(known.size).toBe(6)
})
