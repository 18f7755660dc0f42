import { describe, expect, test } from 'vitest'
import type { OwnerRule } from '#shared/domain/owner.ts'
import type { ClusterView } from '#shared/domain/cluster-view.ts'
import type { Observed, PersonRequest } from '#shared/engine/agent.ts'
import { compare } from '#shared/engine/compare.ts'
import { type SimulatedAgent, simulate } from '#shared/engine/simulate.ts'
import { clusterView, type ViewSketch } from '#test/support/cluster-view.ts'
import { openLimits } from '#test/support/replica.ts'
import { simulation } from './facts/past.ts'
import { consumerGuardian } from './index.ts'
import { policyOf } from './simulation.ts'

const agent = consumerGuardian as SimulatedAgent
const minute = 60_000
const startMs = Date.parse('2026-03-02T09:00:00Z')
const owners: OwnerRule[] = [{ team: 'payments', channel: 'payments', criticality: 'high', groups: ['settle*'], topics: [] }]

/** Two hours, minute by minute: the group stands still from minute 10 to 80, 2,000 messages behind at once, then it reads everything. */
function past(at: number): ClusterView {
  const end = 10_000 + at * 100
  const committed = at >= 10 && at < 80 ? 9_000 : end
  return clusterView({
    atMs: startMs + at * minute,
    topics: { orders: [end] },
    groups: { settle: { members: [{ memberId: 'm1', assigned: { orders: [0] } }], committed: { orders: { 0: committed } } } }
  })
}

function run(policy: object, options: { given?: string[]; limits?: object; said?: PersonRequest[]; seen?: (minute: number) => boolean } = {}) {
  const { given = [], limits = {}, said = [], seen = () => true } = options
  const replay = simulate({ agent, policy: policyOf({ lagMessages: 1_000, ...policy }), limits: { ...openLimits, ...limits }, owners, given: new Set(given) })
  let gap = true
  for (let at = 0; at < 120; at++) {
    const view = past(at)
    if (seen(at))
      replay.turn(
        { view, sequence: at, intervalMs: minute, gap },
        said.filter(({ atMs }) => atMs <= view.atMs)
      )
    gap = !seen(at)
  }
  const { told, acts, turns } = replay.found()
  const minutes = (atMs: number | null) => (atMs === null ? null : (atMs - startMs) / minute)
  return {
    found: replay.found(),
    turns,
    told: told.map(({ subject, word, atMs }) => `${minutes(atMs)} ${subject} ${word}`),
    acts: acts.map(({ subject, word, atMs, untilMs, passedAtMs, refused }) => ({
      subject,
      word,
      from: minutes(atMs),
      until: minutes(untilMs),
      passed: minutes(passedAtMs),
      refused
    }))
  }
}
const pausing = { lagFor: '20m', noProgressFor: '20m', pauseOn: ['stuckBehind'] }

describe('the guardian over the past', () => {
  test('tells what it would have told, when its policy says so', () => {
    expect(run({}).told).toEqual(['40 settle warning', '70 settle incident', '80 settle resolved'])
    expect(run({ lagFor: '20m', noProgressFor: '20m' }).told[0]).toBe('30 settle warning')
  })

  test('does nothing on what was not recorded, and with it taken as given says what it would have done, and for how long it wanted it', () => {
    expect(run(pausing).acts).toEqual([])
    expect(run(pausing, { given: ['members-obey'] }).acts).toEqual([])
    expect(run(pausing, { given: ['members-obey', 'nothing-expires'] }).acts).toEqual([
      { subject: 'settle', word: 'pause', from: 31, until: 79, passed: 31, refused: null }
    ])
  })

  test('passes the same gate as a real turn: what a cap holds back is told with its numbers', () => {
    const [act] = run(pausing, { given: ['members-obey', 'nothing-expires'], limits: { maxActions: 0 } }).acts
    expect(act).toMatchObject({ passed: null, refused: expect.stringMatching(/1 planned and 0 in force make 1, above the cap of 0/) as string })
  })

  test('begins every clock anew after a gap', () => {
    const { told } = run({ lagFor: '20m', noProgressFor: '20m' }, { seen: at => at < 25 || at > 35 })
    expect(told[0]).toBe('56 settle warning')
  })

  test('hears what people said at the time', () => {
    const said: PersonRequest[] = [{ id: 'r1', kind: 'fixed', subject: 'settle', who: 'ann', why: 'rolled back', atMs: startMs + 50 * minute }]
    expect(run({ lagFor: '20m', noProgressFor: '20m' }, { said }).told).toContain('50 settle released')
  })

  test('lies beside the present policy, first message with first message', () => {
    const compared = compare(run({}).found, run({ lagFor: '20m', noProgressFor: '20m' }).found)
    expect(compared[0]).toMatchObject({ subject: 'settle', what: 'told', word: 'warning', presentMs: startMs + 40 * minute, changedMs: startMs + 30 * minute })
  })
})

describe('what the guardian makes of a view alone', () => {
  const factsOf = (sketch: ViewSketch, given: string[] = []) => {
    const observed: Observed = { view: clusterView(sketch), intervalMs: minute, gap: false, standing: [], requests: [], notices: new Map(), owners }
    return simulation.snapshot(observed, policyOf(), new Set(given)).groups.get('settle')!
  }
  const at = (end: number, lastStable: number, committed: number): ViewSketch => ({
    topics: { orders: [{ end, lastStable }] },
    groups: { settle: { members: [{ memberId: 'm1' }], committed: { orders: { 0: committed } } } }
  })

  test.each([
    { sketch: at(10, 10, 10), held: false, because: 'it has read everything' },
    { sketch: at(10, 10, 4), held: true, because: 'orders-0 has offsets below its last stable one from 4 on, taken to be records' },
    { sketch: at(10, 4, 4), held: false, because: 'an open transaction holds back all 6 offsets' },
    { sketch: { ...at(10, 10, 4), topics: {} }, held: null, because: 'no partition has a known lag' }
  ])('something to read: $held, because $because', ({ sketch, held, because }) => expect(factsOf(sketch).readable).toEqual({ held, because }))

  test('members and retention are unknown unless they are taken as given', () => {
    expect(factsOf(at(10, 10, 4))).toMatchObject({ acks: null, lossAtMs: null })
    expect(factsOf(at(10, 10, 4), ['members-obey', 'nothing-expires'])).toMatchObject({ acks: [{ memberId: 'm1', state: 'running' }], lossAtMs: 'never' })
  })
})
