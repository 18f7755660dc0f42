import { z } from 'zod'
import type { LoginLine } from '../../broker-logs/line.ts'
import type { LoginReason } from '../../broker-logs/login-line.ts'
import type { AuditEvent } from '../event.ts'
import { authentication, type EventFacts, logon, type Setting } from '../ocsf.ts'
import { bound, text } from '../schema-parts.ts'
import { foldedFacts, type FoldedLines, foldedLines } from './access.ts'
import { lineFacts, lineUnmapped, placeOf } from './line.ts'

const reason = text.nullable().describe('Why it was refused, in one word; `unparsed` for lines that could not be read.')
const { host, timeCertainty, ...flaws } = lineUnmapped

export const authenticationUnmapped = z.object({
  reason,
  host: host.optional(),
  timeCertainty: timeCertainty.optional(),
  ...flaws,
  listenerType: z.string().optional().describe('Where the client came to: BROKER or CONTROLLER.'),
  clientPort: z.number().int().nullable().optional(),
  again: z.boolean().optional().describe('True where an established connection showed its credentials once more.')
})

export const foldedLoginsUnmapped = z.object({ ...foldedLines, reason })

/** Logins that were counted together. */
export interface FoldedLogin extends FoldedLines {
  readonly kind: 'login'
  readonly succeeded: boolean
  /** Null where there were too many. */
  readonly address: string | null
  readonly mechanism: string | null
  readonly reason: LoginReason | 'unparsed' | null
}

/** One login. Kafka writes nowhere who it was. */
export function authenticationEvent(setting: Setting, line: LoginLine): AuditEvent {
  const { succeeded, address, listener, listenerType, mechanism, reason: why, port, again, time } = line
  return authentication(setting, {
    ...outcome(line),
    eventType: succeeded ? 'authentication.succeeded' : 'authentication.failed',
    coordinate: placeOf(line),
    timestampMs: time.atMs,
    listener,
    mechanism,
    message: `Somebody at ${bound(address)} ${succeeded ? 'logged in' : `was refused: ${why}`}.`,
    unmapped: { ...lineFacts(line), reason: why, listenerType, clientPort: port, again: again || undefined }
  })
}

/** Logins of one address, mechanism and reason in one minute, or those that came late. */
export function foldedLoginsEvent(setting: Setting, folded: FoldedLogin): AuditEvent {
  const { succeeded, address, mechanism, reason: why, lines, firstMs, lastMs, corrects } = folded
  const what = `${lines} ${lines === 1 ? 'login' : 'logins'}`
  return authentication(setting, {
    ...outcome(folded),
    eventType: corrects ? 'authentication.corrected' : 'authentication.folded',
    coordinate: folded.coordinate,
    timestampMs: folded.minuteMs,
    listener: null,
    mechanism,
    causationId: corrects?.eventId ?? null,
    counted: { count: lines, firstMs, lastMs },
    message: `${what} from ${bound(address ?? 'several addresses')} ${succeeded ? 'succeeded' : `failed: ${why}`}${corrects ? ', told late' : ''}.`,
    unmapped: { ...foldedFacts(folded), reason: why }
  })
}

function outcome({ succeeded, address, mechanism }: Pick<FoldedLogin, 'succeeded' | 'address' | 'mechanism'>) {
  return {
    source: 'server-log',
    activity: logon,
    severity: succeeded ? 'informational' : 'low',
    principal: null,
    address,
    operation: mechanism === null ? 'Authenticate' : mechanism === 'SSL' ? 'SslHandshake' : 'SaslAuthenticate',
    resources: [],
    status: succeeded ? 'success' : 'failure'
  } as const satisfies Partial<EventFacts>
}
