import { formatDuration } from '#shared/domain/duration.ts'
import type { PersonRequest, Standing } from '#shared/engine/agent.ts'
import { type Pause, pauseSchema } from '../actions.ts'
import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy } from '../policy.ts'
import type { Look } from './clocks.ts'
import type { Paused } from './memory.ts'
import type { Rule } from './troubles.ts'

export interface StandingPause {
  readonly pause: Pause
  readonly key: string
  readonly appliedAtMs: number
}

/** The pauses in force by group. A second one of the same group, and one that this release cannot read, are to be given back. */
export function standingPauses(standing: readonly Standing[]) {
  const byGroup = new Map<string, StandingPause>()
  const superfluous: { key: string; why: string }[] = []
  for (const { key, action, appliedAtMs } of standing.toSorted((a, b) => b.appliedAtMs - a.appliedAtMs)) {
    const { success, data } = pauseSchema.safeParse(action)
    if (!success) superfluous.push({ key, why: 'what stands cannot be read as a pause' })
    else if (byGroup.has(data.groupId)) superfluous.push({ key, why: 'a later pause of this group stands' })
    else byGroup.set(data.groupId, { pause: data, key, appliedAtMs })
  }
  return { byGroup, superfluous }
}

export interface PauseFacts {
  readonly pause: Pause
  readonly phase: Paused
  /** Null: the group is not in the view. */
  readonly facts: GroupFacts | null
  /** The group is certainly gone, not only unseen. */
  readonly gone: boolean
  readonly policy: GroupPolicy
  readonly requests: readonly PersonRequest[]
  readonly nowMs: number
  readonly toleranceMs: number
  /** From one look to the next. */
  readonly intervalMs: number
}

/** Rules 14 to 21: one that holds is reason enough to give the group back. None of them needs a complete look. */
export function givingBack({ pause, phase, facts, gone, policy, requests, nowMs, toleranceMs, intervalMs }: PauseFacts): Rule[] {
  const request = requests[0]
  const endsAtMs = Math.min(pause.untilMs, phase.appliedAtMs + policy.pauseFor)
  const lossAtMs = facts?.lossAtMs ?? pause.lossAtMs
  const owner = facts?.owner ?? null
  const allowed = policy.enabled && policy.pauseOn.includes(pause.cause)
  const brokenMs = phase.brokenSinceMs === null ? null : nowMs - phase.brokenSinceMs
  const withinMs = verifyWithinMs(policy, intervalMs)
  const refusers = facts === null ? [] : refusing(pause, facts, policy, nowMs)
  const rule = (name: string, held: boolean, because: string): Rule => ({ rule: name, held, because })
  return [
    rule('14 asked', request !== undefined, request ? `${request.who} said ${request.kind}: ${request.why}` : 'nobody asked for it'),
    rule(
      '15 expiry',
      nowMs >= endsAtMs,
      nowMs >= endsAtMs ? `the pause of ${formatDuration(endsAtMs - phase.appliedAtMs)} is over` : `${formatDuration(endsAtMs - nowMs)} of the pause are left`
    ),
    rule(
      '16 clock',
      nowMs < phase.appliedAtMs - toleranceMs,
      nowMs < phase.appliedAtMs - toleranceMs ? 'the clock stands before the pause, so its end cannot be told' : 'the clock stands after the pause began'
    ),
    rule('17 policy', !allowed, allowed ? `the policy still pauses on ${pause.cause}` : `the policy pauses on ${pause.cause} no more`),
    rule(
      '18 owner',
      facts !== null && owner?.team !== pause.owner,
      `it was paused for ${pause.owner}, ${facts === null ? 'and it is not seen now' : `its owner is ${owner?.team ?? 'nobody'}`}`
    ),
    rule('19 group gone', gone, gone ? 'the group is gone' : facts === null ? 'the group was not seen, which is not gone' : 'the group is there'),
    rule(
      '20 retention',
      typeof lossAtMs === 'number' && lossAtMs - policy.retentionMargin <= nowMs,
      typeof lossAtMs === 'number'
        ? `retention passes its commits in ${formatDuration(lossAtMs - nowMs)}, ${formatDuration(policy.retentionMargin)} are the margin`
        : 'nothing that it has not read expires'
    ),
    rule(
      '21 not verified',
      refusers.length > 0 || (brokenMs !== null && brokenMs >= withinMs),
      refusers.length > 0
        ? `${refusers.join(', ')} answered that it cannot obey`
        : brokenMs === null
          ? 'it holds, as far as was seen'
          : `not every member held it, or commits moved, or that was not seen, for ${formatDuration(brokenMs)} of ${formatDuration(withinMs)}`
    )
  ]
}

/** Two looks prove a pause, and its end: where scans come further apart, as the brokers are busy, members get the time of two. */
export function verifyWithinMs(policy: GroupPolicy, intervalMs: number): number {
  return Math.max(policy.verifyWithin, 2 * intervalMs)
}

/** Members that live and said lately of this very command that they cannot obey it: there is nothing to wait for. */
function refusing(pause: Pause, { members, acks }: GroupFacts, policy: GroupPolicy, nowMs: number): string[] {
  const refused = (acks ?? []).filter(
    ack => ack.commandId === pause.commandId && ack.state === 'unsupported' && Math.abs(nowMs - ack.atMs) <= policy.ackFreshFor
  )
  return refused.flatMap(({ memberId }) => (members?.some(member => member.memberId === memberId) ? [memberId] : []))
}

/**
 * A pause is verified by two complete looks in a row in which every live member acknowledges this very command and no commit
 * moved between them. A look with a hole changes nothing: only the time runs on.
 */
export function verification(phase: Paused, pause: Pause, facts: GroupFacts, look: Look, policy: GroupPolicy, atMs: number, nowMs: number): Paused {
  if (!look.complete || atMs < phase.appliedAtMs) return phase
  const { members, acks } = facts
  const held = (acks ?? []).filter(ack => ack.commandId === pause.commandId && ack.state === 'paused' && Math.abs(nowMs - ack.atMs) <= policy.ackFreshFor)
  const moving = look.moved === 'advanced' || look.moved === 'rewound'
  // A crash loop may have nobody alive at this moment: the next member is the one that counts.
  if (members?.length === 0 && pause.cause === 'crashLoop' && !moving) return { ...phase, quietSinceMs: null, brokenSinceMs: null }
  const acknowledged = members !== null && members.length > 0 && members.every(({ memberId }) => held.some(ack => ack.memberId === memberId))
  if (!acknowledged || moving) return { ...phase, quietSinceMs: null, brokenSinceMs: phase.brokenSinceMs ?? nowMs }
  const flat = look.moved === 'not' && phase.quietSinceMs !== null && atMs > phase.quietSinceMs
  if (!flat) return { ...phase, quietSinceMs: atMs }
  return { ...phase, verifiedAtMs: phase.verifiedAtMs ?? nowMs, brokenSinceMs: null }
}
