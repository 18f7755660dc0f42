import type { JsonValue } from '#shared/domain/json.ts'
import { type Expectation, noRightMissing } from '../expectations.ts'
import { followsOf, isoTime } from './lines.ts'
import { changes, type Change, doomedTopic, oldRecords, planted, platformTeam, retentionMs, stranger, youngRecords } from './script.ts'
import { attributionOf, certaintyOf, deniedIn, type EventSeen, eventOf, type ProofName, type ProofSeen, type Seen } from './seen.ts'

/** Judges what was seen. Pure. What did not happen is reported as not held, with what was seen. */
export function judge(seen: Seen): Expectation[] {
  return [
    ...changes.flatMap(change => [judgeChange(seen, change), judgeAttribution(seen, change)]),
    judgeDenial(seen),
    judgePlanted(seen),
    nobodyElse(seen),
    anchored(seen),
    ...proofs(seen),
    ...noRightMissing(seen)
  ]
}

function judgeChange(seen: Seen, change: Change): Expectation {
  const event = eventOf(seen, change)
  const consequence = event?.unmapped['consequence'] ?? null
  return {
    what: `${change.about}: the log has the committed change and what follows of it`,
    held: event !== undefined && event.how !== '' && event.result === 'Success' && rightConsequence(change.eventType, consequence),
    evidence: event ? `sequence ${event.sequence}: ${sevenWs(event)}; ${followsOf(event) ?? 'nothing follows of it'}` : nothingOf(seen, change)
  }
}

/** What can be known beforehand of what follows. */
function rightConsequence(eventType: string, consequence: JsonValue): boolean {
  const part = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, JsonValue>>)[name] : undefined
  if (eventType === 'config.changed') {
    const retention = part(consequence, 'retention')
    return part(retention, 'offsetsNewlyDeletable') === oldRecords && part(part(retention, 'retentionMs'), 'after') === Number(retentionMs)
  }
  if (eventType === 'acl.added') return part(consequence, 'effect') === 'gains' && part(consequence, 'principal') === stranger
  // One more offset is the marker of the transaction that produced the records.
  if (eventType === 'topic.deleted') return part(consequence, 'irreversible') === true && part(consequence, 'offsets') === oldRecords + youngRecords + 1
  return true
}

function judgeAttribution(seen: Seen, change: Change): Expectation {
  const event = eventOf(seen, change)
  const made = attributionOf(seen, event)
  return {
    what: `${change.about}: the log says that ${platformTeam} did it, from where and how sure that is`,
    held: made?.eventType === 'change.attributed' && made.who === platformTeam && made.where !== null && /^(exact|probable)$/.test(certaintyOf(made)),
    evidence: made ? `${sevenWs(made)}; ${certaintyOf(made)}` : event ? 'nobody has been named yet' : nothingOf(seen, change)
  }
}

function judgeDenial(seen: Seen): Expectation {
  const event = deniedIn(seen, doomedTopic, stranger)
  return {
    what: `${stranger} is refused to read: the log says who, what, where, when, how and with which result`,
    held: event !== undefined && event.how === 'READ' && event.where !== null && event.result === 'Failure',
    evidence: event ? `sequence ${event.sequence}: ${sevenWs(event)}` : `no access.denied of ${stranger} on ${doomedTopic} among ${seen.events.length} entries`
  }
}

function judgePlanted(seen: Seen): Expectation {
  const event = eventOf(seen, planted)
  const found = attributionOf(seen, event)
  return {
    what: `${planted.about}: the log has the change, and says that nobody is known to have made it`,
    held: found?.eventType === 'change.unattributed' && found.who === null && certaintyOf(found) === 'none',
    evidence: found ? `sequence ${found.sequence}: ${sevenWs(found)}; certainty ${certaintyOf(found)}` : event ? 'not decided yet' : nothingOf(seen, planted)
  }
}

