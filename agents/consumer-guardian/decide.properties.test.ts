import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, type JsonValue } from '#shared/domain/json.ts'
import type { Standing } from '#shared/engine/agent.ts'
import { decide } from './decide.ts'
import type { GroupFacts, GuardianSnapshot } from './observe.ts'
import type { Memory } from './rules/memory.ts'
import { deepFreeze, groupId, hour, minute, ownerOf, policyOf, Simulation } from './simulation.ts'

const whole = fc.integer({ min: 0, max: 20_000_000 })
const time = fc.oneof(fc.integer({ min: 0, max: 4 * hour }), fc.constantFrom(-40 * 24 * hour, 40 * 24 * hour))
const name = fc.constantFrom('a', 'b', 'constructor', '__proto__', 'é/%2F', '')
const member = fc.record({ memberId: name, clientId: name })
const ackState = fc.constantFrom('paused' as const, 'running' as const, 'left' as const, 'unsupported' as const)

const facts = (id: string): fc.Arbitrary<GroupFacts> =>
  fc.record({
    groupId: fc.constant(id),
    protocol: fc.constantFrom('classic', 'consumer', 'share', 'streams', 'none'),
    state: fc.constantFrom('stable', 'empty', 'dead', 'preparing-rebalance', 'unknown'),
    missing: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(['a hole']) }),
    members: fc.option(fc.array(member, { maxLength: 3 })),
    owner: fc.option(
      fc.record({ team: name, channel: name, criticality: fc.constantFrom('low', 'normal', 'high', 'critical'), by: fc.constantFrom('group', 'topic') })
    ),
    topics: fc.array(fc.record({ topic: name, lagMessages: fc.option(whole), unknownPartitions: fc.nat(3), partitions: fc.constant([]) }), { maxLength: 3 }),
    lagMessages: fc.option(whole),
    commits: fc.option(fc.record({ partitions: fc.nat(5), total: whole })),
    readable: fc.record({ held: fc.option(fc.boolean()), because: fc.string() }),
    lossAtMs: fc.option(fc.oneof(time, fc.constant('never' as const))),
    acks: fc.array(fc.record({ memberId: name, clientId: name, commandId: fc.option(name), state: ackState, atMs: time }), { maxLength: 3 }),
    command: fc.option(fc.record({ commandId: name, state: fc.constantFrom('paused', 'running'), untilMs: time }))
  })

const pauseOf = fc.record({
  kind: fc.constant('pause'),
  clusterId: fc.constant('c'),
  groupId: name,
  incidentStartMs: time,
  cause: fc.constantFrom('stuckBehind', 'crashLoop', 'lag'),
  commandId: fc.constantFrom('x', 'y'),
  issuedAtMs: time,
  untilMs: time,
  ttlMs: fc.nat(),
  lossAtMs: fc.oneof(time, fc.constant('never')),
  owner: name,
  why: fc.string()
})

const snapshot: fc.Arbitrary<GuardianSnapshot> = fc
  .tuple(
    fc.uniqueArray(name.chain(facts), { selector: ({ groupId: id }) => id, maxLength: 3 }),
    fc.array(fc.oneof(pauseOf, fc.record({ kind: fc.string() })), { maxLength: 3 })
  )
  .chain(([groups, actions]) =>
    fc.record({
      atMs: time,
      unseen: fc.array(fc.record({ kind: fc.constantFrom('broker', 'topics', 'group', 'clock', 'partition'), id: name, why: fc.string() }), { maxLength: 1 }),
      clusterId: fc.constant('c'),
      intervalMs: fc.constantFrom(0, 1_000, 30_000),
      gap: fc.boolean(),
      brokers: fc.subarray([1, 2, 3]),
      leaderless: fc.array(fc.record({ topic: name, partition: fc.nat(3) }), { maxLength: 1 }),
      underReplicated: fc.nat(1),
      groups: fc.constant(new Map(groups.map(each => [each.groupId, each]))),
      standing: fc.tuple(
        ...actions.map((action, index) =>
          time.map((appliedAtMs): Standing => ({
            key: `key/${index}`,
            agent: 'consumer-guardian',
            action: action as JsonValue & { kind: string },
            describe: '',
            appliedAtMs,
            evidence: null
          }))
        )
      ),
      requests: fc.array(fc.record({ id: fc.string(), kind: fc.constantFrom('fixed', 'resume'), subject: name, who: name, why: fc.string(), atMs: time }), {
        maxLength: 2
      })
    })
  )
const policy = fc
  .constantFrom(
    {},
    { pauseOn: ['stuckBehind', 'crashLoop', 'lag'] },
    { lagMessages: 1, lagFor: '1s', noProgressFor: '1s', executiveAfter: '1s', memberChangesWithin: '1s', rebalanceQuietFor: '0s', pauseOn: ['lag'] },
    { ignore: ['a'] }
  )
  .map(policyOf)

