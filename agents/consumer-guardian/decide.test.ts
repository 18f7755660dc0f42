import { describe, expect, test } from 'vitest'
import { pauseKey } from './actions.ts'
import type { GroupFacts } from './observe.ts'
import { judgeCluster } from './rules/cluster.ts'
import { gates } from './rules/gates.ts'
import type { GroupMemory, Incident } from './rules/memory.ts'
import { groupId, hour, minute, ownerOf, Simulation, startMs } from './simulation.ts'

const pausing = { pauseOn: ['stuckBehind', 'crashLoop'] }
const incidentOf = (world: Simulation): Incident | null => (world.turns.at(-1)!.verdict!.facts['incident'] ?? null) as Incident | null
const ruleOf = (world: Simulation, number: number) => world.turns.at(-1)!.verdict!.rules.find(({ rule }) => rule.startsWith(`${number} `))

/** A group that lags and moves: a million above the threshold, a little further each turn. */
const moves = (group: Simulation['group']): void => {
  group.committed += 10
  group.end += 10
}

describe('is it in trouble', () => {
  test('a group that lags a million messages is told after an hour, not before', () => {
    const world = new Simulation()
    world.run(hour - minute, moves)
    expect([world.said, world.turns.at(-1)!.verdict!.state]).toEqual([[], 'behind'])
    world.run(2 * minute, moves)
    expect([world.said, world.turns.at(-1)!.verdict!.state]).toEqual([['warning'], 'told'])
    expect(world.notices[0]).toMatchObject({
      team: 'payments',
      channel: 'payments',
      title: `Group ${groupId} is far behind`,
      sinceMs: startMs,
      answer: `reeve explain group ${groupId}`
    })
  })

  test('exactly the threshold is not above it', () => {
    const world = new Simulation()
    world.group.end = world.group.committed + 1_000_000
    world.run(3 * hour, moves)
    expect(world.said).toEqual([])
  })

  test('lag is summed over the partitions of a topic, and topics are not summed', () => {
    const world = new Simulation()
    const topic = (name: string, lags: number[]) => ({
      topic: name,
      lagMessages: lags.reduce((a, b) => a + b),
      unknownPartitions: 0,
      partitions: lags.map((lagMessages, partition) => ({ partition, committed: 5, lagMessages }))
    })
    world.group.facts = { topics: [topic('a', [400_000, 400_000]), topic('b', [900_000])], readable: { held: false, because: 'markers' } }
    world.run(2 * hour)
    expect(world.said).toEqual([])
    world.group.facts = { topics: [topic('a', [600_000, 400_001])], readable: { held: false, because: 'markers' } }
    world.run(hour + minute)
    expect(world.said).toEqual(['warning'])
  })

  test('a group that stands still for 30 minutes with something to read is told, however little it lags', () => {
    const world = new Simulation()
    world.group.end = world.group.committed + 1
    world.run(29 * minute)
    expect(world.said).toEqual([])
    world.run(2 * minute)
    expect(world.said).toEqual(['warning'])
    expect(ruleOf(world, 2)).toMatchObject({ held: true, because: expect.stringContaining('orders-0 has a record at 1000') })
  })

  test('lag that nobody could read is no standstill', () => {
    const world = new Simulation()
    world.group.end = world.group.committed + 3
    world.group.facts = { readable: { held: false, because: 'no record can be read in 3 offsets' } }
    world.run(5 * hour)
    expect(world.said).toEqual([])
  })

  test('a look that could not tell whether there is something to read neither starts nor stops the clock', () => {
    const world = new Simulation()
    world.group.facts = { readable: { held: null, because: 'not read' } }
    world.run(40 * minute)
    expect([world.said, ruleOf(world, 2)!.held]).toEqual([[], 'unknown'])
    world.group.facts = {}
    world.turn()
    world.group.facts = { readable: { held: null, because: 'not read' } }
    world.run(31 * minute)
    expect(ruleOf(world, 2)!.held).toBe(true)
  })

  test('one commit in half an hour is progress, and a rewind is no standstill either', () => {
    const world = new Simulation()
    world.group.end = world.group.committed + 500
    world.run(5 * hour, (group, turn) => (group.committed += turn % 50 === 49 ? (turn % 100 === 99 ? -1 : 1) : 0))
    expect(world.said).toEqual([])
  })

  test('three changes of its members in ten minutes while its commits stand are a crash loop', () => {
    const world = new Simulation()
    world.group.end = world.group.committed + 500
    world.run(12 * minute, (group, turn) => (group.members = [`m${Math.floor(turn / 6)}`]))
    expect([world.said, incidentOf(world)!.trouble]).toEqual([['warning'], 'crashLoop'])
  })

  test.for<[string, (group: Simulation['group'], turn: number) => void]>([
    ['two changes', (group, turn) => (group.members = [`m${Math.floor(turn / 10)}`])],
    [
      'changes while commits advance',
      (group, turn) => Object.assign(group, { members: [`m${Math.floor(turn / 6)}`], committed: group.committed + (turn % 10 === 0 ? 1 : 0) })
    ],
    ['changes with nothing to read', (group, turn) => Object.assign(group, { members: [`m${Math.floor(turn / 6)}`], end: group.committed })]
  ])('%s in ten minutes are none', ([, live]) => {
    const world = new Simulation()
    world.group.end = world.group.committed + 500
    world.run(25 * minute, live)
    expect(world.turns.some(({ verdict }) => verdict!.rules.some(({ rule, held }) => rule === '3 crash loop' && held === true))).toBe(false)
  })

  test('no commit is unknown: neither zero, nor in trouble, nor paused', () => {
    const world = new Simulation(pausing)
    world.group.facts = {
      commits: null,
      lagMessages: null,
      topics: [{ topic: 'orders', lagMessages: null, unknownPartitions: 1, partitions: [{ partition: 0, committed: null, lagMessages: null }] }],
      readable: { held: null, because: 'no partition has a known lag' }
    }
    world.run(3 * hour)
    expect([world.said, world.turns.at(-1)!.verdict!.state, world.turns.at(-1)!.verdict!.lagMessages]).toEqual([[], 'unknown', null])
  })

  test('an ignored group, a disabled one and a share group are left alone', () => {
    const ignored = new Simulation({ ignore: ['payments-*'] })
    ignored.run(2 * hour)
    const disabled = new Simulation({ groups: [{ match: ['payments-*'], enabled: false }] })
    disabled.run(2 * hour)
    const share = new Simulation()
    share.group.facts = { protocol: 'share' }
    share.run(2 * hour)
    expect([ignored.said, ignored.turns.at(-1)!.verdict, disabled.said, share.said, share.turns.at(-1)!.verdict!.state]).toEqual([
      [],
      undefined,
      [],
      [],
      'not governed'
    ])
  })

  test('a group that recovers is told so once, and its next trouble is a new incident', () => {
    const world = new Simulation()
    world.run(31 * minute)
    world.group.end = world.group.committed
    world.run(5 * minute)
    world.group.end += 10
    world.run(31 * minute)
    expect(world.said).toEqual(['warning', 'resolved', 'warning'])
    expect(new Set(world.notices.map(({ incident }) => incident)).size).toBe(2)
    expect(world.notices[1]!.resolved).toBe(true)
  })
})

