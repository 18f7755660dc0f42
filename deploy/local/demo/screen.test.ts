import { expect, test } from 'vitest'
import { cast } from './cast.ts'
import { goodRun, startMs } from './run.fixture.ts'
import { screenChange, screenText } from './screen.ts'
import type { Seen } from './seen.ts'

const options = { width: 140, startedAtMs: startMs, messages: 20 }
const nothing: Seen = { atMs: startMs, groups: new Map(), pauses: [], messages: [], replies: [], refusals: null }

test('before anything was seen every group is there, and its lag is unknown, not zero', () => {
  const text = screenText(cast, nothing, options)
  for (const { groupId } of cast) expect(text).toMatch(new RegExp(`^${groupId} .* \\?  not seen yet`, 'm'))
})

test('a row shows lag, state, what was done and why; a message what it asks for', () => {
  const text = screenText(cast, goodRun(), options)
  expect(text).toMatch(/^payments-ledger +kafkajs \+ SDK +1,598,000 {2}fine +given back at 09:01:20\. it has read everything$/m)
  expect(text).toMatch(/^fraud-scoring .* told +told #risk\. /m)
  expect(text).toContain('#payments  Warning: Group payments-ledger is paused (stuckBehind). Answer with: reeve resume payments-ledger.')
  expect(text).toContain('owner of payments-ledger repairs it and answers: reeve resume payments-ledger --fixed')
})

test.each([60, 80, 110, 140, 200])('no line is longer than %i columns, and a long reason takes two lines', width => {
  const seen = goodRun()
  const long = new Map(seen.groups).set('fraud-scoring', {
    ...seen.groups.get('fraud-scoring')!,
    verdicts: [{ state: 'told', why: 'because of this and that, '.repeat(40), lagMessages: 5, atMs: startMs }]
  })
  const lines = screenText(cast, { ...seen, groups: long }, { ...options, width }).split('\n')
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(width)
  if (width >= 80) expect(lines[lines.findIndex(line => line.startsWith('fraud-scoring')) + 1]).toMatch(/^ {40,}\S.*…$/)
})

test('names and reasons of strangers drive no terminal', () => {
  const seen = goodRun()
  const evil = new Map(seen.groups).set('fraud-scoring', {
    ...seen.groups.get('fraud-scoring')!,
    verdicts: [{ state: 'told', why: '\u001b[2Jgone', lagMessages: 5, atMs: startMs }]
  })
  const messages = [...seen.messages, { channel: 'risk', atMs: startMs, title: 'a\u001b]0;b\u0007\nc', text: '' }]
  expect(screenText(cast, { ...seen, groups: evil, messages }, options).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

test('a screen that is only added to changes with a state, a message or an answer, not with a lag', () => {
  const seen = goodRun()
  const moved = new Map(
    [...seen.groups].map(([groupId, group]) => [groupId, { ...group, verdicts: group.verdicts.map(verdict => ({ ...verdict, lagMessages: 1 })) }])
  )
  expect(screenChange(cast, { ...seen, groups: moved })).toBe(screenChange(cast, seen))
  expect(screenChange(cast, { ...seen, messages: seen.messages.slice(1) })).not.toBe(screenChange(cast, seen))
  expect(screenChange(cast, { ...seen, replies: [] })).not.toBe(screenChange(cast, seen))
})
