import { formatDuration } from '#shared/domain/duration.ts'
import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy } from '../policy.ts'
import type { Look } from './clocks.ts'
import type { Trial } from './memory.ts'
import { verifyWithinMs } from './pause.ts'
import { type Rule, worstTopic } from './troubles.ts'

export interface TrialResult {
  readonly trial: Trial
  readonly outcome: 'goes on' | 'recovered' | 'fell back'
  readonly because: string
  readonly rules: readonly Rule[]
}

/**
 * Rules 22 to 24. A paused group cannot show that its reason is gone, so its return is a trial: its members must let go within
 * `verifyWithin` (or two looks), and over `trialFor` it must do what it did not do before. What was not seen decides nothing.
 */
export function judgeTrial(
  before: Trial,
  facts: GroupFacts,
  look: Look,
  policy: GroupPolicy,
  { atMs, intervalMs }: { readonly atMs: number; readonly intervalMs: number },
  nowMs: number,
  restart: boolean
): TrialResult {
  const trial = watch(restart ? { ...before, sinceMs: nowMs, movedAtMs: null } : before, facts, look, atMs, nowMs)
  const result = (outcome: TrialResult['outcome'], because: string, rule: string): TrialResult => ({
    trial,
    outcome,
    because,
    rules: [{ rule, held: outcome !== 'fell back', because }]
  })
  const triedMs = nowMs - trial.sinceMs
  if (triedMs < 0)
    return { ...result('goes on', 'the clock went back, so the trial starts again', '24 trial'), trial: { ...trial, sinceMs: nowMs, movedAtMs: null } }
  if (!look.complete) return result('goes on', `this look is incomplete: ${facts.missing.join('; ')}`, '24 trial')
  const withinMs = verifyWithinMs(policy, intervalMs)
  if (trial.freeAtMs === null && triedMs >= withinMs)
    return result('fell back', `not every member said within ${formatDuration(withinMs)} that it reads again`, '22 return verified')

  const changes = look.clocks.memberChangesMs.filter(at => at > trial.sinceMs).length
  if (trial.trouble === 'crashLoop' && changes >= policy.memberChanges && trial.movedAtMs === null && facts.readable.held !== false)
    return result('fell back', `its members changed ${changes} times since it was given back, and no commit advanced`, '23 no new loop')

  const rule = '24 trial'
  if (trial.freeAtMs === null || triedMs < policy.trialFor)
    return result('goes on', `watched for ${formatDuration(triedMs)} of ${formatDuration(policy.trialFor)}`, rule)
  if (facts.readable.held === false) return result('recovered', facts.readable.because, rule)
  const lag = worstTopic(facts)?.lagMessages ?? null
  if (trial.trouble === 'behind') {
    if (lag === null) return result('goes on', 'its lag is not known', rule)
    const less = lag <= policy.lagMessages || (trial.fromLagMessages !== null && lag < trial.fromLagMessages)
    return result(
      less ? 'recovered' : 'fell back',
      `it lags ${lag} messages, and lagged ${trial.fromLagMessages ?? 'an unknown number'} when it was given back`,
      rule
    )
  }
  if (facts.readable.held === null) return result('goes on', `whether there is something to read is not known: ${facts.readable.because}`, rule)
  const moves = trial.movedAtMs !== null && nowMs - trial.movedAtMs <= policy.trialFor / 2
  return result(
    moves ? 'recovered' : 'fell back',
    moves
      ? `its commits still advanced ${formatDuration(nowMs - trial.movedAtMs!)} ago`
      : `its commits ${trial.movedAtMs === null ? 'did not advance' : 'stopped again'} though there is something to read`,
    rule
  )
}

function watch(trial: Trial, facts: GroupFacts, look: Look, atMs: number, nowMs: number): Trial {
  if (!look.complete || atMs < trial.sinceMs) return trial
  return { ...trial, movedAtMs: look.moved === 'advanced' ? atMs : trial.movedAtMs, freeAtMs: trial.freeAtMs ?? (letGo(trial, facts) ? nowMs : null) }
}

/** Every member that lives has spoken, and none of them holds the command that was taken back. */
function letGo({ commandId }: Trial, { members, acks }: GroupFacts): boolean {
  if (commandId === null) return true
  return (
    members !== null &&
    members.every(({ memberId }) => acks?.some(ack => ack.memberId === memberId && !(ack.commandId === commandId && ack.state === 'paused')))
  )
}
