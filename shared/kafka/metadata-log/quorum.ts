import type { Leadership } from './leadership.ts'

/**
 * Who leads the controllers, as far as their answers tell: each names the leader, its epoch and, where it can, its address. Where
 * nobody is known to lead, the controllers that were configured are asked one after another.
 */
export class Quorum {
  readonly #configured: readonly string[]
  #turn = 0
  #leader: string | null = null
  #epoch: number
  #resting = { address: '', untilMs: -Infinity }

  constructor(configured: readonly string[], epoch: number) {
    this.#configured = configured
    this.#epoch = epoch
  }

  /** The newest leader epoch that was heard of. */
  get epoch(): number {
    return this.#epoch
  }

  /** Whom to ask next. */
  get address(): string {
    return this.#leader ?? this.#configured[this.#turn % this.#configured.length]!
  }

  /** How many controllers were configured. */
  get size(): number {
    return this.#configured.length
  }

  /** Takes over what an answer tells. True where it was news, and asking again at once makes sense. */
  learn({ currentLeader, endpoints }: Leadership): boolean {
    if (!currentLeader || currentLeader.leaderEpoch < this.#epoch) return false
    const newer = currentLeader.leaderEpoch > this.#epoch
    this.#epoch = currentLeader.leaderEpoch
    const endpoint = endpoints.get(currentLeader.leaderId)
    const address = endpoint && (endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`)
    if (address === undefined) {
      if (newer) this.#leader = null
      return newer
    }
    if (address === this.address) return newer
    if (this.#rests(address)) return newer
    this.#leader = address
    return true
  }

  /** The one asked gave no answer: it is left alone for as long as that took, for the others name a leader that hangs until they have elected another one. */
  failed(tookMs: number): void {
    this.#resting = { address: this.address, untilMs: performance.now() + tookMs }
    this.turn()
  }

  /** The one asked is not to be asked again now. */
  turn(): void {
    this.#leader = null
    this.#turn++
    if (this.#rests(this.address)) this.#turn++
  }

  #rests(address: string): boolean {
    return address === this.#resting.address && performance.now() < this.#resting.untilMs
  }
}
