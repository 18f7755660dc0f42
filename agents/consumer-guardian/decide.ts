import type { Decision, Notice, Standing, Verdict } from '#shared/engine/agent.ts'
import { type Action, type Pause, pauseKey, pauseSchema } from './actions.ts'
import type { GroupFacts, GuardianSnapshot } from './observe.ts'
import { type GroupPolicy, type Policy, policyFor } from './policy.ts'
import { begin, type Look, windOn } from './rules/clocks.ts'
import { clusterNotices, type ClusterLook, judgeCluster } from './rules/cluster.ts'
import { gates } from './rules/gates.ts'
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
import { givingBack, verification } from './rules/pause.ts'
import { judgeTrial } from './rules/trial.ts'
import { causeOf, graver, type Rule, severityOf, troubles } from './rules/troubles.ts'

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

  const hurt = new Map<string, string[]>()
  const cases = [...groupIds].map(groupId => {
    const facts = snapshot.groups.get(groupId) ?? null
    const judged = judgeGroup({
      groupId,
      facts,
      policy: policyFor(policy, groupId),
      before: memory.get(groupSubject(groupId)) as GroupMemory | undefined,
      standing: pauses.byGroup.get(groupId) ?? null,
      requests: snapshot.requests.filter(({ subject }) => subject === groupId),
      gone:
        facts === null &&
        snapshot.groups.size > 0 &&
        !snapshot.unseen.some(({ kind, id }) => kind !== 'partition' && kind !== 'topic' && (!kind.startsWith('group-') || id === groupId)),
      snapshot,
      cluster,
      nowMs: now.getTime()
    })
    const mute = judged.memory?.incident && facts ? cluster.mutes(facts) : null
    if (mute) hurt.set(mute.fault, [...(hurt.get(mute.fault) ?? []), groupId])
    return { groupId, judged }
  })

  const ofCluster = clusterNotices(cluster, remembered, hurt)
  return {
    actions: cases.flatMap(({ judged }) => judged.action ?? []),
    undo: [...cases.flatMap(({ judged }) => judged.undo ?? []), ...pauses.superfluous],
    notices: [...ofCluster.notices, ...cases.flatMap(({ judged }) => judged.notices)],
    memory: new Map<string, Memory>([
      [clusterSubject, ofCluster.memory],
      ...cases.flatMap(({ groupId, judged }) => (judged.memory ? [[groupSubject(groupId), judged.memory] as const] : []))
    ]),
    verdicts: cases.flatMap(({ judged }) => judged.verdict ?? []),
    answered: snapshot.requests.map(({ id }) => id)
  }
}

interface Case {
  readonly groupId: string
  readonly facts: GroupFacts | null
  readonly policy: GroupPolicy
  readonly before: GroupMemory | undefined
  readonly standing: { readonly pause: Pause; readonly key: string; readonly appliedAtMs: number } | null
  readonly requests: GuardianSnapshot['requests']
  readonly gone: boolean
  readonly snapshot: GuardianSnapshot
  readonly cluster: ClusterLook
  readonly nowMs: number
}

interface Judged {
  readonly memory: GroupMemory | null
  readonly verdict: Verdict | null
  readonly notices: readonly Notice[]
  readonly action?: Action | null
  readonly undo?: { readonly key: string; readonly why: string } | null
}

function judgeGroup(given: Case): Judged {
  const { facts, before, policy, standing, gone } = given
  if (!standing && (!policy.enabled || facts?.protocol === 'share'))
    return { memory: null, verdict: facts?.protocol === 'share' ? notGoverned(facts) : null, notices: [] }
  if (!standing && gone)
    return { memory: null, verdict: null, notices: before?.incident ? [say.isOver(about(given, before.incident), 'resolved', 'the group is gone')] : [] }
  const look = lookAt(given)
  const incident = reconcile(given, look.clocks.incident)
  const settled: Settled = { ...given, look, said: incident.notices }
  if (incident.now === null) return watched(settled, null)
  if (incident.now.phase.is === 'paused') return paused(settled, incident.now, incident.now.phase)
  if (incident.now.phase.is === 'trial') return trial(settled, incident.now, incident.now.phase)
  return watched(settled, incident.now)
}