function nobodyElse(seen: Seen): Expectation {
  const open = seen.events.filter(({ eventType, timestampMs }) => eventType === 'change.unattributed' && timestampMs >= (seen.sinceMs ?? Infinity))
  return {
    what: 'it is the only change since the scene began of which nobody is known',
    held: open.length === 1 && open[0]!.what?.name === planted.topic,
    evidence: `${open.length} of them: ${open.map(({ what, how }) => `${how} of ${what?.name ?? 'something without a name'}`).join(', ') || 'none'}`
  }
}

function anchored(seen: Seen): Expectation {
  const { events, checkpointed, checkpoints, anchor } = seen
  const last = attributionOf(seen, eventOf(seen, planted))?.sequence ?? Infinity
  return {
    what: 'every entry of the scene is covered by a signed checkpoint, and the anchor outside has it',
    held: anchor !== null && Math.min(anchor.size, checkpointed) > last,
    evidence: `${events.length} entries, ${checkpoints} checkpoints, the newest of ${checkpointed}; ${anchor === null ? 'the anchor holds nothing' : `the anchor holds ${anchor.checkpoints}, up to ${anchor.size}`}`
  }
}

interface Wanted {
  readonly name: ProofName
  readonly what: string
  readonly held: (proof: ProofSeen) => boolean
}

const proven = ({ exitCode, state, fault, anchored: size }: ProofSeen) => exitCode === 0 && state === 'proven' && fault === null && (size ?? 0) > 0
const doubtful = 7
const unanchored = 8

const wanted: readonly Wanted[] = [
  { name: 'topic', what: '`reeve audit verify` proves the topic', held: proven },
  { name: 'export', what: '`reeve audit export` writes it as a folder', held: ({ exitCode }) => exitCode === 0 },
  { name: 'exported', what: '`reeve audit verify --export` proves the folder by a key and an anchor alone', held: proven },
  {
    name: 'flipped',
    what: 'one byte of a copy is flipped: verification fails and names the sequence',
    held: ({ exitCode, fault, forgedSequence }) => exitCode === doubtful && fault !== null && fault.sequence === forgedSequence
  },
  {
    name: 'cut-alone',
    what: 'a copy is cut back to before the deletion: by itself it has no fault, and is called self-attested',
    held: ({ exitCode, state, fault }) => exitCode === unanchored && state === 'unanchored' && fault === null
  },
  {
    name: 'cut',
    what: 'the anchor finds the cut, and the first entry that is missing',
    held: ({ exitCode, fault, forgedSequence }) =>
      exitCode === doubtful && fault !== null && fault.sequence === forgedSequence && fault.reason.startsWith('CUT')
  }
]

function proofs(seen: Seen): Expectation[] {
  return wanted.map(({ name, what, held }) => {
    const proof = seen.proofs.find(each => each.name === name)
    return { what, held: proof !== undefined && held(proof), evidence: proof ? proofEvidence(proof) : 'not asked yet' }
  })
}

function proofEvidence({ command, exitCode, state, size, fault, forgedSequence, words }: ProofSeen): string {
  const found = fault ? `sequence ${fault.sequence}: ${fault.reason}` : `${size ?? '?'} entries`
  const forged = forgedSequence === null ? '' : `; forged was ${forgedSequence}`
  return `${command} ended with ${exitCode}: ${state === null ? words : `${state}, ${found}`}${forged}`
}

/** Who, what, where, when, how, why and with which result; what nobody knows is said to be unknown. */
function sevenWs({ who, what, where, timestampMs, how, why, result }: EventSeen): string {
  const known = (text: string | null | undefined) => text ?? 'unknown'
  return `who ${known(who)}, what ${known(what?.type)} ${what?.name ?? ''}, where ${known(where)}, when ${isoTime(timestampMs)}, how ${how}, why ${known(why)}, result ${result}`
}

function nothingOf({ events }: Seen, { eventType, topic }: Change): string {
  return `no ${eventType} of ${topic} among ${events.length} entries`
}
