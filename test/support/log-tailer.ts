// A process of its own that tails a log and keeps what it read, with its position, in one file: a line a batch.
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { Tail, type TailBatch } from '#shared/broker-logs/tail/tail.ts'

export interface TailerOptions {
  readonly path: string
  readonly output: string
  readonly batchBytes: number
}

export interface TailerLine {
  readonly texts: readonly string[]
  readonly places: readonly string[]
  readonly notices: TailBatch['notices']
  readonly position: TailBatch['position']
}

/** What was kept whole; a line that a kill cut is dropped with its position. */
export function keptLines(output: string): TailerLine[] {
  if (!existsSync(output)) return []
  const text = readFileSync(output, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as TailerLine)
}

if (process.argv[1] === import.meta.filename) {
  const { path, output, batchBytes } = JSON.parse(process.argv[2]!) as TailerOptions
  const kept = keptLines(output)
  if (existsSync(output)) truncateSync(output, readFileSync(output).lastIndexOf(10) + 1)
  const tail = new Tail({
    host: 'broker-1',
    path,
    begins: line => line.startsWith('['),
    whole: text => text.endsWith(')'),
    position: kept.at(-1)?.position ?? null,
    settleMs: 50,
    lookAgainMs: 40
  })
  for (let isFirst = true; ; isFirst = false) {
    const { entries, notices, position, more } = await tail.poll({ maxBytes: batchBytes })
    if (entries.length > 0 || notices.length > 0) {
      const places = entries.map(({ coordinate }) => (coordinate.kind === 'file' ? `${coordinate.fileId}.${coordinate.generation}:${coordinate.from}` : ''))
      appendFileSync(output, `${JSON.stringify({ texts: entries.map(({ text }) => text), places, notices, position } satisfies TailerLine)}\n`)
    }
    if (isFirst) process.stdout.write('ready\n')
    if (!more) await tail.waitForChange(20)
  }
}