describe('who hears of it', () => {
  const lagging = (lag: number, owner: GroupFacts['owner'], standing = false): Simulation => {
    const world = new Simulation()
    world.group.end = world.group.committed + lag
    world.group.facts = { owner }
    world.run(standing ? 2 * hour : hour + minute, standing ? undefined : moves)
    return world
  }

  test.for<[string, number, GroupFacts['owner'], boolean, string[]]>([
    ['a million: the owner', 2e6, ownerOf('critical'), false, ['warning']],
    ['above 5 million: the on-call', 5_000_001, ownerOf('critical'), false, ['page']],
    ['above 10 million: an incident', 10_000_001, ownerOf('critical'), false, ['incident']],
    ['no progress for an hour: executives', 500, ownerOf('critical'), true, ['warning', 'executive']],
    ['high is capped at an incident', 500, ownerOf('high'), true, ['warning', 'incident']],
    ['normal is capped at a page', 2e7, ownerOf('normal'), true, ['page']],
    ['low is capped at a warning', 2e7, ownerOf('low'), true, ['warning']],
    ['unregistered wakes nobody', 2e7, null, true, ['warning']],
    ['registered by a topic only wakes nobody', 2e7, { ...ownerOf('critical'), by: 'topic' }, true, ['warning']]
  ])('%s', ([, lag, owner, standing, said]) => {
    expect(lagging(lag, owner, standing).said).toEqual(said)
  })

  test('a group without an owner goes to the platform channel, and the message says why', () => {
    expect(lagging(2e6, null).notices[0]).toMatchObject({ team: null, channel: null, why: expect.arrayContaining(['No owner is registered for this group.']) })
  })

  test('a broker that is missing is one incident of the platform; the groups page when it is back', () => {
    const world = new Simulation()
    world.turn()
    world.snapshot = { brokers: [1, 2], underReplicated: 12 }
    world.run(70 * minute)
    expect(world.notices.map(({ key }) => key.split('/').slice(1, 3).join('/'))).toEqual([`cluster/brokers`, `group/${groupId}`])
    expect(world.notices[1]!.severity).toBe('warning')
    world.snapshot = {}
    world.turn()
    expect(world.notices.slice(2).map(({ severity, resolved }) => [severity, resolved])).toEqual([
      ['info', true],
      ['executive', false]
    ])
  })

  test('while the cluster is worked on nobody is told: not of a group, and not of what is missing', () => {
    const world = new Simulation()
    world.run(62 * minute)
    const before = world.notices.length
    expect(before).toBeGreaterThan(0)
    world.group.facts = { missing: ['judgement is suspended (declared): new disks'] }
    world.snapshot = { brokers: [1, 2], underReplicated: 12, unseen: [{ kind: 'maintenance', id: 'declared', why: 'new disks' }] }
    world.run(6 * 60 * minute)
    expect(world.notices.slice(before)).toEqual([])
    world.group.facts = {}
    world.snapshot = {}
    world.run(50 * minute)
    expect(world.notices.slice(before).filter(({ title }) => /lag|progress/.test(title))).toEqual([])
  })

  test('a partition without a leader mutes the groups that read its topic, and no others', () => {
    const muted = new Simulation()
    muted.snapshot = { leaderless: [{ topic: 'orders', partition: 3 }] }
    muted.run(70 * minute)
    const other = new Simulation()
    other.snapshot = { leaderless: [{ topic: 'else', partition: 3 }] }
    other.run(70 * minute)
    expect([muted.notices.map(({ severity }) => severity), other.notices.map(({ severity }) => severity)]).toEqual([
      ['page', 'warning'],
      ['warning', 'executive']
    ])
  })

  test('a command in a message can be pasted, whatever the group is called', async () => {
    const { inTrouble } = await import('./rules/notices.ts')
    const world = new Simulation()
    world.run(31 * minute)
    const incident = incidentOf(world)!
    const facts = world.group.facts as GroupFacts
    const say = (name: string) =>
      inTrouble({ groupId: name, owner: null, incident }, 'warning', { ...facts, topics: [], members: [] }, [], false, world.policy).answer
    expect([say('a.b-c'), say("o'clock; rm"), say('-x')]).toEqual([
      'reeve explain group a.b-c',
      "reeve explain group -- 'o'\\''clock; rm'",
      "reeve explain group -- '-x'"
    ])
  })
})

