import type { Notice, Severity } from '#shared/engine/agent.ts'
import type { Pause } from '../actions.ts'
import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy } from '../policy.ts'
import type { Incident } from './memory.ts'
import { capped, troubleWords, worstTopic } from './troubles.ts'

/** What every message about one group begins with. */
export interface About {
  readonly groupId: string
  readonly owner: GroupFacts['owner']
  readonly incident: Incident
}

export function incidentId(groupId: string, startMs: number): string {
  return `consumer-guardian/group/${encodeURIComponent(groupId)}/${startMs}`
}

export function inTrouble(about: About, severity: Severity, facts: GroupFacts, because: readonly string[], canPause: boolean, policy: GroupPolicy): Notice {
  const { incident, groupId, owner } = about
  const worst = worstTopic(facts)
  return notice(about, severity, {
    severity,
    title: `Group ${groupId} ${troubleWords[incident.trouble]}`,
    why: [
      ...because.map(sentence),
      ...(worst
        ? [
            `It lags ${worst.lagMessages} messages on ${worst.topic}, and ${facts.members === null ? 'an unknown number of' : facts.members.length} members live.`
          ]
        : []),
      ...(owner === null
        ? ['No owner is registered for this group.']
        : owner.by === 'topic'
          ? [`No owner is registered for this group; ${owner.team} owns a topic that it reads.`]
          : [])
    ],
    next: canPause
      ? { what: `It is paused where its members obey and every other rule allows it (pauseOn: ${policy.pauseOn.join(', ')}).`, atMs: null }
      : { what: 'Nothing is done to it; it is watched on.', atMs: null },
    answer: command('explain group', groupId),
    asks: ['snooze', 'fixed', 'appeal']
  })
}

export function wasPaused(about: About, { cause, why, untilMs }: Pause): Notice {
  return notice(about, 'paused', {
    severity: 'warning',
    title: `Group ${about.groupId} is paused (${cause})`,
    why: [sentence(why)],
    next: { what: 'It is given back and watched.', atMs: untilMs },
    answer: command('resume', about.groupId),
    asks: ['fixed', 'appeal']
  })
}

export function wasVerified(about: About, members: number, { untilMs }: Pause): Notice {
  return notice(about, 'verified', {
    severity: 'info',
    title: `The pause of group ${about.groupId} holds`,
    why: [`${members} of ${members} live members acknowledged it, and no commit moves.`],
    next: { what: 'It is given back and watched.', atMs: untilMs },
    answer: command('resume', about.groupId)
  })
}

export function isOnTrial(about: About, sinceMs: number, why: string, trialEndsMs: number): Notice {
  return notice(about, `released/${sinceMs}`, {
    severity: 'warning',
    title: `Group ${about.groupId} reads again, on trial`,
    why: [sentence(why)],
    next: { what: 'If it falls back, it is not paused again: a person decides.', atMs: trialEndsMs },
    answer: command('explain group', about.groupId)
  })
}

export function needsPerson(about: About, sinceMs: number, why: string): Notice {
  return notice(about, `needs-person/${sinceMs}`, {
    severity: capped('page', about.owner),
    title: `Group ${about.groupId} needs a person`,
    why: [sentence(why), 'It is not paused now, and not paused again in this incident.'],
    next: { what: 'Nothing is done until somebody says that it is fixed, or it recovers by itself.', atMs: null },
    answer: command('resume', about.groupId),
    asks: ['fixed']
  })
}

/** `stage`: how it ended, for example `trial-held` or `resolved`. */
export function isOver(about: About, stage: string, because: string): Notice {
  return notice(about, stage, {
    severity: 'info',
    resolved: true,
    title: `Group ${about.groupId} is out of trouble`,
    why: [sentence(because)],
    next: { what: 'This incident is closed. If trouble comes again, it is a new one.', atMs: null },
    answer: null
  })
}

type Words = Pick<Notice, 'severity' | 'title' | 'why' | 'next' | 'answer' | 'asks'> & { readonly resolved?: boolean }

function notice({ groupId, owner, incident }: About, stage: string, words: Words): Notice {
  const id = incidentId(groupId, incident.startMs)
  return {
    resolved: false,
    ...words,
    key: `${id}/${stage}`,
    incident: id,
    team: owner?.team ?? null,
    channel: owner?.channel ?? null,
    sinceMs: incident.sinceMs,
    subject: groupId
  }
}

/** As it can be pasted into a shell, whatever the group is called. */
function command(verb: string, groupId: string): string {
  return `reeve ${verb} ${/^[\w.@%+:,-]+$/.test(groupId) && !groupId.startsWith('-') ? groupId : `-- '${groupId.replaceAll("'", `'\\''`)}'`}`
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return capital.endsWith('.') ? capital : `${capital}.`
}
