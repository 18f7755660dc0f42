import type { Decision, Notice, PersonRequest, Standing, Verdict } from '#shared/engine/agent.ts'
import { type Action, effects, type Pause } from './actions.ts'
import { decide } from './decide.ts'
import type { GroupFacts, GuardianSnapshot } from './observe.ts'
import { type Policy, policySchema } from './policy.ts'
import type { Memory } from './rules/memory.ts'

/** What the tests of this folder share: one group that lives, and turns of `decide` over it, minute by minute. */
export interface SimulatedGroup {
  committed: number
  end: number
  members: string[]
  /** Whether the members speak the SDK, and do what they say. */
  sdk: 'obeys' | 'says nothing' | 'none'
  /** Laid over what follows from the rest. */
  facts: Partial<GroupFacts>
}

export interface Turn {
  readonly atMs: number
  readonly given: { readonly snapshot: GuardianSnapshot; readonly memory: ReadonlyMap<string, Memory>; readonly nowMs: number }
  readonly decision: Decision<Memory, Action>
  readonly verdict: Verdict | undefined
}

export const startMs = Date.parse('2026-03-02T09:00:00Z')
export const minute = 60_000
export const hour = 60 * minute
export const groupId = 'payments-settle'

export function policyOf(input: unknown = {}): Policy {
  return policySchema.parse(input)
}

export function ownerOf(criticality: 'low' | 'normal' | 'high' | 'critical' = 'critical'): NonNullable<GroupFacts['owner']> {
  return { team: 'payments', channel: 'payments', criticality, by: 'group' }
}

export class Simulation {
  readonly group: SimulatedGroup = { committed: 1_000, end: 2_001_000, members: ['m1', 'm2'], sdk: 'obeys', facts: {} }
  readonly turns: Turn[] = []
  readonly notices: Notice[] = []
  policy: Policy
  atMs = startMs
  /** Between turns; also the observer's interval. */
  readonly everyMs: number
  standing: Standing[] = []
  memory: ReadonlyMap<string, Memory> = new Map()
  /** False: nothing that is decided is ever done. */
  gateOpen = true
  /** Laid over every snapshot. */
  snapshot: Partial<GuardianSnapshot> = {}
  #requests: PersonRequest[] = []
  #command: GroupFacts['command'] = null

  constructor(policy: unknown = {}, everyMs = 30_000) {
    this.policy = policyOf(policy)
    this.everyMs = everyMs
  }

  /** One turn at the time that it is now; what it decides is done, then an interval passes. */
  turn(change: { snapshot?: Partial<GuardianSnapshot>; nowMs?: number } = {}): Turn {
    const nowMs = change.nowMs ?? this.atMs
    const snapshot = { ...this.now(), ...this.snapshot, ...change.snapshot }
    const given = { snapshot, memory: this.memory, nowMs }
    const decision = decide({ policy: this.policy, snapshot: deepFreeze(snapshot), memory: this.memory, now: new Date(nowMs) })
    this.memory = new Map(deepFreeze(JSON.parse(JSON.stringify([...decision.memory])) as [string, Memory][]))
    this.#requests = this.#requests.filter(({ id }) => !decision.answered.includes(id))
    for (const { key, why } of decision.undo) this.#undo(key, why)
    if (this.gateOpen) for (const action of decision.actions) this.#apply(action, nowMs)
    const done = { atMs: this.atMs, given, decision, verdict: decision.verdicts.find(({ subject }) => subject === groupId) }
    this.turns.push(done)
    this.notices.push(...decision.notices)
    this.atMs += this.everyMs
    return done
  }

  /** Turns until so much time has passed; `before` each the group may live on. Returns the last. */
  run(forMs: number, before: (group: SimulatedGroup, turn: number) => void = () => {}): Turn {
    const untilMs = this.atMs + forMs
    let last: Turn | undefined
    for (let index = 0; this.atMs <= untilMs; index++) {
      before(this.group, index)
      last = this.turn()
    }
    return last!
  }

  /** Turns until the verdict is of this state; throws after `withinMs`. */
  until(state: string, withinMs = 6 * hour, before?: (group: SimulatedGroup, turn: number) => void): Turn {
    for (let index = 0; index * this.everyMs <= withinMs; index++) {
      before?.(this.group, index)
      const turn = this.turn()
      if (turn.verdict?.state === state) return turn
    }
    throw new Error(`never ${state}: ${[...new Set(this.turns.map(({ verdict }) => `${verdict?.state} (${verdict?.why})`))].slice(-3).join('\n')}`)
  }

  ask(kind: 'fixed' | 'resume', subject = groupId): void {
    this.#requests.push({ id: `request-${this.turns.length}`, kind, subject, who: 'ada', why: 'new release', atMs: this.atMs })
  }

  /** The last parts of the keys of what was said, in order. */
  get said(): string[] {
    return this.notices.map(({ key }) =>
      key
        .split('/')
        .slice(4)
        .join('/')
        .replace(/\/\d+$/, '')
    )
  }

  #apply(action: Pause, nowMs: number): void {
    const key = effects.pause.key(action)
    if (this.standing.some(each => each.key === key)) return
    this.standing = [
      ...this.standing,
      { key, agent: 'consumer-guardian', action, describe: effects.pause.describe(action), appliedAtMs: nowMs, evidence: null }
    ]
    this.#command = { commandId: action.commandId, state: 'paused', untilMs: action.untilMs }
  }

  #undo(key: string, _why: string): void {
    this.standing = this.standing.filter(each => each.key !== key)
    this.#command = { commandId: `${key}/undo`, state: 'running', untilMs: this.atMs }
  }

  /** What a turn would see now. */
  now(): GuardianSnapshot {
    return {
      atMs: this.atMs,
      unseen: [],
      clusterId: 'cluster-under-test',
      intervalMs: this.everyMs,
      gap: false,
      brokers: [1, 2, 3],
      leaderless: [],
      underReplicated: 0,
      groups: new Map([[groupId, this.#facts()]]),
      standing: this.standing,
      requests: this.#requests
    }
  }

  #facts(): GroupFacts {
    const { committed, end, members, sdk, facts } = this.group
    const lagMessages = Math.max(end - committed, 0)
    const paused = this.#command?.state === 'paused' && sdk === 'obeys'
    return {
      groupId,
      protocol: 'classic',
      state: members.length === 0 ? 'empty' : 'stable',
      missing: [],
      members: members.map(memberId => ({ memberId, clientId: 'settle' })),
      owner: ownerOf(),
      topics: [{ topic: 'orders', lagMessages, unknownPartitions: 0, partitions: [{ partition: 0, committed, lagMessages }] }],
      lagMessages,
      commits: { partitions: 1, total: committed },
      readable: lagMessages > 0 ? { held: true, because: `orders-0 has a record at ${committed}` } : { held: false, because: 'it has read everything' },
      lossAtMs: this.atMs + 7 * 24 * hour,
      acks:
        sdk === 'none'
          ? []
          : members.map(memberId => ({
              memberId,
              clientId: 'settle',
              commandId: sdk === 'obeys' ? (this.#command?.commandId ?? null) : null,
              state: paused ? ('paused' as const) : ('running' as const),
              atMs: this.atMs
            })),
      command: this.#command,
      ...facts
    }
  }
}

/** A decision that changed what it was given would fail here. */
export function deepFreeze<T>(value: T): T {
  if (value instanceof Map) for (const each of value.values()) deepFreeze(each)
  else if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}
