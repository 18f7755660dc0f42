import { coarser, type Columns } from '../domain/timeline.ts'
import { compact, type Mark, markKinds, type Panel, type Picture, type Scale, scalesOf, summary, timeTicks } from './picture.ts'
import { printable } from './table.ts'

export interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number
  /** False: only ASCII. */
  readonly unicode: boolean
}

const labelWidth = 8
/** A panel's rows: the first is the one that the picture is about. */
const rowsOf = (index: number): number => (index === 0 ? 8 : 4)

/** How many stretches of time a picture of this width has in a terminal. */
export function stretchesOfText({ width, unicode }: TextOptions): number {
  const cells = Math.max(20, width - labelWidth - 1)
  return unicode ? cells * 2 : cells
}

/** The picture for a terminal: dots of Braille cells, two of them across and four up, or ASCII. Nothing in it drives the terminal. */
export function pictureText(picture: Picture, options: TextOptions): string {
  const wanted = stretchesOfText(options)
  const cells = options.unicode ? wanted / 2 : wanted
  const scales = scalesOf(picture.panels)
  const lines = [printable(picture.title)]
  picture.panels.forEach((panel, index) => lines.push(...panelLines(panel, scales[index]!, rowsOf(index), wanted, options)))
  lines.push(...axis(picture, cells, options))
  const row = (label: string, text: string) => `${label.padStart(labelWidth)} ${text}`.trimEnd()
  const unseen = cellsOf(picture.panels[0]?.columns, cells)
  if (unseen?.unknown.some(Boolean)) lines.push(row('not seen', unseen.unknown.map(unknown => (unknown ? shade(options) : ' ')).join('')))
  if (picture.marks.length > 0) lines.push(row('decided', marksRow(picture, cells, options)), ...legend(picture.marks, options).map(line => row('', line)))
  return lines.map(line => (line.length > options.width ? `${line.slice(0, options.width - 1)}${options.unicode ? '…' : '>'}` : line)).join('\n')
}

const shade = ({ unicode }: TextOptions): string => (unicode ? '░' : ':')

/** Columns brought down to a whole factor of what they are; a picture is made with as many as its width needs, or a multiple. */
function cellsOf(columns: Columns | undefined, cells: number): Columns | undefined {
  return columns && coarser(columns, Math.max(1, Math.round(columns.stretches.length / cells)))
}

function panelLines({ title, columns }: Panel, scale: Scale, rows: number, wanted: number, options: TextOptions): string[] {
  const grid = options.unicode ? braille(cellsOf(columns, wanted)!, scale, rows) : ascii(cellsOf(columns, wanted)!, scale, rows)
  const labels = Array.from({ length: rows }, () => '')
  // Where two ticks would share a row, the ends go before what lies between.
  for (const tick of [scale.ticks.at(-1)!, ...scale.ticks]) {
    const row = rows - 1 - Math.min(rows - 1, Math.floor(scale.place(tick) * rows))
    labels[row] ||= compact(tick)
  }
  return [
    `${printable(title)}: ${summary(columns, scale)}`,
    ...grid.map((line, row) => {
      const bar = options.unicode ? (labels[row] ? '┤' : '│') : labels[row] ? '+' : '|'
      return `${labels[row]!.padStart(labelWidth)}${bar}${line}`.trimEnd()
    })
  ]
}

/** Dots by their place in a cell, from the top, left and right. */
const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80]
] as const

function braille({ stretches }: Columns, scale: Scale, rows: number): string[] {
  const height = rows * 4
  const cells = Array.from({ length: rows }, () => Array.from({ length: Math.ceil(stretches.length / 2) }, () => 0))
  extents({ stretches }, scale, height).forEach((extent, column) => {
    if (extent === null) return
    for (let dot = extent.from; dot <= extent.to; dot++) {
      const fromTop = height - 1 - dot
      cells[Math.floor(fromTop / 4)]![Math.floor(column / 2)]! |= dots[(fromTop % 4) as 0 | 1 | 2 | 3][(column % 2) as 0 | 1]
    }
  })
  const gap = (cell: number) => stretches[cell * 2] === null && (stretches[cell * 2 + 1] ?? null) === null
  return cells.map(row => row.map((bits, cell) => (gap(cell) ? '░' : bits === 0 ? ' ' : String.fromCodePoint(0x2800 + bits))).join(''))
}

