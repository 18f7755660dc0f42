// What runs in the page: shows the entries at once, checks them, and says what it found.
import { entriesIn, type PageData, type PageLog, recordsIn } from './data.ts'
import { byId, element, page, visible } from './dom.ts'
import { everything, type Filter, matches } from './filter.ts'
import { checkLog, type CheckedLog } from './log-check.ts'
import { type Row, rowsOf, tie } from './rows.ts'
import { timelineOf } from './timeline.ts'
import { type Verdict, verdictOf } from './verdict.ts'
import { filtersView } from './view-filters.ts'
import { tableView } from './view-table.ts'
import { timelineView } from './view-timeline.ts'
import { verdictView, workingView } from './view-verdict.ts'

const more = 200
const faults = new Map<number, number>()
let rows: Row[] = []
let filter: Filter = everything
let shown = more

void run().catch(error => byId('verdicts').replaceChildren(verdictView('', broken(`This page could not be read: ${(error as Error).message}.`))))

async function run(): Promise<void> {
  const data = JSON.parse(byId('data').textContent ?? '') as PageData
  const title = `Audit log ${data.topic} of cluster ${data.clusterId}`
  page.title = visible(title)
  byId('title').textContent = visible(title)
  const held = await Promise.all(data.logs.map(async log => ({ log, records: await recordsIn(log) })))
  rows = held.flatMap(({ log, records }) => rowsOf(log.partition, log.first, entriesIn(records)))
  tie(rows)
  rows.sort((one, other) => (other.atMs ?? 0) - (one.atMs ?? 0) || other.sequence - one.sequence)
  byId('held').textContent = heldWords(data.logs)
  // Told whatever is filtered: who looks at a part must know that the whole has holes.
  const gaps = rows.filter(({ lane }) => lane === 'gap').length
  const filters = filtersView(rows, next => {
    filter = next
    shown = more
    filters.show(filter)
    show()
  })
  byId('filters').append(filters.view)
  const choose = (part: Partial<Filter>): void => {
    filter = { ...filter, ...part }
    shown = more
    filters.show(filter)
    show()
  }
  byId('more').addEventListener('click', () => {
    shown += more
    show()
  })
  function show(): void {
    const found = rows.filter(row => matches(row, filter))
    byId('count').textContent = `${found.length} of ${rows.length} entries${gaps === 0 ? '' : `; ${gaps} ${gaps === 1 ? 'gap' : 'gaps'} in all`}`
    byId('timeline').replaceChildren(
      timelineView(timelineOf(found), filter.lane, {
        onColumn: ({ fromMs, toMs }) => choose({ fromMs, toMs }),
        onLane: lane => choose({ lane: filter.lane === lane ? '' : lane })
      })
    )
    byId('table').replaceChildren(tableView(found.slice(0, shown), row => row.sequence >= (faults.get(row.partition) ?? Infinity)))
    const left = found.length - shown
    byId('more').hidden = left <= 0
    byId('more').textContent = `Show ${Math.min(more, left)} more of ${left}`
  }
  show()
  const lack = await lackOf()
  if (lack !== null) {
    byId('verdicts').replaceChildren(verdictView('', broken(lack)))
    return
  }
  const checked: { readonly log: PageLog; readonly result: CheckedLog }[] = []
  for (const { log, records } of held) {
    const result = await checkLog(log.origin, records, done => {
      byId('verdicts').replaceChildren(workingView(log.origin, done, records.length))
      return aTurn()
    })
    if (result.fault) faults.set(log.partition, result.fault.sequence)
    checked.push({ log, result })
  }
  byId('own-keys').replaceChildren(...[...new Set(checked.flatMap(({ result }) => result.keys))].map(key => element('code', {}, key)))
  const judge = async (): Promise<void> => {
    const views = checked.map(async ({ log, result }) =>
      verdictView(log.origin, await verdictOf({ ...log, beside: data.logs }, result, byId('key').value, byId('anchored').value))
    )
    byId('verdicts').replaceChildren(...(await Promise.all(views)))
  }
  for (const id of ['key', 'anchored']) byId(id).addEventListener('input', () => void judge())
  takeFiles(judge)
  if (faults.size > 0) show()
  await judge()
}

/** A checkpoint may be dropped on the page as a file or text, or chosen. */
function takeFiles(judge: () => Promise<void>): void {
  const take = async (text: Promise<string>): Promise<void> => {
    byId('anchored').value = await text
    await judge()
  }
  const place = byId('anchored')
  place.addEventListener('dragover', event => event.preventDefault())
  place.addEventListener('drop', event => {
    const file = event.dataTransfer?.files[0]
    if (!file) return
    event.preventDefault()
    void take(file.text())
  })
  byId('anchored-file').addEventListener('change', () => {
    const file = byId('anchored-file').files?.[0]
    if (file) void take(file.text())
  })
}

/** Lets the browser draw and answer in between; a timer would take a second each in a page that nobody looks at. */
function aTurn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    const heard = (): void => {
      port1.close()
      resolve()
    }
    port1.addEventListener('message', heard, { once: true })
    port1.start()
    port2.postMessage(0)
  })
}

/** Why this browser cannot check anything; null where it can. */
async function lackOf(): Promise<string | null> {
  // Typed as always there; a page that did not come from a file or over TLS has none.
  const subtle = (globalThis.crypto as { subtle?: typeof crypto.subtle } | undefined)?.subtle
  if (!subtle) return 'Nothing was checked: this browser gives the page no WebCrypto. Open it as a file, or over HTTPS.'
  try {
    await subtle.importKey('raw', new Uint8Array(32), { name: 'Ed25519' }, false, ['verify'])
    return null
  } catch {
    return 'Nothing was checked: this browser does not know Ed25519. Take a newer one, or reeve audit verify.'
  }
}

function broken(sentence: string): Verdict {
  return { level: 'bad', word: 'NOT VERIFIED', sentence, findings: [] }
}

function heldWords(logs: readonly PageLog[]): string {
  const words = logs.map(({ partition, first, size }) =>
    first === 0
      ? `partition ${partition}: all ${size} entries`
      : `partition ${partition}: the newest ${size - first} of ${size} entries, from sequence ${first} on`
  )
  return `This page holds ${words.join('; ')}. All times are UTC.`
}
