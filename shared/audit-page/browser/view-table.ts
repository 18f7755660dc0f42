import { element, type PageElement } from './dom.ts'
import type { Row } from './rows.ts'
import { unmappedOf, wordOf } from './rows.ts'
import { momentOf } from './timeline.ts'
import { detailView } from './view-detail.ts'

const columns = ['Sequence', 'When (UTC)', 'What happened', 'Who', 'What', 'Where', 'How', 'Why', 'Result']

/** A table of rows, each of which opens. `wrong`: entries from here on were not verified. */
export function tableView(rows: readonly Row[], wrong: (row: Row) => boolean): PageElement {
  return element(
    'table',
    {},
    element('caption', { class: 'unseen' }, 'Entries, the newest first'),
    element('thead', {}, element('tr', {}, ...columns.map(name => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...rows.map(row => rowView(row, wrong(row))))
  )
}

function rowView(row: Row, isWrong: boolean): PageElement {
  const { sequence, partition, type, lane, atMs, where, how, why, result, code, message, attribution, count } = row
  const opener = element(
    'button',
    { type: 'button', class: 'opener', 'aria-expanded': 'false', 'aria-label': `Entry ${sequence}, ${type}: open` },
    String(sequence)
  )
  const line = element(
    'tr',
    { class: `row ${lane}${isWrong ? ' wrong' : ''}`, 'data-sequence': sequence, 'data-partition': partition },
    element('td', { class: 'sequence' }, opener, isWrong ? element('span', { class: 'chip bad' }, 'not verified') : null),
    element('td', { class: 'when' }, atMs === null ? 'not known' : momentOf(atMs)),
    element(
      'td',
      { class: 'happened' },
      element('span', { class: `dot ${lane}`, 'aria-hidden': 'true' }),
      element('code', {}, type),
      message === '' ? null : element('p', {}, message)
    ),
    element('td', { class: 'who' }, ...whoView(row)),
    element('td', { class: 'what' }, row.what),
    element('td', { class: 'where' }, where || attribution?.where || ''),
    element('td', { class: 'how' }, how, count > 1 ? element('span', { class: 'chip' }, `× ${count}`) : null),
    element('td', { class: 'why' }, why || attribution?.why || ''),
    element(
      'td',
      {},
      lane === 'log' && result === 'unknown' ? null : element('span', { class: `chip ${result}` }, result === 'unknown' ? 'not known' : result),
      code === '' ? null : element('p', { class: 'code' }, code)
    )
  )
  let detail: PageElement | null = null
  opener.addEventListener('click', () => {
    if (detail) {
      detail.remove()
      detail = null
    } else {
      detail = element('tr', { class: 'detail' }, element('td', { colspan: columns.length }, detailView(row)))
      line.after(detail)
    }
    opener.setAttribute('aria-expanded', detail ? 'true' : 'false')
  })
  return line
}

/** Who did it, and beside a change who made it and how sure that is. */
function whoView(row: Row): (PageElement | string | null)[] {
  const { attribution, who, client } = row
  if (attribution) {
    const certainty = wordOf(unmappedOf(attribution)['certainty'])
    return [attribution.who || 'nobody is known', element('span', { class: `chip certainty ${certainty === 'none' ? 'bad' : ''}` }, certainty)]
  }
  if (row.lane === 'change' && who === '') return [element('span', { class: 'faint' }, 'not told here')]
  return [who || '', client === '' ? null : element('p', { class: 'code' }, client)]
}
