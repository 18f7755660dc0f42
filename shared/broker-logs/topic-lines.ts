import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { LogRecord } from '../kafka/ports.ts'
import type { Flaw } from './entry.ts'
import { jsonObject, textAt } from './json-layout.ts'
import { readBrokerLogLine, type BrokerLogLine, type LogFormat } from './line.ts'

/** How a log forwarder writes a broker's log into a topic, one log event a record. */
export interface TopicLines {
  readonly format: LogFormat
  /**
   * Where the forwarder wraps the broker's line into JSON of its own: the field that holds it, and the one that holds the host. The format is then that
   * of the line inside. Without it the record's value is in the format itself.
   */
  readonly wrapped?: { readonly message: string; readonly host?: string }
  /** For a format that is JSON: the field that holds the host. */
  readonly hostField?: string
  /** Header that holds the host; before a field. */
  readonly hostHeader?: string
  /** Longer values are cut; default 1 MiB. */
  readonly maxBytes?: number
}

const KEPT_BYTES = 16_384

/** Reads one record of such a topic; its coordinate is the record's. Total, as readBrokerLogLine is. */
export function readTopicLine(lines: TopicLines, record: LogRecord): BrokerLogLine {
  const { topic, partition, offset } = record
  const value = record.value ?? Buffer.alloc(0)
  const cut = value.length > (lines.maxBytes ?? 1_048_576)
  const text = (cut ? value.subarray(0, KEPT_BYTES) : value).toString('utf8').replace(/\r?\n$/, '')
  const flaws: Flaw[] = [...(cut ? ['cut' as const] : []), ...(isUtf8(value) ? [] : ['invalid-utf8' as const])]
  const json = !cut && (lines.wrapped ?? lines.hostField) !== undefined ? jsonObject(text) : null
  const host = headerText(record, lines.hostHeader) ?? (json && textAt(json, lines.wrapped?.host ?? lines.hostField))
  const inside = lines.wrapped === undefined ? text : ((json && textAt(json, lines.wrapped.message)) ?? '')
  return readBrokerLogLine(lines.format, {
    text: inside.replace(/\r?\n$/, ''),
    lengthBytes: value.length,
    sha256: hash('sha256', value, 'hex'),
    flaws,
    coordinate: { kind: 'topic', topic, partition, offset, host }
  })
}

function headerText({ headers }: LogRecord, key: string | undefined): string | null {
  const value = key === undefined ? undefined : headers.findLast(header => header.key === key)?.value
  return value?.toString('utf8') ?? null
}
