import type { Columns } from '../domain/timeline.ts'
import { compact, type Mark, markKinds, type Picture, scalesOf, summary, timeTicks } from './picture.ts'
import { printable } from './table.ts'

/** Stretches of time that a picture in SVG has. */
export const stretchesOfSvg = 480

const width = 960
const left = 72
const right = width - 24
const top = 64
const panelGap = 40
const heightOf = (index: number): number => (index === 0 ? 160 : 90)
/** So many decisions are written out below the picture; all of them are marked in it. */
const mostListed = 20

const style = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 16px; font-weight: 600 } .soft { fill: #59636e } .middle { text-anchor: middle } .end { text-anchor: end }
    .paper { fill: #ffffff } .grid { stroke: #d1d9e0; fill: none } .line { stroke: #0969da; stroke-width: 1.2; stroke-linejoin: round; fill: #b6dbff }
    .gap { fill: #eef0f2 } .hatch { stroke: #b9c0c8 } .mark { stroke: #bc4c00; stroke-dasharray: 3 3 } .badge { fill: #bc4c00 } .letter { fill: #ffffff; font-weight: 600; text-anchor: middle }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .soft { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #30363d } .line { stroke: #58a6ff; fill: #123a66 }
      .gap { fill: #1c2128 } .hatch { stroke: #444c56 } .mark { stroke: #f0883e } .badge { fill: #f0883e } .letter { fill: #0d1117 }
    }`

/** The picture as a file that stands alone: nothing is fetched, every name is escaped, light or dark as its reader has it. */
export function pictureSvg(picture: Picture): string {
  const { fromMs, untilMs, panels, marks } = picture
  const scales = scalesOf(panels)
  const x = (atMs: number) => round(left + ((atMs - fromMs) / (untilMs - fromMs)) * (right - left))
  const out: string[] = []
  const spans: string[] = []
  let y = top
  panels.forEach((panel, index) => {
    const scale = scales[index]!
    const height = heightOf(index)
    const floor = y + height
    spans.push(`${y}V${floor}`)
    const place = (value: number) => round(floor - scale.place(value) * height)
    out.push(`<g><text x="${left}" y="${y - 10}">${escaped(panel.title)} <tspan class="soft">${escaped(summary(panel.columns, scale))}</tspan></text>`)
    out.push(...gaps(panel.columns, y, height))
    let free = Number.POSITIVE_INFINITY
    for (const tick of scale.ticks) {
      const at = place(tick)
      if (free - at < 14) continue
      out.push(`<path class="grid" d="M${left} ${at}H${right}"/><text class="soft end" x="${left - 6}" y="${at + 4}">${compact(tick)}</text>`)
      free = at
    }
    out.push(...lines(panel.columns, place), '</g>')
    y = floor + panelGap
  })
  const floor = y - panelGap
  for (const { atMs, label } of timeTicks(fromMs, untilMs, 10))
    out.push(`<path class="grid" d="M${x(atMs)} ${floor}v5"/><text class="soft middle" x="${x(atMs)}" y="${floor + 18}">${label}</text>`)
  out.push(`<text class="soft end" x="${left - 6}" y="${floor + 18}">UTC</text>`)
  // The gravest last, so that it lies on top.
  for (const { kind } of markKinds)
    for (const mark of marks) if (mark.kind === kind) out.push(markAt(mark, x(Math.max(fromMs, Math.min(untilMs, mark.atMs))), spans, floor))
  const listed = marks.slice(-mostListed)
  listed.forEach((mark, index) =>
    out.push(`<text x="${left}" y="${floor + 66 + index * 18}">${escaped(`${wordOf(mark)}, ${moment(mark.atMs)}: ${cut(mark.text)}`)}</text>`)
  )
  if (marks.length > listed.length)
    out.push(`<text class="soft" x="${left}" y="${floor + 66 + listed.length * 18}">and ${marks.length - listed.length} earlier ones</text>`)
  const height = floor + 66 + (listed.length + (marks.length > listed.length ? 1 : 0)) * 18
  const about = [
    `From ${moment(fromMs)} to ${moment(untilMs)} UTC.`,
    ...panels.map(({ title, columns }, index) => `${title}: ${summary(columns, scales[index]!)}.`),
    ...marks.map(mark => `${moment(mark.atMs)}: ${mark.text}.`)
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about">
  <title id="title">${escaped(picture.title)}</title>
  <desc id="about">${escaped(about.join(' '))}</desc>
  <style>${style}
  </style>
  <defs><pattern id="unseen" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="gap" width="6" height="6"/><path class="hatch" d="M0 6L6 0"/></pattern></defs>
  <rect class="paper" width="${width}" height="${height}"/>
  <text class="title" x="${left}" y="28">${escaped(picture.title)}</text>
  ${out.join('\n  ')}
</svg>
`
}

const xOf = (index: number, { stretches }: Columns): number => round(left + (index / stretches.length) * (right - left))

/** Where nothing is known it is hatched: an empty stretch would look like zero. */
function gaps(columns: Columns, y: number, height: number): string[] {
  return runs(columns, stretch => stretch === null).map(([from, until]) => {
    const start = xOf(from, columns)
    return `<rect x="${start}" y="${y}" width="${round(xOf(until, columns) - start)}" height="${height}" fill="url(#unseen)"><title>not seen</title></rect>`
  })
}

/** Each run of known stretches as one shape, along its most and back along its least. */
function lines(columns: Columns, place: (value: number) => number): string[] {
  const { stretches } = columns
  return runs(columns, stretch => stretch !== null).map(([from, until]) => {
    const middle = (index: number) => round((xOf(index, columns) + xOf(index + 1, columns)) / 2)
    const indices = Array.from({ length: until - from }, (_, offset) => from + offset)
    const points = [
      ...indices.map(index => `${middle(index)} ${place(stretches[index]!.most)}`),
      ...indices.toReversed().map(index => `${middle(index)} ${place(stretches[index]!.least)}`)
    ]
    // A run of one stretch would have no length, and so no line.
    return `<path class="line" d="M${points.join('L')}${until - from === 1 ? 'h1' : 'Z'}"/>`
  })
}

function runs({ stretches }: Columns, fits: (stretch: Columns['stretches'][number]) => boolean): [number, number][] {
  const found: [number, number][] = []
  stretches.forEach((stretch, index) => {
    if (!fits(stretch)) return
    const last = found.at(-1)
    if (last?.[1] === index) last[1] = index + 1
    else found.push([index, index + 1])
  })
  return found
}

function markAt(mark: Mark, at: number, spans: readonly string[], floor: number): string {
  return `<g><title>${escaped(`${moment(mark.atMs)}: ${mark.text}`)}</title><path class="mark" d="${spans.map(span => `M${at} ${span}`).join('')}"/><circle class="badge" cx="${at}" cy="${floor + 34}" r="8"/><text class="letter" x="${at}" y="${floor + 38}">${letterOf(mark)}</text></g>`
}

function letterOf({ kind }: Mark): string {
  return markKinds.find(each => each.kind === kind)!.letter
}

function wordOf({ kind, word }: Mark): string {
  const found = markKinds.find(each => each.kind === kind)!
  return `${found.letter} ${found.word}${word === null ? '' : ` (${word})`}`
}

function moment(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')
}

function cut(text: string): string {
  const characters = Array.from(text)
  return characters.length > 120 ? `${characters.slice(0, 119).join('')}…` : text
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Text that XML can carry: what would drive a terminal is spelt out, what XML does not allow at all is replaced. */
function escaped(text: string): string {
  return printable(text)
    .toWellFormed()
    .replace(/[\uFFFE\uFFFF]/g, '\uFFFD')
    .replace(/[&<>"']/g, found => `&#${found.charCodeAt(0)};`)
}
