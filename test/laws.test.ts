import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { catalogue } from '#agents/catalogue.ts'
import { canonicalJson, type JsonValue } from '#shared/domain/json.ts'
import type { AnyAgent, Kinded, Observed } from '#shared/engine/agent.ts'
import { gate, type GateInput } from '#shared/engine/limits.ts'
import { fateOf } from '#shared/engine/look.ts'
import { makePlan } from '#shared/engine/plan.ts'
import type { Destination } from '#shared/notify/notifier.ts'
import { newEntry, next } from '#shared/notify/outbox.ts'
import { clusterView } from '#test/support/cluster-view.ts'
import { turnWorld } from '#test/support/turn-world.ts'
import { openLimits } from '#test/support/replica.ts'
import type { Moment, Sample } from './laws/sample.ts'

const samples = new Map<string, Sample>()
for (const { name } of catalogue) samples.set(name, ((await import(`./laws/${name}.ts`)) as { sample: Sample }).sample)

const decide = (agent: AnyAgent, { policy, snapshot, memory, nowMs }: Moment) => agent.decide({ policy, snapshot, memory, now: new Date(nowMs) })
const effect = (agent: AnyAgent, action: Kinded) => agent.effects[action.kind]!
const harmful = (agent: AnyAgent, given: Moment) => decide(agent, given).actions.filter(action => ['pauses', 'destroys'].includes(effect(agent, action).harm))

describe.each(catalogue.map(agent => [agent.name, agent] as const))('%s', (name, agent) => {
  const { moment, incomplete } = samples.get(name)!

  test('the sample does harm, so that the laws have something to hold back', () => expect(harmful(agent, moment()).length).toBeGreaterThan(0))

  test('law 1: decide is pure and total, and its memory is plain JSON', () => {
    const given = moment()
    const before = canonicalJson([...given.memory])
    fc.assert(
      fc.property(
        fc.constantFrom(null, ...Object.values(incomplete)),
        fc.integer({ min: -50 * 86_400_000, max: 50 * 86_400_000 }),
        fc.boolean(),
        (blind, offMs, forget) => {
          const looked = blind ? blind(given) : given
          const input = { ...looked, nowMs: looked.nowMs + offMs, memory: forget ? new Map() : looked.memory }
          const decided = decide(agent, input)
          expect(decide(agent, input)).toEqual(decided)
          for (const value of decided.memory.values()) expect(JSON.parse(canonicalJson(value))).toEqual(value)
        }
      )
    )
    expect(canonicalJson([...given.memory])).toBe(before)
  })

  test.each(Object.entries(incomplete))('law 2: nothing that harms is decided from %s', (_what, blind) => expect(harmful(agent, blind(moment()))).toEqual([]))

  test('laws 1 and 2: what it makes of a view alone is pure, and nothing that harms is decided from it unless a person takes the rest as given', () => {
    const { simulation } = agent
    if (simulation === undefined) return
    const { policy } = moment()
    const blank = (atMs: number): Observed => {
      const view = clusterView({ atMs, topics: { orders: [9_000_000] }, groups: { 'payments-settle': { members: [{}], committed: { orders: { 0: 1 } } } } })
      const owners = [{ team: 'payments', channel: 'payments', criticality: 'high' as const, groups: ['*'], topics: [] }]
      return { view, intervalMs: 30_000, gap: atMs === 0, standing: [], requests: [], notices: new Map(), owners }
    }
    let memory: ReadonlyMap<string, JsonValue> = new Map()
    for (let atMs = 0; atMs <= 3 * 3_600_000; atMs += 30_000) {
      const snapshot = simulation.snapshot(blank(atMs), policy, new Set())
      if (atMs % 600_000 === 0) expect(simulation.snapshot(blank(atMs), policy, new Set())).toEqual(snapshot)
      const given = { policy, snapshot, memory, nowMs: atMs }
      expect(harmful(agent, given)).toEqual([])
      memory = decide(agent, given).memory
    }
    expect(simulation.unknown.length).toBeGreaterThan(0)
    for (const sentence of [...simulation.unknown, ...Object.values(simulation.assumptions)]) expect(sentence).toMatch(/^[A-Z].*\.$/)
  })

  test('law 3: its plan passes the one gate, and each limit holds it back with a reason', () => {
    const given = moment()
    const plan = makePlan(agent, decide(agent, given), [], new Set())
    const target = plan.steps[0]!.target
    const input: GateInput = { plan, limits: openLimits, subjects: 100, standingOwners: [], halted: null, approved: new Set(), nowMs: given.nowMs, act: true }
    const refusals = (extra: Partial<GateInput>) => gate({ ...input, ...extra }).refused.map(({ because }) => because)
    expect(gate(input).refused).toEqual([])
    expect(refusals({ limits: { ...openLimits, maxActions: 0 } })[0]).toMatch(/\d+ planned and 0 in force .* cap of 0/)
    expect(refusals({ limits: { ...openLimits, maxPerOwner: 0 } })[0]).toContain('above the cap of 0 an owner')
    expect(refusals({ limits: { ...openLimits, percentMinimum: 0, maxPercent: 0.5 } })[0]).toMatch(/of 100 is .* %, above the cap of 0.5 %/)
    expect(refusals({ limits: { ...openLimits, freeze: [{ fromMs: given.nowMs, untilMs: given.nowMs + 1, why: 'year end' }] } })[0]).toContain('year end')
    expect(refusals({ limits: { ...openLimits, holds: [{ subject: target, why: 'a hold' }] } })[0]).toContain('a hold')
    expect(refusals({ halted: { who: 'ann', why: 'an incident' }, approved: new Set([plan.checksum]) })[0]).toContain('halted by ann')
  })

  test('law 4: dry-run refuses what harms, and no file of the agent knows of it', () => {
    const plan = makePlan(agent, decide(agent, moment()), [], new Set())
    const { permitted, refused } = gate({
      plan,
      limits: openLimits,
      subjects: 100,
      standingOwners: [],
      halted: null,
      approved: new Set(),
      nowMs: 0,
      act: false
    })
    expect(permitted.filter(({ harm }) => harm !== 'harmless')).toEqual([])
    expect(refused.length).toBeGreaterThan(0)
    const folder = join(import.meta.dirname, '../agents', name)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    for (const file of files) expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(/dry.?run|\bact\s*[:?&|]/i)
  })

  test('law 2: a clock that waits for a notice begins when people were told: an agent that looks at fates counts from deliveredAtMs', () => {
    const folder = join(import.meta.dirname, '../agents', name)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    const looking = files
      .map(file => readFileSync(join(folder, file), 'utf8'))
      .filter(text => /observed\.notices|\bnotices\b[^\n]*\} = observed|NoticeFate/.test(text))
    for (const text of looking) {
      expect(text).toContain('deliveredAtMs')
      expect(text).not.toMatch(/\.attempts\b|\.lastError\b/)
    }
  })

  test('law 5: every act has a key of its own incident, one sentence, and a way back or the word irreversible', () => {
    const [first, later] = [moment(), moment()].map(given => harmful(agent, given)[0]!)
    const { key, target, describe: sentence, undo } = effect(agent, first!)
    expect(key(first!)).toBe(key(JSON.parse(JSON.stringify(first)) as JsonValue & Kinded))
    expect(key(first!).startsWith(`${name}/${first!.kind}/${encodeURIComponent(target(first!).id)}/`)).toBe(true)
    expect(key(later!)).not.toBe(key(first!))
    expect(sentence(first!)).toMatch(/^[^\n]{10,200}$/)
    expect(undo === 'irreversible' || typeof undo === 'function').toBe(true)
  })

  test('law 6: the intent is recorded before, the outcome after', async () => {
    const world = await turnWorld(agent, moment())
    await world.turn()
    const kinds = world.journal().map(({ kind }) => kind)
    expect(kinds.filter(kind => kind === 'intent' || kind === 'outcome')).toEqual(['intent', 'outcome'])
    expect(world.order()).toEqual(['intent', 'effect', 'outcome'])
  })

  test.each(['intended', 'acted', 'recorded'] as const)('law 6: a crash at the step %s is healed by the key: done once, outcome known', async step => {
    const given = moment()
    const world = await turnWorld(agent, given)
    await expect(world.turn({ crashAt: step })).rejects.toThrow('crash')
    await world.takeOver()
    await world.turn()
    await world.turn()
    expect(world.effects()).toBe(1)
    expect(world.openIntents()).toEqual([])
    expect(world.standing()).toEqual([effect(agent, harmful(agent, given)[0]!).key(harmful(agent, given)[0]!)])
  })
})

