import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Notice } from '../engine/agent.ts'
import { slackMessage } from './slack-message.ts'

const sample: Notice = {
  key: 'k',
  incident: 'consumer-guardian/payments-settle/1795271567',
  severity: 'page',
  resolved: false,
  team: 'payments',
  channel: 'payments',
  title: 'payments-settle stands still 5,200,000 messages behind',
  why: [
    'lag on payments.events is 5,200,000 messages, above 1,000,000, since 62 minutes',
    'no commit advanced for 34 minutes while offset 77 of partition 3 could be read'
  ],
  sinceMs: Date.UTC(2026, 10, 21, 14, 23, 5),
  next: { what: 'it is paused', atMs: Date.UTC(2026, 10, 21, 14, 30) },
  answer: 'reeve resume payments-settle --why fixed'
}
const texts = (message: ReturnType<typeof slackMessage>) =>
  message.blocks.flatMap(block =>
    block.type === 'context' ? [...block.elements] : block.type === 'actions' ? block.elements.map(({ text }) => text) : [block.text]
  )

test('a notice says what, why, since when, what next and when, and the command to answer with', () => {
  expect(texts(slackMessage(sample, 'eu')).map(({ text }) => text)).toEqual([
    'Page: payments-settle stands still 5,200,000 messages behind',
    'Since 2026-11-21 14:23:05 UTC',
    'team payments',
    '• lag on payments.events is 5,200,000 messages, above 1,000,000, since 62 minutes\n• no commit advanced for 34 minutes while offset 77 of partition 3 could be read',
    'Next: it is paused (2026-11-21 14:30:00 UTC)',
    'Answer with:',
    '```reeve resume payments-settle --why fixed```',
    'cluster eu',
    'incident consumer-guardian/payments-settle/1795271567'
  ])
  expect(slackMessage({ ...sample, resolved: true, team: null }, 'eu').text).toContain('Resolved: ')
})

test('markup in a name stays a name: everything but the command is plain text, and a backtick cannot leave the command', () => {
  const evil = '*bold* <!channel> <https://evil|click> & `code` :fire: ~x~'
  const message = slackMessage(
    {
      ...sample,
      title: evil,
      why: [evil],
      team: evil,
      incident: evil,
      next: { what: evil, atMs: null },
      answer: `reeve resume '${evil}'`
    },
    'eu'
  )
  for (const { type, text } of texts(message)) {
    expect(type).toBe('plain_text')
    expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/)
  }
  const command = slackMessage({ ...sample, answer: 'reeve resume "<a> & *b*"' }, 'eu')
  expect(
    texts(command)
      .filter(({ type }) => type === 'mrkdwn')
      .map(({ text }) => text)
  ).toEqual(['```reeve resume "&lt;a&gt; &amp; *b*"```'])
})

test("Slack's limits hold for any notice", () => {
  const words = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('', '&'.repeat(1_500), '<'.repeat(149), '\u{1F600}'.repeat(2_000), 'a\nb', '\u202Eevil', '\uD800')
  )
  fc.assert(
    fc.property(
      words,
      fc.oneof(
        fc.array(words, { maxLength: 6 }),
        words.map(word => Array.from({ length: 60 }, () => word.slice(0, 400).repeat(8)))
      ),
      words,
      words,
      fc.option(words),
      fc.oneof(fc.double(), fc.integer()),
      (title, why, team, what, answer, sinceMs) => {
        const message = slackMessage({ ...sample, title, why, team, next: { what, atMs: sinceMs }, answer, sinceMs, incident: title }, what, [
          { label: title, url: `https://x/${'u'.repeat(title.length * 20)}` },
          { label: what, value: `t${team.repeat(20)}` }
        ])
        expect(message.blocks.length).toBeLessThanOrEqual(50)
        expect(message.text.length).toBeGreaterThan(0)
        for (const { text, url = 'u', value = 'v' } of message.blocks.flatMap(block => (block.type === 'actions' ? [...block.elements] : []))) {
          expect([text.text.length, url.length, value.length].map(length => length > 0)).toEqual([true, true, true])
          expect([text.text.length <= 75, url.length <= 3_000, value.length <= 2_000]).toEqual([true, true, true])
        }
        for (const block of message.blocks) {
          const most = block.type === 'header' ? 150 : block.type === 'section' ? 3_000 : 1_000
          for (const { text, type } of block.type === 'context' ? block.elements : block.type === 'actions' ? [] : [block.text]) {
            expect(text.length).toBeGreaterThan(0)
            expect(text.length).toBeLessThanOrEqual(most)
            expect(text.isWellFormed()).toBe(true)
            expect(text.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toMatch(/[<>&\u202e]/)
            if (type === 'mrkdwn') expect(text.slice(3, -3)).not.toContain('`')
          }
        }
      }
    ),
    { numRuns: 120 }
  )
}, 20_000)

test('reasons that do not fit are counted', () => {
  const message = slackMessage({ ...sample, why: Array.from({ length: 100 }, () => 'x'.repeat(2_900)) }, 'eu')
  expect(message.blocks.length).toBeLessThanOrEqual(50)
  expect(texts(message).some(({ text }) => text.includes('and 60 more'))).toBe(true)
})