describe('may it be paused', () => {
  const stuck = (policy: object = pausing): Simulation => {
    const world = new Simulation(policy)
    world.run(hour)
    return world
  }

  test('a group that lags a million for an hour and stands for 30 minutes is paused once, under a key of this incident', () => {
    const world = stuck()
    expect(world.standing).toEqual([])
    world.run(2 * minute)
    const incident = incidentOf(world)!
    expect(world.standing.map(({ key }) => key)).toEqual([pauseKey(groupId, incident.startMs)])
    expect(world.standing[0]!.action).toMatchObject({
      cause: 'stuckBehind',
      owner: 'payments',
      ttlMs: 30 * minute,
      untilMs: world.standing[0]!.appliedAtMs + 30 * minute,
      commandId: world.standing[0]!.key
    })
    expect(world.turns.filter(({ decision }) => decision.actions.length > 0)).toHaveLength(1)
    expect(world.said).toEqual(['warning', 'executive', 'paused', 'verified'])
  })

  test('the shipped default pauses nothing', () => {
    const world = stuck({})
    world.run(2 * hour)
    expect(world.turns.flatMap(({ decision }) => decision.actions)).toEqual([])
    expect(ruleOf(world, 5)).toMatchObject({ held: false, because: 'pauseOn is [], the cause is stuckBehind' })
  })

  test('where nothing is done, the same pause is asked for in every turn', () => {
    const world = stuck()
    world.gateOpen = false
    world.run(3 * minute)
    const keys = world.turns.flatMap(({ decision }) => decision.actions).map(({ commandId }) => commandId)
    expect([keys.length > 3, new Set(keys).size, world.said.includes('paused')]).toEqual([true, 1, false])
  })

  test('a group that lags and moves is told, never paused', () => {
    const world = new Simulation(pausing)
    world.run(4 * hour, moves)
    expect([world.standing, world.said]).toEqual([[], ['warning']])
  })

  test('a group that lags and moves is paused where its policy asks for that', () => {
    const world = new Simulation({ groups: [{ match: ['payments-*'], pauseOn: ['lag'] }] })
    world.run(hour + minute, moves)
    expect(world.standing[0]!.action).toMatchObject({ cause: 'lag' })
  })

  test('a crash loop is paused although its members come and go', () => {
    const world = new Simulation(pausing)
    world.group.end = world.group.committed + 500
    world.until('paused', hour, (group, turn) => (group.members = turn % 6 < 3 ? [`m${Math.floor(turn / 6)}`] : []))
    expect(world.standing[0]!.action).toMatchObject({ cause: 'crashLoop' })
  })

  /** Each of these holds from the beginning and is all that keeps the group from being paused. */
  test.for<[string, number, (world: Simulation) => void]>([
    ['nobody registered it', 6, world => (world.group.facts = { owner: null })],
    ['only its topic has an owner', 6, world => (world.group.facts = { owner: { ...ownerOf(), by: 'topic' } })],
    ['a broker is missing', 8, world => (world.turn(), (world.snapshot = { brokers: [1, 2], underReplicated: 1 }))],
    ['a partition has no leader', 8, world => (world.snapshot = { leaderless: [{ topic: 'else', partition: 0 }] })],
    ['a partition lacks an in-sync replica', 8, world => (world.snapshot = { underReplicated: 1 })],
    ['no broker is seen', 8, world => (world.snapshot = { brokers: [] })],
    ['it rebalances', 9, world => (world.group.facts = { state: 'preparing-rebalance' })],
    ['its members do not speak the SDK', 11, world => (world.group.sdk = 'none')],
    ['no member lives', 11, world => (world.group.members = [])],
    ['when retention passes its commits is unknown', 12, world => (world.group.facts = { lossAtMs: null })],
    ['retention is about to pass its commits', 12, world => (world.group.facts = { lossAtMs: startMs + 3 * hour + 25 * minute })],
    ['another command holds it', 13, world => (world.group.facts = { command: { commandId: 'other', state: 'paused', untilMs: startMs + 24 * hour } })]
  ])('not while %s', ([, number, arrange]) => {
    const world = new Simulation(pausing)
    arrange(world)
    world.run(2 * hour)
    expect(world.turns.flatMap(({ decision }) => decision.actions)).toEqual([])
    expect(ruleOf(world, number)!.held).not.toBe(true)
    expect(world.turns.at(-1)!.verdict!.rules.filter(({ rule, held }) => Number.parseInt(rule) > 4 && held !== true)).toHaveLength(1)
  })

  test('one member without a fresh acknowledgement is enough to leave all alone', () => {
    for (const late of [
      { memberId: 'm2', atMs: -2 * minute },
      { memberId: 'm3', atMs: 0 }
    ]) {
      const world = stuck()
      world.run(30 * minute, group => {
        const ack = { clientId: 'settle', commandId: null, state: 'running' as const }
        group.facts = {
          acks: [
            { ...ack, memberId: 'm1', atMs: world.atMs },
            { ...ack, memberId: late.memberId, atMs: world.atMs + late.atMs }
          ]
        }
      })
      expect(world.standing).toEqual([])
      expect(ruleOf(world, 11)!.because).toBe('1 of 2 members do not speak the SDK: m2')
    }
  })

  test('not where this very look could not tell whether there is something to read', () => {
    const world = stuck()
    world.group.facts = { readable: { held: null, because: 'not read' } }
    world.run(10 * minute)
    expect([world.standing, ruleOf(world, 4)!.held, ruleOf(world, 10)!.held]).toEqual([[], true, 'unknown'])
  })

  test('a look with a hole holds up a pause by itself, whatever the other rules say', () => {
    const world = stuck()
    world.gateOpen = false
    world.until('to be paused')
    const snapshot = { ...otherGroup, missing: ['a hole'] }
    const clocks = world.memory.get(`group/${groupId}`) as GroupMemory
    const input = {
      facts: snapshot,
      policy: world.policy,
      cluster: judgeCluster({ ...world.now(), gap: false }, undefined),
      nowMs: world.atMs,
      cause: 'lag' as const
    }
    const rule7 = (complete: boolean) => gates({ ...input, look: { clocks, complete, moved: null } }).find(({ rule }) => rule.startsWith('7 '))!
    expect([rule7(true).held, rule7(false)]).toEqual([true, { rule: '7 complete look', held: false, because: 'a hole' }])
  })

  test('in a crash loop too, a member that says it cannot obey is believed', () => {
    const world = new Simulation(pausing)
    world.group.end = world.group.committed + 500
    const ack = { clientId: 'settle', commandId: null }
    world.run(hour, (group, turn) => {
      group.members = [`m${Math.floor(turn / 6)}`]
      group.facts = {
        acks: [
          { ...ack, memberId: 'x', state: 'running', atMs: world.atMs },
          { ...ack, memberId: group.members[0]!, state: 'unsupported', atMs: world.atMs }
        ]
      }
    })
    expect([world.standing, ruleOf(world, 11)!.because]).toEqual([[], expect.stringContaining('cannot obey')])
  })

  test('a member that says it cannot obey is believed', () => {
    const world = stuck()
    world.run(30 * minute, group => {
      group.facts = {
        acks: group.members.map(memberId => ({
          memberId,
          clientId: 'settle',
          commandId: null,
          state: memberId === 'm1' ? ('unsupported' as const) : ('running' as const),
          atMs: world.atMs
        }))
      }
    })
    expect([world.standing, ruleOf(world, 11)!.held]).toEqual([[], false])
  })

  test('a rebalance younger than five minutes is waited for', () => {
    const world = stuck()
    world.group.members = ['m1', 'm2', 'm3']
    world.run(4 * minute)
    expect([world.standing.length, ruleOf(world, 9)!.held]).toEqual([0, false])
    world.run(2 * minute)
    expect(world.standing.length).toBe(1)
  })

  test('a standstill that an outage began counts from the end of the outage', () => {
    const world = new Simulation(pausing)
    world.snapshot = { underReplicated: 3 }
    world.run(2 * hour)
    world.snapshot = {}
    world.run(29 * minute)
    expect(world.standing).toEqual([])
    world.run(2 * minute)
    expect(world.standing).toHaveLength(1)
  })

  test('an incomplete look pauses nothing, and one hole does not start the clocks again', () => {
    const world = stuck()
    world.group.facts = { missing: ['broker 2 was not seen: timeout'] }
    expect([world.turn().verdict!.state, world.turn().decision.actions]).toEqual(['told', []])
    world.group.facts = {}
    world.until('to be paused', 2 * minute + hour)
    const hole = new Simulation(pausing)
    hole.run(hour - minute)
    hole.group.facts = { missing: ['a hole'] }
    hole.turn()
    hole.group.facts = {}
    hole.run(2 * minute)
    expect(hole.standing).toHaveLength(1)
  })

  test('looks that lacked the group for longer than two intervals start its clocks again', () => {
    const world = stuck()
    world.group.facts = { missing: ['group payments-settle was not seen'] }
    world.run(2 * minute)
    world.group.facts = {}
    world.run(59 * minute)
    expect(world.standing).toEqual([])
    world.run(3 * minute)
    expect(world.standing).toHaveLength(1)
  })

  test.for<[string, (world: Simulation) => void]>([
    ['a gap in the observations', world => void world.turn({ snapshot: { gap: true } })],
    ['a clock that jumps 40 days ahead', world => (world.atMs += 40 * 24 * hour)],
    ['a clock that jumps 40 days back', world => (world.atMs -= 40 * 24 * hour)]
  ])('%s starts every clock again', ([, jump]) => {
    const world = stuck()
    jump(world)
    world.run(59 * minute)
    expect(world.standing).toEqual([])
    world.run(3 * minute)
    expect(world.standing).toHaveLength(1)
  })

  test('a gap in the observations ends no incident: clocks that begin again are no recovery', () => {
    const world = stuck()
    const open = incidentOf(world)!
    world.turn({ snapshot: { gap: true } })
    world.run(20 * minute)
    expect([incidentOf(world)?.startMs, world.notices.filter(({ resolved }) => resolved)]).toEqual([open.startMs, []])
    const lagging = new Simulation()
    lagging.run(2 * hour, moves)
    lagging.turn({ snapshot: { gap: true } })
    lagging.run(20 * minute, moves)
    expect([lagging.said, lagging.notices.filter(({ resolved }) => resolved)]).toEqual([['warning'], []])
  })

  test('an empty view of the cluster decides nothing and forgets nothing', () => {
    const world = stuck()
    const before = world.memory.get(`group/${groupId}`)
    const { decision } = world.turn({ snapshot: { groups: new Map() } })
    expect([decision.actions, decision.undo, decision.notices]).toEqual([[], [], []])
    expect(decision.memory.get(`group/${groupId}`)).toMatchObject({ incident: (before as { incident: object }).incident })
  })
})

