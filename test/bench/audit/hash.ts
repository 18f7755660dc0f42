import { leafHash } from '#shared/proof/hash.ts'
import { openTileWriter } from '#shared/proof/tile-writer.ts'
import { openTree } from '#shared/proof/tree.ts'

// What the tree of the audit log costs: entries a second of processor time, alone in this process. The last line is JSON.

interface Figure {
  readonly what: string
  readonly entryBytes: number
  readonly perCpuSecond: number
  readonly mbPerCpuSecond: number
}

const rounds = 4
const tasks: Readonly<Record<string, (entries: readonly Buffer[]) => void>> = {
  'leaf hash': entries => {
    for (const entry of entries) leafHash(entry)
  },
  'leaf hash and tree': entries => {
    const tree = openTree()
    for (const entry of entries) tree.append(leafHash(entry))
    tree.root()
  },
  tiles: entries => {
    const writer = openTileWriter()
    for (const entry of entries) writer.append(entry)
    writer.partial()
  }
}

/** Entries a second of processor time, the best of some rounds: what else the machine does only makes it less. */
function measure(what: string, entryBytes: number): Figure {
  const count = Math.max(50_000, Math.round(1e8 / entryBytes / 5))
  const entries = Array.from({ length: count }, (_, index) => Buffer.alloc(entryBytes, `${index} `))
  let best = 0
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    tasks[what]!(entries)
    const { user, system } = process.cpuUsage(before)
    best = Math.max(best, count / ((user + system) / 1e6))
  }
  return { what, entryBytes, perCpuSecond: Math.round(best), mbPerCpuSecond: Math.round((best * entryBytes) / 1e6) }
}

const figures = [100, 1_000, 4_000].flatMap(entryBytes => Object.keys(tasks).map(what => measure(what, entryBytes)))
for (const { what, entryBytes, perCpuSecond, mbPerCpuSecond } of figures)
  console.error(`${what}, entries of ${entryBytes} B: ${perCpuSecond.toLocaleString('en')} a CPU second (${mbPerCpuSecond} MB)`)
console.log(JSON.stringify(figures))
