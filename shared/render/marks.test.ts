import { expect, test } from 'vitest'
import type { JournalEntry } from '../engine/journal.ts'
import { markOf } from './marks.ts'

const entry = (given: Partial<JournalEntry>): JournalEntry => ({
  kind: 'notice',
  atMs: 7,
  epoch: 1,
  agent: 'guardian',
  subject: 's',
  what: 'w',
  facts: null,
  ...given
})

test.each([
  ['a message', { facts: { title: 'It stands', resolved: false } }, { kind: 'told', text: 'It stands' }],
  ['the last message', { facts: { title: 'It goes', resolved: true } }, { kind: 'resolved', text: 'It goes' }],
  ['an act', { kind: 'outcome', what: 'pause group a: done', facts: { undo: null } }, { kind: 'done', text: 'pause group a' }],
  ['an act that was read back', { kind: 'healed', what: 'pause group a: done', facts: { undo: null } }, { kind: 'done', text: 'pause group a' }],
  ['its undoing', { kind: 'outcome', what: 'undo: pause group a: done', facts: { undo: 'expired' } }, { kind: 'undone', text: 'undo: pause group a' }],
  ['a refusal', { kind: 'refused', what: 'no' }, { kind: 'refused', text: 'no' }],
  ['what a person asked', { kind: 'request', agent: null, what: 'ann asked' }, { kind: 'asked', text: 'ann asked' }]
] as const)('%s is a mark', (_what, given, mark) => expect(markOf(entry(given))).toEqual({ atMs: 7, ...mark }))

test.each([
  ['a delivery', { facts: { state: 'delivered' } }],
  ['an act that was not done', { kind: 'outcome', what: 'pause group a: not-done', facts: { undo: null } }],
  ['an answer', { kind: 'request', what: 'answered' }],
  ['an intent', { kind: 'intent' }],
  ['a change of the leader', { kind: 'leadership', agent: null }]
] as const)('%s is none', (_what, given) => expect(markOf(entry(given))).toBeNull())