type Settled = Case & { readonly look: Look; readonly said: readonly Notice[] }

function lookAt({ before, facts, policy, cluster, snapshot }: Case): Look {
  if (facts) return windOn(before, facts, policy, cluster.context)
  const kept = before ?? begin(snapshot.atMs)
  return { clocks: { ...kept, unseenSinceMs: kept.unseenSinceMs ?? cluster.context.previousAtMs }, complete: false, moved: null }
}

/** Brings what is remembered in line with what stands: a pause that is in force is never forgotten, one that is not never assumed. */
function reconcile(given: Case, remembered: Incident | null): { now: Incident | null; notices: Notice[] } {
  const { standing, nowMs, policy } = given
  const phase = remembered?.phase ?? null
  if (standing && !(phase?.is === 'paused' && phase.key === standing.key)) {
    const { pause, key, appliedAtMs } = standing
    const expected = remembered?.startMs === pause.incidentStartMs
    const incident: Incident = {
      ...(expected
        ? remembered
        : { startMs: pause.incidentStartMs, sinceMs: pause.incidentStartMs, trouble: pause.cause === 'lag' ? 'behind' : pause.cause, said: 'warning' }),
      phase: { is: 'paused', key, appliedAtMs, quietSinceMs: null, verifiedAtMs: null, brokenSinceMs: expected ? appliedAtMs : nowMs, givingBack: null }
    }
    return { now: incident, notices: [say.wasPaused(about(given, incident), pause.cause, pause.why, pause.untilMs)] }
  }
  if (!remembered || phase?.is !== 'paused' || standing) return { now: remembered, notices: [] }
  const why = phase.givingBack?.why ?? 'it was given back by hand'
  const now: Incident = phase.givingBack?.thenPerson
    ? { ...remembered, phase: { is: 'needs-person', sinceMs: nowMs, why } }
    : {
        ...remembered,
        phase: {
          is: 'trial',
          sinceMs: nowMs,
          why,
          commandId: phase.key,
          trouble: remembered.trouble,
          fromLagMessages: given.facts?.lagMessages ?? null,
          movedAtMs: null,
          freeAtMs: null
        }
      }
  const notices =
    now.phase.is === 'trial' ? [say.wasGivenBack(about(given, now), nowMs, why, nowMs + policy.trialFor)] : [say.needsPerson(about(given, now), nowMs, why)]
  return { now, notices }
}

