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

/** The whole screen as text: the table, then what owners were told last. Pure; no line is longer than the width. */
export function screenText(cast: readonly Player[], seen: Seen, { width, startedAtMs, messages }: ScreenOptions): string {
  const rows = cast.map(player => {
    const verdict = latest(seen, player.groupId)
    return [player.groupId, player.client, count(verdict?.lagMessages ?? null), verdict?.state ?? 'not seen yet', doneAndWhy(player, seen)]
  })
  const talk = [...seen.messages.map(message => ({ atMs: message.atMs, line: messageLine(message) })), ...replies(seen)].toSorted((a, b) => a.atMs - b.atMs)
  const lines = [
    `Reeve governs a Kafka of its own: ${formatDuration(Math.max(0, seen.atMs - startedAtMs))}. Seconds stand in place of hours.`,
    '',
    ...table(['group', 'client', 'lag', 'state', 'what was done, and why'], rows, width).split('\n'),
    '',
    `Slack: ${seen.messages.length} messages`,
    ...talk.slice(-messages).map(({ line }) => line)
  ]
  return lines.map(line => (line.length > width ? `${line.slice(0, width - 1)}…` : line)).join('\n')
}

/** What a screen that is not redrawn need not show again while it stays the same. */
export function screenChange(cast: readonly Player[], seen: Seen): string {
  return JSON.stringify([cast.map(({ groupId }) => latest(seen, groupId)?.state), seen.messages.length, seen.replies.map(({ groupId, exitCode }) => [groupId, exitCode])])
}

function doneAndWhy(player: Player, seen: Seen): string {
  const why = latest(seen, player.groupId)?.why ?? ''
  const pause = seen.pauses.findLast(({ groupId }) => groupId === player.groupId)
  if (pause && pause.givenBackAtMs === null) return `paused at ${clock(pause.appliedAtMs)}. ${why}`
  if (pause) return `given back at ${clock(pause.givenBackAtMs!)}. ${why}`
  return messagesAbout(seen, player.groupId).length > 0 ? `told #${channelOf(player)}. ${why}` : why
}

function messageLine({ atMs, channel, title, text }: MessageSeen): string {
  const why = text.split('\n').find(line => line.startsWith('• '))?.slice(2) ?? ''
  return printable(`${clock(atMs)} #${channel}  ${title}. ${why}`)
}

function replies({ replies: all }: Seen): { atMs: number; line: string }[] {
  return all.map(({ repairedAtMs, groupId, command, exitCode }) => ({
    atMs: repairedAtMs,
    line: printable(`${clock(repairedAtMs)} owner of ${groupId} repairs it and answers: ${command}${exitCode === null || exitCode === 0 ? '' : ` (ended with ${exitCode})`}`)
  }))
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19)
}
