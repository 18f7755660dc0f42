import { listIn, type Lane, type Result, type Row, unmappedOf, wordOf } from './rows.ts'
import { isMembers } from './json.ts'

/** What is to be seen. Empty text and null ask for nothing. Letters' case does not matter. */
export interface Filter {
  readonly who: string
  readonly what: string
  readonly fromMs: number | null
  /** Exclusive. */
  readonly toMs: number | null
  readonly where: string
  readonly how: string
  readonly why: string
  readonly result: Result | ''
  readonly type: string
  readonly lane: Lane | ''
  readonly text: string
}

export const everything: Filter = { who: '', what: '', fromMs: null, toMs: null, where: '', how: '', why: '', result: '', type: '', lane: '', text: '' }

/** Whether a row is to be seen. A change is also who may have made it, from where and how, as its attribution says. */
export function matches(row: Row, filter: Filter): boolean {
  const { fromMs, toMs } = filter
  if (fromMs !== null && (row.atMs === null || row.atMs < fromMs)) return false
  if (toMs !== null && (row.atMs === null || row.atMs >= toMs)) return false
  if (filter.result !== '' && row.result !== filter.result) return false
  if (filter.type !== '' && row.type !== filter.type) return false
  if (filter.lane !== '' && row.lane !== filter.lane) return false
  const { attribution } = row
  return (
    (filter.who === '' || holds(filter.who, [row.who, row.client, attribution?.who ?? '', ...candidatesOf(attribution)])) &&
    holds(filter.what, [row.what]) &&
    holds(filter.where, [row.where, attribution?.where ?? '']) &&
    holds(filter.how, [row.how, attribution?.how ?? '']) &&
    holds(filter.why, [row.why, attribution?.why ?? '']) &&
    holds(filter.text, [row.text, row.type])
  )
}

/** The principals that an attribution names. */
function candidatesOf(attribution: Row | null): string[] {
  return attribution === null ? [] : listIn(unmappedOf(attribution)['candidates']).map(one => (isMembers(one) ? wordOf(one['principal']) : ''))
}

function holds(asked: string, texts: readonly string[]): boolean {
  const wanted = asked.trim().toLowerCase()
  return wanted === '' || texts.some(text => text.toLowerCase().includes(wanted))
}
