import type { ClusterView } from '../domain/cluster-view.ts'
import { decodeObservation, foldObservation, type Observation } from './observation.ts'

export interface Latest {
  readonly view: ClusterView
  readonly sequence: number
  readonly intervalMs: number
}

export interface Fold {
  /** Takes the next record. Says of which moment an observation is whole now (epoch milliseconds), else null. Throws on bytes that are not an observation. */
  add(value: Buffer): number | null
  /** The newest whole observation; null before the first key frame, and after a hole until the next one. */
  readonly latest: Latest | null
}

/** Puts the records of the observations topic together, one after the other. */
export function observationFold(): Fold {
  let latest: Latest | null = null
  let parts: Observation[] = []
  return {
    add(value) {
      const part = decodeObservation(value)
      parts = part.part === 0 ? [part] : [...parts, part]
      if (parts.length < part.parts) return null
      const follows = part.keyFrame || latest?.sequence === part.sequence - 1
      const view = follows ? foldObservation(latest?.view ?? null, parts) : null
      latest = view === null ? null : { view, sequence: part.sequence, intervalMs: part.intervalMs }
      parts = []
      return part.atMs
    },
    get latest() {
      return latest
    }
  }
}
