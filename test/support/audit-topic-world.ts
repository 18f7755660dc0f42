import { compareLogs } from '#shared/audit/compare-logs.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { type JudgedLog, openLogJudge } from '#shared/audit/judge.ts'
import type { SourcePositions } from '#shared/audit/trailer.ts'
import { chainOf } from '#shared/audit/routing.ts'
import type { AuditLog, AuditLogOptions } from '#shared/audit-log/audit-log.ts'
import type { AuditBatch } from '#shared/audit-log/gathering.ts'
import { deniedEvent, newSigner } from './audit-events.ts'
import { type AuditLogWorld, auditLogWorld, type OpenPorts } from './audit-log-world.ts'

/** A topic of several logs, into which five lists of numbers are written, each a source of its own. */
export interface AuditTopicWorld {
  readonly worlds: readonly AuditLogWorld[]
  open(options?: Partial<AuditLogOptions>): Promise<AuditLog>
  /** Judges all logs, each by itself and then with the others. */
  judge(): Promise<JudgedLog[]>
  /** Throws unless the logs are right, and have the numbers up to this one once each, in their order, each list in the log that is its own. */
  requireAll(count: number): Promise<JudgedLog[]>
  close(): Promise<void>
}

const lists = 5
export const listOf = (number: number): string => `list-${number % lists}`

/** The numbers `from` up to but without `to` that the topic does not have yet, and the positions behind them. */
export function numbersOf(from: number, to: number, sources: SourcePositions = {}): AuditBatch & { readonly events: readonly AuditEvent[] } {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index).filter(number => number >= Number(sources[listOf(number)]?.through ?? 0))
  const positions = Object.fromEntries(numbers.map(number => [listOf(number), { through: number + 1, resume: number + 1 }]))
  return { events: numbers.map(number => deniedEvent(number)), sourceIds: numbers.map(listOf), positions }
}

/** Below this number every list has what it should. */
export function lowestOf(sources: SourcePositions): number {
  return Math.min(...Array.from({ length: lists }, (_, list) => Number(sources[listOf(list)]?.through ?? 0)))
}

export function auditTopicWorld(
  ports: OpenPorts,
  topic: string,
  chains: number,
  signer = newSigner('reeve.audit/a-cluster'),
  clusterId = 'a-cluster'
): AuditTopicWorld {
  const worlds = Array.from({ length: chains }, (_, partition) => auditLogWorld(ports, topic, partition, signer, clusterId))
  const world: AuditTopicWorld = {
    worlds,
    open: options => worlds[0]!.open({ chains, ...options }),
    async judge() {
      const logs: JudgedLog[] = []
      for (const one of worlds) {
        const judge = openLogJudge(one.origin, [signer.vkey])
        for (const { key, value } of await one.records()) judge.take(key?.toString() ?? '', value ?? Buffer.alloc(0))
        logs.push(judge.end())
      }
      const faults = compareLogs(logs, 'exact')
      return logs.map(log => ({ ...log, fault: log.fault ?? faults.get(log.origin) ?? null }))
    },
    async requireAll(count) {
      const logs = await world.judge()
      const wrong = logs.find(({ fault }) => fault !== null)
      if (wrong) throw new Error(`${wrong.origin}: entry ${wrong.fault!.sequence}: ${wrong.fault!.reason}`)
      const found = await Promise.all(worlds.map(one => one.numbers()))
      for (const [partition, numbers] of found.entries()) {
        const expected = Array.from({ length: count }, (_, number) => number).filter(number => chainOf(listOf(number), chains) === partition)
        const inOrder = new Map<string, number>()
        for (const number of numbers) {
          if (number <= (inOrder.get(listOf(number)) ?? -1)) throw new Error(`${topic}-${partition}: ${number} comes behind ${inOrder.get(listOf(number))}`)
          inOrder.set(listOf(number), number)
        }
        if (numbers.toSorted((one, other) => one - other).join() !== expected.join())
          throw new Error(`${topic}-${partition} has the numbers ${numbers.join()}, expected ${expected.join()}`)
      }
      return logs
    },
    async close() {
      for (const one of worlds) await one.close()
    }
  }
  return world
}
