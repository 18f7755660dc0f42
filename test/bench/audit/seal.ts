import { hash } from 'node:crypto'
import { canonical } from '#shared/audit/canonical.ts'
import { type Previous, seal } from '#shared/audit/chain.ts'
import { readEntry } from '#shared/audit/entry.ts'
import { canonicalJson, type JsonValue } from '#shared/domain/json.ts'
import { leafHash } from '#shared/proof/hash.ts'
import { openTree } from '#shared/proof/tree.ts'
import { deniedEvent } from '#test/support/audit-events.ts'
import { report, type Row } from '../harness.ts'

// What an entry costs, in events a second of CPU time, so that what else the machine does counts little: the best of some rounds.

const count = 5_000
const rounds = 8
const origin = 'reeve.audit/5L6g3nShT-eMCtK--X86sw/audit.platform-operations/0'
const events = Array.from({ length: count }, (_, number) => deniedEvent(number))

function sealAll(each: (bytes: Buffer) => void): void {
  let previous: Previous | null = null
  for (const [sequence, event] of events.entries()) {
    const sealed = seal(event, { origin, sequence, previous })
    previous = sealed
    each(sealed.bytes)
  }
}
const sealed: Buffer[] = []
sealAll(bytes => sealed.push(bytes))

const tasks: readonly (readonly [string, () => void])[] = [
  ['JSON.stringify, for comparison', () => events.forEach(event => JSON.stringify(event))],
  ['canonicalJson of the house', () => events.forEach(event => canonicalJson(event as unknown as JsonValue))],
  ['canonicalise', () => events.forEach(event => canonical(event as unknown as JsonValue))],
  ['canonicalise and hash', () => events.forEach(event => hash('sha256', canonical(event as unknown as JsonValue), 'hex'))],
  ['seal: chain, canonicalise, hash, bytes', () => sealAll(() => undefined)],
  [
    'seal and grow the tree',
    () => {
      const tree = openTree()
      sealAll(bytes => tree.append(leafHash(bytes)))
    }
  ],
  ['read and verify an entry', () => sealed.forEach(readEntry)]
]

const best = new Map<string, number>()
for (let round = 0; round < rounds; round++)
  for (const [what, run] of tasks) {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    best.set(what, Math.max(best.get(what) ?? 0, count / ((user + system) / 1e6)))
  }
const rows: Row[] = tasks.map(([what]) => ({ who: 'shared/audit', what, value: best.get(what)!, unit: 'events a CPU second' }))
report(
  'audit-seal',
  rows,
  [],
  [`an entry has ${Math.round(sealed.reduce((sum, { length }) => sum + length, 0) / count)} bytes; best of ${rounds} rounds of ${count}`]
)
