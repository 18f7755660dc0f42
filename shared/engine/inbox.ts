import type { JsonValue } from '../domain/json.ts'
import type { LogReader } from '../kafka/ports.ts'
import type { PersonRequest } from './agent.ts'
import { type ApprovalRules, judgeRequest } from './approvals.ts'
import type { Entry, Leader } from './leader.ts'
import { standingOf } from './look.ts'
import { Serial } from './serial.ts'
import { parseRequest } from './requests.ts'
import { appeal, dismiss, expired, maintenanceFrom, type Said, snooze } from './said.ts'

/** A request that no agent answered in this time is closed, and the journal says so. */
const patienceMs = 10 * 60_000

/** What came by a link is remembered this long at least, so that a second press finds it taken. */
const rememberOnceMs = 60 * 60_000

/** Takes what people said from the requests topic into the state, each once. */
export class Inbox {
  readonly #reader: LogReader
  readonly #topic: string
  readonly #rules: ApprovalRules
  readonly #scope: string
  /** Read and not committed yet: a commit that fails loses none. */
  readonly #read: { readonly request: PersonRequest; readonly nextOffset: number }[] = []
  readonly #reads = new Serial()

  /** `scope`: of the seals, see scopeOf. */
  constructor(topic: string, reader: LogReader, rules: ApprovalRules, scope: string) {
    this.#topic = topic
    this.#reader = reader
    this.#rules = rules
    this.#scope = scope
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
    await this.#reader.readToEnd(record => {
      const request = parseRequest(record)
      if (request) this.#read.push({ request, nextOffset: record.offset + 1 })
    })
    const offset = this.#reader.positions().find(({ topic }) => topic === this.#topic)?.offset ?? 0
    const before = (leader.store.get('requests') as { offset: number } | undefined)?.offset ?? 0
    if (offset === before && this.#read.length === 0) return false
    // One commit each: what one person said counts for what the next one may say.
    for (let [next] = this.#read; next; [next] = this.#read) {
      await this.#hear(leader, next.request, next.nextOffset)
      this.#read.shift()
    }
    await leader.commit(new Map([['requests', { offset }]]))
    return true
  }

  async #hear(leader: Leader, request: PersonRequest, nextOffset: number): Promise<void> {
    const { nowMs } = await leader.clock.now()
    const { id, who, kind, subject, why, onceUntilMs } = request
    const judged = judgeRequest(leader.store, request, this.#rules, this.#scope, nowMs)
    const used = leader.store.get(`used/${id}`) !== undefined
    const refusal = used ? 'this link or button was used before' : judged.refused
    const said: Said = refusal === null ? requestChanges(leader, request, nowMs) : { refused: refusal }
    const changes = new Map<string, JsonValue | null>([['requests', { offset: nextOffset }]])
    if (onceUntilMs !== undefined && !used) changes.set(`used/${id}`, { untilMs: Math.max(onceUntilMs, nowMs + rememberOnceMs) })
    if (!('refused' in said)) for (const [key, value] of said.changes) changes.set(key, value)
    const refused = 'refused' in said ? said.refused : null
    const proven = judged.by === null ? '' : `, by ${judged.by},`
    const entry: Entry = {
      kind: refused === null ? 'request' : 'refused',
      agent: null,
      subject: id,
      what: `${who}${proven} asked: ${kind} ${subject} (${why})${refused === null ? '' : `: refused, ${refused}`}`,
      facts: { ...(JSON.parse(JSON.stringify(request)) as object), provenBy: judged.by, refused }
    }
    await leader.commit(changes, [entry])
  }

  /** Forgets what held for a while and is over. */
  async expire(leader: Leader, nowMs: number): Promise<void> {
    const { changes, entries } = expired(leader.store, nowMs)
    if (changes.size > 0) await leader.commit(changes, entries)
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

function requestChanges(leader: Leader, request: PersonRequest, nowMs: number): Said {
  const { id, kind, subject, who, why, atMs } = request
  const only = (...changes: readonly (readonly [string, JsonValue | null])[]): Said => ({ changes })
  if (kind === 'halt') return only(['halt', { who, why, atMs }])
  if (kind === 'unhalt') return only(['halt', null])
  if (kind === 'approve') return only([`approval/${subject}`, { who, why, atMs }])
  if (kind === 'maintenance') return only(['maintenance', maintenanceFrom(request, nowMs)])
  if (kind === 'maintenance-over') return only(['maintenance', null])
  if (kind === 'snooze') return snooze(leader.store, request, nowMs)
  if (kind === 'appeal') return appeal(leader.store, request, nowMs)
  if (kind === 'dismiss') return dismiss(leader.store, request, nowMs)
  if (kind === 'release-all') {
    // Halted first: what is given back before an uninstall must not be taken again by the next turn.
    const undos = standingOf(leader.store, null).map(({ key }, index): [string, JsonValue] => [
      `request/${id}:${index}`,
      { id: `${id}:${index}`, kind: 'undo', subject: key, who, why, atMs }
    ])
    return only(['halt', { who, why: `release --all: ${why}`, atMs }], ...undos)
  }
  return only([`request/${id}`, { id, kind, subject, who, why, atMs }])
}
