import { compileDatePattern, type DateReading } from './date-pattern.ts'

/** What a layout says of one log event. */
export interface Laid {
  readonly level: string | null
  readonly logger: string | null
  readonly message: string
  readonly date: DateReading | null
}

export interface Layout {
  /** Whether a line break inside a message is written as `\n` and not as itself: only then no client can write a line of its own. */
  readonly lineBreaks: 'encoded' | 'raw'
  /** Whether a physical line begins a log event; the others go on with the one before. */
  begins(line: string): boolean
  /** Null when the text is no log event of this layout. */
  read(text: string): Laid | null
}

/** Kafka's own layout of both logs. */
export const KAFKA_PATTERN = '[%d] %p %m (%c)%n'

const levels = 'TRACE|DEBUG|INFO|WARN|ERROR|FATAL'
/** A conversion with its width, its name and up to two options; or a percent sign. */
const conversion = /%(?:(%)|(-?\d*(?:\.-?\d+)?)([A-Za-z]+)((?:\{[^{}]*\})*))/y

/**
 * Compiles a log4j2 PatternLayout: %d, %p, %c, %m, %t, %n, text, and %enc{%m}{CRLF} or {JSON}. Throws with what is not understood; a pattern must
 * say when (%d) and what (%m).
 */
export function compileLayout(pattern: string): Layout {
  const state: Compiled = { source: '', dates: 0, date: null, encoding: null, messageAt: -1, utc: false }
  for (let at = 0; at < pattern.length;) {
    const encoded = /^%(?:enc|encode)\{%(?:m|msg|message)\}(?:\{(CRLF|JSON)\})?/.exec(pattern.slice(at))
    conversion.lastIndex = at
    const found = conversion.exec(pattern)
    if (encoded !== null) {
      if (encoded[1] === undefined) throw mistake(pattern, `${encoded[0]} escapes for HTML`, '%enc{%m}{JSON} or %enc{%m}{CRLF}')
      addMessage(state, pattern, encoded[1] as 'CRLF' | 'JSON')
      at += encoded[0].length
    } else if (found !== null) {
      if (found[1] === undefined) convert(state, pattern, found[3]!, found[4]!, found[2] !== '')
      else state.source += '%'
      at = conversion.lastIndex
    } else {
      state.source += RegExp.escape(pattern[at]!)
      at++
    }
  }
  if (state.messageAt < 0) throw mistake(pattern, 'it has no message', '%m')
  const { date, encoding, utc } = state
  if (date === null) throw mistake(pattern, 'it has no time', '%d')
  const whole = new RegExp(`^${state.source}$`)
  const start = new RegExp(`^${state.source.slice(0, state.messageAt)}`)
  return {
    lineBreaks: encoding === null ? 'raw' : 'encoded',
    begins: line => start.test(line),
    read(text) {
      const groups = whole.exec(text)?.groups
      if (groups === undefined) return null
      const reading = date.read(groups)
      const message = encoding === 'JSON' ? decoded(groups['message']!) : groups['message']!
      if (reading === null || message === null) return null
      const inUtc: DateReading = utc && reading.kind === 'local' ? { kind: 'moment', atMs: reading.fieldsMs } : reading
      return { level: groups['level'] ?? null, logger: groups['logger'] ?? null, message, date: inUtc }
    }
  }
}

interface Compiled {
  source: string
  dates: number
  date: ReturnType<typeof compileDatePattern> | null
  encoding: 'CRLF' | 'JSON' | null
  messageAt: number
  utc: boolean
}

function convert(state: Compiled, pattern: string, name: string, options: string, padded: boolean): void {
  const space = padded ? ' *' : ''
  const [first = '', second] = [...options.matchAll(/\{([^{}]*)\}/g)].map(([, option]) => option)
  if (['d', 'date'].includes(name)) {
    if (state.date !== null) throw mistake(pattern, 'it says the time twice', 'one %d')
    if (second !== undefined && !['UTC', 'GMT', 'Z', 'GMT+0'].includes(second)) throw mistake(pattern, `%d{…}{${second}}`, 'the zone as timeZone, or {UTC}')
    state.utc = second !== undefined
    state.date = compileDatePattern(first)
    state.source += state.date.source
  } else if (['p', 'level'].includes(name) && options === '') state.source += `${space}(?<level>${levels})${space}`
  else if (['c', 'logger'].includes(name)) state.source += `${space}(?<logger>[\\w.$-]+)${space}`
  else if (['m', 'msg', 'message'].includes(name) && options === '') addMessage(state, pattern, null)
  else if (['t', 'tn', 'thread', 'threadName', 'T', 'tid', 'threadId', 'pid', 'sn', 'X', 'mdc', 'MDC'].includes(name)) state.source += '[^\\r\\n]*?'
  else if (name === 'n' && options === '') return
  else throw mistake(pattern, `%${name}${options}`, '%d, %p, %c, %m, %t, %n, %enc{%m}{JSON}')
}

function addMessage(state: Compiled, pattern: string, encoding: 'CRLF' | 'JSON' | null): void {
  if (state.messageAt >= 0) throw mistake(pattern, 'it has the message twice', 'one %m')
  state.messageAt = state.source.length
  state.encoding = encoding
  state.source += '(?<message>[^]*)'
}

/** %enc{…}{JSON} writes what stands between the quotes of a JSON string. */
function decoded(text: string): string | null {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return null
  }
}

function mistake(pattern: string, what: string, expected: string): Error {
  return new Error(`layout ${JSON.stringify(pattern)}: ${what} is not understood; expected ${expected}`)
}
