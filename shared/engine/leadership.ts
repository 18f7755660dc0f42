import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaFault } from '../kafka/errors.ts'
import type { Governed } from './engine.ts'
import { Inbox } from './inbox.ts'
import type { Leader } from './leader.ts'
import { Observations } from './observations.ts'
import { Observer, type ObserverState } from './observer.ts'
import { openPorts } from './ports.ts'
import type { ReplicaParts } from './replica.ts'
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
  #inbox: Inbox | null = null
  #observations: Observations | null = null

  constructor(parts: ReplicaParts, leader: Leader) {
    this.#parts = parts
    this.leader = leader
    this.#observer = new Observer(parts.kafka.admin, parts.settings.observer)
    this.#lost.promise.catch(() => {})
  }

  /** Leads until stopped (resolves) or fenced (throws). */
  async run(signal: AbortSignal): Promise<void> {
    const { ticks, settings, log } = this.#parts
    try {
      await this.#open()
      ticks.lead([{ name: 'observer', everyMs: settings.observer.intervalMs }])
      while (!signal.aborted) await Promise.race([this.#lost.promise, this.#everySecond(signal)])
      ticks.stepDown()
      await Promise.allSettled(this.#busy)
      await this.leader.release()
      log.info('stopped in good order')
    } finally {
      ticks.stepDown()
      await Promise.allSettled(this.#busy)
      for (const close of this.#closers.reverse()) await close()
    }
  }

  /** A tick of the queue: a scan, or the turn of one agent. What it throws is for the queue's log; a fence ends the reign. */
  async onTick(name: string): Promise<void> {
    const work = name === 'observer' ? this.#observe() : this.#turn(name)
    this.#busy.add(work)
    try {
      await work
    } catch (error) {
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
    this.#inbox = new Inbox(topics.requests, inboxReader)
    await this.#inbox.open(this.leader)
    this.#observations = new Observations(topics.observations, await kafka.openReader())
    this.#closers.push(() => this.#observations!.close())
    await this.#observations.open((this.leader.store.get('observer') as unknown as ObserverState | undefined)?.keyFrameOffset ?? null)
    for (const { agent, policy, act, kafka: own } of agents) {
      const ports = await openPorts(own, clusterId, topics, `${topics.control}.${agent.name}`)
      this.#closers.push(() => ports.close(), () => ports.appender.close())
      await ports.appender.fence()
      this.#governed.set(agent.name, { agent, policy, act, ports })
    }
  }

  async #everySecond(signal: AbortSignal): Promise<void> {
    const { settings, ticks, notifier, log, hooks } = this.#parts
    try {
      if (await this.#inbox!.take(this.leader)) for (const name of this.#governed.keys()) await ticks.ask(name)
      const { nowMs } = await this.leader.clock.now()
      await this.#inbox!.closeUnanswered(this.leader, nowMs)
      if ((await tell(this.leader, notifier, log, nowMs)) > 0) await hooks.step?.('told', '')
      if (this.leader.sinceProofMs() >= settings.times.renewEveryMs) await this.leader.renew()
    } catch (error) {
      if (!(error instanceof KafkaFault) || error.kind === 'fenced') throw error
      log.warn(`a round of housekeeping failed and is tried again: ${error.message}`)
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }

  async #observe(): Promise<void> {
    const { hooks, ticks } = this.#parts
    await this.#observer.observe(this.leader)
    await hooks.step?.('scanned', '')
    for (const name of this.#governed.keys()) await ticks.ask(name)
  }

  async #turn(name: string): Promise<void> {
    const governed = this.#governed.get(name)
    if (!governed) throw new Error(`no agent is called ${name}`)
    const startedAt = performance.now()
    let result: { report: TurnReport } | { error: unknown }
    try {
      const latest = await this.#observations!.latest()
      if (latest === null) return
      const { settings, hooks, log } = this.#parts
      result = { report: await turn({ settings, hooks, log }, this.leader, governed, latest, () => this.#stillPermitted()) }
    } catch (error) {
      result = { error }
    }
    this.#parts.onTurn(name, result, performance.now() - startedAt)
    if ('error' in result) throw result.error
  }

  /** The kill switch is read to its end before every effect that harms. */
  async #stillPermitted(): Promise<boolean> {
    await this.#inbox!.take(this.leader)
    return this.leader.store.get('halt') === undefined
  }
}
