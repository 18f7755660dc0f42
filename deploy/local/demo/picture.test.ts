import { expect, test } from 'vitest'
import { answerIn } from './owners.ts'
import { pictureOf } from './picture.ts'

test('a picture has a line of text for each line of the screen, and a state has its colour', () => {
  const picture = pictureOf('group  lag  state  why\norders  5  paused  it is stuck\n')
  expect(picture.match(/<text /g)).toHaveLength(3)
  expect(picture).toContain('orders  5  <tspan fill="#f85149">paused</tspan>  it is stuck')
})

test('nothing on the screen leaves its element, and what XML forbids is not in it', () => {
  const picture = pictureOf('</text><script>alert("1 & 2")</script>\u0007\u001b[2J\ud800')
  expect(picture).toContain('&lt;/text&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;\u{FFFD}\u{FFFD}[2J\u{FFFD}')
  expect(picture).not.toContain('<script')
})

test('an owner answers with the command of the message, and says fixed', () => {
  expect(answerIn('The pause holds\n```reeve resume payments-ledger```')).toEqual(['resume', 'payments-ledger', '--fixed'])
  expect(answerIn('```reeve explain group payments-ledger```')).toBeNull()
})