/** No pause is in force: rules 1 to 13. */
function watched(given: Settled, incident: Incident | null): Judged {
  const { facts, look, policy, snapshot, cluster, requests, nowMs, said } = given
  if (!facts) return { memory: remember(look, incident), verdict: verdict(given, incident, 'unknown', 'the group was not seen', []), notices: said }
  const trouble = troubles(facts, look, policy, snapshot.atMs)
  const worst = trouble.held[0] ?? null

  if (incident && requests[0]) {
    const why = `${requests[0].who} said ${requests[0].kind}: ${requests[0].why}`
    const phase: Trial = {
      is: 'trial',
      sinceMs: nowMs,
      why,
      commandId: null,
      trouble: incident.trouble,
      fromLagMessages: facts.lagMessages,
      movedAtMs: null,
      freeAtMs: nowMs
    }
    const onTrial = { ...incident, phase }
    const notice = say.wasGivenBack(about(given, onTrial), nowMs, why, nowMs + policy.trialFor)
    return { memory: remember(afresh(look), onTrial), verdict: verdict(given, onTrial, 'trial', why, trouble.rules), notices: [...said, notice] }
  }
  const person = incident?.phase.is === 'needs-person' ? incident.phase : null
  const over = look.complete && facts.commits !== null && worst === null && trouble.rules.every(({ held }) => held !== 'unknown')
  // As long as a trial, and not by standing still for less than the rules ask for.
  const byItself = person === null || (nowMs - person.sinceMs >= policy.trialFor && (look.moved === 'advanced' || facts.readable.held === false))
  if (incident && over && byItself) {
    const because = trouble.rules
      .map(rule => rule.because)
      .slice(0, 3)
      .join('; ')
    return {
      memory: remember(look, null),
      verdict: verdict(given, null, 'fine', because, trouble.rules),
      notices: [...said, say.isOver(about(given, incident), 'resolved', because)]
    }
  }
  if (!incident && !worst) return { memory: remember(look, null), verdict: { ...atRest(given, trouble.rules) }, notices: said }

  const causes = trouble.held.flatMap(held => (causeOf[held.trouble] ? [{ ...held, cause: causeOf[held.trouble]! }] : []))
  const chosen = causes.find(({ cause }) => policy.pauseOn.includes(cause)) ?? causes[0] ?? null
  const gated = chosen ? gates({ facts, look, policy, cluster, nowMs, cause: chosen.cause }) : []
  const notices = [...said]
  let open = incident
  if (worst) {
    const severity = cluster.mutes(facts) ? 'warning' : severityOf(facts, look, policy, snapshot.atMs)
    const told = incident ?? {
      startMs: snapshot.atMs,
      sinceMs: worst.sinceMs,
      trouble: worst.trouble,
      said: 'info' as const,
      phase: { is: 'watched' as const }
    }
    open = { ...told, ...(!person && { trouble: worst.trouble }), said: graver(severity, told.said) ? severity : told.said }
    if (graver(severity, told.said))
      notices.push(
        say.inTrouble(
          about(given, open),
          severity,
          facts,
          trouble.held.map(({ because }) => because),
          chosen !== null && policy.pauseOn.includes(chosen.cause) && !person,
          policy
        )
      )
  }
  const rules = [...trouble.rules, ...gated]
  const refused = gated.find(({ held }) => held !== true)
  if (person) return { memory: remember(look, open), verdict: verdict(given, open, 'needs-person', person.why, rules), notices }
  if (!chosen || !open || refused)
    return {
      memory: remember(look, open),
      verdict: verdict(
        given,
        open,
        'told',
        [worst?.because ?? 'whether it is out of trouble is not known', ...(refused ? [`not paused, rule ${refused.rule}: ${refused.because}`] : [])].join(
          '; '
        ),
        rules
      ),
      notices
    }
  return {
    memory: remember(look, open),
    verdict: verdict(given, open, 'to be paused', chosen.because, rules),
    notices,
    action: pauseOf(given, facts, open, chosen)
  }
}

function pauseOf(
  { groupId, snapshot, policy, nowMs }: Settled,
  facts: GroupFacts,
  { startMs }: Incident,
  { cause, because }: { cause: Pause['cause']; because: string }
): Action | null {
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
  const { facts, look, policy, snapshot, requests, nowMs, said, cluster } = given
  const { pause, key } = given.standing!
  const phase = facts ? verification(before, pause, facts, look, policy, snapshot.atMs, nowMs) : before
  const rules = givingBack({ pause, phase, facts, gone: given.gone, policy, requests, nowMs, toleranceMs: cluster.context.toleranceMs })
  const reason = rules.find(({ held }) => held === true) ?? null
  const back = before.givingBack ?? (reason && { why: reason.because, thenPerson: reason.rule === '21 not verified' })
  const next: Incident = { ...incident, phase: { ...phase, givingBack: back } }
  const verified =
    phase.verifiedAtMs !== null && before.verifiedAtMs === null ? [say.wasVerified(about(given, next), facts?.members?.length ?? 0, pause.untilMs)] : []
  const why = back ? `given back: ${back.why}` : `${pause.cause}: ${pause.why}; ${phase.verifiedAtMs === null ? 'not verified yet' : 'verified'}`
  return {
    memory: remember(back && !back.thenPerson ? afresh(look) : look, next),
    verdict: verdict(given, next, 'paused', why, rules),
    notices: [...said, ...verified],
    undo: back && { key, why: back.why }
  }
}

