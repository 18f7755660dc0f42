import type { AuditEvent } from './event.ts'
import { accessEvent, foldedEvent } from './events/access.ts'
import { authenticationEvent, foldedLoginsEvent } from './events/authentication.ts'
import { placeOf } from './events/line.ts'
import { unparsedEvent } from './events/mirror.ts'
import { requestEvent } from './events/request.ts'
import { type Exclusion, leaveOut } from './exclusion.ts'
import { type AccessMode, type Began, type CountedLogin, type Fold, type Folded, foldLine, foldLogin, type FoldOptions } from './fold.ts'
import type { AuthorizerLine, LineInput } from './inputs.ts'
import type { Setting } from './ocsf.ts'
import type { SourceClock } from './watermark.ts'

export interface LineOptions extends FoldOptions {
  readonly setting: Setting
  /** How an allowed access is written. */
  readonly modeOf: (line: AuthorizerLine) => AccessMode
  /** Whether what this principal was allowed, or did, is left out and counted. What it was denied is written. */
  readonly isExcluded: (principal: string) => boolean
}

/** What a line of one source is read with. */
interface LineReader {
  readonly fold: Fold
  /** Inputs before this one are in events already. */
  readonly foldFrom: number
  readonly exclusion: Exclusion
  readonly options: LineOptions
}

/** Brokers ask for ALTER on the cluster to end a transaction, each of the mirror's own too. */
const endOfTransaction = 'WriteTxnMarkers'

/** The event that a line is, if it is one. Accesses and logins that are folded go into the fold; what that closes is added to `folded`. */
export function lineRead(
  { fold, foldFrom, exclusion, options }: LineReader,
  { line }: LineInput,
  { began, watermarkMs, replay }: { readonly began: Began; readonly watermarkMs: number; readonly replay: boolean },
  folded: Folded[]
): AuditEvent | null {
  const { setting } = options
  if (line.kind === 'other') return null
  const login = loginIn(line, began.clock)
  if (login !== null) {
    if (began.index < foldFrom) return null
    const { alone, closed } = foldLogin(fold, login, began, watermarkMs, options)
    folded.push(...closed)
    if (!alone || replay) return null
  }
  if (line.kind === 'login') return authenticationEvent(setting, line)
  if (line.kind === 'unparsed') return replay ? null : unparsed(setting, line, began.clock)
  const written = line.kind === 'authorizer' && !line.allowed
  if (!written && options.isExcluded(line.principal)) {
    if (!replay) leaveOut(exclusion, line.principal, line.time.atMs, line.kind === 'authorizer' ? line.resourceRefCount : line.items.length)
    return null
  }
  if (line.kind === 'request') return replay ? null : requestEvent(setting, line)
  const mode = written ? 'each' : line.accessAsked === false ? 'count' : line.request === endOfTransaction ? 'fold' : options.modeOf(line)
  if (mode === 'each') return replay ? null : accessEvent(setting, line)
  if (began.index >= foldFrom) folded.push(...foldLine(fold, line, mode, began, watermarkMs, options))
  return null
}

/** What is counted of a line about a login; null for all others, and where nobody knows the minute. */
function loginIn(line: LineInput['line'], { newestMs }: SourceClock): CountedLogin | null {
  const { coordinate } = line
  if (line.kind === 'login') {
    const { succeeded, address, mechanism, reason, time } = line
    return { succeeded, address, mechanism, reason, coordinate, atMs: time.atMs }
  }
  const atMs = line.time?.atMs ?? newestMs
  if (line.kind !== 'unparsed' || !line.login || atMs === null) return null
  return { succeeded: false, address: null, mechanism: null, reason: 'unparsed', coordinate, atMs }
}

/** The event of what was counted. */
export function countedEvent(setting: Setting, folded: Folded): AuditEvent {
  return folded.kind === 'login' ? foldedLoginsEvent(setting, folded) : foldedEvent(setting, folded)
}

function unparsed(setting: Setting, line: Extract<LineInput['line'], { kind: 'unparsed' }>, { newestMs }: SourceClock): AuditEvent {
  const { reason, lengthBytes, sha256, flaws, time } = line
  const timeFrom = time !== null ? 'line' : newestMs !== null ? 'line-before' : 'unknown'
  return unparsedEvent(setting, { coordinate: placeOf(line), timestampMs: time?.atMs ?? newestMs, timeFrom, reason, lengthBytes, sha256, flaws })
}
