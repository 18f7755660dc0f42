import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Asked, QueueHealth, QueueOptions } from './contract.ts'
import { heldSchedules } from './held-schedules.ts'
import { judgeRedis, versionOf, type RedisFinding } from './inspect.ts'
import { Lane } from './lane.ts'
import { openRedis, redisAddress, redisErrorText } from './redis.ts'
import { checkName, checkSchedule, mending, overdue, type Schedule } from './schedules.ts'
import { openTurnWorker, type TurnWorker } from './worker.ts'

const queueName = 'turns'
const defaultGraceMs = 2_000
const longestMendMs = 60_000
const closeMs = 10_000
const quietMs = 2_000

/**
 * Opens the queue of turns. Redis may be away: then the queue is degraded, says so, and reconnects. Throws only when the
 * URL is no Redis URL.
 */
export function openQueue(options: QueueOptions): WorkQueue {
  return new WorkQueue(options)
}

/**
 * The one place where turns come from. Redis holds only work in flight: everything in it may vanish at any moment, and costs at most
 * one turn of each name. A name never runs twice at once; asks while it runs collapse into one more run.
 */
export class WorkQueue {
  readonly #options: QueueOptions
  readonly #graceMs: number
  readonly #redis: Redis
  /** Settled once the first connection stood or failed: a process that starts waits for that before it does without Redis. */
  readonly #firstAnswer: Promise<void>
  readonly #lane = new Lane()
  readonly #lastRunAtMs = new Map<string, number>()
  readonly #lastSuccessMs = new Map<string, number>()
  readonly #lastFailure = new Map<string, string>()
  #queue: Queue | null = null
  #worker: TurnWorker | null = null
  #schedules: readonly Schedule[] | null = null
  #timers: NodeJS.Timeout[] = []
  #mendingNow: Promise<boolean> | null = null
  #findings: readonly RedisFinding[] = []
  #redisVersion: string | null = null
  #answering = false
  #quietUntilMs = 0
  #directTurns = 0
  #lastError: string | null = null
  #closed = false

