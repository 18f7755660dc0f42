import { hash } from 'node:crypto'
import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** One file of a log: the live one or a rotated one, as it was at one look. */
export interface Member {
  readonly name: string
  readonly path: string
  readonly live: boolean
  /** Null while its first line is not whole, and of a file that was emptied. */
  readonly fileId: string | null
  readonly inode: string
  readonly device: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Changes with every change of the file, in nanoseconds since the epoch. */
  readonly changed: string
}

const HEAD_BYTES = 4_096
const compressed = /\.(?:gz|bz2|xz|zst|zip|lz4|Z)$/

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

  constructor(path: string, lookAgainMs: number) {
    this.#path = path
    this.#lookAgainMs = lookAgainMs
  }

  /** Whether the folder has not changed for a while: only then no rename can have been between its names and its files. */
  get isStill(): boolean {
    return this.#namesAtMs - this.#folderSeenAtMs >= this.#lookAgainMs
  }

  /** Oldest first, the live one last. Looks into the folder only when it has changed. Throws when the folder or a file cannot be read. */
  async look(): Promise<readonly Member[]> {
    const folder = dirname(this.#path)
    const changed = await this.#folderChange(folder)
    // A file system's clock ticks every few milliseconds: what is made within the same tick does not change the time again.
    if (!this.isStill) {
      const nowMs = performance.now()
      const live = basename(this.#path)
      const rotated = (name: string): boolean => name.startsWith(live) && /^[.-]./.test(name.slice(live.length)) && !compressed.test(name)
      this.#names = (await readdir(folder)).filter(name => name === live || rotated(name))
      this.#folderChanged = changed
      this.#namesAtMs = nowMs
    }
    const members: Member[] = []
    for (const name of this.#names) {
      const member = await this.#member(join(folder, name), name, name === basename(this.#path))
      if (member !== null) members.push(member)
      else this.#known.delete(name)
    }
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
      const fileId = await headIdOf(path)
      const member = { name, path, live, fileId, inode: String(ino), device: String(dev), sizeBytes: Number(size), modifiedMs: Number(mtimeMs), changed }
      this.#known.set(name, member)
      return member
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }
}

async function headIdOf(path: string): Promise<string | null> {
  const file = await open(path, 'r')
  try {
    return await headId(file)
  } finally {
    await file.close()
  }
}

/** What a file is, by its beginning; null while its first line is not whole. */
export async function headId(file: FileHandle): Promise<string | null> {
  const head = Buffer.alloc(HEAD_BYTES)
  const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0)
  const breakAt = head.subarray(0, bytesRead).indexOf(10)
  if (breakAt < 0 && bytesRead < HEAD_BYTES) return null
  return hash('sha256', head.subarray(0, breakAt < 0 ? HEAD_BYTES : breakAt + 1), 'hex').slice(0, 16)
}
