/** Where a log event stands; the same place is the same text after a restart, on another replica and in a renamed or copied file. */
export type LogCoordinate =
  | {
      readonly kind: 'file'
      /** From configuration: a log file does not know its machine. */
      readonly host: string
      /** As configured: the live file's path, also for what was found in a rotated one. */
      readonly path: string
      /** What this file is, whatever its name: 16 hexadecimal digits of the SHA-256 of its beginning. */
      readonly fileId: string
      /** How often bytes of this file that had been read were cut off or rewritten; the same range may then hold another text. */
      readonly generation: number
      /** First byte, and the one behind the last; the last line break is inside. */
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'topic'; readonly topic: string; readonly partition: number; readonly offset: number; readonly host: string | null }

/**
 * What was wrong with the bytes. `cut`: longer than the bound, the text is its beginning. `invalid-utf8`: replaced by U+FFFD. `unterminated`:
 * the file ended without a line break. `mid-line`: it begins where something else had ended inside a line.
 */
export type Flaw = 'cut' | 'invalid-utf8' | 'unterminated' | 'mid-line'

/** One log event as it was found: one physical line, or several of which only the first begins as the layout says. */
export interface LogEntry {
  /** Without the last line break. */
  readonly text: string
  /** Of the original, without the last line break. */
  readonly lengthBytes: number
  /** Of the same bytes, in hexadecimal. */
  readonly sha256: string
  readonly flaws: readonly Flaw[]
  readonly coordinate: LogCoordinate
}

/** A coordinate as text, each place once: `host:path#fileId.generation:from-to` or `topic/partition@offset`. */
export function coordinateText(coordinate: LogCoordinate): string {
  if (coordinate.kind === 'topic') return `${coordinate.topic}/${coordinate.partition}@${coordinate.offset}`
  const { host, path, fileId, generation, from, to } = coordinate
  return `${host}:${path}#${fileId}.${generation}:${from}-${to}`
}
