/** What a date text of a log line said: a moment, or local fields whose zone comes from elsewhere. */
export type DateReading =
  | { readonly kind: 'moment'; readonly atMs: number }
  /** Milliseconds since the epoch if the fields were UTC. */
  | { readonly kind: 'local'; readonly fieldsMs: number }

export interface DatePattern {
  /** Source of a regular expression without groups that match more than digits and separators; one named group for each field. */
  readonly source: string
  /** Null when the fields name no day or time that exists. */
  read(groups: Readonly<Record<string, string | undefined>>): DateReading | null
}

const named: Readonly<Record<string, string>> = {
  '': 'yyyy-MM-dd HH:mm:ss,SSS',
  DEFAULT: 'yyyy-MM-dd HH:mm:ss,SSS',
  DEFAULT_MICROS: 'yyyy-MM-dd HH:mm:ss,nnnnnn',
  DEFAULT_NANOS: 'yyyy-MM-dd HH:mm:ss,nnnnnnnnn',
  DEFAULT_PERIOD: 'yyyy-MM-dd HH:mm:ss.SSS',
  ISO8601: "yyyy-MM-dd'T'HH:mm:ss,SSS",
  ISO8601_PERIOD: "yyyy-MM-dd'T'HH:mm:ss.SSS",
  ISO8601_PERIOD_MICROS: "yyyy-MM-dd'T'HH:mm:ss.nnnnnn",
  ISO8601_BASIC: "yyyyMMdd'T'HHmmss,SSS",
  ISO8601_BASIC_PERIOD: "yyyyMMdd'T'HHmmss.SSS",
  ISO8601_OFFSET_DATE_TIME_HH: "yyyy-MM-dd'T'HH:mm:ss,SSSX",
  ISO8601_OFFSET_DATE_TIME_HHMM: "yyyy-MM-dd'T'HH:mm:ss,SSSXX",
  ISO8601_OFFSET_DATE_TIME_HHCMM: "yyyy-MM-dd'T'HH:mm:ss,SSSXXX",
  COMPACT: 'yyyyMMddHHmmssSSS',
  DATE: 'dd MMM yyyy HH:mm:ss,SSS',
  DATE_PERIOD: 'dd MMM yyyy HH:mm:ss.SSS',
  US_MONTH_DAY_YEAR4_TIME: 'dd/MM/yyyy HH:mm:ss.SSS'
}
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Groups by the letters of java.time's patterns that a log may use; each at most once. */
const fields: Readonly<Record<string, { readonly group: string; readonly source: string }>> = {
  yyyy: { group: 'year', source: '\\d{4}' },
  uuuu: { group: 'year', source: '\\d{4}' },
  MM: { group: 'month', source: '\\d{2}' },
  MMM: { group: 'monthName', source: '[A-Za-z]{3}' },
  dd: { group: 'day', source: '\\d{2}' },
  HH: { group: 'hour', source: '\\d{2}' },
  mm: { group: 'minute', source: '\\d{2}' },
  ss: { group: 'second', source: '\\d{2}' },
  X: { group: 'offset', source: 'Z|[+-]\\d{2}(?:\\d{2})?' },
  XX: { group: 'offset', source: 'Z|[+-]\\d{4}' },
  XXX: { group: 'offset', source: 'Z|[+-]\\d{2}:\\d{2}' },
  Z: { group: 'offset', source: '[+-]\\d{4}' }
}

/**
 * Compiles what stands in `%d{…}` of a log4j2 pattern layout: one of log4j's names (ISO8601, UNIX_MILLIS, …) or a pattern of java.time. Throws
 * with what is expected where the text names no full date and time, for then a line could not be put in order.
 */
export function compileDatePattern(text: string): DatePattern {
  if (text === 'UNIX' || text === 'UNIX_MILLIS') {
    const unitMs = text === 'UNIX' ? 1_000 : 1
    return { source: '(?<epoch>\\d{1,14})', read: groups => moment(Number(groups['epoch']) * unitMs) }
  }
  const pattern = Object.hasOwn(named, text) ? named[text]! : text
  const seen = new Set<string>()
  let source = ''
  for (const [part, quoted] of pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)) {
    const fraction = /^(?:S|n){1,9}$/.test(part)
    const field = fraction ? { group: 'fraction', source: `\\d{${part.length}}` } : fields[part]
    if (quoted !== undefined) source += RegExp.escape(quoted === '' ? "'" : quoted.replaceAll("''", "'"))
    else if (field === undefined && /[A-Za-z']/.test(part)) throw new Error(`%d{${text}}: ${JSON.stringify(part)} is not understood${expected}`)
    else if (field === undefined) source += RegExp.escape(part)
    else if (seen.has(field.group)) throw new Error(`%d{${text}} says its ${field.group} twice`)
    else {
      seen.add(field.group)
      source += `(?<${field.group}>${field.source})`
    }
  }
  for (const group of ['year', 'day', 'hour', 'minute', 'second']) if (!seen.has(group)) throw new Error(`%d{${text}} has no ${group}${expected}`)
  if (!seen.has('month') && !seen.has('monthName')) throw new Error(`%d{${text}} has no month${expected}`)
  return { source, read: readFields }
}

const expected = ': expected a full date and time, for example %d{ISO8601} or %d{yyyy-MM-dd HH:mm:ss.SSSXXX}'

function readFields(groups: Readonly<Record<string, string | undefined>>): DateReading | null {
  const month = groups['month'] === undefined ? months.indexOf((groups['monthName'] ?? '').toLowerCase()) : Number(groups['month']) - 1
  const [year, day, hour, minute, second] = ['year', 'day', 'hour', 'minute', 'second'].map(group => Number(groups[group])) as [
    number,
    number,
    number,
    number,
    number
  ]
  const fractionMs = Math.floor(Number(`0.${groups['fraction'] ?? '0'}`) * 1_000 + 1e-6)
  const fieldsMs = Date.UTC(year, month, day, hour, minute, second, fractionMs)
  const back = new Date(fieldsMs)
  // Date.UTC takes the 31st of February for a day in March.
  if (year < 1000 || back.getUTCMonth() !== month || hour > 23 || minute > 59 || second > 59) return null
  const { offset } = groups
  if (offset === undefined) return { kind: 'local', fieldsMs }
  const [, sign, hours, minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset) ?? [offset, '+', '00', '00']
  return moment(fieldsMs - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000)
}

function moment(atMs: number): DateReading | null {
  return Number.isSafeInteger(atMs) && Math.abs(atMs) <= 8.64e15 ? { kind: 'moment', atMs } : null
}
