import { describe, expect, test } from 'vitest'
import { judge } from './expectations.ts'
import { everyChange, goodRun, startMs } from './run.fixture.ts'
import { doomedTopic, ledgerTopic } from './script.ts'
import { type EventSeen, eventOf, type ProofName, type ProofSeen, type Seen } from './seen.ts'
import { planted } from './script.ts'

const broken = (seen: Seen): string[] => judge(seen).flatMap(({ what, held }) => (held ? [] : [what]))
const withEvents = (change: (event: EventSeen) => Partial<EventSeen> | null): Seen => {
  const seen = goodRun()
  return { ...seen, events: seen.events.flatMap(event => (change(event) === null ? [] : [{ ...event, ...change(event) }])) }
}
const only = (found: (event: EventSeen) => boolean, facts: Partial<EventSeen> | null) => withEvents(event => (found(event) ? facts : {}))
const withProof = (name: ProofName, facts: Partial<ProofSeen>): Seen => {
  const seen = goodRun()
  return { ...seen, proofs: seen.proofs.map(proof => (proof.name === name ? { ...proof, ...facts } : proof)) }
}

test('a run in which all went well holds every expectation, and each shows its evidence', () => {
  const judged = judge(goodRun())
  expect(judged.filter(({ held }) => !held)).toEqual([])
  for (const about of everyChange) expect(judged.filter(({ what }) => what.startsWith(about))).toHaveLength(2)
  expect(judged.every(({ evidence }) => evidence.length > 10)).toBe(true)
})

test('where nothing was seen nothing holds', () => {
  const nothing: Seen = { ...goodRun(), sinceMs: null, events: [], checkpoints: 0, checkpointed: 0, anchor: null, acts: [], proofs: [], refusals: null }
  const judged = judge(nothing)
  expect(judged.filter(({ held }) => held)).toEqual([])
  expect(judged).toHaveLength(judge(goodRun()).length - 1)
})

test("what happened before the scene is not the scene's", () => {
  expect(eventOf({ ...goodRun(), sinceMs: startMs + 86_400_000 }, planted)).toBeUndefined()
})

describe('what went wrong is not held', () => {
  const cases: [string, () => Seen, RegExp][] = [
    ['the creation is missing', () => only(({ eventId }) => eventId === 'created', null), /is created/],
    [
      'other records are said to be deletable',
      () =>
        only(({ eventId }) => eventId === 'shortened', {
          unmapped: { consequence: { retention: { offsetsNewlyDeletable: 'unknown', retentionMs: { after: 600_000 } } } }
        }),
      /retention is changed: .* what follows/
    ],
    [
      'nobody is said to gain by the ACL',
      () => only(({ eventId }) => eventId === 'allowed', { unmapped: { after: { resourceName: doomedTopic } } }),
      /ACL is added/
    ],
    ['what the deletion took is unknown', () => only(({ eventId }) => eventId === 'deleted', { unmapped: {} }), /is deleted/],
    ['somebody else is named', () => only(({ causationId }) => causationId === 'deleted', { who: 'User:app' }), /deleted: the log says that User:admin/],
    [
      'two may have done it',
      () => only(({ causationId }) => causationId === 'allowed', { unmapped: { certainty: 'ambiguous' } }),
      /ACL is added: the log says/
    ],
    ['it is not said from where', () => only(({ causationId }) => causationId === 'created', { where: null }), /created: the log says/],
    ['the denial is missing', () => only(({ eventType }) => eventType === 'access.denied', null), /refused to read/],
    ['something else than reading was refused', () => only(({ eventType }) => eventType === 'access.denied', { how: 'DESCRIBE' }), /refused to read/],
    [
      'the planted change has somebody',
      () => only(({ causationId }) => causationId === 'planted', { eventType: 'change.attributed', who: 'User:admin', unmapped: { certainty: 'probable' } }),
      /nobody is known to have made it/
    ],
    [
      'another change has nobody',
      () => only(({ eventType }) => eventType === 'access.denied', { eventType: 'change.unattributed' }),
      /the only change since the scene began/
    ],
    ['the anchor is behind', () => ({ ...goodRun(), anchor: { checkpoints: 3, size: 50 } }), /the anchor outside has it/],
    ['the topic is self-attested', () => withProof('topic', { exitCode: 8, state: 'unanchored' }), /proves the topic/],
    ['an anchor vouches for nothing', () => withProof('exported', { anchored: 0 }), /proves the folder/],
    ['the export failed', () => withProof('export', { exitCode: 7 }), /as a folder/],
    ['the flipped byte is not found', () => withProof('flipped', { exitCode: 0, fault: null }), /flipped/],
    ['another sequence is named', () => withProof('flipped', { fault: { sequence: 100, reason: 'wrong' } }), /flipped/],
    ['the cut is found without the anchor', () => withProof('cut-alone', { exitCode: 7, fault: { sequence: 1, reason: 'wrong' } }), /by itself/],
    ['the cut is taken for an edit', () => withProof('cut', { fault: { sequence: 103, reason: 'FORKED' } }), /finds the cut/],
    ['Reeve lacks a right', () => ({ ...goodRun(), refusals: ['User:reeve-metadata is Denied'] }), /refused nothing/]
  ]
  test.each(cases)('%s', (_, run, expected) => {
    const wrong = broken(run())
    expect(
      wrong.some(what => expected.test(what)),
      wrong.join('; ')
    ).toBe(true)
    expect(wrong.length).toBeLessThanOrEqual(3)
  })

  test('the ledger is not taken for the topic that is deleted', () => {
    expect(
      eventOf(
        only(({ what }) => what?.name === ledgerTopic, null),
        planted
      )
    ).toBeUndefined()
  })
})
