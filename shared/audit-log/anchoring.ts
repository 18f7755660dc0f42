import { setTimeout as sleep } from 'node:timers/promises'
import { type Anchor, type AnchoredCheckpoint, ForkFound, type Receipt } from '../anchors/anchor.ts'

/** What is needed of an anchor here. */
export type CheckpointKeeper = Pick<Anchor, 'name' | 'put' | 'held'>

/** How one anchor does. */
export interface AnchorStanding {
  readonly name: string
  readonly waiting: number
  /** Since when the oldest that waits does; null: none waits. */
  readonly waitingSinceMs: number | null
  /** Size of the largest checkpoint that it took; null: none since the start. */
  readonly anchoredSize: number | null
  /** It holds another tree of a size that this log has had. */
  readonly forked: string | null
  /** Why the last attempt failed, and since when they do; null: it did not. */
  readonly failing: { readonly why: string; readonly sinceMs: number } | null
  /** Attempts that failed since the start. */
  readonly failures: number
}

const askForMs = 5_000
const mostWaiting = 1_000
const shortestPauseMs = 250
const longestPauseMs = 30_000

/** Hands checkpoints to anchors, to each in their order, again until it takes them. Where one is away for long, the oldest that wait are left out: a newer one says more. */
export class Anchoring {
  readonly #lanes: readonly Lane[]
  readonly #closing = new AbortController()

  constructor(anchors: readonly CheckpointKeeper[], options: { readonly nowMs: () => number; readonly onTrouble: (message: string) => void }) {
    const onReceipt = (checkpoint: AnchoredCheckpoint, { anchor, evidence }: Receipt): void => {
      const token = evidence['token']
      if (token !== undefined)
        for (const lane of this.#lanes) lane.putStamp({ checkpoint, sinceMs: options.nowMs(), stamp: { by: anchor, token: Buffer.from(token, 'base64') } })
    }
    this.#lanes = anchors.map(anchor => new Lane(anchor, { ...options, onReceipt, signal: this.#closing.signal }))
  }

  /** Returns at once. */
  put(checkpoint: AnchoredCheckpoint): void {
    for (const lane of this.#lanes) lane.put(checkpoint)
  }

  standing(): readonly AnchorStanding[] {
    return this.#lanes.map(lane => lane.standing())
  }

  /** Resolves when every anchor has taken all, or is failing. */
  async settled(): Promise<void> {
    // Twice: what one anchor gives another one may have to keep.
    for (let round = 0; round < 2; round++) await Promise.all(this.#lanes.map(lane => lane.settled()))
  }

  close(): void {
    this.#closing.abort()
  }
}

/** Size of the largest checkpoint of a log that an anchor is known to hold. An anchor that does not say so within seconds is told of, and left out. */
export async function largestAnchored(anchors: readonly CheckpointKeeper[], origin: string, onTrouble: (message: string) => void): Promise<number> {
  const sizes = anchors.map(async ({ name, held }) => {
    if (held === null) return 0
    const tooLate = new AbortController()
    const late = sleep(askForMs, undefined, { signal: tooLate.signal }).then(
      () => Promise.reject(new Error(`no answer within ${askForMs} ms`)),
      () => null
    )
    try {
      return (await Promise.race([held.latest(origin), late]))?.size ?? 0
    } catch (error) {
      onTrouble(`anchor ${name} does not say which checkpoint of ${origin} it holds: ${(error as Error).message}`)
      return 0
    } finally {
      tooLate.abort()
    }
  })
  return Math.max(0, ...(await Promise.all(sizes)))
}

interface LaneOptions {
  readonly nowMs: () => number
  readonly onTrouble: (message: string) => void
  readonly onReceipt: (checkpoint: AnchoredCheckpoint, receipt: Receipt) => void
  readonly signal: AbortSignal
}

/** What waits for an anchor: a checkpoint, or a time stamp that is to lie beside one. */
interface Waiting {
  readonly checkpoint: AnchoredCheckpoint
  readonly sinceMs: number
  readonly stamp: { readonly by: string; readonly token: Uint8Array } | null
}

class Lane {
  readonly #anchor: CheckpointKeeper
  readonly #options: LaneOptions
  readonly #waiting: Waiting[] = []
  #failing: AnchorStanding['failing'] = null
  #failures = 0
  #anchoredSize: number | null = null
  #forked: string | null = null
  #working = false
  #idle = Promise.withResolvers<void>()

  constructor(anchor: CheckpointKeeper, options: LaneOptions) {
    this.#anchor = anchor
    this.#options = options
    this.#idle.resolve()
  }

  put(checkpoint: AnchoredCheckpoint): void {
    this.#take({ checkpoint, sinceMs: this.#options.nowMs(), stamp: null })
  }

  /** Where this anchor can keep one. */
  putStamp(waiting: Waiting): void {
    if (this.#anchor.held?.stamps) this.#take(waiting)
  }

  #take(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (this.#waiting.length > mostWaiting) this.#waiting.splice(1, 1)
    if (!this.#working) void this.#work()
  }

  settled(): Promise<void> {
    return this.#idle.promise
  }

  standing(): AnchorStanding {
    return {
      name: this.#anchor.name,
      waiting: this.#waiting.length,
      waitingSinceMs: this.#waiting[0]?.sinceMs ?? null,
      anchoredSize: this.#anchoredSize,
      forked: this.#forked,
      failing: this.#failing,
      failures: this.#failures
    }
  }

  async #work(): Promise<void> {
    this.#working = true
    this.#idle = Promise.withResolvers()
    let pauseMs = shortestPauseMs
    while (this.#waiting.length > 0 && !this.#options.signal.aborted) {
      const { checkpoint, stamp } = this.#waiting[0]!
      try {
        if (stamp) await this.#anchor.held!.stamps!.keep(checkpoint, stamp.by, stamp.token)
        else this.#options.onReceipt(checkpoint, await this.#anchor.put(checkpoint))
        this.#waiting.shift()
        if (!stamp) this.#anchoredSize = checkpoint.size
        this.#failing = null
        pauseMs = shortestPauseMs
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.#failures++
        if (error instanceof ForkFound) {
          // It will never be taken, and the next may be: both checkpoints are the evidence, and each place keeps its own.
          this.#forked = why
          this.#options.onTrouble(why)
          this.#waiting.shift()
          continue
        }
        if (this.#failing?.why !== why) this.#options.onTrouble(`anchor ${this.#anchor.name} did not take the checkpoint of ${checkpoint.size} entries: ${why}`)
        this.#failing = { why, sinceMs: this.#failing?.sinceMs ?? this.#options.nowMs() }
        this.#idle.resolve()
        await sleep(pauseMs, undefined, { signal: this.#options.signal }).catch(() => undefined)
        pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      }
    }
    this.#working = false
    this.#idle.resolve()
  }
}
