import { element, type PageElement } from './dom.ts'
import { everything, type Filter } from './filter.ts'
import type { Result, Row } from './rows.ts'

type Words = 'who' | 'what' | 'where' | 'how' | 'why' | 'text'

const fields: readonly { readonly name: Words; readonly label: string; readonly hint: string }[] = [
  { name: 'who', label: 'Who', hint: 'principal or client' },
  { name: 'what', label: 'What', hint: 'resource' },
  { name: 'where', label: 'Where', hint: 'address or region' },
  { name: 'how', label: 'How', hint: 'API or operation' },
  { name: 'why', label: 'Why', hint: 'request or reason' }
]
const mostHints = 200

export interface FiltersView {
  readonly view: PageElement
  show(filter: Filter): void
}

/** The seven Ws, the type, and any text. Times are UTC. */
export function filtersView(rows: readonly Row[], onChange: (filter: Filter) => void): FiltersView {
  let filter = everything
  const changed = (part: Partial<Filter>): void => {
    filter = { ...filter, ...part }
    onChange(filter)
  }
  const inputs = new Map<Words, PageElement>()
  const moments = new Map<'fromMs' | 'toMs', PageElement>()
  const text = (name: Words, label: string, hint: string, list: string | null): PageElement => {
    const input = element('input', { type: 'search', id: `filter-${name}`, placeholder: hint, list, autocomplete: 'off', spellcheck: 'false' })
    input.addEventListener('input', () => changed({ [name]: input.value }))
    inputs.set(name, input)
    return labelled(`filter-${name}`, label, input)
  }
  const moment = (name: 'fromMs' | 'toMs', label: string): PageElement => {
    const input = element('input', { type: 'datetime-local', step: 1, id: `filter-${name}` })
    input.addEventListener('input', () => {
      changed({ [name]: momentIn(input) })
    })
    moments.set(name, input)
    return labelled(`filter-${name}`, label, input)
  }
  const result = choice('result', [
    ['', 'any'],
    ['success', 'success'],
    ['failure', 'failure'],
    ['unknown', 'not known']
  ])
  result.addEventListener('change', () => changed({ result: result.value as Result | '' }))
  const types = [...new Set(rows.map(row => row.type))].sort()
  const type = choice('type', [['', 'any'], ...types.map((each): readonly [string, string] => [each, each])])
  type.addEventListener('change', () => changed({ type: type.value }))
  const clear = element('button', { type: 'button', class: 'quiet' }, 'Show all')
  clear.addEventListener('click', () => changed(everything))
  const [from, to] = [moment('fromMs', 'When, from (UTC)'), moment('toMs', 'When, before (UTC)')]
  const view = element(
    'div',
    { class: 'filters', role: 'search' },
    ...fields.map(({ name, label, hint }) => text(name, label, hint, name === 'why' ? null : `hints-${name}`)),
    from,
    to,
    labelled('filter-result', 'Result', result),
    labelled('filter-type', 'Type', type),
    text('text', 'Any text', 'in the whole entry', null),
    clear,
    ...(['who', 'what', 'where', 'how'] as const).map(name => hints(name, rows))
  )
  return {
    view,
    show(shown) {
      filter = shown
      for (const [name, input] of inputs) if (input.value !== shown[name]) input.value = shown[name]
      result.value = shown.result
      type.value = shown.type
      for (const [name, input] of moments) {
        const ms = shown[name]
        // Half a date is none yet, and whoever types it goes on.
        if (ms === momentIn(input)) continue
        input.value = ms === null ? '' : new Date(ms).toISOString().slice(0, 19)
      }
    }
  }
}

/** As UTC. */
function momentIn(input: PageElement): number | null {
  const ms = Date.parse(`${input.value}Z`)
  return Number.isNaN(ms) ? null : ms
}

function labelled(id: string, label: string, input: PageElement): PageElement {
  return element('div', { class: 'field' }, element('label', { for: id }, label), input)
}

function choice(name: string, options: readonly (readonly [string, string])[]): PageElement {
  return element('select', { id: `filter-${name}` }, ...options.map(([value, label]) => element('option', { value }, label)))
}

/** What occurs most, to choose from. */
function hints(name: 'who' | 'what' | 'where' | 'how', rows: readonly Row[]): PageElement {
  const counts = new Map<string, number>()
  for (const row of rows) if (row[name] !== '') counts.set(row[name], (counts.get(row[name]) ?? 0) + 1)
  const often = [...counts].sort((one, other) => other[1] - one[1]).slice(0, mostHints)
  return element('datalist', { id: `hints-${name}` }, ...often.map(([value]) => element('option', { value })))
}
