import { expect, test } from 'vitest'
import { goodRun, startMs } from './run.fixture.ts'
import { screenChange, screenText } from './screen.ts'
import type { Seen } from './seen.ts'

const options = { width: 160, startedAtMs: startMs }
const nothing: Seen = { ...goodRun(), sinceMs: null, events: [], checkpoints: 0, checkpointed: 0, anchor: null, acts: [], proofs: [] }

test('before anything was seen there is a chain of nothing, and no proof', () => {
  const text = screenText(nothing, options)
  expect(text).toContain('Chain   0 entries')
  expect(text).toContain('Anchor  nothing yet')
  expect(text).not.toContain('VERIFIED')
})

test('a row says who, what, where, how and how sure; below it stands what follows', () => {
  const text = screenText(goodRun(), options)
  expect(text).toMatch(
    /^101 +09:00:01\.000 +User:admin +config\.changed orders\.refunds retention\.ms: 604800000 → 600000 +127\.0\.0\.1 .* probable\n +└ kept 10m instead of 7d: 200 offsets/m
  )
  expect(text).toMatch(/User:nobody +access\.denied orders\.refunds +127\.0\.0\.1 +READ +Failure +exact/)
  expect(text).toMatch(/NOBODY IS KNOWN +config\.changed payments\.ledger .* none$/m)
})

test('who made a change is not known before it is decided', () => {
  const seen = goodRun()
  const early = { ...seen, events: seen.events.filter(({ causationId }) => causationId === null) }
  expect(screenText(early, options)).toMatch(/not known yet +topic\.deleted .* waiting/)
  expect(screenChange(early)).not.toBe(screenChange(seen))
})

test('a forgery is shown with the command that found it, the sequence and the reason', () => {
  expect(screenText(goodRun(), options)).toContain('NOT VERIFIED: sequence 103: CUT: the anchor holds more (exit 7)')
  expect(screenText(goodRun(), options)).toContain('SELF-ATTESTED: 103 entries (exit 8)')
})

test.each([60, 100, 160])('no line is longer than %i columns, and nothing in it drives the terminal', width => {
  const seen = goodRun()
  const evil: Seen = {
    ...seen,
    acts: [{ atMs: startMs, what: '\u001b[2Jgone' }],
    events: seen.events.map(event => ({ ...event, how: '\u001b]0;x\u0007'.repeat(9) }))
  }
  const lines = screenText(evil, { ...options, width }).split('\n')
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(width)
  expect(lines.join('')).not.toMatch(/\p{Cc}/u)
})
