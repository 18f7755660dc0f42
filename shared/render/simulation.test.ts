import { expect, test } from 'vitest'
import { compare } from '../engine/compare.ts'
import type { Act, Found, Told } from '../engine/simulate.ts'
import { simulationJson, simulationText, type Simulated } from './simulation.ts'

const minute = 60_000
const startMs = Date.parse('2026-03-02T09:00:00Z')

function told(at: number, subject: string, word: string, title: string): Told {
  const atMs = startMs + at * minute
  return { key: `guardian/group/${subject}/${atMs}/${word}`, subject, word, atMs, severity: 'warning', resolved: false, team: null, title, why: ['It stands.'] }
}
function act(at: number, passes: boolean): Act {
  const atMs = startMs + at * minute
  return {
    key: `guardian/pause/a/${atMs}`,
    subject: 'a',
    word: 'pause',
    describe: 'pause group a',
    atMs,
    untilMs: atMs,
    passedAtMs: passes ? atMs : null,
    refused: passes ? null : 'above the cap of 0'
  }
}
function simulated(present: Found, changed: Found, extra: Partial<Simulated> = {}): Simulated {
  return {
    agent: 'guardian',
    fromMs: startMs,
    untilMs: startMs + 60 * minute,
    interrupted: false,
    gaps: 1,
    turns: 60,
    changes: [{ path: 'lagFor', present: '1h', changed: '10m' }],
    given: ['Every member obeys.'],
    unknown: ['Whether members obey was not recorded.'],
    present,
    changed,
    compared: compare(present, changed),
    happened: new Map([['a', { told: 1, acts: [{ describe: 'pause group a', fromMs: startMs, untilMs: null }] }]]),
    ...extra
  }
}
const found = (toldThen: readonly Told[], acts: readonly Act[] = []): Found => ({ turns: 60, told: toldThen, acts })

test('what both policies would have told and done stands side by side, by subject, with what really happened', () => {
  const present = found([
    told(30, 'a', 'warning', 'Group a stands still'),
    told(50, 'a', 'resolved', 'Group a is out of trouble'),
    told(5, 'z\u001b[31m', 'warning', 'x')
  ])
  const changed = found(
    [told(10, 'a', 'warning', 'Group a stands still'), told(50, 'a', 'resolved', 'Group a is out of trouble')],
    [act(20, true), act(25, false)]
  )
  const text = simulationText(simulated(present, changed))
  expect(`\n${text}\n`).toMatchInlineSnapshot(`
    "
    guardian: 60 observations from 2026-03-02T09:00:00Z to 2026-03-02T10:00:00Z, 1 gap

    policy
      lagFor: 1h → 10m

    what a simulation cannot know
      - Nothing is written or applied. The past does not answer: what would have been done is wanted until the past itself ends it, and what came after a real pause is the past of a paused group.
      - Every turn is taken as if act were true, one turn an observation, and passes the caps, freezes and holds of the configuration; approvals, appeals, snoozes and the kill switch are left out.
      - Messages count as delivered at once. What people said (fixed, resume) is taken from the journal, at its time, for both policies.
      - It begins without memory: what lasted already at the beginning is counted from there.
      - Whether members obey was not recorded.
      - taken as given: Every member obeys.

    a
      ~ 2026-03-02T09:10:00Z  told (warning): Group a stands still
          It stands.
          20m sooner than with the present policy (2026-03-02T09:30:00Z)
      + 2026-03-02T09:20:00Z  would do: pause group a
          only with the changed policy
      + 2026-03-02T09:25:00Z  refused: pause group a
          above the cap of 0
          only with the changed policy
      = 2026-03-02T09:50:00Z  told (resolved): Group a is out of trouble
          It stands.
          the same with both
        in fact: told 1 time
        in fact: pause group a, from 2026-03-02T09:00:00Z on

    z\\u{1b}[31m
      - 2026-03-02T09:05:00Z  told (warning): x
          It stands.
          only with the present policy

    present → changed policy: told 3 → 2, would do 0 → 1, refused by the gate 0 → 1, subjects 2 → 1
    "
  `)
  expect(text).not.toContain('\u001b')
})

test('nothing found and an end before the end are said', () => {
  const text = simulationText(simulated(found([]), found([]), { changes: [], interrupted: true, happened: new Map() }))
  expect(text).toContain('(interrupted: what was found so far)')
  expect(text).toContain('the present one: nothing differs')
  expect(text).toContain('nothing would have been told or done, with either policy')
})

test('for machines everything is plain data, what cannot be known too', () => {
  const json = JSON.parse(JSON.stringify(simulationJson(simulated(found([]), found([told(1, 'a', 'warning', 'x')]))))) as Simulated & { happened: object }
  expect(json.compared).toMatchObject([{ subject: 'a', presentMs: null, changedMs: startMs + minute }])
  expect(json.unknown).toContain('Whether members obey was not recorded.')
  expect(json.unknown.length).toBe(5)
  expect(json.happened).toHaveProperty('a')
})

test('the second of a kind is compared with the second, whatever became of the first', () => {
  const present = found([told(10, 'a', 'warning', 'one'), told(40, 'a', 'warning', 'two')])
  const changed = found([told(12, 'a', 'warning', 'one')])
  expect(compare(present, changed).map(({ presentMs, changedMs }) => [presentMs, changedMs].map(atMs => atMs && (atMs - startMs) / minute))).toEqual([
    [10, 12],
    [40, null]
  ])
})
