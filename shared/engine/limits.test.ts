import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gate, type GateInput, type Limits } from './limits.ts'
import type { Step } from './plan.ts'

const limits: Limits = { maxActions: 5, maxPercent: 10, percentMinimum: 2, maxPerOwner: 2, freeze: [], holds: [] }
const step = (n: number, extra: Partial<Step> = {}): Step => ({
  key: `a/pause/g${n}/0`,
  action: { kind: 'pause' },
  describe: `pause g${n}`,
  harm: 'pauses',
  target: `g${n}`,
  owner: `o${n}`,
  undo: null,
  ...extra
})
const input = (steps: Step[], extra: Partial<GateInput> = {}): GateInput => ({
  plan: { agent: 'a', steps, checksum: 'cafe' },
  limits,
  subjects: 100,
  standingOwners: [],
  halted: null,
  approved: new Set(),
  nowMs: 1_000,
  act: true,
  ...extra
})
const reasons = (given: GateInput) => gate(given).refused.map(({ because }) => because)

test('a plan within all limits passes', () =>
  expect(gate(input([step(1), step(2)]))).toMatchObject({ permitted: [{ key: 'a/pause/g1/0' }, { key: 'a/pause/g2/0' }], refused: [] }))
test('dry-run refuses what pauses and lets give back', () => {
  const { permitted, refused } = gate(input([step(1), step(2, { harm: 'restores', undo: 'expired' })], { act: false }))
  expect([permitted.length, refused.length]).toEqual([1, 1])
  expect(refused[0]).toMatchObject({ because: expect.stringContaining('dry-run'), approvable: false })
})
test('the cap by count refuses the whole plan, with the numbers and the command', () =>
  expect(
    reasons(
      input(
        [1, 2, 3].map(n => step(n)),
        { standingOwners: ['x', 'y', 'z'] }
      )
    )
  ).toEqual(Array(3).fill('3 planned and 3 in force make 6, above the cap of 5; approve with: reeve approve cafe')))
test('the cap by percent holds above its minimum only', () => {
  expect(
    reasons(
      input(
        [1, 2, 3].map(n => step(n)),
        { subjects: 20 }
      )
    )[0]
  ).toContain('3 of 20 is 15.0 %, above the cap of 10 %')
  expect(
    reasons(
      input(
        [1, 2].map(n => step(n)),
        { subjects: 3 }
      )
    )
  ).toEqual([])
})
test('an unknown number of subjects is not zero and not many', () =>
  expect(
    reasons(
      input(
        [1, 2, 3].map(n => step(n)),
        { subjects: null }
      )
    )[0]
  ).toContain('how many subjects there are is not known'))
test('the cap by owner counts what stands already', () =>
  expect(reasons(input([step(1, { owner: 'o' })], { standingOwners: ['o', 'o'] }))[0]).toContain('3 for owner o, above the cap of 2'))
test('an approval of the checksum lifts the caps and nothing else', () => {
  const many = [1, 2, 3, 4, 5, 6].map(n => step(n))
  expect(gate(input(many, { approved: new Set(['cafe']) })).permitted.length).toBe(6)
  expect(gate(input(many, { approved: new Set(['other']) })).permitted.length).toBe(0)
  expect(gate(input(many, { approved: new Set(['cafe']), halted: { who: 'ann', why: 'incident' } })).permitted.length).toBe(0)
})
test('a freeze window holds from its first to before its last millisecond', () => {
  const freeze = [{ fromMs: 1_000, untilMs: 2_000, why: 'year end' }]
  expect(reasons(input([step(1)], { limits: { ...limits, freeze }, nowMs: 1_999 }))[0]).toContain('freeze until')
  expect(reasons(input([step(1)], { limits: { ...limits, freeze }, nowMs: 2_000 }))).toEqual([])
})
test('a hold protects what it names', () =>
  expect(reasons(input([step(1), step(2)], { limits: { ...limits, holds: [{ subject: 'g1', why: 'audit' }] } }))).toEqual(['g1 is held (g1): audit']))

test('whatever the plan: every step is permitted or refused, give-backs always pass, and caps are never exceeded without approval', () => {
  const steps = fc.uniqueArray(
    fc.record({ n: fc.nat(30), harm: fc.constantFrom('pauses', 'restores', 'destroys', 'harmless' as const), owner: fc.option(fc.constantFrom('o1', 'o2')) }),
    { selector: ({ n }) => n }
  )
  fc.assert(
    fc.property(
      steps,
      fc.boolean(),
      fc.option(fc.nat(50)),
      fc.array(fc.constantFrom('o1', 'o2', null), { maxLength: 4 }),
      (drawn, act, subjects, standingOwners) => {
        const given = input(
          drawn.map(({ n, harm, owner }) => step(n, { harm, owner })),
          { act, subjects, standingOwners }
        )
        const { permitted, refused } = gate(given)
        expect(permitted.length + refused.length).toBe(given.plan.steps.length)
        expect(refused.some(({ step: { harm } }) => harm === 'restores' || harm === 'harmless')).toBe(false)
        const harmful = permitted.filter(({ harm }) => harm === 'pauses' || harm === 'destroys')
        if (!act) expect(harmful).toEqual([])
        if (harmful.length > 0) expect(harmful.length + standingOwners.length).toBeLessThanOrEqual(limits.maxActions)
      }
    )
  )
})
