import { generateKeyPairSync } from 'node:crypto'
import type { AuditEvent } from '#shared/audit/event.ts'
import { eventIdOf } from '#shared/audit/event-id.ts'
import { formatSigner, parseSigner, type Signer } from '#shared/proof/note-key.ts'

/** A denied read as an authorizer log gives it, about 1.1 KB when sealed; the same number gives the same event. */
export function deniedEvent(number: number, padding = ''): AuditEvent {
  const coordinate = `broker-1/kafka-authorizer.log/${number}`
  const timestampMs = 1_760_000_000_000 + number
  return {
    eventId: eventIdOf('access.denied', coordinate),
    eventType: 'access.denied',
    source: 'authorizer-log',
    timestampMs,
    correlationId: null,
    causationId: null,
    metadata: { userId: 'User:app', sessionId: null, traceId: null, environment: 'production' },
    payload: {
      class_uid: 6005,
      category_uid: 6,
      type_uid: 600_501,
      activity_id: 1,
      severity_id: 2,
      time: timestampMs,
      status: 'Failure',
      status_id: 2,
      status_code: 'TOPIC_AUTHORIZATION_FAILED',
      actor: { user: { name: 'User:app' } },
      src_endpoint: { ip: '10.0.0.1', location: { region: 'eu-central-1' } },
      api: { operation: 'Fetch', request: { uid: `broker-1-${number}` } },
      resources: [{ name: 'payments.events.transaction.v1', type: 'topic' }],
      metadata: { version: '1.9.0-dev', product: { name: 'Reeve', vendor_name: 'Reeve' }, profiles: ['record_integrity'] },
      unmapped: { coordinate, ...(padding && { padding }) }
    }
  }
}

/** An Ed25519 key of its own under this name. */
export function newSigner(name: string): Signer {
  return parseSigner(formatSigner(name, generateKeyPairSync('ed25519').privateKey))
}
