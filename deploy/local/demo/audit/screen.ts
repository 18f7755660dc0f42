import { formatDuration } from '#shared/domain/duration.ts'
import { count, printable, table } from '#shared/render/table.ts'
import { detailOf, followsOf, isoTime } from './lines.ts'
import { changes, doomedTopic, planted, stranger } from './script.ts'
import { attributionOf, certaintyOf, deniedIn, type EventSeen, eventOf, type ProofSeen, type Seen } from './seen.ts'

export interface ScreenOptions {
  /** Columns. */
  readonly width: number
  readonly startedAtMs: number
}

const head = ['#', 'time', 'who', 'what', 'where', 'how', 'result', 'certainty']
const typesBeside = 6
const verdicts: Readonly<Record<string, string>> = { proven: 'VERIFIED', unanchored: 'SELF-ATTESTED', doubtful: 'NOT VERIFIED' }

/** The whole screen as text: the timeline, the chain, the proofs. Pure; no line is longer than the width. */
export function screenText(seen: Seen, { width, startedAtMs }: ScreenOptions): string {
  const { events, checkpoints, checkpointed, anchor, acts, proofs } = seen
  const shown = timeline(seen)
  const [title = '', rule = '', ...rows] = table(
    head,
    shown.map(({ cells }) => cells)
  ).split('\n')
  const lines = [
    `An audit log of a Kafka of its own: ${formatDuration(Math.max(0, seen.atMs - startedAtMs))}.`,
    ...(acts.length === 0 ? [] : [`Now: ${acts.at(-1)!.what}`]),
    '',
    title,
    rule,
    ...rows.flatMap((row, index) => [row, ...(shown[index]!.follows === null ? [] : [`     └ ${shown[index]!.follows}`])]),
    '',
    `Chain   ${count(events.length)} entries in one hash chain, ${count(checkpoints)} signed checkpoints, the newest of ${count(checkpointed)} entries`,
    `Anchor  ${anchor === null ? 'nothing yet' : `${count(anchor.checkpoints)} checkpoints outside of the cluster, up to ${count(anchor.size)} entries`}`,
    `Beside  ${beside(events, shown)}`,
    ...(proofs.length === 0 ? [] : ['']),
    ...proofs.flatMap(proofLines)
  ]
  return lines.map(line => cutTo(printable(line), width)).join('\n')
}

/** What a screen that is not redrawn need not show again while it stays the same. */
export function screenChange(seen: Seen): string {
  return JSON.stringify([seen.acts.length, timeline(seen).map(({ cells }) => cells), seen.proofs.map(({ name }) => name)])
}

interface Row {
  readonly event: EventSeen
  readonly cells: readonly string[]
  readonly follows: string | null
}

/** The scene's events in the order of the log; who made a change is filled in when it is decided. */
function timeline(seen: Seen): Row[] {
  const made = [...changes, planted].flatMap(change => eventOf(seen, change) ?? [])
  const denied = deniedIn(seen, doomedTopic, stranger)
  return [...made, ...(denied ? [denied] : [])].toSorted((one, other) => one.sequence - other.sequence).map(event => rowOf(seen, event))
}

function rowOf(seen: Seen, event: EventSeen): Row {
  const change = event.eventType !== 'access.denied'
  const by = change ? attributionOf(seen, event) : event
  const certainty = !change ? 'exact' : by === undefined ? 'waiting' : certaintyOf(by)
  const who = by === undefined ? 'not known yet' : (by.who ?? (certainty === 'ambiguous' ? 'one of several' : 'NOBODY IS KNOWN'))
  const name = event.what?.name ?? ''
  const what = [event.eventType, name, detailOf(event)].filter(part => part !== '').join(' ')
  const cells = [String(event.sequence), isoTime(event.timestampMs).slice(11, 23), who, what, by?.where ?? '?', by?.how ?? event.how, event.result, certainty]
  return { event, cells, follows: followsOf(event) }
}

/** What else the log holds, by its type. */
function beside(events: readonly EventSeen[], shown: readonly Row[]): string {
  const counts = new Map<string, number>()
  for (const { eventType, eventId } of events)
    if (!shown.some(({ event }) => event.eventId === eventId)) counts.set(eventType, (counts.get(eventType) ?? 0) + 1)
  const most = [...counts].toSorted((one, other) => other[1] - one[1])
  const rest = most.slice(typesBeside).reduce((sum, [, many]) => sum + many, 0)
  return (
    [...most.slice(0, typesBeside).map(([type, many]) => `${type} ${count(many)}`), ...(rest === 0 ? [] : [`others ${count(rest)}`])].join(', ') || 'nothing'
  )
}

function proofLines({ title, command, exitCode, state, size, anchored, fault, words }: ProofSeen): string[] {
  const verdict = state === null ? words : (verdicts[state] ?? state)
  const vouched = anchored === null || anchored === 0 ? '' : `, the first ${count(anchored)} vouched for by the anchor`
  const found = fault ? `: sequence ${fault.sequence}: ${fault.reason}` : size === null ? '' : `: ${count(size)} entries${vouched}`
  return [title, `        ${command}`, `        ${verdict}${found} (exit ${exitCode})`]
}

function cutTo(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line
}