test(
  'decide is total and pure: any facts in any order, the same answer twice, nothing of what it was given changed, memory and verdicts plain JSON',
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(policy, fc.array(fc.tuple(snapshot, time), { minLength: 1, maxLength: 6 }), (rules, looks) => {
        let memory: ReadonlyMap<string, Memory> = new Map()
        for (const [look, nowMs] of looks) {
          deepFreeze(look)
          deepFreeze(memory)
          const decided = decide({ policy: rules, snapshot: look, memory, now: new Date(nowMs) })
          expect(decide({ policy: rules, snapshot: look, memory, now: new Date(nowMs) })).toEqual(decided)
          for (const value of [...decided.memory.values(), ...decided.verdicts, ...decided.notices, ...decided.actions, ...decided.undo])
            canonicalJson(value as unknown as JsonValue)
          memory = new Map(JSON.parse(JSON.stringify([...decided.memory])) as [string, Memory][])
          expect([...memory]).toEqual([...decided.memory])
          expect(decided.undo.every(({ key }) => look.standing.some(each => each.key === key))).toBe(true)
          expect(new Set(decided.undo.map(({ key }) => key)).size).toBe(decided.undo.length)
          expect(new Set(decided.notices.map(({ key }) => key)).size).toBe(decided.notices.length)
        }
      }),
      { numRuns: 60 }
    )
  }
)

type Event =
  | 'stands'
  | 'moves'
  | 'catches up'
  | 'falls behind'
  | 'restarts'
  | 'loses its members'
  | 'stops obeying'
  | 'obeys'
  | 'is unregistered'
  | 'is registered'
  | 'is not seen'
  | 'gap'
  | 'a broker is missing'
  | 'the cluster is well'
  | 'no acks'
  | 'no retention known'
  | 'fixed'
  | 'memory is lost'
  | 'the clock jumps'
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom<Event>('stands') },
  { weight: 4, arbitrary: fc.constantFrom<Event>('obeys', 'is registered', 'the cluster is well', 'falls behind', 'restarts') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Event>(
      'moves',
      'catches up',
      'loses its members',
      'stops obeying',
      'is unregistered',
      'is not seen',
      'gap',
      'a broker is missing',
      'no acks',
      'no retention known',
      'fixed',
      'memory is lost',
      'the clock jumps'
    )
  }
)

/** A policy of minutes, so that a life of hours sees many incidents. */
const brisk = {
  pauseOn: ['stuckBehind', 'crashLoop', 'lag'],
  lagFor: '4m',
  noProgressFor: '3m',
  executiveAfter: '4m',
  memberChanges: 2,
  memberChangesWithin: '3m',
  pauseFor: '5m',
  verifyWithin: '90s',
  trialFor: '3m',
  rebalanceQuietFor: '1m'
}

test(
  'whatever happens: a pause has every reason and nothing against it, never a second one, never a key twice, and it ends in time',
  { timeout: 60_000 },
  () => {
    let pauses = 0
    let verified = 0
    fc.assert(
      fc.property(fc.array(event, { minLength: 60, maxLength: 200 }), events => {
        const world = new Simulation(brisk)
        const ended = new Set<string>()
        for (const happening of events) {
          const change = happen(world, happening)
          const standing = world.standing
          const nowMs = world.atMs
          const remembered = world.memory
          const known = world.group.facts
          const { decision, verdict } = world.turn({ snapshot: change })
          const undone = new Set(decision.undo.map(({ key }) => key))
          for (const stands of standing) {
            if (nowMs >= stands.appliedAtMs + 5 * minute) expect(undone).toContain(stands.key)
            if (undone.has(stands.key)) ended.add(stands.key)
          }
          for (const action of decision.actions) {
            pauses++
            expect(standing).toEqual([])
            expect(ended).not.toContain(action.commandId)
            expect(remembered.size).toBeGreaterThan(0)
            expect([change.gap ?? false, world.snapshot.brokers ?? [], known.missing ?? [], known.owner]).toEqual([false, [], [], undefined])
            expect([world.group.sdk, known.acks, known.lossAtMs]).toEqual(['obeys', undefined, undefined])
            expect(action.untilMs).toBe(nowMs + 5 * minute)
            expect(verdict!.rules.filter(({ rule, held }) => Number.parseInt(rule) >= 5 && held !== true)).toEqual([])
          }
          expect(world.standing.length).toBeLessThanOrEqual(1)
        }
        verified += world.said.filter(stage => stage === 'verified').length
      }),
      { numRuns: 60, seed: 20_260_302 }
    )
    // Else the property would say nothing.
    expect(pauses).toBeGreaterThan(40)
    expect(verified).toBeGreaterThan(20)
  }
)

function happen(world: Simulation, happening: Event): Partial<GuardianSnapshot> {
  const { group } = world
  if (happening === 'moves') group.committed += 1
  if (happening === 'catches up') group.committed = group.end
  if (happening === 'falls behind') group.end = group.committed + 3_000_000
  if (happening === 'restarts') group.members = [`m${world.turns.length}`]
  if (happening === 'loses its members') group.members = []
  if (happening === 'stops obeying') group.sdk = 'none'
  if (happening === 'obeys') group.sdk = 'obeys'
  if (happening === 'is unregistered') group.facts = { ...group.facts, owner: { ...ownerOf(), by: 'topic' } }
  if (happening === 'is registered') group.facts = {}
  if (happening === 'is not seen') group.facts = { ...group.facts, missing: [`group ${groupId} was not seen`] }
  if (happening === 'no acks') group.facts = { ...group.facts, acks: [] }
  if (happening === 'no retention known') group.facts = { ...group.facts, lossAtMs: null }
  if (happening === 'a broker is missing') world.snapshot = { brokers: [], underReplicated: 4 }
  if (happening === 'the cluster is well') world.snapshot = {}
  if (happening === 'fixed') world.ask('fixed')
  if (happening === 'memory is lost') world.memory = new Map()
  if (happening === 'the clock jumps') world.atMs += (world.turns.length % 2 === 0 ? 1 : -1) * 40 * 24 * hour + world.turns.length
  return happening === 'gap' ? { gap: true } : {}
}
