import { formatDuration } from '#shared/domain/duration.ts'
import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy, PauseCause } from '../policy.ts'
import type { Look } from './clocks.ts'
import type { ClusterLook } from './cluster.ts'
import type { Rule } from './troubles.ts'

export interface GateFacts {
  readonly facts: GroupFacts
  readonly look: Look
  readonly policy: GroupPolicy
  readonly cluster: ClusterLook
  readonly nowMs: number
  readonly cause: PauseCause
}

/** Rules 5 to 14: every one must hold before a group in trouble is paused. A wrong pause is worse than ten missed ones. */
export function gates(input: GateFacts): Rule[] {
  return [
    policyAllows,
    ownerIsRegistered,
    lookIsComplete,
    clusterIsWell,
    noRebalance,
    stillSomethingToRead,
    everyMemberObeys,
    pauseFitsRetention,
    nothingElseCommands
  ].map(gate => gate(input))
}

function policyAllows({ policy, cause }: GateFacts): Rule {
  return { rule: '5 policy', held: policy.pauseOn.includes(cause), because: `pauseOn is [${policy.pauseOn.join(', ')}], the cause is ${cause}` }
}

function ownerIsRegistered({ facts: { owner } }: GateFacts): Rule {
  const because = owner?.by === 'group' ? `${owner.team} has registered it` : 'nobody has registered this group, so nobody could say that it is fixed'
  return { rule: '6 owner', held: owner?.by === 'group', because }
}

function lookIsComplete({ facts, look }: GateFacts): Rule {
  return { rule: '7 complete look', held: look.complete, because: look.complete ? 'everything about this group was seen' : facts.missing.join('; ') }
}

/** Over the whole window in which the trouble grew: a standstill that an outage began is not the group's. */
function clusterIsWell({ cluster, policy, cause, nowMs }: GateFacts): Rule {
  const rule = '8 cluster'
  const { wellSinceMs } = cluster.memory
  if (wellSinceMs === null) return { rule, held: false, because: cluster.wrong.join('; ') }
  const windowMs = Math.max(policy.rebalanceQuietFor, { stuckBehind: policy.noProgressFor, crashLoop: policy.memberChangesWithin, lag: policy.lagFor }[cause])
  const wellMs = cluster.context.atMs - wellSinceMs
  return {
    rule,
    held: wellMs >= windowMs && nowMs >= wellSinceMs,
    because: `seen well for ${formatDuration(wellMs)}, ${formatDuration(windowMs)} are asked for`
  }
}

/** In a crash loop the rebalances are the trouble itself. */
function noRebalance({ look, policy, cause, cluster }: GateFacts): Rule {
  const rule = '9 no rebalance'
  if (cause === 'crashLoop') return { rule, held: true, because: 'in a crash loop the rebalances are the trouble' }
  const quietMs = cluster.context.atMs - look.clocks.rebalancedAtMs
  return {
    rule,
    held: quietMs >= policy.rebalanceQuietFor,
    because: `quiet for ${formatDuration(quietMs)}, ${formatDuration(policy.rebalanceQuietFor)} are asked for`
  }
}

function stillSomethingToRead({ facts: { readable } }: GateFacts): Rule {
  return { rule: '10 something to read', held: readable.held ?? 'unknown', because: readable.because }
}

/** Each member that lives now must have spoken lately; where members come and go, another one of the same client may have. */
function everyMemberObeys({ facts, policy, cause, nowMs }: GateFacts): Rule {
  const rule = '11 SDK'
  const { members, acks } = facts
  if (members === null) return { rule, held: 'unknown', because: 'its members were not seen' }
  if (acks === null) return { rule, held: 'unknown', because: 'whether its members speak the SDK was not seen' }
  const looping = cause === 'crashLoop'
  const forMs = looping ? Math.max(policy.ackFreshFor, policy.memberChangesWithin) : policy.ackFreshFor
  const fresh = acks.filter(
    ({ atMs, state }) => Math.abs(nowMs - atMs) <= forMs && (state === 'paused' || state === 'running' || (looping && state === 'left'))
  )
  const unsupported = acks.filter(({ atMs, state }) => state === 'unsupported' && Math.abs(nowMs - atMs) <= forMs)
  if (unsupported.length > 0) return { rule, held: false, because: `${unsupported.map(({ memberId }) => memberId).join(', ')} cannot obey` }
  const silent = members.filter(({ memberId, clientId }) => !fresh.some(ack => ack.memberId === memberId || (looping && ack.clientId === clientId)))
  if (silent.length > 0)
    return {
      rule,
      held: false,
      because: `${silent.length} of ${members.length} members do not speak the SDK: ${silent.map(({ memberId }) => memberId).join(', ')}`
    }
  if (fresh.length === 0 || (members.length === 0 && !looping)) return { rule, held: false, because: 'no member lives that could obey' }
  return {
    rule,
    held: true,
    because: `${members.length === 0 ? 'its latest members' : `all ${members.length} members`} acknowledged within ${formatDuration(forMs)}`
  }
}

function pauseFitsRetention({ facts: { lossAtMs }, policy, nowMs }: GateFacts): Rule {
  const rule = '12 retention'
  if (lossAtMs === null) return { rule, held: 'unknown', because: 'when retention passes its commits is not known' }
  if (lossAtMs === 'never') return { rule, held: true, because: 'nothing that it has not read expires' }
  const roomMs = lossAtMs - policy.retentionMargin - nowMs
  return {
    rule,
    held: roomMs >= policy.pauseFor,
    because: `retention passes its commits in ${formatDuration(lossAtMs - nowMs)}; a pause of ${formatDuration(policy.pauseFor)} and ${formatDuration(policy.retentionMargin)} of margin must fit`
  }
}

function nothingElseCommands({ facts: { command }, nowMs }: GateFacts): Rule {
  const other = command?.state === 'paused' && command.untilMs > nowMs
  return { rule: '13 no other command', held: !other, because: other ? `${command.commandId} holds it already` : 'no other command is in force' }
}
