import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { xmlElements } from '#test/support/xml.ts'
import { timeline } from '../domain/timeline.ts'
import { compact, type Mark, type Picture, scaleOf, timeTicks } from './picture.ts'
import { pictureSvg, stretchesOfSvg } from './picture-svg.ts'
import { pictureText, stretchesOfText } from './picture-text.ts'

const minute = 60_000
const fromMs = Date.parse('2026-03-02T09:00:00Z')
const untilMs = fromMs + 60 * minute

function columns(values: (minute: number) => number | null, count: number, seen: (minute: number) => boolean = () => true) {
  const line = timeline(fromMs, untilMs, count)
  let gap = false
  for (let at = 0; at <= 60; at++) {
    if (seen(at)) line.add(fromMs + at * minute, values(at), gap)
    gap = !seen(at)
  }
  return line.columns()
}

/** It stands still from minute 10 to 30, then catches up; nothing was seen from minute 40 to 44. */
function picture(count: number, title = 'group billing', marks: readonly Mark[] = []): Picture {
  const seen = (at: number) => at < 40 || at > 44
  const lag = (at: number) => (at < 10 ? 5 : at <= 30 ? (at - 9) * 1_000 : Math.max(0, 21_000 - (at - 30) * 4_000))
  return {
    title,
    fromMs,
    untilMs,
    panels: [
      { title: 'lag, messages', scale: 'lag', columns: columns(lag, count, seen) },
      { title: 'commits a second', scale: 'rate', columns: columns(at => (at > 10 && at <= 30 ? 0 : at > 30 && at < 36 ? 67 : 17), count, seen) }
    ],
    marks
  }
}
const marks: Mark[] = [
  { atMs: fromMs + 20 * minute, kind: 'told', word: 'warning', text: 'Group billing stands still' },
  { atMs: fromMs + 21 * minute, kind: 'done', word: 'pause', text: 'pause group billing' },
  { atMs: fromMs + 30 * minute, kind: 'undone', word: 'pause', text: 'pause group billing' },
  { atMs: fromMs + 50 * minute, kind: 'resolved', word: null, text: 'Group billing is out of trouble' }
]

