import { hash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type LogBytes, openLogBytes } from './log-bytes.ts'

/** One file of a log: the live one or a rotated one, as it was at one look. */
export interface Member {
  readonly name: string
  readonly path: string
  readonly live: boolean
  /** By gzip. All that is said of bytes is of those that the broker wrote. */
  readonly compressed: boolean
  /** Null while its first line is not whole, and of a file that was emptied. */
  readonly fileId: string | null
  readonly inode: string
  readonly device: string
  /** 0 of a compressed one that nobody wants to read. */
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Changes with every change of the file, in nanoseconds since the epoch. */
  readonly changed: string
}

interface Gzipped {
  readonly fileId: string | null
  /** Of what is in it; null where it is not whole, undefined where nobody wanted to know. */
  sizeBytes: number | null | undefined
  /** Monotonic; when it was first seen as it is. */
  readonly seenAtMs: number
}

const HEAD_BYTES = 4_096
const gzipped = /\.gz$/
const unreadable = /\.(?:bz2|xz|zst|zip|lz4|Z)$/

/** The files of one log: `path` itself, and beside it those named `path` with `.` or `-` and more, as log4j and logrotate name what they rotate. */
export class Family {
  readonly #path: string
  #names: readonly string[] = []
  #folderChanged = ''
  #folderSeenAtMs = 0
  #namesAtMs = 0
  readonly #lookAgainMs: number
  /** By name, as seen last. */
  readonly #known = new Map<string, Member>()
  /** Compressed files by what they are on the disk, which a rename leaves as it is. */
  #gzipped = new Map<string, Gzipped>()

  constructor(path: string, lookAgainMs: number) {
    this.#path = path
    this.#lookAgainMs = lookAgainMs
  }

  /** Whether the folder has not changed for a while: only then no rename can have been between its names and its files. */
  get isStill(): boolean {
    return this.#namesAtMs - this.#folderSeenAtMs >= this.#lookAgainMs
  }

  /** Whether there is a compressed file that is not whole yet, begins as this one, and has changed within that time. */
  isBeingCompressed(fileId: string, withinMs: number): boolean {
    const sinceMs = performance.now() - withinMs
    return [...this.#gzipped.values()].some(file => file.fileId === fileId && file.sizeBytes === null && file.seenAtMs > sinceMs)
  }

  /**
   * Oldest first, the live one last. Looks into the folder only when it has changed. Of compressed files only those that are wanted are
   * looked at to their end, and none of which the same is there uncompressed. Throws when the folder or a file cannot be read.
   */
  async look(wanted: (file: Pick<Member, 'fileId' | 'modifiedMs'>) => boolean): Promise<readonly Member[]> {
    const folder = dirname(this.#path)
    const changed = await this.#folderChange(folder)
    // A file system's clock ticks every few milliseconds: what is made within the same tick does not change the time again.
    if (!this.isStill) {
      const nowMs = performance.now()
      const live = basename(this.#path)
      const rotated = (name: string): boolean => name.startsWith(live) && /^[.-]./.test(name.slice(live.length)) && !unreadable.test(name)
      this.#names = (await readdir(folder)).filter(name => name === live || rotated(name))
      this.#folderChanged = changed
      this.#namesAtMs = nowMs
    }
    const members: Member[] = []
    for (const name of this.#names.filter(each => !gzipped.test(each))) {
      const member = await this.#member(join(folder, name), name, name === basename(this.#path))
      if (member !== null) members.push(member)
      else this.#known.delete(name)
    }
    const plain = new Set(members.map(({ fileId }) => fileId))
    const seen = new Map<string, Gzipped>()
    for (const name of this.#names.filter(each => gzipped.test(each))) {
      const member = await this.#gzippedMember(join(folder, name), name, seen, file => !plain.has(file.fileId) && wanted(file))
      if (member !== null) members.push(member)
    }
    this.#gzipped = seen
    await this.#folderChange(folder)
    return members.sort((one, other) => Number(one.live) - Number(other.live) || one.modifiedMs - other.modifiedMs || (one.name < other.name ? -1 : 1))
  }

  /** When the folder was changed last; a change since the names were read ends the stillness. */
  async #folderChange(folder: string): Promise<string> {
    const { ctimeNs } = await stat(folder, { bigint: true }).catch((error: Error) => {
      throw new Error(`${folder}, the folder of a log, cannot be read: ${error.message}`, { cause: error })
    })
    const changed = String(ctimeNs)
    if (this.#folderChanged !== changed) this.#folderSeenAtMs = this.#namesAtMs = performance.now()
    return changed
  }

  async #member(path: string, name: string, live: boolean): Promise<Member | null> {
    try {
      const facts = await stat(path, { bigint: true })
      if (!facts.isFile()) return null
      const { dev, ino, size, mtimeMs, ctimeNs } = facts
      const known = this.#known.get(name)
      const changed = String(ctimeNs)
      if (known?.changed === changed && known.inode === String(ino) && known.sizeBytes === Number(size)) return known
      const fileId = await openedAs(path, false, headId)
      const member = {
        name,
        path,
        live,
        compressed: false,
        fileId,
        inode: String(ino),
        device: String(dev),
        sizeBytes: Number(size),
        modifiedMs: Number(mtimeMs),
        changed
      }
      this.#known.set(name, member)
      return member
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Null where it is not whole, which may be because it is still being written. */
  async #gzippedMember(
    path: string,
    name: string,
    seen: Map<string, Gzipped>,
    wanted: (file: Pick<Member, 'fileId' | 'modifiedMs'>) => boolean
  ): Promise<Member | null> {
    try {
      const facts = await stat(path, { bigint: true })
      if (!facts.isFile()) return null
      const { dev, ino, size, mtimeMs, mtimeNs } = facts
      // What it was made of was written before it; gzip gives it the same time, others do not.
      const modifiedMs = Number(mtimeMs)
      const place = `${dev}:${ino}:${size}:${mtimeNs}`
      const known = this.#gzipped.get(place) ?? { fileId: await openedAs(path, true, headId), sizeBytes: undefined, seenAtMs: performance.now() }
      seen.set(place, known)
      const { fileId } = known
      if (fileId === null) return null
      const isWanted = wanted({ fileId, modifiedMs })
      if (isWanted && known.sizeBytes === undefined) known.sizeBytes = await openedAs(path, true, file => file.sizeBytes())
      if (isWanted && known.sizeBytes === null) return null
      return {
        name,
        path,
        live: false,
        compressed: true,
        fileId,
        inode: String(ino),
        device: String(dev),
        sizeBytes: known.sizeBytes ?? 0,
        modifiedMs,
        changed: place
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }
}

async function openedAs<T>(path: string, compressed: boolean, look: (file: LogBytes) => Promise<T>): Promise<T> {
  const file = await openLogBytes(path, compressed)
  try {
    return await look(file)
  } finally {
    await file.close()
  }
}

/** What a file is, by its beginning; null while its first line is not whole. */
export async function headId(file: LogBytes): Promise<string | null> {
  const head = Buffer.alloc(HEAD_BYTES)
  let bytesRead = 0
  for (let more = true; more && bytesRead < HEAD_BYTES;) {
    const read = await file.read(head, bytesRead, HEAD_BYTES - bytesRead, bytesRead)
    bytesRead += read.bytesRead
    more = read.bytesRead > 0
  }
  const breakAt = head.subarray(0, bytesRead).indexOf(10)
  if (breakAt < 0 && bytesRead < HEAD_BYTES) return null
  return hash('sha256', head.subarray(0, breakAt < 0 ? HEAD_BYTES : breakAt + 1), 'hex').slice(0, 16)
}
