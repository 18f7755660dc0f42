import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clusterView } from '#test/support/cluster-view.ts'
import { openLimits } from '#test/support/replica.ts'
import { toyAgent, type Wishes } from '#test/support/toy-agent.ts'
import type { PersonRequest } from './agent.ts'
import { compare } from './compare.ts'
import { subjectOf } from './key.ts'
import { type Found, type SimulatedAgent, simulate } from './simulate.ts'

function toy(limits = openLimits) {
  const wishes: Wishes = { mark: new Set(), undo: new Set(), tell: new Set() }
  const seen: { requests: readonly PersonRequest[]; told: readonly string[] }[] = []
  const plain = toyAgent(wishes)
  const agent: SimulatedAgent = {
    ...plain,
    simulation: {
      unknown: ['Nothing is.'],
      assumptions: {},
      snapshot({ view, requests, notices, standing }) {
        seen.push({ requests, told: [...notices.keys()] })
        return { atMs: view.atMs, unseen: view.unseen, standing: standing.map(({ key }) => key) } as never
      }
    },
    decide: input => ({ ...plain.decide(input), answered: ['heard'] })
  }
  const replay = simulate({ agent, policy: {}, limits, owners: [], given: new Set() })
  let atMs = 0
  return {
    wishes,
    seen,
    replay,
    turn: (said: PersonRequest[] = []) => replay.turn({ view: clusterView({ atMs: (atMs += 1_000) }), sequence: 1, intervalMs: 1_000, gap: false }, said)
  }
}

test('a message is told once, however often it is decided, and counts as delivered from then on', () => {
  const { wishes, seen, replay, turn } = toy()
  wishes.tell.add('a')
  turn()
  turn()
  expect(replay.found().told).toMatchObject([{ key: 'a/told', atMs: 1_000, word: 'told' }])
  expect(seen.map(({ told }) => told)).toEqual([[], ['a/told']])
})

test('nothing is done: what is wanted is wanted on until it is not, from the first turn to the last', () => {
  const { wishes, replay, turn } = toy()
  turn()
  wishes.mark.add('a')
  turn()
  turn()
  wishes.mark.delete('a')
  turn()
  expect(replay.found().acts).toEqual([
    { key: 'toy/mark/a/0', subject: 'a', word: 'mark', describe: 'mark a', atMs: 2_000, untilMs: 3_000, passedAtMs: 2_000, refused: null }
  ])
})

test('what the gate holds back at first and lets pass later is done later', () => {
  const { wishes, replay, turn } = toy({ ...openLimits, maxActions: 1 })
  wishes.mark.add('a').add('b')
  turn()
  expect(replay.found().acts).toMatchObject([{ passedAtMs: null, refused: expect.stringContaining('2 planned') as string }, { passedAtMs: null }])
  wishes.mark.delete('b')
  turn()
  expect(replay.found().acts).toMatchObject([
    { subject: 'a', atMs: 1_000, passedAtMs: 2_000, refused: null },
    { subject: 'b', passedAtMs: null }
  ])
})

test('what people said is heard until it is answered', () => {
  const { seen, turn } = toy()
  const request = (id: string): PersonRequest => ({ id, kind: 'fixed', subject: 'a', who: 'ann', why: 'so', atMs: 0 })
  turn([request('heard'), request('other')])
  turn([request('heard'), request('other')])
  expect(seen.map(({ requests }) => requests.map(({ id }) => id))).toEqual([['heard', 'other'], ['other']])
})

test('whom a key is about is its third part, and a key of another shape is itself', () => {
  expect(subjectOf('guardian/pause/a%2Fb/17')).toBe('a/b')
  expect(subjectOf('a/told')).toBe('a/told')
  expect(subjectOf('x/y/%E0%A4%A/1')).toBe('x/y/%E0%A4%A/1')
})

test('nothing is lost and nothing is counted twice when two policies are laid side by side', () => {
  const side = fc
    .array(fc.record({ subject: fc.constantFrom('a', 'b'), word: fc.constantFrom('warning', 'resolved'), atMs: fc.nat(1_000) }), { maxLength: 12 })
    .map((list): Found => ({
      turns: 1,
      acts: [],
      told: list.map((each, index) => ({ ...each, key: String(index), severity: 'warning', resolved: false, team: null, title: 't', why: [] }))
    }))
  const times = (values: readonly (number | null)[]) => values.flatMap(value => value ?? []).toSorted((a, b) => a - b)
  fc.assert(
    fc.property(side, side, (present, changed) => {
      const compared = compare(present, changed)
      expect(times(compared.map(({ presentMs }) => presentMs))).toEqual(times(present.told.map(({ atMs }) => atMs)))
      expect(times(compared.map(({ changedMs }) => changedMs))).toEqual(times(changed.told.map(({ atMs }) => atMs)))
      expect(compare(present, present).every(({ presentMs, changedMs }) => presentMs === changedMs)).toBe(true)
    })
  )
})
