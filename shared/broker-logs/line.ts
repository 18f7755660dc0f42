import { readAuthorizerMessage, type AuthorizerFacts } from './authorizer-line.ts'
import type { Flaw, LogCoordinate, LogEntry } from './entry.ts'
import { jsonLayout, type JsonFields } from './json-layout.ts'
import { compileLayout, type Layout } from './layout.ts'
import { type LoginFacts, looksLikeLogin, readLoginMessage } from './login-line.ts'
import { readRequestMessage, type RequestFacts } from './request-line.ts'
import { openZone, sourceTimeOf, type SourceTime, type Zone } from './source-time.ts'

/** What a log holds: `server` is all that a broker or controller writes, of which logins are read. */
export type LogContent = 'authorizer' | 'request' | 'server'

/** How the lines of a log are to be read. */
export interface LogFormat {
  readonly layout: Layout
  /** Of the brokers' clock, where lines do not state their offset. */
  readonly zone: Zone
  /** What the file or topic holds where its layout does not write the logger; with a logger in the line that one counts. */
  readonly content?: LogContent
}

/** A format as configuration has it: a log4j2 pattern or the fields of a JSON layout, and the zone by its IANA name. Throws with what is not understood. */
export function openLogFormat(settings: { readonly layout: string | JsonFields; readonly timeZone: string; readonly content?: LogContent }): LogFormat {
  const { layout, timeZone, content } = settings
  return {
    layout: typeof layout === 'string' ? compileLayout(layout) : jsonLayout(layout),
    zone: openZone(timeZone),
    ...(content === undefined ? {} : { content })
  }
}

interface Read {
  readonly coordinate: LogCoordinate
  readonly time: SourceTime
  readonly level: string | null
  readonly flaws: readonly Flaw[]
  /**
   * True where a client's text with a line break could have made a whole line of its own: the layout writes line breaks raw. Such a line is
   * hearsay until another source says the same.
   */
  readonly forgeable: boolean
}

export type UnparsedReason =
  /** Longer than the bound. */
  | 'too-long'
  /** Not of this layout. */
  | 'layout'
  /** The message is none of its logger's. */
  | 'message'
  /** There is more than one way to read it. */
  | 'ambiguous'
  /** A request that this version does not know. */
  | 'unknown-request'

export interface AuthorizerLine extends Read, AuthorizerFacts {
  readonly kind: 'authorizer'
  /** False for a line that only worked out which operations to list (TRACE); null where the layout has no level. */
  readonly accessAsked: boolean | null
}

export interface RequestLine extends Read, RequestFacts {
  readonly kind: 'request'
}

/** Somebody logged in, or was refused. */
export interface LoginLine extends Read, LoginFacts {
  readonly kind: 'login'
}

/** A line that is understood and is of no interest here: another logger's, or a request that changes nothing. */
export interface OtherLine extends Omit<Read, 'time'> {
  readonly kind: 'other'
  /** Null for what is no line of the layout in a log that holds everything, such as a stack trace. */
  readonly time: SourceTime | null
  /** The logger's name, or the request's. */
  readonly what: string
}

/** A log event that could not be read. Its text is not kept, for it may hold a secret. */
export interface UnparsedLine {
  readonly kind: 'unparsed'
  readonly coordinate: LogCoordinate
  readonly reason: UnparsedReason
  readonly lengthBytes: number
  readonly sha256: string
  readonly flaws: readonly Flaw[]
  /** Null where no time could be read. */
  readonly time: SourceTime | null
  /** It has in it what only a line about a login has. Whoever cannot log in can make any number of these. */
  readonly login: boolean
}

export type BrokerLogLine = AuthorizerLine | RequestLine | LoginLine | OtherLine | UnparsedLine

/** Reads one log event. Total: whatever the bytes were, it is one of the five kinds. */
export function readBrokerLogLine(format: LogFormat, entry: LogEntry): BrokerLogLine {
  const { coordinate, lengthBytes, sha256, flaws } = entry
  const forgeable = format.layout.lineBreaks === 'raw'
  const unparsed = (reason: UnparsedReason, time: SourceTime | null = null, login = false): UnparsedLine => ({
    kind: 'unparsed',
    coordinate,
    reason,
    lengthBytes,
    sha256,
    flaws,
    time,
    login
  })
  const cut = flaws.includes('cut')
  const laid = cut ? null : format.layout.read(entry.text)
  if (laid === null || laid.date === null) {
    const login = format.content === 'server' && looksLikeLogin(entry.text)
    // A log that holds everything holds stack traces, and what libraries write.
    if (format.content === 'server' && !login) return { kind: 'other', coordinate, time: null, level: null, flaws, forgeable, what: 'unknown' }
    return unparsed(cut ? 'too-long' : 'layout', null, login)
  }
  const { level, message } = laid
  const time = sourceTimeOf(laid.date, format.zone)
  const read: Read = { coordinate, time, level, flaws, forgeable }
  const content = contentOf(format, laid.logger)
  if (content === 'authorizer') {
    const facts = readAuthorizerMessage(message)
    if ('unreadable' in facts) return unparsed(facts.unreadable === 'ambiguous' ? 'ambiguous' : 'message', time)
    return { kind: 'authorizer', ...read, ...facts, accessAsked: level === null ? null : level !== 'TRACE' }
  }
  if (content === 'request') {
    const facts = readRequestMessage(message)
    if ('unreadable' in facts) return unparsed(facts.unreadable === 'unknown-request' ? 'unknown-request' : 'message', time)
    return 'noChange' in facts ? { kind: 'other', ...read, what: facts.noChange } : { kind: 'request', ...read, ...facts }
  }
  if (content === 'server') {
    const facts = readLoginMessage(message)
    if (!('unreadable' in facts)) return { kind: 'login', ...read, ...facts }
    if (facts.unreadable === 'message') return unparsed('message', time, true)
  }
  return { kind: 'other', ...read, what: laid.logger ?? 'unknown' }
}

/** How a message of each kind ends, so that nothing more of it is waited for; of a server's others nothing is. */
const ends = {
  authorizer: / based on rule (?:SuperUser|DefaultDeny|DefaultAllow|MatchingAcl\(.*\))$/,
  request: /\}$/,
  server: /^(?!\[SocketServer [^\]]{1,100}\] Failed (?:re-)?authentication )|\)$/
}

/** Where events of a format begin and end, for a file that is tailed. */
export function eventRules(format: LogFormat): { readonly begins: (line: string) => boolean; readonly whole: (text: string) => boolean } {
  return { begins: line => format.layout.begins(line), whole: text => isWholeEvent(format, text) }
}

/** Whether these physical lines are a whole event. A message with a line break can look whole before it is; its rest is then unparsed. */
export function isWholeEvent(format: LogFormat, text: string): boolean {
  const laid = format.layout.read(text)
  if (laid === null) return false
  const content = contentOf(format, laid.logger)
  return content === undefined || ends[content].test(laid.message)
}

/**
 * %c{1} writes only the last part of the name, and then configuration says what the file holds. Of a server log only logins are read, for
 * nobody waits for one that looks for who made a change.
 */
function contentOf({ content }: LogFormat, logger: string | null): LogContent | undefined {
  if (logger === null || logger === 'org.apache.kafka.common.network.Selector') return logger === null ? content : 'server'
  if (content === 'server') return /^(?:o\.a\.k\.c\.n\.)?Selector$/.test(logger) ? content : undefined
  if (logger === 'kafka.authorizer.logger') return 'authorizer'
  if (logger === 'kafka.request.logger') return 'request'
  return /^(?:k\.\w\.)?logger$/.test(logger) ? content : undefined
}
