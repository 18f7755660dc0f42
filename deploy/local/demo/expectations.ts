import { channelOf, farBehindMessages, platformChannel, type Player } from './cast.ts'
import { latest, messagesAbout, type GroupSeen, type PauseSeen, type Seen } from './seen.ts'

export interface Expectation {
  readonly what: string
  readonly held: boolean
  readonly evidence: string
}

/** Commits that stood for at least this long, over at least two looks, have stood. */
export const standMs = 4_000

/** Judges what was seen of every player, and of all together. Pure. What did not happen is reported as not held, with what was seen. */
export function judge(cast: readonly Player[], seen: Seen): Expectation[] {
  return [
    ...cast.flatMap(player =>
      player.fate === 'paused' ? judgePaused(player, seen) : player.fate === 'told' ? judgeTold(player, seen) : [judgeLeftAlone(player, seen)]
    ),
    nobodyElsePaused(cast, seen),
    rightChannels(cast, seen),
    ...noRightMissing(seen)
  ]
}

function judgeLeftAlone(player: Player, seen: Seen): Expectation {
  const { groupId, about, protocol } = player
  const now = latest(seen, groupId)
  const group = seen.groups.get(groupId)
  const told = messagesAbout(seen, groupId)
  return {
    what: `${groupId} (${about}) is judged fine and left alone`,
    held: now?.state === 'fine' && group?.protocol === protocol && told.length === 0 && pausesOf(seen, groupId).length === 0 && progressOf(group) > 0,
    evidence: `${verdictText(seen, groupId)}; protocol ${group?.protocol ?? 'unknown'}; its commits advanced by ${count(progressOf(group))}; ${told.length} messages about it; ${pausesOf(seen, groupId).length} pauses`
  }
}

function judgeTold(player: Player, seen: Seen): Expectation[] {
  const { groupId, about, behaviour, sdk } = player
  const group = seen.groups.get(groupId)
  const channel = channelOf(player)
  const message = messagesAbout(seen, groupId).find(each => each.channel === channel)
  const progress = progressOf(group)
  const moves = behaviour === 'slow'
  const enough = moves ? (group?.largestLagMessages ?? 0) > farBehindMessages && progress > 0 : progress === 0 && (group?.commits.length ?? 0) > 1
  const pauses = pausesOf(seen, groupId).length
  return [
    {
      what: `${groupId} (${about}) is told about in #${channel}`,
      held: message !== undefined && (group?.verdicts.some(({ state }) => state === 'told') ?? false),
      evidence: message ? `#${message.channel} at ${clock(message.atMs)}: ${message.title}` : `no message in #${channel}; ${verdictText(seen, groupId)}`
    },
    {
      what: `${groupId} ${moves ? 'lags more than 1,000,000 and moves' : `stands still ${sdk ? 'with' : 'without'} the SDK`}, and is not paused`,
      held: enough && pauses === 0,
      evidence: `largest lag ${count(group?.largestLagMessages ?? null)}; its commits advanced by ${count(progress)} over ${group?.commits.length ?? 0} looks; ${pauses} pauses; ${verdictText(seen, groupId)}`
    }
  ]
}

