import type { Decision, Notice } from '#shared/engine/agent.ts'
import { type Action, type Pause, pauseKey } from './actions.ts'
import type { GroupFacts, GuardianSnapshot } from './observe.ts'
import { type Policy, policyFor } from './policy.ts'
import { about, type Case, type Judged, remember, rememberAfresh, type Settled, shareGroup, verdictOf } from './rules/case.ts'
import { begin, type Look, windOn } from './rules/clocks.ts'
import { clusterNotices, judgeCluster } from './rules/cluster.ts'
import { gates } from './rules/gates.ts'
import { handToPerson, openIncident, putOnTrial, takeUp } from './rules/incident.ts'
import {
  type ClusterMemory,
  clusterSubject,
  type GroupMemory,
  groupOfSubject,
  groupSubject,
  type Incident,
  type Memory,
  type Paused,
  type Trial
} from './rules/memory.ts'
import * as say from './rules/notices.ts'
import { givingBack, standingPauses, verification } from './rules/pause.ts'
import { judgeTrial } from './rules/trial.ts'
import { causeOf, graver, severityOf, troubles } from './rules/troubles.ts'

/**
 * An incident of a group, from the first trouble to its end. The rules by number:
 *   1-4 is it in trouble · 5-13 may it be paused · 14-21 must it be given back · 22-24 did the trial go well
 *
 *                 1, 2 or 3              all of 5-13: in force            one of 14-20
 *     (none) ──────────────▶ watched ───────────────────────▶ paused ──────────────────▶ trial
 *        ▲                    │   │                              │                        │  │
 *        │ 1, 2, 3 are over   │   └── fixed ──▶ trial            │ 21 not verified        │  │
 *        ├────────────────────┘                                  ▼                        │  │
 *        │ moves, and 1, 2, 3 are over                      needs-person ◀── falls back ──┘  │
 *        ├───────────────────────────────────────────────────┘   └── fixed ──▶ trial         │
 *        └── recovers ───────────────────────────────────────────────────────────────────────┘
 *
 * An incident is paused once at most. What is not known moves nothing along, except back to the owner.
 */
export function decide({
  policy,
  snapshot,
  memory,
  now
}: {
  policy: Policy
  snapshot: GuardianSnapshot
  memory: ReadonlyMap<string, Memory>
  now: Date
}): Decision<Memory, Action> {
  const remembered = memory.get(clusterSubject) as ClusterMemory | undefined
  const cluster = judgeCluster(snapshot, remembered)
  const pauses = standingPauses(snapshot.standing)
  const groupIds = new Set([...snapshot.groups.keys(), ...pauses.byGroup.keys(), ...[...memory.keys()].flatMap(subject => groupOfSubject(subject) ?? [])])

  const judged = new Map<string, Judged>()
  const held = new Map<string, string[]>()
  for (const groupId of groupIds) {
    const facts = snapshot.groups.get(groupId) ?? null
    const result = judgeGroup({
      groupId,
      facts,
      gone: facts === null && isGone(groupId, snapshot),
      policy: policyFor(policy, groupId),
      before: memory.get(groupSubject(groupId)) as GroupMemory | undefined,
      standing: pauses.byGroup.get(groupId) ?? null,
      requests: snapshot.requests.filter(({ subject }) => subject === groupId),
      snapshot,
      cluster,
      nowMs: now.getTime()
    })
    judged.set(groupId, result)
    const mute = result.memory?.incident && facts && !cluster.suspended ? cluster.mutes(facts) : null
    if (mute) held.set(mute.fault, [...(held.get(mute.fault) ?? []), groupId])
  }

  const ofCluster = clusterNotices(cluster, remembered, held)
  const all = [...judged.values()]
  return {
    actions: all.flatMap(({ action }) => action ?? []),
    undo: [...all.flatMap(({ undo }) => undo ?? []), ...pauses.superfluous],
    notices: [...ofCluster.notices, ...all.flatMap(({ notices }) => notices)],
    memory: new Map<string, Memory>([
      [clusterSubject, ofCluster.memory],
      ...[...judged].flatMap(([groupId, result]) => (result.memory ? [[groupSubject(groupId), result.memory] as const] : []))
    ]),
    verdicts: all.flatMap(({ verdict }) => verdict ?? []),
    // What a person said of a group that is only unseen now is kept until it is seen.
    answered: snapshot.requests
      .filter(({ subject }) => snapshot.groups.has(subject) || pauses.byGroup.has(subject) || !judged.get(subject)?.memory)
      .map(({ id }) => id)
  }
}

/** An empty list of groups, and a look that could have missed this one, are no proof. */
function isGone(groupId: string, { groups, unseen }: GuardianSnapshot): boolean {
  const couldHide = unseen.some(
    ({ kind, id }) =>
      kind === 'broker' || kind === 'topics' || kind === 'groups' || kind === 'clock' || kind === 'maintenance' || (kind === 'group' && id === groupId)
  )
  return groups.size > 0 && !couldHide
}

