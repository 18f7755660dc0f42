import { watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'
import type { LogEntry } from '../entry.ts'
import { Family, type Member } from './family.ts'
import { FollowedFile } from './followed-file.ts'
import type { FilePosition, TailNotice, TailPosition } from './position.ts'

export interface TailOptions {
  /** The machine that the log is of: part of each coordinate. */
  readonly host: string
  /** Of the live file. Rotated ones are beside it and begin with its name. */
  readonly path: string
  /** Whether a physical line begins a log event, and whether lines are a whole one. */
  readonly begins: (line: string) => boolean
  readonly whole: (text: string) => boolean
  /** Where to go on. Without one the live file is read from its beginning and rotated ones are taken as done. */
  readonly position?: TailPosition | null
  /** Longer events are cut; default 1 MiB. */
  readonly maxEntryBytes?: number
  /** How long a rotated file must not grow before what has no line break at its end is handed out, and before what is being compressed is given up; default 5,000. */
  readonly settleMs?: number
  /**
   * How long a folder must not change before a new file is begun, and a file be missed before it is gone; default 250. More than a tick of the file
   * system's clock and than a rotation takes.
   */
  readonly lookAgainMs?: number
}

export interface TailBatch {
  readonly entries: readonly LogEntry[]
  readonly notices: readonly TailNotice[]
  /** What to keep together with the entries: reading goes on behind them. */
  readonly position: TailPosition
  /** Whether there is more to read at once. */
  readonly more: boolean
  /** The live file as it was found; null when it is not there. */
  readonly live: { readonly sizeBytes: number; readonly modifiedMs: number } | null
  /** Bytes at the ends of files that make no whole event yet. */
  readonly heldBytes: number
}

/** Files that were read to their end and are still recognised, for what a writer adds late. */
const MOST_FILES = 4
const DEFAULT_BATCH_BYTES = 1_048_576
const DEFAULT_SETTLE_MS = 5_000

/** Reads a log and the files that it is rotated to: each event once, from a position that lives with the caller. One caller at a time. */
export class Tail {
  readonly #options: TailOptions
  readonly #family: Family
  readonly #lookAgainMs: number
  readonly #files: FollowedFile[] = []
  #gone: readonly FilePosition[] = []
  #position: TailPosition | null
  #floorMs = -1
  #watcher: FSWatcher | null = null
  #unwatchable = false
  #changed = false
  #onChange: (() => void) | null = null
  #started = false

  constructor(options: TailOptions) {
    this.#options = options
    this.#lookAgainMs = options.lookAgainMs ?? 250
    this.#family = new Family(options.path, this.#lookAgainMs)
    this.#position = options.position ?? null
  }

  /** One look at the files. Throws when a folder or file cannot be read; then open another tail at the last position. */
  async poll(limits: { readonly maxBytes?: number } = {}): Promise<TailBatch> {
    this.#changed = false
    const notices: TailNotice[] = []
    // How long a state lasted is measured between looks: a process may stand still at any point between.
    const lookedAtMs = performance.now()
    const members = await this.#family.look(file => this.#wants(file))
    if (!this.#started) this.#start(members, notices)
    await this.#recognise(members, lookedAtMs, notices)
    // While a rename or a copy is under way what is new here may be what is missed there, or come before it.
    const still = this.#family.isStill && !this.#files.some(file => file.missingForMs !== null && !this.#isGone(file))
    if (still || this.#files.length === 0) this.#begin(members, notices)
    const entries: LogEntry[] = []
    let left = limits.maxBytes ?? DEFAULT_BATCH_BYTES
    for (const file of this.#files) {
      const { host, path, maxEntryBytes = 1_048_576, settleMs = DEFAULT_SETTLE_MS, begins, whole } = this.#options
      const isLast = file === this.#files.at(-1)
      const settled = this.#isGone(file) || (!file.member.live && !isLast && file.quietForMs >= settleMs)
      if (left <= 0 || (file.unseenBytes === 0 && !(settled && file.hasHalfEvent))) continue
      const before = file.unseenBytes
      for (const { from, to, ...event } of await file.read({ begins, whole, maxBytes: maxEntryBytes }, left, settled)) {
        entries.push({ ...event, coordinate: { kind: 'file', host, path, fileId: file.fileId, generation: file.generation, from, to } })
      }
      left -= before
      // The order of a source is the order of its files.
      if (file.unseenBytes > 0) break
    }
    await this.#forget(members, notices)
    const live = members.find(member => member.live)
    const heldBytes = this.#files.reduce((sum, file) => sum + (file.hasHalfEvent ? file.unreadBytes : 0), 0)
    return {
      entries,
      notices,
      position: {
        version: 2,
        floorMs: this.#floorMs,
        files: this.#files.map(file => file.position),
        ...(this.#gone.length > 0 && { gone: this.#gone })
      },
      more: this.#files.some(file => file.unseenBytes > 0 && file.missingForMs === null),
      live: live === undefined ? null : { sizeBytes: live.sizeBytes, modifiedMs: live.modifiedMs },
      heldBytes
    }
  }

  /** Resolves when the folder says that something changed since the last look, or after `maxWaitMs`. Only a hint: where it cannot be watched, it is the time. */
  async waitForChange(maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    this.#watch()
    if (this.#changed) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        this.#onChange = null
        resolve()
      }
      const timer = setTimeout(done, maxWaitMs)
      this.#onChange = done
      if (signal?.aborted) done()
      else signal?.addEventListener('abort', done)
    })
  }

  async close(): Promise<void> {
    this.#unwatch()
    await Promise.all(this.#files.map(file => file.close()))
  }

  #watch(): void {
    if (this.#watcher !== null || this.#unwatchable) return
    try {
      this.#watcher = watch(dirname(this.#options.path), { persistent: false }, () => {
        this.#changed = true
        this.#onChange?.()
      })
      this.#watcher.on('error', () => this.#unwatch())
    } catch {
      // A file system or a limit without such notices: looking in turn finds everything, only later.
      this.#unwatchable = true
    }
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = null
    this.#unwatchable = true
  }

  #start(members: readonly Member[], notices: TailNotice[]): void {
    this.#started = true
    const position = this.#position
    if (position === null) {
      this.#floorMs = Math.max(-1, ...members.filter(member => !member.live).map(member => member.modifiedMs))
      return
    }
    this.#gone = position.gone ?? []
    const passedOver = position.version === 1 ? members.filter(({ compressed }) => compressed).map(({ modifiedMs }) => modifiedMs) : []
    this.#floorMs = Math.max(position.floorMs, ...passedOver)
    for (const file of position.files) {
      const member = best(members, file.fileId, file.offset)
      const followed = new FollowedFile(member, file.fileId, file)
      this.#files.push(followed)
      if (member !== null && !member.live && file === position.files.at(-1)) notices.push(followed.rotatedTo(member))
    }
  }

  /** Whether a rotated file is, or may be, one to read. */
  #wants({ fileId, modifiedMs }: Pick<Member, 'fileId' | 'modifiedMs'>): boolean {
    if (this.#started) return modifiedMs > this.#floorMs || this.#files.some(file => file.fileId === fileId)
    const position = this.#position
    return position !== null && (modifiedMs > position.floorMs || position.files.some(file => file.fileId === fileId))
  }

  async #recognise(members: readonly Member[], lookedAtMs: number, notices: TailNotice[]): Promise<void> {
    for (const file of this.#files) {
      const { offset } = file.position
      const member = best(members, file.fileId, offset)
      // A copy that is shorter may be on its way, while what it was made of is emptied already.
      const isPartial = member !== null && !member.live && member.sizeBytes < offset && file.missedBy(lookedAtMs) < this.#lookAgainMs
      notices.push(...(await file.see(isPartial ? null : member, lookedAtMs)))
    }
  }

  /** Files that are not followed yet: the live one, and those that were rotated while nobody looked. */
  #begin(members: readonly Member[], notices: TailNotice[]): void {
    for (const member of members) {
      const { fileId, compressed, sizeBytes } = member
      // One that nobody wanted, for the same is there uncompressed.
      if (compressed && sizeBytes === 0) continue
      if (fileId === null || this.#files.some(file => file.fileId === fileId)) continue
      if (!member.live && member.modifiedMs <= this.#floorMs) continue
      if (!member.live) notices.push({ kind: 'found', fileId, name: member.name, sizeBytes: member.sizeBytes })
      this.#files.push(new FollowedFile(member, fileId, this.#gone.find(file => file.fileId === fileId) ?? null))
      this.#gone = this.#gone.filter(file => file.fileId !== fileId)
    }
  }

  #isGone({ missingForMs, fileId }: FollowedFile): boolean {
    return missingForMs !== null && missingForMs >= this.#lookAgainMs && !this.#family.isBeingCompressed(fileId, this.#options.settleMs ?? DEFAULT_SETTLE_MS)
  }

  async #forget(members: readonly Member[], notices: TailNotice[]): Promise<void> {
    for (const file of this.#files.slice()) {
      const { fileId, member, position } = file
      const gone = this.#isGone(file)
      const tooMany = this.#files.length > MOST_FILES && file.missingForMs === null && !member.live && file.unreadBytes === 0
      if ((!gone && !tooMany) || file.unseenBytes > 0) continue
      if (gone) {
        this.#gone = [...this.#gone, position].slice(-MOST_FILES)
        // Another text in the same inode means that it was emptied.
        const emptied = members.find(({ live, inode }) => live && inode === member.inode)
        if (emptied !== undefined) notices.push({ kind: 'truncated', fileId, readTo: position.offset, sizeBytes: emptied.sizeBytes, unreadBytes: null })
        else notices.push({ kind: 'gone', fileId, readTo: position.offset, unreadBytes: file.lostCount ? null : file.unreadBytes })
      } else {
        const copies = members.filter(each => each.fileId === fileId)
        this.#floorMs = Math.max(this.#floorMs, member.modifiedMs, ...copies.map(({ modifiedMs }) => modifiedMs))
      }
      this.#files.splice(this.#files.indexOf(file), 1)
      await file.close()
    }
  }
}

/** The live file, where it holds what was read; else the longest, for a copy that is being written is shorter. */
function best(members: readonly Member[], fileId: string, offset: number): Member | null {
  const same = members.filter(member => member.fileId === fileId)
  const live = same.find(member => member.live)
  if (live !== undefined && (live.sizeBytes >= offset || same.length === 1)) return live
  return same.sort((one, other) => other.sizeBytes - one.sizeBytes)[0] ?? null
}