/** The whole way: paused by the right rule, its owner told, the pause seen in Kafka, repaired, given back, watched, out of trouble. */
function judgePaused(player: Player, seen: Seen): Expectation[] {
  const { groupId, about, cause } = player
  const channel = channelOf(player)
  const group = seen.groups.get(groupId)
  const pauses = pausesOf(seen, groupId)
  const pause = pauses.find(each => each.cause === cause)
  const reply = seen.replies.find(each => each.groupId === groupId)
  const messages = messagesAbout(seen, groupId).filter(each => each.channel === channel)
  const saying = (words: RegExp) => messages.find(({ title }) => words.test(title))
  const paused = saying(/is paused/)
  const holds = saying(/holds/)
  const over = messages.find(({ title, atMs }) => /out of trouble/.test(title) && pause?.givenBackAtMs != null && atMs >= pause.givenBackAtMs)
  const flat = pause && holds && reply ? standing(group, holds.atMs, reply.repairedAtMs) : null
  const after = pause?.givenBackAtMs == null ? 0 : progressOf(group, pause.givenBackAtMs)
  const trial = group?.verdicts.find(({ state, atMs }) => state === 'trial' && pause !== undefined && atMs >= pause.appliedAtMs)
  const now = latest(seen, groupId)
  const nothing = verdictText(seen, groupId)
  return [
    {
      what: `${groupId} (${about}) is paused once, by ${cause}`,
      held: pause !== undefined && pauses.length === 1 && (cause !== 'stuckBehind' || (group?.largestLagMessages ?? 0) > farBehindMessages),
      evidence: pause
        ? `the journal: ${pause.key} at ${clock(pause.appliedAtMs)}; largest lag ${count(group?.largestLagMessages ?? null)}; ${pauses.length} pauses in all`
        : `no such pause in the journal; ${nothing}`
    },
    {
      what: `${groupId}: its owner hears in #${channel} that it is paused, and that the pause holds`,
      held: paused !== undefined && holds !== undefined,
      evidence: messages.map(({ atMs, title }) => `${clock(atMs)} ${title}`).join('; ') || `no message in #${channel}`
    },
    {
      what: `${groupId}: its commits in Kafka stood while it was paused`,
      held: flat !== null && flat.looks >= 2 && flat.forMs >= standMs && flat.movedBy === 0,
      evidence: flat
        ? `${flat.looks} looks over ${(flat.forMs / 1000).toFixed(1)} s, ${clock(holds!.atMs)} to ${clock(reply!.repairedAtMs)}: the sum of its commits moved by ${count(flat.movedBy)}`
        : `not seen; ${nothing}`
    },
    {
      what: `${groupId}: its owner repairs it, says "fixed", and it is given back`,
      held: reply?.exitCode === 0 && pause?.givenBackAtMs != null && pause.givenBackAtMs >= reply.repairedAtMs,
      evidence: reply
        ? `\`${reply.command}\` ended with ${reply.exitCode ?? 'nothing yet'}; ${pause?.givenBackAtMs == null ? 'not given back' : `given back at ${clock(pause.givenBackAtMs)}: ${pause.why}`}`
        : `no answer was given; ${nothing}`
    },
    {
      what: `${groupId}: it is watched, reads again, and the incident ends`,
      held: trial !== undefined && after > 0 && over !== undefined && now?.state === 'fine',
      evidence: `${trial ? `on trial from ${clock(trial.atMs)}` : 'no trial'}; its commits advanced by ${count(after)} since it was given back; ${over ? `${clock(over.atMs)} ${over.title}` : 'no message that it is over'}; ${nothing}`
    }
  ]
}

function nobodyElsePaused(cast: readonly Player[], seen: Seen): Expectation {
  const allowed = new Set(cast.filter(({ fate }) => fate === 'paused').map(({ groupId }) => groupId))
  const others = seen.pauses.filter(({ groupId }) => !allowed.has(groupId))
  return {
    what: 'nobody else was ever paused',
    held: others.length === 0,
    evidence:
      others.length === 0 ? `pauses in the journal: ${seen.pauses.map(({ groupId }) => groupId).join(', ') || 'none'}` : others.map(({ key }) => key).join(', ')
  }
}

function rightChannels(cast: readonly Player[], seen: Seen): Expectation {
  const astray = seen.messages.filter(message => {
    const player = cast.find(({ groupId }) => message.title.split(/\s+/).includes(groupId))
    return message.channel !== (player ? channelOf(player) : platformChannel)
  })
  return {
    what: "every message reached its owner's channel and no other",
    held: seen.messages.length > 0 && astray.length === 0,
    evidence:
      astray.length === 0
        ? `${seen.messages.length} messages in ${new Set(seen.messages.map(({ channel }) => channel)).size} channels`
        : astray.map(({ channel, title }) => `#${channel}: ${title}`).join('; ')
  }
}

/** Nothing is claimed where the brokers' logs cannot be read, as in containers. */
/** None where the authorizers' logs cannot be read. */
export function noRightMissing({ refusals }: Pick<Seen, 'refusals'>): Expectation[] {
  const what = 'Reeve was refused nothing with the rights of deploy/acls.md'
  if (refusals === null) return []
  const evidence = refusals.length === 0 ? "no refusal in the brokers' authorizer logs" : refusals.slice(0, 3).join('; ')
  return [{ what, held: refusals.length === 0, evidence }]
}

function pausesOf(seen: Seen, groupId: string): readonly PauseSeen[] {
  return seen.pauses.filter(pause => pause.groupId === groupId)
}

function progressOf(group: GroupSeen | undefined, sinceMs = 0): number {
  const commits = group?.commits.filter(({ atMs }) => atMs >= sinceMs) ?? []
  return commits.length < 2 ? 0 : commits.at(-1)!.total - commits[0]!.total
}

function standing(group: GroupSeen | undefined, fromMs: number, untilMs: number): { looks: number; forMs: number; movedBy: number } {
  const looks = group?.commits.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs) ?? []
  const totals = looks.map(({ total }) => total)
  return {
    looks: looks.length,
    forMs: looks.length === 0 ? 0 : looks.at(-1)!.atMs - looks[0]!.atMs,
    movedBy: looks.length === 0 ? 0 : Math.max(...totals) - Math.min(...totals)
  }
}

function verdictText(seen: Seen, groupId: string): string {
  const now = latest(seen, groupId)
  return now ? `${now.state}: ${now.why}` : 'no verdict yet'
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19)
}

function count(value: number | null): string {
  return value === null ? 'unknown' : value.toLocaleString('en-US')
}
