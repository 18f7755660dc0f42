import type { JsonValue } from '../domain/json.ts'

/** Where an event was seen. */
export type AuditSource = 'metadata-log' | 'admin-scan' | 'authorizer-log' | 'request-log' | 'server-log' | 'journal' | 'mirror'

/** The members of an OCSF event that the chain does not set: all but `metadata.sequence` and `attestation_list`. */
export interface OcsfPayload {
  readonly class_uid: 6003 | 3002 | 6005 | 1008
  readonly type_uid: number
  readonly metadata: Readonly<Record<string, JsonValue>>
  readonly unmapped: Readonly<Record<string, JsonValue>> & { readonly coordinate: string }
  readonly [attribute: string]: JsonValue
}

/**
 * One event before it has its place in the chain: the envelope of README.md, section 3. Every value comes from the source, none from the
 * clock of whoever writes it, so that the same place of a source gives the same event again.
 */
export interface AuditEvent {
  readonly eventId: string
  readonly eventType: string
  readonly source: AuditSource
  /** Milliseconds since the epoch, the source's own time. */
  readonly timestampMs: number
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly metadata: {
    readonly userId: string | null
    readonly sessionId: string | null
    readonly traceId: string | null
    readonly environment: string | null
  }
  readonly payload: OcsfPayload
}
