import type { ClusterView } from '#shared/domain/cluster-view.ts'
import { type JournalEntry, journalEntry } from '#shared/engine/journal.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka, LogReader } from '#shared/kafka/ports.ts'
import type { SlackSink } from '../slack-sink.ts'
import { cast } from './cast.ts'
import type { Ready, RunningReeve } from './reeve.ts'
import { refusals } from './refusals.ts'
import type { GroupSeen, MessageSeen, PauseSeen, ReplySeen, Seen, VerdictSeen } from './seen.ts'

export interface WatchParts {
  /** Plain listener: the demo looks as the super user. */
  readonly brokers: readonly string[]
  readonly reeve: RunningReeve
  readonly sink: SlackSink
  /** Folder of the brokers' logs. */
  readonly logs: string
  readonly journal: string
}

type Watched = { -readonly [Name in keyof GroupSeen]: GroupSeen[Name] } & { verdicts: VerdictSeen[]; commits: { atMs: number; total: number }[] }

/** Looks at what happens from four sides: /readyz, the journal topic, Kafka's own offsets, the Slack sink. */
export class Watch {
  readonly #parts: WatchParts
  readonly #kafka: Kafka
  readonly #journal: LogReader
  readonly #groups = new Map<string, Watched>(cast.map(({ groupId }) => [groupId, { verdicts: [], protocol: null, largestLagMessages: null, commits: [] }]))
  readonly #pauses = new Map<string, PauseSeen>()
  readonly #replies: ReplySeen[] = []
  #refusals: readonly string[] | null = null

  private constructor(parts: WatchParts, kafka: Kafka, journal: LogReader) {
    this.#parts = parts
    this.#kafka = kafka
    this.#journal = journal
  }

  static async open(parts: WatchParts): Promise<Watch> {
    const kafka = await openKafka({ brokers: parts.brokers, clientId: 'demo-watch' })
    const journal = await kafka.openReader()
    await journal.assign(parts.journal, 0, 'start')
    return new Watch(parts, kafka, journal)
  }

  /** One look from all sides. */
  async look(): Promise<Seen> {
    const ready = await this.#parts.reeve.ready()
    if (ready) this.#noteVerdicts(ready)
    await this.#journal.readToEnd(record => {
      const entry = journalEntry(record)
      if (entry) this.#notePause(entry)
    })
    this.#noteCommits(await this.#kafka.admin.scan({ atMs: Date.now() }))
    this.#refusals = await refusals(this.#parts.logs)
    return this.seen()
  }

  seen(): Seen {
    const messages = this.#parts.sink.messages.map(({ channel, atMs, lines, text }): MessageSeen => ({
      channel,
      atMs,
      title: lines[0] ?? text,
      text: lines.join('\n')
    }))
    return { atMs: Date.now(), groups: this.#groups, pauses: [...this.#pauses.values()], messages, replies: this.#replies, refusals: this.#refusals }
  }

  /** What an owner did; the last word about a group counts. */
  noteReply(reply: ReplySeen): void {
    const index = this.#replies.findIndex(({ groupId }) => groupId === reply.groupId)
    if (index === -1) this.#replies.push(reply)
    else this.#replies[index] = reply
  }

  async close(): Promise<void> {
    await this.#journal.close()
    await this.#kafka.close()
  }

  #noteVerdicts({ agents }: Ready): void {
    const { observation, verdicts = [] } = agents['consumer-guardian'] ?? {}
    for (const { subject, state, why, lagMessages } of verdicts) {
      const seen = this.#groups.get(subject)?.verdicts
      if (!seen || !observation) continue
      const verdict = { state, why, lagMessages, atMs: observation.atMs }
      const last = seen.at(-1)
      if (last?.state === state) seen[seen.length - 1] = { ...verdict, atMs: last.atMs }
      else seen.push(verdict)
    }
  }

  #notePause({ kind, subject, what, atMs, facts }: JournalEntry): void {
    if ((kind !== 'outcome' && kind !== 'healed') || !what.endsWith(': done')) return
    const { action, undo } = facts as { action: { kind: string; groupId: string; cause: string }; undo: string | null }
    if (action.kind !== 'pause') return
    const known = this.#pauses.get(subject)
    if (undo === null)
      this.#pauses.set(subject, { key: subject, groupId: action.groupId, cause: action.cause, appliedAtMs: atMs, givenBackAtMs: null, why: null })
    else if (known) this.#pauses.set(subject, { ...known, givenBackAtMs: atMs, why: undo })
  }

  #noteCommits(view: ClusterView): void {
    for (const [groupId, seen] of this.#groups) {
      const group = view.groups.get(groupId)
      if (!group) continue
      seen.protocol = group.protocol
      if (!group.committed || group.committed.size === 0) continue
      let total = 0
      let lagMessages = 0
      for (const [topic, offsets] of group.committed) {
        for (const [partition, offset] of offsets) {
          const end = view.topics.get(topic)?.partitions.find(each => each.partition === partition)?.highWatermark ?? null
          total += offset
          if (end !== null) lagMessages += Math.max(0, end - offset)
        }
      }
      seen.commits.push({ atMs: view.atMs, total })
      seen.largestLagMessages = Math.max(seen.largestLagMessages ?? 0, lagMessages)
    }
  }
}