describe('in the terminal', () => {
  test('dots of Braille show the course, shade where nothing was seen, and marks what was decided', () => {
    const options = { width: 71, unicode: true }
    expect(`\n${pictureText(picture(stretchesOfText(options), 'group billing', marks), options)}\n`).toMatchInlineSnapshot(`
      "
      group billing
      lag, messages: most 21,000, now 0
           30k┤                                         ░░░░░
              │                                         ░░░░░
              │                            ⢀⡠⠤⢢         ░░░░░
           15k┤                        ⢀⡠⠔⠊⠁  ⠈⢢        ░░░░░
              │                     ⣀⠤⠒⠁       ⠈⢆       ░░░░░
              │                 ⣀⠤⠒⠉            ⠈⢆      ░░░░░
              │             ⣀⠤⠒⠉                 ⠈⢆     ░░░░░
             0┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⠤⠒⠉                      ⠈⢆⣀⣀⣀⡀░░░░░⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀
      commits a second: most 67, now 17
            80┤                                ⡤⠤⠤⠤⢄    ░░░░░
            40┤                               ⢠⠃   ⢸    ░░░░░
              │                               ⢸    ⠈⡆   ░░░░░
             0┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠑⣄⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡸     ⠉⠉⠉⠁░░░░░⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
              └┴─────────┴─────────┴──────────┴─────────┴─────────┴─────────┴
           UTC 09:00   09:10     09:20      09:30     09:40     09:50   10:00
      not seen                                         ░░░░░░░
       decided                     ●▼         ▲                   ✓
               ● told (warning)  ▼ done (pause)  ▲ given back (pause)
               ✓ resolved
      "
    `)
  })

  test('without Unicode it says the same in ASCII', () => {
    const options = { width: 71, unicode: false }
    const text = pictureText(picture(stretchesOfText(options) * 3, 'group billing', marks), options)
    expect(text).toMatch(/^[\x20-\x7e\n]*$/)
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
      "
      group billing
      lag, messages: most 21,000, now 0
           30k+                                         :::::
              |                                         :::::
              |                             ***         :::::
           15k+                        ****** **        :::::
              |                    *****       **       :::::
              |                *****            **      :::::
              |           *****                  **     :::::
             0+************                        *****:::::****************
      commits a second: most 67, now 17
            80+                                *****    :::::
            40+                               *    |    :::::
              |***********                    |    *****:::::****************
             0+          **********************         :::::
              ++---------+---------+----------+---------+---------+---------+
           UTC 09:00   09:10     09:20      09:30     09:40     09:50   10:00
      not seen                                         :::::::
       decided                     TD         U                   R
               T told (warning)  D done (pause)  U given back (pause)
               R resolved
      "
    `)
  })

  test('what was never seen is no line on the ground', () => {
    const options = { width: 40, unicode: true }
    const panel = { title: 'lag, messages', scale: 'lag', columns: columns(() => null, stretchesOfText(options)) }
    const text = pictureText({ title: 'x', fromMs, untilMs, panels: [panel], marks: [] }, options)
    expect(text).toContain('lag, messages: not seen')
    expect(text).not.toMatch(/[\u2801-\u28ff]/)
    expect(text.split('\n').filter(line => line.includes('░'.repeat(31)))).toHaveLength(9)
  })

  test('no name drives the terminal, and no line is wider than it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.integer({ min: 40, max: 140 }), fc.boolean(), (name, width, unicode) => {
        const options = { width, unicode }
        const text = pictureText(picture(stretchesOfText(options) * 2, name, marks), options)
        expect(text).not.toMatch(/[\p{Cc}--\n]/v)
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
      }),
      { numRuns: 50 }
    )
  })
})

describe('as SVG', () => {
  test('it stands alone, has a title and a description, and follows light and dark', () => {
    const svg = pictureSvg(picture(stretchesOfSvg, 'group billing', marks))
    const elements = xmlElements(svg)
    const text = (name: string) => elements.find(element => element.name === name)?.text
    expect(elements[0]).toMatchObject({ name: 'svg', attributes: { role: 'img', 'aria-labelledby': 'title about' } })
    expect(text('title')).toBe('group billing')
    expect(text('desc')).toContain('lag, messages: most 21,000, now 0.')
    expect(text('desc')).toContain('2026-03-02 09:20:00: Group billing stands still.')
    expect(text('style')).toContain('prefers-color-scheme: dark')
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|<script|@import|url\((?!#)/)
    expect(elements.filter(({ attributes }) => attributes['fill'] === 'url(#unseen)')).toHaveLength(2)
    expect(elements.filter(({ attributes }) => attributes['class'] === 'badge')).toHaveLength(4)
  })

  test('whatever a group is called and a sentence says, it is well-formed, and both can be read in it', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(']]><script>alert(1)</script>', '"><g onload="x"', '&amp;&', '\ud800', '\ufffe', '\u0000')
    )
    fc.assert(
      fc.property(odd, odd, (name, sentence) => {
        const elements = xmlElements(pictureSvg(picture(60, name, [{ atMs: fromMs, kind: 'told', word: sentence, text: sentence }])))
        expect(elements.map(element => element.name)).not.toContain('script')
        expect(elements.every(({ attributes }) => Object.keys(attributes).every(key => !key.startsWith('on')))).toBe(true)
        if (/^[\x20-\x7e]*$/.test(name)) expect(elements.find(element => element.name === 'title')!.text).toBe(name)
      }),
      { numRuns: 200 }
    )
  })
})

test('a scale is logarithmic only where the usual would lie flat on the ground', () => {
  const flat = columns(() => 100, 60)
  const burst = columns(at => (at === 30 ? 1_000_000 : 20), 60)
  expect(scaleOf([flat])).toMatchObject({ log: false, ticks: [0, 50, 100] })
  expect(scaleOf([burst])).toMatchObject({ log: true, ticks: [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] })
  expect(scaleOf([columns(() => 0, 60)]).ticks).toEqual([0, 0.5, 1])
})

test('the higher value is never drawn lower, and all lie between ground and top', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000_000), { minLength: 61, maxLength: 61 }), values => {
      const { place } = scaleOf([columns(at => values[at]!, 60)])
      const places = values.toSorted((a, b) => a - b).map(place)
      expect(places).toEqual(places.toSorted((a, b) => a - b))
      for (const at of places) expect(at >= 0 && at <= 1).toBe(true)
    }),
    { numRuns: 50 }
  )
})

test('figures and times are short and round', () => {
  expect([0, 0.256, 9.99, 950, 1_200, 15_000, 123_456, 1_500_000, 9e15].map(compact)).toEqual(['0', '0.26', '9.99', '950', '1.2k', '15k', '123k', '1.5M', '9P'])
  expect(timeTicks(fromMs, untilMs, 4).map(({ label }) => label)).toEqual(['09:00', '09:15', '09:30', '09:45', '10:00'])
  expect(timeTicks(fromMs, fromMs + 72 * 60 * minute, 6).map(({ label }) => label)).toEqual(['12:00', '03-03', '12:00', '03-04', '12:00', '03-05'])
  expect(timeTicks(fromMs, fromMs + minute, 3).map(({ label }) => label)).toEqual(['09:00:00', '09:00:30', '09:01:00'])
})