function ascii({ stretches }: Columns, scale: Scale, rows: number): string[] {
  const found = extents({ stretches }, scale, rows)
  return Array.from({ length: rows }, (_, row) =>
    found
      .map(extent => {
        if (extent === null) return ':'
        const level = rows - 1 - row
        return level < extent.from || level > extent.to ? ' ' : level === extent.to || level === extent.from ? '*' : '|'
      })
      .join('')
  )
}

/** From which to which dot each stretch reaches; it is drawn together with where the stretch before it ended. */
function extents({ stretches }: Pick<Columns, 'stretches'>, { place }: Scale, height: number): ({ from: number; to: number } | null)[] {
  const dot = (value: number) => Math.round(place(value) * (height - 1))
  return stretches.map((stretch, index) => {
    if (stretch === null) return null
    const before = stretches[index - 1]
    const joint = before ? dot(before.last) : null
    const [from, to] = [dot(stretch.least), dot(stretch.most)]
    if (joint === null) return { from, to }
    return { from: joint > to + 1 ? from : Math.min(from, joint < from ? joint + 1 : from), to: joint > to + 1 ? joint - 1 : to }
  })
}

function axis({ fromMs, untilMs }: Picture, cells: number, { unicode }: TextOptions): string[] {
  const line: string[] = Array.from({ length: cells }, () => (unicode ? '─' : '-'))
  const labels = Array.from({ length: cells }, () => ' ')
  let free = 0
  for (const { atMs, label } of timeTicks(fromMs, untilMs, Math.floor(cells / 10))) {
    const cell = Math.min(cells - 1, Math.floor(((atMs - fromMs) / (untilMs - fromMs)) * cells))
    line[cell] = unicode ? '┴' : '+'
    const start = Math.max(free, Math.min(cells - label.length, cell - Math.floor(label.length / 2)))
    if (start > cell || start + label.length > cells) continue
    for (const [index, character] of Array.from(label).entries()) labels[start + index] = character
    free = start + label.length + 1
  }
  return [`${''.padStart(labelWidth)}${unicode ? '└' : '+'}${line.join('')}`, `${'UTC'.padStart(labelWidth)} ${labels.join('')}`.trimEnd()]
}

function marksRow({ fromMs, untilMs, marks }: Picture, cells: number, options: TextOptions): string {
  const row = Array.from({ length: cells }, () => ' ')
  for (const { kind, symbol, letter } of markKinds)
    for (const mark of marks)
      if (mark.kind === kind)
        row[Math.max(0, Math.min(cells - 1, Math.floor(((mark.atMs - fromMs) / (untilMs - fromMs)) * cells)))] = options.unicode ? symbol : letter
  return row.join('')
}

/** What the marks mean, in the order in which they come, in as many lines as they need. */
function legend(marks: readonly Mark[], { unicode, width }: TextOptions): string[] {
  const lines: string[] = []
  for (const kind of new Set(marks.map(mark => mark.kind))) {
    const { symbol, letter, word } = markKinds.find(each => each.kind === kind)!
    const words = [...new Set(marks.flatMap(mark => (mark.kind === kind && mark.word !== null ? [printable(mark.word)] : [])))]
    const item = `${unicode ? symbol : letter} ${word}${words.length > 0 ? ` (${words.join(', ')})` : ''}`
    const longer = lines.length === 0 ? item : `${lines.at(-1)!}  ${item}`
    if (lines.length === 0 || longer.length > width - labelWidth - 1) lines.push(item)
    else lines[lines.length - 1] = longer
  }
  return lines
}
