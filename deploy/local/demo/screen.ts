import { formatDuration } from '#shared/domain/duration.ts'
import { count, printable, table } from '#shared/render/table.ts'
import { channelOf, type Player } from './cast.ts'
import { latest, messagesAbout, type MessageSeen, type Seen } from './seen.ts'

export interface ScreenOptions {
  /** Columns. */
  readonly width: number
  readonly startedAtMs: number
  /** Of the newest messages. */
  readonly messages: number
}

const roomForClient = 110
/** Columns that the longest group, lag and state of the cast take with their gaps, and the client's. */
const lagWidth = 9
const besideReason = 50
const clientWidth = 15

/** The whole screen as text: the table, then what owners were told last. Pure; no line is longer than the width. */
export function screenText(cast: readonly Player[], seen: Seen, { width, startedAtMs, messages }: ScreenOptions): string {
  const withClient = width >= roomForClient
  const head = ['group', ...(withClient ? ['client'] : []), 'lag', 'state', 'what was done, and why']
  const rows = cast.flatMap(player => {
    const verdict = latest(seen, player.groupId)
    const cells = [
      player.groupId,
      ...(withClient ? [player.client] : []),
      count(verdict?.lagMessages ?? null).padStart(lagWidth),
      verdict?.state ?? 'not seen yet'
    ]
    const [first = '', second] = wrap(doneAndWhy(player, seen), width - (withClient ? besideReason + clientWidth : besideReason))
    return [[...cells, first], ...(second === undefined ? [] : [[...cells.map(() => ''), second]])]
  })
  const talk = [...seen.messages.map(message => ({ atMs: message.atMs, line: messageLine(message) })), ...replies(seen)].toSorted((a, b) => a.atMs - b.atMs)
  const lines = [
    `Reeve governs a Kafka of its own: ${formatDuration(Math.max(0, seen.atMs - startedAtMs))}. Seconds stand in place of hours.`,
    '',
    ...table(head, rows, width).split('\n'),
    '',
    `Slack: ${seen.messages.length} messages`,
    ...talk.slice(-messages).map(({ line }) => line)
  ]
  return lines.map(line => (line.length > width ? `${line.slice(0, width - 1)}…` : line)).join('\n')
}

/** What a screen that is not redrawn need not show again while it stays the same. */
export function screenChange(cast: readonly Player[], seen: Seen): string {
  return JSON.stringify([
    cast.map(({ groupId }) => latest(seen, groupId)?.state),
    seen.messages.length,
    seen.replies.map(({ groupId, exitCode }) => [groupId, exitCode])
  ])
}

function doneAndWhy(player: Player, seen: Seen): string {
  const why = latest(seen, player.groupId)?.why ?? ''
  const pause = seen.pauses.findLast(({ groupId }) => groupId === player.groupId)
  if (pause && pause.givenBackAtMs === null) return `paused at ${clock(pause.appliedAtMs)}. ${why}`
  if (pause) return `given back at ${clock(pause.givenBackAtMs!)}. ${why}`
  return messagesAbout(seen, player.groupId).length > 0 ? `told #${channelOf(player)}. ${why}` : why
}

/** What, the answer that is asked for, and as much of the reason as there is room. */
function messageLine({ atMs, channel, title, text }: MessageSeen): string {
  const why =
    text
      .split('\n')
      .find(line => line.startsWith('• '))
      ?.slice(2) ?? ''
  const answer = /reeve resume [^\s`]+/.exec(text)?.[0]
  return printable(`${clock(atMs)} #${channel}  ${title}. ${answer === undefined ? '' : `Answer with: ${answer}. `}${why}`)
}

function replies({ replies: all }: Seen): { atMs: number; line: string }[] {
  return all.map(({ repairedAtMs, groupId, command, exitCode }) => ({
    atMs: repairedAtMs,
    line: printable(
      `${clock(repairedAtMs)} owner of ${groupId} repairs it and answers: ${command}${exitCode === null || exitCode === 0 ? '' : ` (ended with ${exitCode})`}`
    )
  }))
}

/** At most two lines, broken between words where there are any; what is left is cut with an ellipsis. */
function wrap(text: string, room: number): string[] {
  const shown = printable(text)
  if (shown.length <= room || room < 20) return [shown]
  const space = shown.lastIndexOf(' ', room)
  const end = space < room / 2 ? room : space
  const rest = shown.slice(end).trimStart()
  return [shown.slice(0, end), rest.length > room ? `${rest.slice(0, room - 1)}…` : rest]
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19)
}
