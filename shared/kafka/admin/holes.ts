import type { Unseen } from '../../domain/cluster-view.ts'
import { apiErrorName } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'

/** Collects what a scan did not see; each part is named once, with the first reason. */
export interface Holes {
  add(kind: Unseen['kind'], id: string | number, why: string): void
  list(): Unseen[]
}

export function holes(): Holes {
  const byPart = new Map<string, Unseen>()
  return {
    add(kind, id, why) {
      const key = `${kind} ${id}`
      if (!byPart.has(key)) byPart.set(key, { kind, id: String(id), why })
    },
    list: () => [...byPart.values()]
  }
}

/** Why a request brought nothing, in one line. Anything but a fault of Kafka is a mistake of ours and is thrown on. */
export function reason(error: unknown): string {
  if (error instanceof KafkaFault) return error.message
  throw error
}

/** Kafka's name of an error code with the broker's own words, where it gave some. */
export function errorText(code: number, message?: string | null): string {
  return message ? `${apiErrorName(code)}: ${message}` : apiErrorName(code)
}

/** Splits a list into pieces of at most `size`. */
export function inPieces<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = []
  for (let start = 0; start < items.length; start += size) pieces.push(items.slice(start, start + size))
  return pieces
}
