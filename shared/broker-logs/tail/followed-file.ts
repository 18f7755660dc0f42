import { EventCutter, type CutEvent, type EventRules } from './event-cutter.ts'
import { headId, type Member } from './family.ts'
import { type LogBytes, openLogBytes } from './log-bytes.ts'
import type { FilePosition, TailNotice } from './position.ts'
import { CHUNK_BYTES, PrefixProof } from './prefix-proof.ts'

/** One file that is being read, over its renames, with its handle held open so that a deleted one is read to its end. */
export class FollowedFile {
  readonly fileId: string
  #member: Member
  #handle: LogBytes | null = null
  #proof = new PrefixProof()
  #cutter: EventCutter | null = null
  #offset: number
  #entries: number
  #generation: number
  /** Of the position that reading goes on from; null once it was looked at. */
  #toProve: FilePosition | null
  #provenAt = ''
  /** Monotonic; when it was last seen to grow. */
  #grewAtMs = performance.now()
  #quietForMs = 0
  #missedAtMs: number | null = null
  #missingForMs: number | null = null
  #wasLive: boolean

  /** `member` null: it is not there just now, and `position` says how far it was read. */
  constructor(member: Member | null, fileId: string, position: FilePosition | null) {
    this.fileId = fileId
    this.#member = member ?? {
      name: '',
      path: '',
      live: false,
      compressed: false,
      fileId,
      inode: position?.inode ?? '',
      device: position?.device ?? '',
      sizeBytes: position?.offset ?? 0,
      modifiedMs: 0,
      changed: ''
    }
    this.#wasLive = this.#member.live
    this.#offset = position?.offset ?? 0
    this.#entries = position?.entries ?? 0
    this.#generation = position?.generation ?? 0
    this.#toProve = position
  }

  get member(): Member {
    return this.#member
  }

  get generation(): number {
    return this.#generation
  }

  get unreadBytes(): number {
    return Math.max(0, this.#member.sizeBytes - this.#offset)
  }

  get position(): FilePosition {
    const { inode, device } = this.#member
    // What was not looked at in this process stands as it was kept.
    const { chainSha256, restSha256 } = this.#toProve ?? this.#proof
    return { fileId: this.fileId, offset: this.#offset, entries: this.#entries, generation: this.#generation, inode, device, chainSha256, restSha256 }
  }

  /** Takes over what a look saw of it that began at `lookedAtMs`, by the monotonic clock; null when it is nowhere any more, and then only the open handle can read on. */
  async see(member: Member | null, lookedAtMs: number): Promise<TailNotice[]> {
    const before = this.#member
    if (member === null) {
      this.#missingForMs = this.missedBy(lookedAtMs)
      this.#missedAtMs ??= performance.now()
      await this.#seeNowhere(before)
      return []
    }
    this.#missedAtMs = null
    this.#missingForMs = null
    const notices: TailNotice[] = []
    if (member.inode !== before.inode || member.device !== before.device) await this.close()
    if (this.#wasLive && !member.live) notices.push(this.rotatedTo(member))
    if (member.sizeBytes !== before.sizeBytes) this.#grewAtMs = performance.now()
    this.#quietForMs = Math.max(0, lookedAtMs - this.#grewAtMs)
    this.#member = member
    this.#wasLive = member.live
    const file = await this.#open()
    if (file === null) return notices
    // The first line says which file it is; all that was read must be in it.
    const everything = notices.length > 0 || member.compressed !== before.compressed
    if (member.sizeBytes < this.#offset) notices.push(await this.#shrink(file, member.sizeBytes))
    else if (this.#provenAt !== member.changed || everything) notices.push(...(await this.#prove(file, everything)))
    return notices
  }

  rotatedTo({ name, sizeBytes }: Member): TailNotice {
    return { kind: 'rotated', fileId: this.fileId, to: name, readTo: this.#offset, unreadBytes: Math.max(0, sizeBytes - this.#offset) }
  }

  /** Events up to about `maxBytes` further on. `final` hands out what has no line break yet. */
  async read(rules: EventRules, maxBytes: number, final: boolean): Promise<CutEvent[]> {
    const file = await this.#open()
    if (file === null || this.#toProve !== null) return []
    const cutter = (this.#cutter ??= await this.#newCutter(file, rules))
    const block = Buffer.allocUnsafe(CHUNK_BYTES)
    const events: CutEvent[] = []
    for (let left = maxBytes; left > 0;) {
      const { bytesRead } = await file.read(block, 0, Math.min(block.length, left), cutter.end)
      if (bytesRead === 0) {
        if (final) events.push(...cutter.finish())
        break
      }
      left -= bytesRead
      events.push(...cutter.push(block.subarray(0, bytesRead)))
    }
    const undo = this.#proof.mark()
    // Emptied or filled again since the look: these bytes are another file's, and the next look says so.
    if (!(await this.#proof.advance(file, cutter.start)) || (await headId(file)) !== this.fileId) {
      undo()
      this.#cutter = null
      return []
    }
    this.#offset = cutter.start
    this.#entries += events.length
    return events
  }

  /** Whether bytes are there that no event was made of: the beginning of a line or of an event. */
  get hasHalfEvent(): boolean {
    return this.#cutter !== null && this.#cutter.end > this.#cutter.start
  }

  /** How long it was missed by a look that began then, milliseconds. */
  missedBy(lookedAtMs: number): number {
    return this.#missedAtMs === null ? 0 : Math.max(0, lookedAtMs - this.#missedAtMs)
  }

  /** From the first look that missed it to the last; null while it is there. */
  get missingForMs(): number | null {
    return this.#missingForMs
  }

  /** Whether nobody can say how much of it was not read. */
  get lostCount(): boolean {
    return this.#handle === null
  }

  get quietForMs(): number {
    return this.#quietForMs
  }

  get unseenBytes(): number {
    return Math.max(0, this.#member.sizeBytes - (this.#cutter?.end ?? this.#offset))
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }

  /** Deleted: the handle reads on. Emptied: there is nothing to read on. */
  async #seeNowhere(before: Member): Promise<void> {
    const file = this.#handle
    if (file !== null && (await headId(file)) === this.fileId) this.#member = { ...before, live: false, sizeBytes: (await file.sizeBytes()) ?? this.#offset }
    else {
      this.#cutter = null
      this.#member = { ...before, live: false, sizeBytes: this.#offset }
    }
  }

  async #newCutter(file: LogBytes, rules: EventRules): Promise<EventCutter> {
    const before = Buffer.from('\n')
    if (this.#offset > 0) await file.read(before, 0, 1, this.#offset - 1)
    return new EventCutter(rules, this.#offset, before[0] !== 10)
  }

  async #prove(file: LogBytes, everything: boolean): Promise<TailNotice[]> {
    const toProve = this.#toProve
    let changed: { from: number; to: number } | null
    if (toProve === null) changed = everything ? await this.#proof.changedAnywhere(file) : await this.#proof.changedRange(file)
    else {
      const whole = await this.#proof.advance(file, this.#offset)
      const same = whole && this.#proof.chainSha256 === toProve.chainSha256 && this.#proof.restSha256 === toProve.restSha256
      changed = same ? null : { from: 0, to: this.#offset }
    }
    if (changed !== null && !(await this.#isAsSeen(file))) {
      if (toProve !== null) this.#proof = new PrefixProof()
      return []
    }
    this.#toProve = null
    this.#provenAt = this.#member.changed
    if (changed === null) return []
    await this.#beginAgain(file, this.#offset)
    return [{ kind: 'rewritten', fileId: this.fileId, ...changed }]
  }

  /** False when it was emptied since the look: the next look says so. */
  async #isAsSeen(file: LogBytes): Promise<boolean> {
    return (await headId(file)) === this.fileId && ((await file.sizeBytes()) ?? 0) >= this.#offset
  }

  async #shrink(file: LogBytes, sizeBytes: number): Promise<TailNotice> {
    const notice: TailNotice = { kind: 'truncated', fileId: this.fileId, readTo: this.#offset, sizeBytes, unreadBytes: null }
    await this.#beginAgain(file, sizeBytes)
    return notice
  }

  /** What is there now is what later looks compare with. */
  async #beginAgain(file: LogBytes, offset: number): Promise<void> {
    this.#generation++
    this.#offset = offset
    this.#cutter = null
    this.#toProve = null
    await this.#rehash(file, offset)
    this.#provenAt = this.#member.changed
  }

  async #rehash(file: LogBytes, offset: number): Promise<void> {
    this.#proof = new PrefixProof()
    await this.#proof.advance(file, offset)
  }

  /** Null when the name is another file's by now. */
  async #open(): Promise<LogBytes | null> {
    if (this.#handle !== null) return this.#handle
    const { path, compressed, sizeBytes } = this.#member
    const file = await openLogBytes(path, compressed, sizeBytes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw new Error(`${path} cannot be read: ${error.message}`, { cause: error })
    })
    if (file !== null && (await headId(file)) === this.fileId) return (this.#handle = file)
    await file?.close()
    return null
  }
}
