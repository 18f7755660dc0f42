import { drawn, element, type PageElement } from './dom.ts'
import { lanes, type Lane } from './rows.ts'
import { type Column, momentOf, type Timeline } from './timeline.ts'

const width = 1_000
const left = 116
const top = 26
const laneHeight = 30
/** Columns from one written moment to the next. */
const spacings = [1, 2, 3, 4, 6, 8, 12, 24, 60]
const mostMoments = 7

export interface TimelineActions {
  readonly onColumn: (column: Column) => void
  readonly onLane: (lane: Lane) => void
}

/** Bars by time and kind, gaps as red bands through all. Columns and names of lanes are buttons. */
export function timelineView({ columns, stepMs, most, timeless }: Timeline, chosen: Lane | '', { onColumn, onLane }: TimelineActions): PageElement {
  const present = lanes.filter(({ lane }) => columns.some(({ counts }) => counts[lane] !== undefined))
  const bottom = top + present.length * laneHeight
  const columnWidth = (width - left) / Math.max(1, columns.length)
  const picture = drawn('svg', { viewBox: `0 0 ${width} ${bottom + 8}`, class: 'timeline', role: 'group', 'aria-label': 'Entries by time and kind' })
  const every = spacings.find(each => columns.length / each <= mostMoments) ?? spacings.at(-1)!
  let day = ''
  for (const [index, { fromMs }] of columns.entries()) {
    if (Math.floor(fromMs / stepMs) % every !== 0) continue
    const x = left + index * columnWidth
    const [date = '', time = ''] = momentOf(fromMs, stepMs).split(' ')
    const label = date === day ? time : time === '00:00' ? date : `${date} ${time}`.trimEnd()
    if (width - x < label.length * 7) continue
    day = date
    picture.append(drawn('line', { x1: x, x2: x, y1: top - 6, y2: bottom, class: 'tick' }), drawn('text', { x: x + 4, y: top - 10, class: 'moment' }, label))
  }
  for (const [index, { lane, name }] of present.entries()) {
    const y = top + index * laneHeight
    const label = drawn(
      'g',
      {
        class: `lane-name ${lane}${chosen === lane ? ' chosen' : ''}`,
        tabindex: 0,
        role: 'button',
        'aria-pressed': chosen === lane ? 'true' : 'false',
        'aria-label': `Only ${name}`
      },
      drawn('rect', { x: 0, y: y + 4, width: left - 12, height: laneHeight - 8, rx: 5 }),
      drawn('circle', { cx: 12, cy: y + laneHeight / 2, r: 4, class: `dot ${lane}` }),
      drawn('text', { x: 24, y: y + laneHeight / 2 + 4 }, name)
    )
    onPress(label, () => onLane(lane))
    picture.append(label, drawn('line', { x1: left, x2: width, y1: y + laneHeight - 2, y2: y + laneHeight - 2, class: 'base' }))
  }
  for (const [index, column] of columns.entries()) {
    if (column.total === 0) continue
    const x = left + index * columnWidth
    const said = `${momentOf(column.fromMs, stepMs)} to ${momentOf(column.toMs, stepMs)} UTC: ${column.total} entries${column.gaps > 0 ? `, ${column.gaps} gaps` : ''}`
    const group = drawn('g', { class: 'column', tabindex: 0, role: 'button', 'aria-label': said }, drawn('title', {}, said))
    group.append(drawn('rect', { x, y: top - 4, width: columnWidth, height: bottom - top + 4, class: column.gaps > 0 ? 'band gap-band' : 'band' }))
    for (const [at, { lane }] of present.entries()) {
      const count = column.counts[lane]
      if (count === undefined) continue
      const height = Math.max(4, Math.sqrt(count / most) * (laneHeight - 8))
      const bar = Math.min(columnWidth * 0.78, 26)
      group.append(
        drawn('rect', { x: x + (columnWidth - bar) / 2, y: top + (at + 1) * laneHeight - 2 - height, width: bar, height, rx: 2, class: `bar ${lane}` })
      )
    }
    onPress(group, () => onColumn(column))
    picture.append(group)
  }
  return element('div', {}, picture, timeless === 0 ? null : element('p', { class: 'aside' }, `${timeless} entries have no time that anybody knows.`))
}

function onPress(target: PageElement, act: () => void): void {
  target.addEventListener('click', act)
  target.addEventListener('keydown', event => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    act()
  })
}