test('law 2: what is known of a notice that nobody was told holds no moment that a clock could begin at', () => {
  const at = (id: string, reachesPeople: boolean): Destination => ({ id, reachesPeople, digestAbove: null, deliver: async () => ({ ok: true }) })
  const [people, machine] = [at('people', true), at('machine', false)]
  const notice = { key: 'k', incident: 'i', severity: 'page', resolved: false, team: null, channel: null, title: 't', why: [], sinceMs: 5 } as const
  const attempts = fc.array(
    fc.tuple(
      fc.constantFrom(people, machine),
      fc.oneof(
        fc.constant({ ok: true } as const),
        fc.boolean().map(retryable => ({ ok: false, retryable, error: 'e' }) as const)
      )
    )
  )
  fc.assert(
    fc.property(attempts, script => {
      let entry = newEntry({ ...notice, next: { what: '', atMs: null }, answer: null }, 1_000)
      let told: number | null = null
      for (const [index, [destination, result]] of script.entries()) {
        const nowMs = 2_000 + index
        entry = next(entry, destination, [people, machine], result, nowMs)
        if (result.ok && destination === people) told ??= nowMs
        const fate = fateOf(entry)
        expect([fate.deliveredAtMs, fate.state === 'delivered']).toEqual([told, told !== null])
        expect(Object.entries(fate).filter(([name, value]) => name !== 'deliveredAtMs' && typeof value === 'number' && value >= 1_000)).toEqual([])
      }
    })
  )
})
