import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaFault } from '../kafka/errors.ts'
import type { Governed } from './engine.ts'
import { Inbox } from './inbox.ts'
import type { Leader } from './leader.ts'
import { Observations } from './observations.ts'
import { Observer, observerState } from './observer.ts'
import { openPorts } from './ports.ts'
import type { ReplicaParts } from './replica.ts'
import { scopeOf } from './seal.ts'
import { tell } from './tell.ts'
import { turn, type TurnReport } from './turn.ts'

/** How often the leader looks for what people said and for messages that are due. */
const everyMs = 1_000

/** One reign: from the fence to the loss of leadership or the stop. Opened and closed by the replica. */
export class Leadership {
  readonly leader: Leader
  readonly #parts: ReplicaParts
  readonly #observer: Observer
  readonly #governed = new Map<string, Governed>()
  readonly #busy = new Set<Promise<unknown>>()
  readonly #lost = Promise.withResolvers<never>()
  readonly #closers: (() => Promise<void>)[] = []
  #ready = false
  #inbox: Inbox | null = null
  #observations: Observations | null = null

  constructor(parts: ReplicaParts, leader: Leader) {
    this.#parts = parts
    this.leader = leader
    this.#observer = new Observer(parts.kafka, parts.settings.observer, parts.log)
    this.#lost.promise.catch(() => {})
  }

  /** True once every writer is fenced and every reader is open. */
  get ready(): boolean {
    return this.#ready
  }

  /** Leads until stopped (resolves) or fenced (throws). */
  async run(signal: AbortSignal): Promise<void> {
    const { ticks, settings, log } = this.#parts
    try {
      await this.#open()
      this.#ready = true
      ticks.lead([{ name: 'observer', everyMs: settings.observer.intervalMs }])
      const ended = new AbortController()
      this.#closers.push(async () => ended.abort())
      await Promise.race([this.#lost.promise, this.#housekeeping(AbortSignal.any([signal, ended.signal]))])
      ticks.stepDown()
      await Promise.allSettled(this.#busy)
      await this.leader.release()
      log.info({}, 'stopped in good order')
    } finally {
      ticks.stepDown()
      await Promise.allSettled(this.#busy)
      for (const close of this.#closers.reverse()) await close()
    }
  }

  /** False for a tick of the schedule that comes while scans are further apart than configured. */
  isDue(name: string): boolean {
    return name !== 'observer' || this.#observer.isDue(this.leader)
  }

  /** A scan, or the turn of one agent. What it throws is for the queue's log; a fence ends the reign. */
  async turnNow(name: string): Promise<void> {
    if (!this.#ready) return
    const startedAt = performance.now()
    const work = name === 'observer' ? this.#observe() : this.#turn(name)
    this.#busy.add(work)
    try {
      this.#parts.onTick(name, { report: await work }, performance.now() - startedAt)
    } catch (error) {
      this.#parts.onTick(name, { error }, performance.now() - startedAt)
      if (error instanceof KafkaFault && error.kind === 'fenced') this.#lost.reject(error)
      throw error
    } finally {
      this.#busy.delete(work)
    }
  }

  async #open(): Promise<void> {
    const { kafka, topics, clusterId, agents } = this.#parts
    const inboxReader = await kafka.openReader()
    this.#closers.push(() => inboxReader.close())
    this.#inbox = new Inbox(topics.requests, inboxReader, this.#parts.approvals, scopeOf(clusterId, topics))
    await this.#inbox.open(this.leader)
    this.#observations = new Observations(topics.observations, await kafka.openReader())
    this.#closers.push(() => this.#observations!.close())
    await this.#observations.open(observerState(this.leader.store)?.keyFrameOffset ?? null)
    for (const { agent, policy, act, kafka: own } of agents) {
      const ports = await openPorts(own, clusterId, topics, `${topics.control}.${agent.name}`)
      this.#closers.push(
        () => ports.close(),
        () => ports.appender.close()
      )
      await ports.appender.fence()
      this.#governed.set(agent.name, { agent, policy, act, ports })
    }
  }

  /** Three loops of their own, so that a slow Slack never holds up the lease. */
  #housekeeping(signal: AbortSignal): Promise<unknown> {
    const { settings, ticks, notifier, log, hooks } = this.#parts
    const { leader } = this
    const renew = async () => {
      if (leader.sinceProofMs() >= settings.times.renewEveryMs) await leader.renew()
    }
    const listen = async () => {
      if (await this.#inbox!.take(leader)) for (const name of this.#governed.keys()) await ticks.ask(name)
      const { nowMs } = await leader.clock.now()
      await this.#inbox!.closeUnanswered(leader, nowMs)
      await this.#inbox!.expire(leader, nowMs)
    }
    const deliver = async () => {
      if ((await tell(leader, notifier, log, (await leader.clock.now()).nowMs)) > 0) await hooks.step?.('told', '')
    }
    return Promise.all([renew, listen, deliver].map(work => this.#repeat(work, signal)))
  }

  async #repeat(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof KafkaFault) || error.kind === 'fenced') throw error
        this.#parts.log.warn({}, `housekeeping failed and is tried again: ${error.message}`)
      }
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  }

  async #observe(): Promise<null> {
    await this.#observer.observe(this.leader)
    await this.#parts.hooks.step?.('scanned', '')
    for (const name of this.#governed.keys()) await this.#parts.ticks.ask(name)
    return null
  }

  /** Null when nothing was observed yet. */
  async #turn(name: string): Promise<TurnReport | null> {
    const { settings, hooks, log } = this.#parts
    const governed = this.#governed.get(name)
    if (!governed) throw new Error(`no agent is called ${name}`)
    const latest = await this.#observations!.latest(observerState(this.leader.store)?.sequence)
    if (latest === null) return null
    return turn({ settings, hooks, log }, this.leader, governed, latest, () => this.#stillPermitted())
  }

  /** The kill switch is read to its end before every effect that harms. */
  async #stillPermitted(): Promise<boolean> {
    await this.#inbox!.take(this.leader)
    return this.leader.store.get('halt') === undefined
  }
}
