import { isUtf8 } from 'node:buffer'
import { createHash, hash, type Hash } from 'node:crypto'
import type { Flaw, LogEntry } from '../entry.ts'

/** A log event in a file, without the file. */
export type CutEvent = Omit<LogEntry, 'coordinate'> & { readonly from: number; readonly to: number }

export interface EventRules {
  /** Whether a physical line begins an event. */
  begins(line: string): boolean
  /** Whether these lines need no more. */
  whole(text: string): boolean
  /** Longer events are cut. */
  readonly maxBytes: number
}

/** An event of more physical lines ends there. */
const MOST_LINES = 256
/** What is kept of an event that is cut. */
const KEPT_BYTES = 16_384

/** Cuts bytes into log events. Where an event ends follows from the bytes alone, never from when they came. */
export class EventCutter {
  readonly #rules: EventRules
  /** Whole physical lines of an event that may go on. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** The physical line whose end has not come. */
  #line: Buffer[] = []
  #lineBytes = 0
  /** Of a physical line that is longer than the bound: its hash so far; of its bytes only the first are kept. */
  #tooLong: Hash | null = null
  #start: number
  #midLine: boolean

  /** `midLine`: the byte before `start` is no line break. */
  constructor(rules: EventRules, start: number, midLine: boolean) {
    this.#rules = rules
    this.#start = start
    this.#midLine = midLine
  }

  /** Where the first event that was not handed out begins. */
  get start(): number {
    return this.#start
  }

  /** Where the next bytes belong. */
  get end(): number {
    return this.#start + this.#heldBytes + this.#lineBytes
  }

  /** Takes the bytes that follow in the file; they may be overwritten afterwards. */
  *push(bytes: Buffer): Generator<CutEvent> {
    let at = 0
    for (let breakAt = bytes.indexOf(10); breakAt >= 0; breakAt = bytes.indexOf(10, at)) {
      this.#append(bytes.subarray(at, breakAt + 1))
      at = breakAt + 1
      yield* this.#endLine()
    }
    if (at < bytes.length) this.#append(Buffer.from(bytes.subarray(at)))
  }

  /** Hands out what is left, for a file that gets no more. */
  *finish(): Generator<CutEvent> {
    if (this.#tooLong !== null) {
      if (this.#held.length > 0) yield this.#hand(true)
      yield this.#cutLine(false)
    } else {
      if (this.#lineBytes > 0) {
        const line = this.#takeLine()
        if (this.#held.length > 0 && this.#rules.begins(textOf(line).text)) yield this.#hand(true)
        this.#hold(line)
      }
      if (this.#held.length > 0) yield this.#hand(this.#held.at(-1)!.at(-1) === 10)
    }
  }

  #append(bytes: Buffer): void {
    if (this.#tooLong === null && this.#lineBytes + bytes.length > this.#rules.maxBytes) {
      this.#tooLong = createHash('sha256')
      for (const piece of this.#line) this.#tooLong.update(piece)
      this.#line = [Buffer.concat([...this.#line, bytes]).subarray(0, KEPT_BYTES)]
    }
    if (this.#tooLong === null) this.#line.push(bytes)
    else this.#tooLong.update(bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes)
    this.#lineBytes += bytes.length
  }

  *#endLine(): Generator<CutEvent> {
    if (this.#tooLong !== null) {
      if (this.#held.length > 0) yield this.#hand(true)
      yield this.#cutLine(true)
      return
    }
    const line = this.#takeLine()
    const { text } = textOf(line.subarray(0, -1))
    const full = this.#heldBytes + line.length > this.#rules.maxBytes || this.#held.length >= MOST_LINES
    if (this.#held.length > 0 && (full || this.#rules.begins(text))) yield this.#hand(true)
    this.#hold(line)
    // A line that begins nothing and follows nothing is an event of its own, so that it is seen.
    const alone = this.#held.length === 1
    if ((alone && !this.#rules.begins(text)) || this.#rules.whole(alone ? text : this.#heldText())) yield this.#hand(true)
  }

  #takeLine(): Buffer {
    const line = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line)
    this.#line = []
    this.#lineBytes = 0
    return line
  }

  #hold(line: Buffer): void {
    // The caller's block is overwritten by its next read.
    this.#held.push(Buffer.from(line))
    this.#heldBytes += line.length
  }

  #heldText(): string {
    const bytes = Buffer.concat(this.#held)
    return textOf(bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes).text
  }

  #hand(terminated: boolean): CutEvent {
    const all = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    const bytes = terminated ? all.subarray(0, -1) : all
    const { text, valid } = textOf(bytes)
    const flaws: Flaw[] = [...(valid ? [] : ['invalid-utf8' as const]), ...(terminated ? [] : ['unterminated' as const])]
    const event = this.#event(text, bytes.length, hash('sha256', bytes, 'hex'), flaws, all.length, terminated)
    this.#held = []
    this.#heldBytes = 0
    return event
  }

  #cutLine(terminated: boolean): CutEvent {
    const { text } = textOf(Buffer.concat(this.#line).subarray(0, KEPT_BYTES))
    const sha256 = this.#tooLong!.digest('hex')
    const length = this.#lineBytes - (terminated ? 1 : 0)
    const event = this.#event(text, length, sha256, ['cut', ...(terminated ? [] : ['unterminated' as const])], this.#lineBytes, terminated)
    this.#tooLong = null
    this.#line = []
    this.#lineBytes = 0
    return event
  }

  #event(text: string, lengthBytes: number, sha256: string, flaws: Flaw[], taken: number, terminated: boolean): CutEvent {
    const from = this.#start
    const event = { text, lengthBytes, sha256, flaws: this.#midLine ? [...flaws, 'mid-line' as const] : flaws, from, to: from + taken }
    this.#start = event.to
    this.#midLine = !terminated
    return event
  }
}

function textOf(bytes: Buffer): { text: string; valid: boolean } {
  const text = bytes.toString('utf8')
  return { text: text.endsWith('\r') ? text.slice(0, -1) : text, valid: isUtf8(bytes) }
}