describe('must it be given back', () => {
  const inForce = (policy: object = pausing): Simulation => {
    const world = new Simulation(policy)
    world.until('to be paused')
    world.run(minute)
    expect(incidentOf(world)!.phase).toMatchObject({ is: 'paused', verifiedAtMs: expect.any(Number) })
    return world
  }
  const reasonOf = (world: Simulation): string => world.turns.flatMap(({ decision }) => decision.undo)[0]?.why ?? 'it was not given back'

  test('at expiry', () => {
    const world = inForce()
    const { appliedAtMs } = world.standing[0]!
    const back = world.until('trial')
    expect([back.atMs - appliedAtMs, reasonOf(world)]).toEqual([30 * minute + world.everyMs, 'the pause of 30m is over'])
  })

  test.for(['fixed', 'resume'] as const)('when a person says %s', kind => {
    const world = inForce()
    world.ask(kind)
    const { decision } = world.turn()
    expect([decision.undo[0]!.why, decision.answered.length]).toEqual([`ada said ${kind}: new release`, 1])
    expect(world.turn().verdict!.state).toBe('trial')
  })

  test.for<[string, (world: Simulation) => void, string]>([
    ['its policy changes', world => (world.policy = { ...world.policy, pauseOn: [] }), 'the policy pauses on stuckBehind no more'],
    ['it is ignored from now on', world => (world.policy = { ...world.policy, ignore: ['*'] }), 'the policy pauses on stuckBehind no more'],
    ['its owner changes', world => (world.group.facts = { owner: { ...ownerOf(), team: 'ledger' } }), 'it was paused for payments, its owner is ledger'],
    [
      'retention comes near',
      world => (world.group.facts = { lossAtMs: world.atMs + 2 * hour - minute }),
      'retention passes its commits in 1h59m, 2h are the margin'
    ],
    [
      'it is gone',
      world => (world.snapshot = { groups: new Map([['other', { ...world.group.facts } as GroupFacts]]).set('other', otherGroup) }),
      'the group is gone'
    ],
    ['the clock stands before the pause', world => (world.atMs -= 40 * 24 * hour), 'the clock stands before the pause, so its end cannot be told'],
    ['the clock jumps 40 days ahead', world => (world.atMs += 40 * 24 * hour), 'the pause of 30m is over']
  ])('when %s', ([, arrange, why]) => {
    const world = inForce()
    arrange(world)
    world.turn()
    expect([reasonOf(world), world.standing]).toEqual([why, []])
  })

  test.for(['groups', 'group', 'topics', 'broker', 'clock', 'maintenance'] as const)('a group that only a hole (%s) could hide is not gone', kind => {
    const world = inForce()
    world.snapshot = { groups: new Map([['other', otherGroup]]), unseen: [{ kind, id: groupId, why: 'timeout' }] }
    world.run(5 * minute)
    expect([world.standing.length, ruleOf(world, 19)!.held]).toEqual([1, false])
  })

  test('what is not known gives nothing back, except at expiry', () => {
    const world = inForce()
    world.group.facts = { missing: ['broker 1 was not seen'], members: null, lossAtMs: null }
    world.snapshot = { unseen: [{ kind: 'broker', id: '1', why: 'timeout' }], brokers: [2, 3], underReplicated: 9 }
    world.run(20 * minute)
    expect(world.standing).toHaveLength(1)
    world.run(11 * minute)
    expect([world.standing, reasonOf(world)]).toEqual([[], 'the pause of 30m is over'])
  })

  test.for<[string, (world: Simulation) => void]>([
    ['its members say nothing', world => (world.group.sdk = 'says nothing')],
    ['its members hold another command', world => (world.group.facts = { acks: acksOf(world, 'other', 4) })],
    ['one member does not acknowledge', world => (world.group.facts = { acks: acksOf(world, world.standing[0]!.key, 4).slice(1) })],
    ['its commits go on', world => void (world.group.facts = {})],
    ['nothing is seen of it', world => (world.group.facts = { missing: ['not seen'] })]
  ])('a pause that is not verified in time is taken back, and a person decides: %s', ([name, arrange]) => {
    const world = new Simulation(pausing)
    world.until('to be paused')
    arrange(world)
    const turn = world.until('needs-person', 5 * minute, name === 'its commits go on' ? moves : undefined)
    expect(reasonOf(world)).toContain('not every member held it')
    expect(turn.atMs - (incidentOf(world)!.phase as { sinceMs: number }).sinceMs).toBe(0)
    expect([world.said.at(-1), world.said.includes('verified')]).toEqual(['needs-person', false])
    world.group.facts = {}
    world.group.sdk = 'obeys'
    world.run(5 * hour)
    expect([world.standing, world.turns.at(-1)!.verdict!.state]).toEqual([[], 'needs-person'])
  })

  test('a member that answers that it cannot obey is never taken for one that does: the pause is taken back at the next look, and a person decides', () => {
    const world = new Simulation(pausing)
    world.until('to be paused')
    const [first, ...others] = acksOf(world, world.standing[0]!.key, 4)
    world.group.facts = { acks: [{ ...first!, state: 'unsupported' }, ...others] }
    const tookMs = world.until('needs-person', 5 * minute).atMs
    expect(reasonOf(world)).toContain('m1 answered that it cannot obey')
    expect(world.said.includes('verified')).toBe(false)
    expect(tookMs - world.turns.find(turn => turn.verdict?.state === 'paused')!.atMs).toBeLessThan(minute)
  })

  test('one look is no proof: a pause is verified by the second in a row that finds it held and the commits where they were', () => {
    const world = new Simulation(pausing)
    world.until('to be paused')
    const verified = (): unknown => (world.turn(), (incidentOf(world)!.phase as { verifiedAtMs: number | null }).verifiedAtMs)
    expect([verified(), verified()]).toEqual([null, world.atMs - world.everyMs])
    const moving = new Simulation({ ...pausing, verifyWithin: '5m' })
    moving.until('to be paused')
    moving.run(3 * minute, moves)
    expect(moving.said).not.toContain('verified')
  })

  test('where looks come further apart than a pause is to be verified in, it still gets the two that prove it, and no more', () => {
    for (const obeys of [true, false]) {
      const world = new Simulation({ ...pausing, verifyWithin: '60s' }, 2 * minute)
      world.until('to be paused')
      if (!obeys) world.group.facts = { acks: [] }
      world.run(4 * minute)
      expect([world.said.includes('verified'), reasonOf(world)?.includes('not every member held it') ?? false]).toEqual([obeys, !obeys])
    }
  })

  test('a pause that stops holding later is taken back too', () => {
    const world = inForce()
    world.run(3 * minute, moves)
    expect(reasonOf(world)).toContain('not every member held it')
  })

  test('a new member that acknowledges in time does not end the pause', () => {
    const world = inForce()
    world.group.members.push('m3')
    world.run(10 * minute)
    expect(world.standing).toHaveLength(1)
  })

  test('what stands is taken up again when all memory is lost', () => {
    const world = inForce()
    world.memory = new Map()
    world.run(2 * minute)
    expect([world.standing.length, incidentOf(world)!.phase.is]).toEqual([1, 'paused'])
    world.until('trial', hour)
  })

  test('of two standing pauses of one group, one is given back; and what cannot be read is', () => {
    const world = inForce()
    const [first] = world.standing
    world.standing = [
      first!,
      { ...first!, key: 'consumer-guardian/pause/older/1', appliedAtMs: first!.appliedAtMs - 1 },
      { ...first!, key: 'unreadable', action: { kind: 'pause', groupId: 4 } }
    ]
    expect(world.turn().decision.undo).toEqual([
      { key: 'unreadable', why: 'what stands cannot be read as a pause' },
      { key: 'consumer-guardian/pause/older/1', why: 'a later pause of this group stands' }
    ])
  })
})

