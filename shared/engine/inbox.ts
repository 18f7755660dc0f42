import type { JsonValue } from '../domain/json.ts'
import type { LogReader } from '../kafka/ports.ts'
import type { PersonRequest } from './agent.ts'
import type { Entry, Leader } from './leader.ts'
import { standingOf } from './look.ts'
import { Serial } from './serial.ts'
import { parseRequest } from './requests.ts'

/** A request that no agent answered in this time is closed, and the journal says so. */
const patienceMs = 10 * 60_000

/** Takes what people said from the requests topic into the state, each once. */
export class Inbox {
  readonly #reader: LogReader
  readonly #topic: string
  readonly #reads = new Serial()

  constructor(topic: string, reader: LogReader) {
    this.#topic = topic
    this.#reader = reader
  }

  /** To be called on every take-over: begins where the state says the last leader was. */
  async open(leader: Leader): Promise<void> {
    const position = leader.store.get('requests') as { offset: number } | undefined
    await this.#reader.assign(this.#topic, 0, position?.offset ?? 'start')
  }

  /** Reads to the end and commits. Returns whether anything new was said. */
  take(leader: Leader): Promise<boolean> {
    return this.#reads.run(() => this.#take(leader))
  }

  async #take(leader: Leader): Promise<boolean> {
    const requests: PersonRequest[] = []
    await this.#reader.readToEnd(record => {
      const request = parseRequest(record)
      if (request) requests.push(request)
    })
    const offset = this.#reader.positions().find(({ topic }) => topic === this.#topic)?.offset ?? 0
    const before = (leader.store.get('requests') as { offset: number } | undefined)?.offset ?? 0
    if (offset === before) return false
    const changes = new Map<string, JsonValue | null>([['requests', { offset }]])
    const entries: Entry[] = []
    for (const request of requests) {
      for (const [key, value] of requestChanges(leader, request)) changes.set(key, value)
      entries.push({
        kind: 'request',
        agent: null,
        subject: request.id,
        what: `${request.who} asked: ${request.kind} ${request.subject} (${request.why})`,
        facts: { ...request }
      })
    }
    await leader.commit(changes, entries)
    return true
  }

  /** Closes requests that stayed without an answer. */
  async closeUnanswered(leader: Leader, nowMs: number): Promise<void> {
    const stale = [...leader.store.entries('request/')].filter(([, request]) => nowMs - (request as unknown as PersonRequest).atMs > patienceMs)
    if (stale.length === 0) return
    const entries = stale.map(([id, request]): Entry => ({
      kind: 'request',
      agent: null,
      subject: id,
      what: 'closed: nothing that it names is known to any agent',
      facts: request
    }))
    await leader.commit(new Map(stale.map(([id]) => [`request/${id}`, null])), entries)
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }
}

function requestChanges(leader: Leader, request: PersonRequest): [string, JsonValue | null][] {
  const { id, kind, subject, who, why, atMs } = request
  if (kind === 'halt') return [['halt', { who, why, atMs }]]
  if (kind === 'unhalt') return [['halt', null]]
  if (kind === 'approve') return [[`approval/${subject}`, { who, why, atMs }]]
  if (kind === 'release-all') {
    // Halted first: what is given back before an uninstall must not be taken again by the next turn.
    const undos = standingOf(leader.store, null).map(({ key }, index): [string, JsonValue] => [
      `request/${id}:${index}`,
      { ...request, id: `${id}:${index}`, kind: 'undo', subject: key }
    ])
    return [['halt', { who, why: `release --all: ${why}`, atMs }], ...undos]
  }
  return [[`request/${id}`, { ...request }]]
}
