import { canonical } from '#shared/audit/canonical.ts'
import { seal } from '#shared/audit/chain.ts'
import { type Entry, readEntry } from '#shared/audit/entry.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { verifyLog, type LogFault, type VerifiedLog } from '#shared/audit/verify-log.ts'
import { type LogPlace, originOf, transactionalIdOf } from '#shared/audit-log/place.ts'
import type { AuditLog, AuditLogOptions } from '#shared/audit-log/audit-log.ts'
import { openAuditLog } from '#shared/audit-log/writer.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Kafka, LogRecord } from '#shared/kafka/ports.ts'
import type { Signer } from '#shared/proof/note-key.ts'
import { deniedEvent, newSigner } from './audit-events.ts'

/** All that a test needs of one audit log, on a cluster in memory or a real one. */
export interface AuditLogWorld {
  readonly place: LogPlace
  readonly origin: string
  readonly signer: Signer
  readonly transactionalId: string
  open(options?: Partial<AuditLogOptions>): Promise<AuditLog>
  /** Committed records, in their order. */
  records(): Promise<LogRecord[]>
  verify(vkey?: string): Promise<VerifiedLog | LogFault>
  /** Numbers of the events that are in the log, in its order. */
  numbers(): Promise<number[]>
  close(): Promise<void>
}

export type OpenPorts = Pick<Kafka, 'openAppender' | 'openReader'>

export function auditLogWorld(
  ports: OpenPorts,
  topic: string,
  partition = 0,
  signer = newSigner('reeve.audit/a-cluster'),
  clusterId = 'a-cluster'
): AuditLogWorld {
  const place = { prefix: 'reeve.audit', clusterId, topic, partition }
  const origin = originOf(place)
  const opened: { close(): Promise<void> }[] = []
  const also = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.unshift(one)
    return one
  }
  const world: AuditLogWorld = {
    place,
    origin,
    signer,
    transactionalId: transactionalIdOf(place),
    async open(options = {}) {
      const appender = also(await ports.openAppender(transactionalIdOf(place)))
      const reader = also(await ports.openReader())
      const circumstances = () => ({ powers: ['User:admin'], excluded: {}, silent: [] })
      const log = await openAuditLog({ place, appender, reader, topicId: 'AAAA', signers: [signer], anchors: [], circumstances, ...options })
      return also(log)
    },
    async records() {
      const reader = await ports.openReader()
      try {
        await reader.assign(topic, partition, 'start')
        const records: LogRecord[] = []
        await reader.readToEnd(record => void records.push(record))
        return records
      } finally {
        await reader.close()
      }
    },
    async verify(vkey = signer.vkey) {
      const records = (await world.records()).map(({ key, value }) => ({ kind: key?.toString() ?? '', value: value ?? Buffer.alloc(0) }))
      return verifyLog(records, { origin, vkey })
    },
    async numbers() {
      const entries = (await world.records()).filter(({ key }) => key?.toString() === 'event').map(({ value }) => readEntry(value!))
      return entries.flatMap(entry => ('fault' in entry || entry.eventType !== 'access.denied' ? [] : [numberOf(entry)]))
    },
    async close() {
      for (const one of opened.splice(0)) await one.close()
    }
  }
  return world
}

/** The number of an event, whose body must be what a run without faults would have written. */
function numberOf({ coordinate, value }: Pick<Entry, 'coordinate' | 'value'>): number {
  const number = Number(coordinate.split('/').at(-1))
  const expected = readEntry(seal(deniedEvent(number), { origin: 'a/b/c/0', sequence: 0, previous: null }).bytes) as Entry
  if (canonical(bodyOf(value)) !== canonical(bodyOf(expected.value))) throw new Error(`the body of event ${number} is another than its source gave`)
  return number
}

/** An entry without what its place in the log gives it. */
function bodyOf({ payload, ...envelope }: Entry['value']): JsonValue {
  const metadata = { ...(payload['metadata'] as { readonly [name: string]: JsonValue }), sequence: 0 }
  return { ...envelope, payload: { ...payload, metadata, attestation_list: [] } }
}

/** Events `from` up to but without `to`, and the position behind them. */
export function batchOf(from: number, to: number): { events: AuditEvent[]; positions: { list: { through: number; resume: number } } } {
  return { events: Array.from({ length: to - from }, (_, index) => deniedEvent(from + index)), positions: { list: { through: to, resume: to } } }
}

/** Where the list of `batchOf` goes on, by what the log holds. */
export function nextOf(log: Pick<AuditLog, 'head'>): number {
  return (log.head.sources['list']?.resume as number | undefined) ?? 0
}