/** Given back, and watched: rules 22 to 24. */
function trial(given: Settled, incident: Incident, before: Trial): Judged {
  const { facts, look, policy, snapshot, nowMs, said, cluster, requests } = given
  if (!facts) return { memory: remember(look, incident), verdict: verdict(given, incident, 'trial', 'the group was not seen', []), notices: said }
  const asked = requests[0] && before.sinceMs !== nowMs
  const started = asked ? { ...before, sinceMs: nowMs, movedAtMs: null } : before
  const { trial: phase, verdict: result, because, rules } = judgeTrial(started, facts, look, policy, snapshot.atMs, nowMs, cluster.context.restart)
  if (result === 'goes on') return { memory: remember(look, { ...incident, phase }), verdict: verdict(given, incident, 'trial', because, rules), notices: said }
  if (result === 'recovered')
    return {
      memory: remember(afresh(look), null),
      verdict: verdict(given, null, 'fine', because, rules),
      notices: [...said, say.isOver(about(given, incident), 'trial-held', because)]
    }
  const fallen: Incident = { ...incident, phase: { is: 'needs-person', sinceMs: nowMs, why: because } }
  return {
    memory: remember(look, fallen),
    verdict: verdict(given, fallen, 'needs-person', because, rules),
    notices: [...said, say.needsPerson(about(given, fallen), nowMs, because)]
  }
}

/** The same look with every "since" begun anew: what was counted before does not count against a group that was given back. */
function afresh(look: Look): Look {
  return { ...look, clocks: { ...look.clocks, standstillSinceMs: null, behindSinceMs: {}, memberChangesMs: [] } }
}

const remember = (look: Look, incident: Incident | null): GroupMemory => ({ ...look.clocks, incident })
const about = ({ groupId, facts }: Case, incident: Incident): say.About => ({ groupId, owner: facts?.owner ?? null, incident })

/** By group; a second one under the same group, and one that this release cannot read, are given back. */
function standingPauses(standing: readonly Standing[]) {
  const byGroup = new Map<string, NonNullable<Case['standing']>>()
  const superfluous: { key: string; why: string }[] = []
  for (const { key, action, appliedAtMs } of standing.toSorted((a, b) => b.appliedAtMs - a.appliedAtMs)) {
    const { success, data } = pauseSchema.safeParse(action)
    if (!success) superfluous.push({ key, why: 'what stands cannot be read as a pause' })
    else if (byGroup.has(data.groupId)) superfluous.push({ key, why: 'a later pause of this group stands' })
    else byGroup.set(data.groupId, { pause: data, key, appliedAtMs })
  }
  return { byGroup, superfluous }
}

function atRest(given: Settled, rules: readonly Rule[]): Verdict {
  const { facts, look } = given
  const unknown = rules.find(({ held }) => held === 'unknown')
  if (unknown && (!look.complete || facts?.commits === null)) return verdict(given, null, 'unknown', unknown.because, rules)
  const behind = Object.keys(look.clocks.behindSinceMs).length > 0
  return verdict(given, null, behind ? 'behind' : 'fine', behind ? rules[0]!.because : rules[1]!.because, rules)
}

function verdict({ groupId, facts, look, cluster }: Settled, incident: Incident | null, state: string, why: string, rules: readonly Rule[]): Verdict {
  const { wellSinceMs } = cluster.memory
  return {
    subject: groupId,
    state,
    why,
    lagMessages: facts?.lagMessages ?? null,
    rules,
    facts: {
      protocol: facts?.protocol ?? null,
      groupState: facts?.state ?? null,
      members: facts?.members?.map(({ memberId }) => memberId) ?? null,
      owner: facts?.owner ?? null,
      lagByTopic: facts === null ? null : Object.fromEntries(facts.topics.map(({ topic, lagMessages }) => [topic, lagMessages])),
      commits: facts?.commits ?? null,
      somethingToRead: facts?.readable.held ?? null,
      lossAtMs: facts?.lossAtMs ?? null,
      command: facts?.command ? { ...facts.command } : null,
      acks: facts?.acks.map(ack => ({ ...ack })) ?? [],
      missing: facts?.missing ?? ['the group was not seen'],
      standstillSinceMs: look.clocks.standstillSinceMs,
      behindSinceMs: look.clocks.behindSinceMs,
      memberChangesMs: look.clocks.memberChangesMs,
      clusterWellSinceMs: wellSinceMs,
      incident
    }
  }
}

function notGoverned(facts: GroupFacts): Verdict {
  return {
    subject: facts.groupId,
    state: 'not governed',
    why: 'a share group has no committed offsets to judge',
    lagMessages: null,
    rules: [],
    facts: { protocol: facts.protocol, groupState: facts.state }
  }
}