function judgeGroup(given: Case): Judged {
  const { facts, before, policy, standing, gone } = given
  if (!standing && (gone || !policy.enabled || facts?.protocol === 'share')) {
    const because = gone ? 'the group is gone' : 'it is not looked at any more'
    const notices = before?.incident ? [say.isOver(about(given, before.incident), 'resolved', because)] : []
    return { memory: null, verdict: facts?.protocol === 'share' ? shareGroup(facts) : null, notices }
  }
  const look = lookAt(given)
  const { incident, said } = inLine(given, look.clocks.incident)
  const settled = { ...given, look, said }
  if (incident?.phase.is === 'paused') return paused(settled, incident, incident.phase)
  if (incident?.phase.is === 'trial') return onTrial(settled, incident, incident.phase)
  return watched(settled, incident)
}

function lookAt({ before, facts, policy, cluster, snapshot }: Case): Look {
  if (facts) return windOn(before, facts, policy, cluster.context)
  const kept = before ?? begin(snapshot.atMs)
  return { clocks: { ...kept, unseenSinceMs: kept.unseenSinceMs ?? cluster.context.previousAtMs }, complete: false, moved: null }
}

/** What is remembered, in line with what stands: a pause in force is never forgotten, and one that is not in force never assumed. */
function inLine(given: Case, remembered: Incident | null): { incident: Incident | null; said: Notice[] } {
  const { standing, facts, nowMs, policy } = given
  const phase = remembered?.phase.is === 'paused' ? remembered.phase : null
  if (standing && phase?.key !== standing.key) {
    const incident = takeUp(remembered, standing, nowMs)
    return { incident, said: [say.wasPaused(about(given, incident), standing.pause)] }
  }
  if (standing || !phase || !remembered) return { incident: remembered, said: [] }
  const why = phase.givingBack?.why ?? 'it was given back by hand'
  if (phase.givingBack?.thenPerson) {
    const incident = handToPerson(remembered, why, nowMs)
    return { incident, said: [say.needsPerson(about(given, incident), nowMs, why)] }
  }
  const incident = putOnTrial(remembered, facts, phase.key, why, nowMs)
  return { incident, said: [say.isOnTrial(about(given, incident), nowMs, why, nowMs + policy.trialFor)] }
}

/** No pause is in force: rules 1 to 13. */
function watched(given: Settled, incident: Incident | null): Judged {
  const { facts, look, policy, snapshot, cluster, requests, nowMs, said } = given
  if (!facts) return { memory: remember(look, incident), verdict: verdictOf(given, incident, 'unknown', 'the group was not seen', []), notices: said }
  const trouble = troubles(facts, look, policy, snapshot.atMs)
  const worst = trouble.held[0] ?? null

  if (incident && requests[0]) {
    const why = `${requests[0].who} said ${requests[0].kind}: ${requests[0].why}`
    const next = putOnTrial(incident, facts, null, why, nowMs)
    return {
      memory: rememberAfresh(look, next),
      verdict: verdictOf(given, next, 'trial', why, trouble.rules),
      notices: [...said, say.isOnTrial(about(given, next), nowMs, why, nowMs + policy.trialFor)]
    }
  }
  const person = incident?.phase.is === 'needs-person' ? incident.phase : null
  const over = trouble.rules.every(({ held }) => held === false)
  // Not by standing still, or being far behind, for less than the rules ask for: after a gap every clock begins anew. After a pause for as long as a trial lasts.
  const wasBehind = incident?.trouble === 'behind' || incident?.trouble === 'stuckBehind'
  const moves = look.moved === 'advanced' || facts.readable.held === false
  const recovers = moves && !(wasBehind && Object.keys(look.clocks.behindSinceMs).length > 0)
  const byItself = person === null ? recovers : moves && nowMs - person.sinceMs >= policy.trialFor
  if (over && (incident === null || byItself)) {
    const because = trouble.rules
      .slice(0, 3)
      .map(rule => rule.because)
      .join('; ')
    const behind = Object.keys(look.clocks.behindSinceMs).length > 0
    return {
      memory: remember(look, null),
      verdict: verdictOf(given, null, behind ? 'behind' : 'fine', because, trouble.rules),
      notices: incident ? [...said, say.isOver(about(given, incident), 'resolved', because)] : said
    }
  }
  const unknown = trouble.rules.find(({ held }) => held === 'unknown')
  if (!incident && !worst) {
    return { memory: remember(look, null), verdict: verdictOf(given, null, 'unknown', unknown?.because ?? 'nothing is known', trouble.rules), notices: said }
  }

  const causes = trouble.held.flatMap(held => (causeOf[held.trouble] ? [{ because: held.because, cause: causeOf[held.trouble]! }] : []))
  const chosen = causes.find(({ cause }) => policy.pauseOn.includes(cause)) ?? causes[0] ?? null
  const gated = chosen ? gates({ facts, look, policy, cluster, nowMs, cause: chosen.cause }) : []
  const { open, notices } = tell(given, facts, incident, trouble.held, person === null && chosen !== null && policy.pauseOn.includes(chosen.cause))
  const rules = [...trouble.rules, ...gated]
  if (person) return { memory: remember(look, open), verdict: verdictOf(given, open, 'needs-person', person.why, rules), notices }
  const refused = gated.find(({ held }) => held !== true)
  const action = chosen && !refused ? pauseOf(given, facts, open, chosen) : null
  if (action) return { memory: remember(look, open), verdict: verdictOf(given, open, 'to be paused', action.why, rules), notices, action }
  const why = [
    worst?.because ?? ['whether it is out of trouble is not known', ...(unknown ? [unknown.because] : [])].join(': '),
    ...(refused ? [`not paused, rule ${refused.rule}: ${refused.because}`] : [])
  ].join('; ')
  return { memory: remember(look, open), verdict: verdictOf(given, open, 'told', why, rules), notices }
}

