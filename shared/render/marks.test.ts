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

const notice = (stage: string, title: string, resolved: boolean) => ({
  key: `guardian/group/a/1/${stage}`,
  incident: 'guardian/group/a/1',
  severity: 'info',
  title,
  resolved
})

test.each([
  ['a message', { facts: notice('released/17', 'It stands', false) }, { kind: 'told', word: 'released', text: 'It stands' }],
  ['the last message', { facts: notice('', 'It goes', true) }, { kind: 'resolved', word: 'info', text: 'It goes' }],
  [
    'an act',
    { kind: 'outcome', what: 'pause group a: done', facts: { undo: null, action: { kind: 'pause' } } },
    { kind: 'done', word: 'pause', text: 'pause group a' }
  ],
  [
    'an act that was read back',
    { kind: 'healed', what: 'pause group a: done', facts: { undo: null, action: { kind: 'pause' } } },
    { kind: 'done', word: 'pause', text: 'pause group a' }
  ],
  [
    'its undoing',
    { kind: 'outcome', what: 'undo: pause group a: done', facts: { undo: 'expired' } },
    { kind: 'undone', word: null, text: 'undo: pause group a' }
  ],
  ['a refusal', { kind: 'refused', what: 'no' }, { kind: 'refused', word: null, text: 'no' }],
  ['what a person asked', { kind: 'request', agent: null, what: 'ann asked', facts: { kind: 'fixed' } }, { kind: 'asked', word: 'fixed', text: 'ann asked' }]
] as const)('%s is a mark', (_what, given, mark) => expect(markOf(entry(given))).toEqual({ atMs: 7, ...mark }))

test.each([
  ['a delivery', { facts: { state: 'delivered' } }],
  ['an act that was not done', { kind: 'outcome', what: 'pause group a: not-done', facts: { undo: null } }],
  ['an answer', { kind: 'request', what: 'answered' }],
  ['an intent', { kind: 'intent' }],
  ['a change of the leader', { kind: 'leadership', agent: null }]
] as const)('%s is none', (_what, given) => expect(markOf(entry(given))).toBeNull())
