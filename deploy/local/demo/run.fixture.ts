import { cast, channelOf, type Player } from './cast.ts'
import type { GroupSeen, MessageSeen, PauseSeen, ReplySeen, Seen } from './seen.ts'

export const startMs = Date.parse('2026-03-02T09:00:00Z')
const at = (seconds: number) => startMs + seconds * 1_000

/** A run in which everything went as it should, for tests: paused at 60 s, held at 68 s, repaired at 76 s, given back at 80 s, over at 110 s. */
export function goodRun(): Seen {
  const paused = cast.filter(({ fate }) => fate === 'paused')
  return {
    atMs: at(115),
    groups: new Map(cast.map(player => [player.groupId, groupOf(player)])),
    pauses: paused.map(({ groupId, cause }): PauseSeen => ({
      key: `consumer-guardian/pause/${groupId}/1`,
      groupId,
      cause: cause!,
      appliedAtMs: at(60),
      givenBackAtMs: at(80),
      why: 'its owner said fixed'
    })),
    messages: cast.flatMap(messagesOf),
    replies: paused.map(({ groupId }): ReplySeen => ({ groupId, repairedAtMs: at(76), command: `reeve resume ${groupId} --fixed`, exitCode: 0, output: '' })),
    refusals: []
  }
}

function groupOf({ fate, behaviour, protocol }: Player): GroupSeen {
  const moves = behaviour === 'healthy' || behaviour === 'slow'
  const verdict = (state: string, why: string, seconds: number) => ({ state, why, lagMessages: 1_598_000, atMs: at(seconds) })
  const verdicts = {
    'left alone': [verdict('unknown', 'it has no commit', 5), verdict('fine', 'it has read everything', 10)],
    told: [verdict('fine', 'no commit stands yet', 10), verdict('told', 'no commit advanced for 10s', 25)],
    paused: [
      verdict('told', 'no commit advanced for 10s', 25),
      verdict('paused', 'stuckBehind', 64),
      verdict('trial', 'watched for 0ms of 24s', 84),
      verdict('fine', 'it has read everything', 110)
    ]
  }[fate]
  const commits = Array.from({ length: 115 }, (_, second) => ({
    atMs: at(second),
    total: moves ? 100 * second : fate === 'paused' && second > 82 ? 400 + 100 * second : 400
  }))
  return { verdicts, protocol, largestLagMessages: 1_600_000, commits }
}

function messagesOf(player: Player): MessageSeen[] {
  const { groupId, fate, cause } = player
  const message = (seconds: number, title: string, answer: string): MessageSeen => ({
    channel: channelOf(player),
    atMs: at(seconds),
    title,
    text: `${title}\n• Because it is so.\n\`\`\`reeve ${answer}\`\`\``
  })
  if (fate === 'left alone') return []
  const told = message(26, `Warning: Group ${groupId} stands still`, `explain group ${groupId}`)
  if (fate === 'told') return [told]
  return [
    told,
    message(61, `Warning: Group ${groupId} is paused (${cause})`, `resume ${groupId}`),
    message(68, `Info: The pause of group ${groupId} holds`, `resume ${groupId}`),
    message(84, `Warning: Group ${groupId} reads again, on trial`, `explain group ${groupId}`),
    message(110, `Resolved: Group ${groupId} is out of trouble`, `explain group ${groupId}`)
  ]
}