/** Opens the incident where there is none, and tells the owner once for each severity that it rises to. */
function tell(
  given: Settled,
  facts: GroupFacts,
  incident: Incident | null,
  held: ReturnType<typeof troubles>['held'],
  canPause: boolean
): { open: Incident; notices: readonly Notice[] } {
  const { look, policy, snapshot, cluster, said } = given
  const worst = held[0]
  if (!worst) return { open: incident!, notices: said }
  const before = incident ?? openIncident(snapshot.atMs, worst)
  const severity = cluster.mutes(facts) ? 'warning' : severityOf(facts, look, policy, snapshot.atMs)
  const rises = graver(severity, before.said)
  const open: Incident = { ...before, trouble: before.phase.is === 'watched' ? worst.trouble : before.trouble, said: rises ? severity : before.said }
  const notice = rises
    ? [
        say.inTrouble(
          about(given, open),
          severity,
          facts,
          held.map(({ because }) => because),
          canPause,
          policy
        )
      ]
    : []
  return { open, notices: [...said, ...notice] }
}

function pauseOf(
  { groupId, snapshot, policy, nowMs }: Settled,
  facts: GroupFacts,
  { startMs }: Incident,
  { cause, because }: { cause: Pause['cause']; because: string }
): Action | null {
  // Rules 6 and 12 have made sure of both.
  if (facts.lossAtMs === null || !facts.owner) return null
  return {
    kind: 'pause',
    clusterId: snapshot.clusterId,
    groupId,
    incidentStartMs: startMs,
    cause,
    commandId: pauseKey(groupId, startMs),
    issuedAtMs: nowMs,
    untilMs: nowMs + policy.pauseFor,
    ttlMs: policy.pauseFor,
    lossAtMs: facts.lossAtMs,
    owner: facts.owner.team,
    why: because
  }
}

/** A pause is in force: rules 14 to 21. */
function paused(given: Settled, incident: Incident, before: Paused): Judged {
  const { standing, facts, gone, look, policy, snapshot, requests, nowMs, said, cluster } = given
  const { pause, key } = standing!
  const phase = facts ? verification(before, pause, facts, look, policy, snapshot.atMs, nowMs) : before
  const rules = givingBack({ pause, phase, facts, gone, policy, requests, nowMs, toleranceMs: cluster.context.toleranceMs, intervalMs: snapshot.intervalMs })
  const reason = rules.find(({ held }) => held === true)
  const back = before.givingBack ?? (reason ? { why: reason.because, thenPerson: reason.rule === '21 not verified' } : null)
  const next: Incident = { ...incident, phase: { ...phase, givingBack: back } }
  const verified = phase.verifiedAtMs !== null && before.verifiedAtMs === null
  const why = back ? `given back: ${back.why}` : `${pause.cause}: ${pause.why}; ${phase.verifiedAtMs === null ? 'not verified yet' : 'verified'}`
  return {
    memory: back && !back.thenPerson ? rememberAfresh(look, next) : remember(look, next),
    verdict: verdictOf(given, next, 'paused', why, rules),
    notices: verified ? [...said, say.wasVerified(about(given, next), facts?.members?.length ?? 0, pause)] : said,
    ...(back && { undo: { key, why: back.why } })
  }
}

/** Given back, and watched: rules 22 to 24. */
function onTrial(given: Settled, incident: Incident, before: Trial): Judged {
  const { facts, look, policy, snapshot, nowMs, said, cluster } = given
  if (!facts) return { memory: remember(look, incident), verdict: verdictOf(given, incident, 'trial', 'the group was not seen', []), notices: said }
  const { trial, outcome, because, rules } = judgeTrial(before, facts, look, policy, snapshot, nowMs, cluster.context.restart)
  if (outcome === 'recovered') {
    return {
      memory: rememberAfresh(look, null),
      verdict: verdictOf(given, null, 'fine', because, rules),
      notices: [...said, say.isOver(about(given, incident), 'trial-held', because)]
    }
  }
  if (outcome === 'fell back') {
    const next = handToPerson(incident, because, nowMs)
    return {
      memory: remember(look, next),
      verdict: verdictOf(given, next, 'needs-person', because, rules),
      notices: [...said, say.needsPerson(about(given, next), nowMs, because)]
    }
  }
  const next = { ...incident, phase: trial }
  return { memory: remember(look, next), verdict: verdictOf(given, next, 'trial', because, rules), notices: said }
}