test('what a person said of a group is kept while the group is not seen', () => {
  const world = new Simulation()
  world.run(31 * minute)
  world.ask('fixed')
  expect(world.turn({ snapshot: { groups: new Map() } }).decision.answered).toEqual([])
  expect([world.turn().decision.answered.length, world.turns.at(-1)!.verdict!.state]).toEqual([1, 'trial'])
})

test('an incident of a group that is gone, or not looked at any more, is closed aloud', () => {
  for (const end of [
    (world: Simulation) => (world.snapshot = { groups: new Map([['other', otherGroup]]) }),
    (world: Simulation) => (world.policy = { ...world.policy, ignore: ['*'] })
  ]) {
    const world = new Simulation()
    world.run(31 * minute)
    end(world)
    world.turn()
    expect([world.said, world.memory.has(`group/${groupId}`)]).toEqual([['warning', 'resolved'], false])
  }
})

describe('did the trial go well', () => {
  const onTrial = (policy: object = pausing): Simulation => {
    const world = new Simulation(policy)
    world.until('to be paused')
    world.run(minute)
    world.ask('fixed')
    world.turn()
    return world
  }

  test('a group that moves to the end of its trial is out of trouble, and a later incident has a key of its own', () => {
    const world = onTrial()
    world.run(11 * minute, moves)
    expect([world.said.slice(-2), world.turns.at(-1)!.verdict!.state]).toEqual([['released', 'trial-held'], 'behind'])
    world.run(2 * hour)
    const keys = world.turns.flatMap(({ decision }) => decision.actions).map(({ commandId }) => commandId)
    expect(new Set(keys).size).toBe(2)
  })

  test('a group that has read everything is out of trouble', () => {
    const world = onTrial()
    world.group.committed = world.group.end
    world.run(11 * minute)
    expect(world.said.at(-1)).toBe('trial-held')
  })

  test('a group that stands again needs a person, is told so, and is not paused again', () => {
    const world = onTrial()
    world.run(5 * hour)
    expect([world.said.slice(-2), world.standing, world.turns.at(-1)!.verdict!.state]).toEqual([['released', 'needs-person'], [], 'needs-person'])
    expect(world.turns.flatMap(({ decision }) => decision.actions)).toHaveLength(1)
  })

  test('a few commits at the beginning are not enough', () => {
    const world = onTrial()
    world.run(11 * minute, (group, turn) => (group.committed += turn < 4 ? 1 : 0))
    expect(world.said.at(-1)).toBe('needs-person')
  })

  test('a group that needs a person is tried again on that word, and out of trouble when it moves by itself', () => {
    const asked = onTrial()
    asked.until('needs-person')
    asked.ask('fixed')
    asked.turn()
    asked.run(11 * minute, moves)
    expect(asked.said.slice(-3)).toEqual(['needs-person', 'released', 'trial-held'])
    const byItself = onTrial()
    byItself.until('needs-person')
    byItself.run(9 * minute, group => (group.committed = group.end))
    expect(byItself.said.at(-1)).toBe('needs-person')
    byItself.run(2 * minute)
    expect(byItself.said.at(-1)).toBe('resolved')
  })

  test('members that do not let go within a minute need a person', () => {
    const world = onTrial()
    const { commandId } = world.turns.flatMap(({ decision }) => decision.actions)[0]!
    world.run(
      2 * minute,
      group => (group.facts = { acks: group.members.map(memberId => ({ memberId, clientId: 'settle', commandId, state: 'paused', atMs: world.atMs })) })
    )
    expect(world.turns.at(-1)!.verdict!.why).toContain('not every member said within 1m that it reads again')
  })

  test('where looks come further apart than a return is to be verified in, members get two of them, and no more', () => {
    for (const inTime of [true, false]) {
      const world = new Simulation({ ...pausing, verifyWithin: '60s', trialFor: '2m' }, 2 * minute)
      const { commandId } = world.until('to be paused').decision.actions[0]!
      world.run(2 * minute)
      world.group.facts = { acks: acksOf(world, commandId, 10) }
      world.ask('fixed')
      world.until('trial')
      expect(world.turn().verdict!.state).toBe('trial')
      if (inTime) world.group.facts = {}
      moves(world.group)
      world.turn()
      expect(world.said.at(-1)).toBe(inTime ? 'trial-held' : 'needs-person')
    }
  })

  test('a gap begins the trial again', () => {
    const world = onTrial()
    world.run(8 * minute)
    world.turn({ snapshot: { gap: true } })
    world.run(9 * minute)
    expect(world.turns.at(-1)!.verdict!.state).toBe('trial')
    world.run(2 * minute)
    expect(world.turns.at(-1)!.verdict!.state).toBe('needs-person')
  })

  test('what is not seen ends no trial', () => {
    const world = onTrial()
    world.group.facts = { missing: ['not seen'] }
    world.run(3 * hour)
    expect(world.turns.at(-1)!.verdict!.state).toBe('trial')
  })

  test('a crash loop that loops on needs a person before the trial is over; one that is cured is out of trouble', () => {
    for (const cured of [false, true]) {
      const world = new Simulation(pausing)
      world.group.end = world.group.committed + 500
      const loop = (group: Simulation['group'], turn: number): void => void (group.members = [`m${Math.floor((turn + world.turns.length) / 4)}`])
      world.until('to be paused', hour, loop)
      world.run(minute)
      world.ask('fixed')
      world.turn()
      world.run(9 * minute, cured ? group => void group.committed++ : loop)
      if (cured) world.run(2 * minute, group => void group.committed++)
      expect(world.said.at(-1)).toBe(cured ? 'trial-held' : 'needs-person')
    }
  })

  test('a pause that a person undid is a trial like any other', () => {
    const world = new Simulation(pausing)
    world.until('to be paused')
    world.turn()
    world.standing = []
    expect([world.turn().verdict!.state, world.notices.at(-1)!.why]).toEqual(['trial', ['It was given back by hand.']])
  })

  test('fixed, said of a group that was only told about, is a trial; said of an unknown one, it is answered', () => {
    const world = new Simulation()
    world.run(31 * minute)
    world.ask('fixed')
    world.ask('fixed', 'nobody')
    expect([world.turn().decision.answered.length, world.turns.at(-1)!.verdict!.state]).toEqual([2, 'trial'])
  })
})

const otherGroup: GroupFacts = {
  groupId: 'other',
  protocol: 'classic',
  state: 'empty',
  missing: [],
  members: [],
  owner: null,
  topics: [],
  lagMessages: null,
  commits: null,
  readable: { held: null, because: '' },
  lossAtMs: null,
  acks: [],
  command: null
}

/** Of all members; they count as fresh for some turns to come. */
function acksOf(world: Simulation, commandId: string, turns: number): NonNullable<GroupFacts['acks']> {
  return world.group.members.map(memberId => ({ memberId, clientId: 'settle', commandId, state: 'paused', atMs: world.atMs + (turns * world.everyMs) / 2 }))
}
