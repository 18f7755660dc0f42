import { type Bytes, bytesOfBase64 } from './bytes.ts'
import type { LogRecord } from './log-check.ts'

/** What the page carries of an export, as its data block holds it. */
export interface PageData {
  readonly clusterId: string
  readonly topic: string
  readonly logs: readonly PageLog[]
}

export interface PageLog {
  readonly origin: string
  readonly partition: number
  /** Entries of the export, of which the page may hold the newest alone. */
  readonly size: number
  readonly behind: number
  /** Sequence of the first entry that the page holds. */
  readonly first: number
  /** Base64 of gzip of records: a byte for the kind, the length in four bytes, big-endian, and the bytes. */
  readonly records: string
}

/** Kinds in the order of their bytes. */
export const recordKinds = ['start', 'event', 'trailer', 'note'] as const

export async function recordsIn({ records }: PageLog): Promise<LogRecord[]> {
  const packed = bytesOfBase64(records)
  if (!packed) throw new Error('the data of this page is damaged: no base64')
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
  const view = new DataView(bytes.buffer)
  const found: LogRecord[] = []
  for (let at = 0; at < bytes.length;) {
    const kind = recordKinds[view.getUint8(at)]
    const end = at + 5 + view.getUint32(at + 1)
    if (!kind || end > bytes.length) throw new Error(`the data of this page is damaged at byte ${at}`)
    found.push({ kind, bytes: bytes.slice(at + 5, end) })
    at = end
  }
  return found
}

export function entriesIn(records: readonly LogRecord[]): Bytes[] {
  return records.filter(({ kind }) => kind === 'event').map(({ bytes }) => bytes)
}
