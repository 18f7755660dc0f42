import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { guard, powersOf } from '#shared/audit-log/guard.ts'
import { readGuardFacts } from '#shared/audit-log/guard-facts.ts'
import { canonical } from '#shared/audit/canonical.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import type { Admin } from '#shared/kafka/ports.ts'
import type { Feed, MirrorInput } from './feed.ts'

const driftKey = 'guard/drift'
const excludedKey = 'excluded'

export interface GuardFeedOptions {
  readonly admin: Pick<Admin, 'scan' | 'configs' | 'acls'>
  readonly topic: string
  readonly partitions: number
  readonly writer: string
  readonly transactionalIds: readonly string[]
  readonly everyMs: number
  /** Principals that are not mirrored. */
  readonly exclude: readonly string[]
  readonly remembered: Remembered
}

/** What was said last, and how often something was said. */
interface Said {
  readonly count: number
  readonly sha256: string
}

/** The mirror looks at its own topic: who could destroy it, and whether it still is what it must be. A drift is told when it changes. */
export function guardFeed({ admin, topic, partitions, writer, transactionalIds, everyMs, exclude, remembered }: GuardFeedOptions): Feed {
  let drifted = said(remembered, driftKey)
  let first = true
  let dueAt = performance.now()

  async function look(): Promise<MirrorInput[]> {
    const atMs = Date.now()
    const report = guard(await readGuardFacts(admin, { topic, partitions, writer, atMs }), transactionalIds)
    const findings = report.drift.map(({ setting, expected, actual }) => ({ what: setting, is: actual, expected }))
    const sha256 = hash('sha256', canonical(findings))
    const common = { powers: powersOf(report), findings: findings.length, timestampMs: atMs }
    if (drifted?.sha256 === sha256 || (drifted === null && findings.length === 0)) return [{ kind: 'guard', ...common, drift: null }]
    drifted = { count: (drifted?.count ?? 0) + 1, sha256 }
    return [
      { kind: 'guard', ...common, drift: { coordinate: `drift of ${topic}#${drifted.count}`, findings } },
      { kind: 'memory', memory: new Map([[driftKey, { ...drifted }]]) }
    ]
  }

  function whoIsExcluded(): MirrorInput[] {
    const before = said(remembered, excludedKey)
    const principals = exclude.toSorted()
    const sha256 = hash('sha256', canonical(principals))
    if (before?.sha256 === sha256 || (before === null && principals.length === 0)) return []
    const now = { count: (before?.count ?? 0) + 1, sha256 }
    return [
      { kind: 'excluded', coordinate: `exclusion#${now.count}`, timestampMs: Date.now(), principals },
      { kind: 'memory', memory: new Map([[excludedKey, { ...now }]]) }
    ]
  }

  return {
    ids: [],
    async next(maxWaitMs) {
      if (first) {
        first = false
        const excluded = whoIsExcluded()
        if (excluded.length > 0) return excluded
      }
      const earlyMs = dueAt - performance.now()
      if (earlyMs > 0) await sleep(Math.min(earlyMs, maxWaitMs))
      if (performance.now() < dueAt) return []
      const found = await look()
      // Behind the look: one that fails is repeated soon.
      dueAt = performance.now() + everyMs
      return found
    },
    close: async () => {}
  }
}

function said(remembered: Remembered, key: string): Said | null {
  return (remembered.get(key) as unknown as Said | undefined) ?? null
}
