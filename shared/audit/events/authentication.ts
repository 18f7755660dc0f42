import { z } from 'zod'
import type { AuditEvent } from '../event.ts'
import type { LoginInput } from '../inputs.ts'
import { authentication, logon, type Setting } from '../ocsf.ts'
import { bound, text } from '../schema-parts.ts'

export const authenticationUnmapped = z.object({ reason: text.nullable().describe('Why it was refused.') })

/** One login. */
export function authenticationEvent(setting: Setting, login: LoginInput): AuditEvent {
  const { succeeded, principal, address, mechanism, listener, reason, source, coordinate, timestampMs } = login
  return authentication(setting, {
    eventType: succeeded ? 'authentication.succeeded' : 'authentication.failed',
    source,
    coordinate,
    timestampMs,
    activity: logon,
    severity: succeeded ? 'informational' : 'low',
    principal,
    address,
    operation: 'SaslAuthenticate',
    resources: [],
    status: succeeded ? 'success' : 'failure',
    mechanism,
    listener,
    message: `${principal === null ? 'Somebody' : bound(principal)} ${succeeded ? 'logged in' : 'was refused'}.`,
    unmapped: { reason }
  })
}
