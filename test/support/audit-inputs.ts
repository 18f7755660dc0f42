import type { LoginLine } from '#shared/broker-logs/line.ts'
import type { RequestItem } from '#shared/broker-logs/request-items.ts'
import type { AuthorizerLine, ChangeInput, LineInput, RequestLine } from '#shared/audit/inputs.ts'
import type { Setting } from '#shared/audit/ocsf.ts'
import type { ChangeKind } from '#shared/kafka/metadata-log/decode/describe.ts'

/** Inputs of the audit mirror as its sources bring them, for tests. Times are milliseconds since the epoch. */
export const setting: Setting = { clusterId: 'cluster-1', environment: 'test', logName: 'audit.platform-operations', regionOf: () => null }

export const noon = Date.UTC(2026, 10, 21, 12)

const read = (sourceId: string, offset: number, atMs: number) => ({
  coordinate: { kind: 'topic', topic: sourceId, partition: 0, offset, host: 'broker-1' } as const,
  time: { atMs, timeCertainty: 'stated' } as const,
  level: 'INFO',
  flaws: [],
  forgeable: false
})

export function access(sourceId: string, offset: number, atMs: number, facts: Partial<AuthorizerLine> = {}): LineInput & { line: AuthorizerLine } {
  const line: AuthorizerLine = {
    kind: 'authorizer',
    ...read(sourceId, offset, atMs),
    principal: 'User:app',
    allowed: true,
    operation: 'READ',
    address: '10.0.0.1',
    resourceType: 'Topic',
    resourceName: 'payments',
    request: 'Fetch',
    resourceRefCount: 1,
    rule: 'DefaultAllow',
    accessAsked: true,
    ...facts
  }
  return { kind: 'line', sourceId, position: offset, line }
}

export function request(
  sourceId: string,
  offset: number,
  atMs: number,
  items: readonly Partial<RequestItem>[],
  facts: Partial<RequestLine> = {}
): LineInput & { line: RequestLine } {
  const line: RequestLine = {
    kind: 'request',
    ...read(sourceId, offset, atMs),
    api: 'CREATE_TOPICS',
    apiVersion: 7,
    correlationId: 3,
    clientId: 'adminclient-1',
    principal: 'User:admin',
    forwarded: false,
    address: '10.0.0.9',
    port: 1234,
    listener: 'INTERNAL',
    securityProtocol: 'SASL_SSL',
    software: { name: 'apache-kafka-java', version: '4.1.1' },
    tookMs: 12.5,
    validateOnly: false,
    errorCode: null,
    items: items.map(item => ({ change: 'create-topic', resource: { type: 'topic', name: 'payments' }, errorCode: 0, asked: {}, ...item })),
    ...facts
  }
  return { kind: 'line', sourceId, position: offset, line }
}

export function login(sourceId: string, offset: number, atMs: number, facts: Partial<LoginLine> = {}): LineInput & { line: LoginLine } {
  const line: LoginLine = {
    kind: 'login',
    ...read(sourceId, offset, atMs),
    succeeded: false,
    again: false,
    address: '10.0.0.1',
    port: 51_234,
    listenerType: 'BROKER',
    listener: '10.0.0.9:9093',
    mechanism: 'SCRAM-SHA-512',
    reason: 'invalid-credentials',
    ...facts
  }
  return { kind: 'line', sourceId, position: offset, line }
}

export function change(offset: number, timestampMs: number, kind: ChangeKind, facts: Partial<ChangeInput['change']> = {}): ChangeInput {
  return {
    kind: 'change',
    sourceId: 'metadata',
    position: offset,
    source: 'metadata-log',
    coordinate: `metadata@${offset}`,
    timestampMs,
    earliestMs: timestampMs,
    change: { kind, resource: { type: 'topic', name: 'payments', id: 'id-of-payments' }, before: null, after: null, ...facts },
    records: { offsets: [[offset, offset]], epoch: 1, transaction: null },
    consequence: null
  }
}
