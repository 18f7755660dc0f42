import type { JsonValue } from '../domain/json.ts'
import { compileDatePattern, type DatePattern, type DateReading } from './date-pattern.ts'
import type { Laid, Layout } from './layout.ts'

/** Where the parts of a log event stand in JSON; a dot goes into an object, for example `log.level`. A name with a dot of its own is found too. */
export interface JsonFields {
  readonly message: string
  /** Milliseconds or seconds since the epoch, or text that `datePattern` names; `instant` of log4j's JsonLayout is understood. */
  readonly timestamp: string
  /** As in %d{…}; default ISO 8601 with offset. */
  readonly datePattern?: string
  readonly logger?: string
  readonly level?: string
  readonly host?: string
}

/** What log4j2's JsonLayout (compact, eventEol) writes. */
export const LOG4J_JSON: JsonFields = { message: 'message', timestamp: 'instant', logger: 'loggerName', level: 'level' }

/** A layout of one JSON object a line, as log4j2's JsonLayout or a log forwarder writes it. Throws when a pattern of dates is not understood. */
export function jsonLayout(fields: JsonFields): Layout {
  const dates = fields.datePattern === undefined ? null : compileDatePattern(fields.datePattern)
  const whole = dates && new RegExp(`^${dates.source}$`)
  return {
    lineBreaks: 'encoded',
    begins: line => line.startsWith('{'),
    read(text) {
      const event = jsonObject(text)
      const message = event === null ? undefined : member(event, fields.message)
      if (event === null || typeof message !== 'string') return null
      const date = readDate(member(event, fields.timestamp), dates, whole)
      if (date === null) return null
      return { level: textAt(event, fields.level)?.toUpperCase() ?? null, logger: textAt(event, fields.logger), message, date } satisfies Laid
    }
  }
}

/** The text at a path of a JSON object; null when there is none. */
export function textAt(event: { readonly [key: string]: JsonValue }, path: string | undefined): string | null {
  const found = path === undefined ? undefined : member(event, path)
  return typeof found === 'string' ? found : null
}

export function jsonObject(text: string): { readonly [key: string]: JsonValue } | null {
  try {
    const value = JSON.parse(text) as JsonValue
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function member(event: { readonly [key: string]: JsonValue }, path: string): JsonValue | undefined {
  if (Object.hasOwn(event, path)) return event[path]
  const dot = path.indexOf('.')
  const inner = dot < 0 ? undefined : event[path.slice(0, dot)]
  return isObject(inner) ? member(inner, path.slice(dot + 1)) : undefined
}

const isoWithOffset = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)$/

function readDate(value: JsonValue | undefined, dates: DatePattern | null, whole: RegExp | null): DateReading | null {
  if (isObject(value)) {
    const { epochSecond, nanoOfSecond = 0 } = value
    return typeof epochSecond === 'number' && typeof nanoOfSecond === 'number' ? moment(epochSecond * 1_000 + Math.floor(nanoOfSecond / 1e6)) : null
  }
  // Seconds until the year 5138, milliseconds from 1973 on.
  if (typeof value === 'number') return moment(Math.floor(Math.abs(value) < 1e11 ? value * 1_000 : value))
  if (typeof value !== 'string') return null
  if (dates !== null && whole !== null) {
    const groups = whole.exec(value)?.groups
    return groups === undefined ? null : dates.read(groups)
  }
  const [, day, time, fraction = '0', offset = ''] = isoWithOffset.exec(value) ?? []
  if (day === undefined) return null
  const zone = offset === 'Z' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3).replace(':', '') || '00'}`
  return moment(Date.parse(`${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`))
}

function moment(atMs: number): DateReading | null {
  return Number.isSafeInteger(atMs) && Math.abs(atMs) <= 8.64e15 ? { kind: 'moment', atMs } : null
}