  constructor(options: QueueOptions) {
    this.#options = options
    this.#graceMs = options.graceMs ?? defaultGraceMs
    this.#redis = openRedis(options, `${options.prefix}-producer`)
    this.#firstAnswer = new Promise(resolve =>
      this.#redis
        .once('ready', resolve)
        .once('error', () => resolve())
        .once('end', resolve)
    )
    this.#redis.on('error', error => this.#lost(error))
    this.#redis.on('close', () => this.#answering && this.#lost(new Error('the connection to Redis was closed')))
    this.#redis.on('ready', () => void this.#found())
  }

  /**
   * Takes turns from now on and keeps these schedules in Redis, and no others. For the leader only. Returns at once; each
   * name gets its first turn soon. Throws when a schedule's name or interval is unusable.
   */
  lead(schedules: readonly Schedule[]): void {
    if (this.#closed) throw new Error('the queue is closed')
    schedules.forEach(checkSchedule)
    this.#clearTimers()
    this.#schedules = schedules
    const nowMs = performance.now()
    // Two intervals back: where Redis brings no first turn within the grace, the timer does.
    for (const { name, everyMs } of schedules) this.#lastRunAtMs.set(name, nowMs - 2 * everyMs)
    this.#worker ??= this.#openWorker()
    const leastMs = Math.min(longestMendMs, ...schedules.map(({ everyMs }) => everyMs))
    this.#timers = [setInterval(() => void this.mend(), Math.max(leastMs, 1_000)), setInterval(() => this.#watch(), Math.max(Math.min(leastMs / 4, 1_000), 50))]
    void this.#begin(schedules)
  }

  /** Takes no further turn. A running one goes on to its end; this does not wait for it, so that it may be called from within. */
  stepDown(): void {
    this.#clearTimers()
    this.#schedules = null
    const worker = this.#worker
    this.#worker = null
    if (worker) void worker.close(this.#idle())
  }

  /** Asks for a turn soon. Throws only when the name is unusable. */
  async ask(name: string): Promise<Asked> {
    checkName(name)
    if (await this.#enqueue(name)) return 'queued'
    if (!this.#schedules) return 'lost'
    this.#runDirectly(name)
    return 'direct'
  }

  /**
   * Compares the schedules that Redis holds with those that it should hold and mends the difference. Runs by itself every minute (more
   * often where an interval is shorter) and after each reconnect. False when Redis is away or this process does not lead.
   */
  mend(): Promise<boolean> {
    this.#mendingNow ??= this.#mend().finally(() => (this.#mendingNow = null))
    return this.#mendingNow
  }

  /** Redis's own clock, epoch milliseconds; null when Redis is away. */
  async redisTimeMs(): Promise<number | null> {
    return this.#try(async () => {
      const [seconds, microseconds] = await this.#redis.time()
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
    })
  }

  health(): QueueHealth {
    const connected = this.#connected()
    return {
      connected,
      degraded: !connected || this.#findings.some(({ level }) => level === 'refuse'),
      leading: this.#schedules !== null,
      lastSuccessMs: Object.fromEntries(this.#lastSuccessMs),
      lastFailure: Object.fromEntries(this.#lastFailure),
      directTurns: this.#directTurns,
      redisVersion: this.#redisVersion,
      findings: this.#findings,
      lastError: this.#lastError
    }
  }

  /** Stops taking turns, waits up to 10 s for the running ones, and closes every connection. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#clearTimers()
    this.#schedules = null
    const idle = this.#idle()
    await this.#worker?.close(idle)
    this.#worker = null
    await idle
    await this.#mendingNow?.catch(() => undefined)
    await this.#queue?.close().catch(() => undefined)
    this.#redis.disconnect()
  }

  /** When no turn runs any more, or 10 s from now. */
  async #idle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<void>(resolve => (timer = setTimeout(resolve, closeMs)))
    await Promise.race([this.#lane.idle(), bound])
    clearTimeout(timer)
  }

  #connected(): boolean {
    return this.#redis.status === 'ready' && this.#answering
  }

  /** A schedule that a predecessor left ticks only after its interval, so each name is asked for once. */
  async #begin(schedules: readonly Schedule[]): Promise<void> {
    if (await this.mend()) await Promise.all(schedules.map(({ name }) => this.#enqueue(name)))
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #lost(error: unknown): void {
    const text = redisErrorText(error)
    const first = this.#answering || this.#lastError === null
    this.#answering = false
    this.#lastError = text
    if (first && !this.#closed)
      this.#options.log.warn({ redis: redisAddress(this.#options), reason: text }, 'Redis is away: turns come from the local timer until it is back')
  }

  async #found(): Promise<void> {
    const looked = await this.#try(async () => {
      const info = await this.#redis.info()
      this.#redisVersion = versionOf(info)
      this.#findings = judgeRedis(info)
      return true
    })
    if (!looked || this.#closed) return
    const wrong = this.#findings.filter(({ level }) => level !== 'ok')
    const fields = { redis: redisAddress(this.#options), version: this.#redisVersion, findings: wrong }
    if (wrong.length > 0) this.#options.log.warn(fields, 'Redis is not set as it should be')
    else this.#options.log.info(fields, 'Redis is at hand')
    await this.mend()
  }

  /** Runs a command; null when Redis is away, did not answer in time, or refused it. */
  async #try<T>(command: () => Promise<T>): Promise<T | null> {
    await this.#firstAnswer
    if (this.#redis.status !== 'ready' || this.#closed || performance.now() < this.#quietUntilMs) return null
    try {
      const result = await command()
      this.#answering = true
      return result
    } catch (error) {
      // A Redis that hangs costs one time-out now and then, not one for each ask.
      this.#quietUntilMs = performance.now() + quietMs
      this.#lost(error)
      return null
    }
  }

  #openQueue(): Queue {
    const keep = { removeOnComplete: { count: 100, age: 3_600 }, removeOnFail: { count: 100, age: 86_400 } }
    const queue = new Queue(queueName, {
      connection: this.#redis,
      prefix: this.#options.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: { attempts: 1, ...keep }
    })
    queue.on('error', error => this.#options.log.debug({ reason: redisErrorText(error) }, 'the queue reported an error'))
    return queue
  }

  #openWorker(): TurnWorker {
    return openTurnWorker({
      redisUrl: this.#options.redisUrl,
      redisTls: this.#options.redisTls,
      prefix: this.#options.prefix,
      queueName,
      concurrency: this.#options.concurrency,
      log: this.#options.log,
      onTick: async name => {
        if (!(await this.#enqueue(name))) throw new Error('the turn could not be put into the queue')
      },
      onTurn: (name, jobId) => this.#turn(name, jobId)
    })
  }

  async #enqueue(name: string): Promise<boolean> {
    const added = await this.#try(async () => {
      this.#queue ??= this.#openQueue()
      await this.#queue.add(name, null, { jobId: `${name}-${crypto.randomUUID()}`, deduplication: { id: name, keepLastIfActive: true } })
      return true
    })
    if (!added) this.#queue = null
    return added === true
  }

  #turn(name: string, jobId: string): Promise<void> {
    return this.#lane.run(name, async () => {
      if (!this.#schedules) throw new Error('not leading')
      this.#lastRunAtMs.set(name, performance.now())
      try {
        await this.#options.onTurn(name, jobId)
        this.#lastSuccessMs.set(name, Date.now())
        this.#lastFailure.delete(name)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        this.#lastFailure.set(name, reason)
        this.#options.log.error({ name, jobId, err: error }, 'a turn failed')
        throw error
      } finally {
        this.#lastRunAtMs.set(name, performance.now())
      }
    })
  }

  #runDirectly(name: string): void {
    this.#directTurns++
    // The turn has logged its own failure.
    this.#turn(name, `${name}-direct-${crypto.randomUUID()}`).catch(() => undefined)
  }

  /** Brings the turns that Redis did not. A worker that says it runs may be dead, so it is replaced. */
  #watch(): void {
    if (!this.#schedules) return
    const connected = this.#connected()
    // Until the first connection has failed, Redis counts as at hand: two processes that start must not both run at once.
    const expected = connected || this.#lastError === null
    const late = overdue(this.#schedules, this.#lastRunAtMs, performance.now(), expected, this.#graceMs).filter(name => !this.#lane.isBusy(name))
    for (const name of late) this.#runDirectly(name)
    if (late.length === 0 || !connected) return
    this.#options.log.warn({ names: late }, 'turns were overdue though Redis answers: run directly, schedules mended, worker replaced')
    const worker = this.#worker
    this.#worker = this.#openWorker()
    if (worker) void worker.close(this.#idle())
    void this.mend()
  }

  async #mend(): Promise<boolean> {
    const wanted = this.#schedules
    if (!wanted) return false
    const mended = await this.#try(async () => {
      const queue = (this.#queue ??= this.#openQueue())
      const { remove, upsert } = mending(wanted, await heldSchedules(queue), Date.now())
      // Another may lead by now: what it set up is not ours to change.
      if (this.#schedules !== wanted) return false
      for (const name of remove) await queue.removeJobScheduler(name)
      for (const { name, everyMs } of upsert) await queue.upsertJobScheduler(name, { every: everyMs }, { name, data: null })
      if (upsert.length + remove.length > 0) this.#options.log.info({ set: upsert, removed: remove }, 'schedules in Redis were mended')
      return true
    })
    if (mended === null) this.#queue = null
    return mended === true
  }
}
